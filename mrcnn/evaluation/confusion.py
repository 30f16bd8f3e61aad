"""The confusion matrix: what each object was taken for, background included.

Called by `evaluation.report`. Axis letters as in `structures`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mrcnn.evaluation.matching import ImageOverlaps, pair


def confusion_matrix(
    images: Sequence[ImageOverlaps],
    num_classes: int,
    *,
    iou_threshold: float = 0.5,
    min_score: float = 0.5,
) -> np.ndarray:
    """Return how often an object of one class was found as another.

    Every object is in one cell of its class's row, and every detection in one cell
    of its class's column. Crowds, and what was found in them, are in none.

    Args:
        images: objects and detections of each image.
        num_classes: K, the background included.
        iou_threshold: least overlap of masks at which a detection is of an object.
        min_score: least score at which something counts as found.

    Returns:
        int64 [K, K]: rows are what the objects are, columns what they were found as.
        Column 0 holds objects that were missed, row 0 what was found where nothing
        is; [0, 0], the background left alone, cannot be counted and is 0.
    """
    matrix = np.zeros((num_classes, num_classes), np.int64)
    for image in images:
        pairs = pair(image, iou_threshold, min_score)
        # The object "-1" is the background.
        classes = np.append(image.gt_class_ids, 0)
        of_found = classes[pairs.object_of[pairs.counts]]
        np.add.at(matrix, (of_found, image.class_ids[pairs.counts]), 1)
        np.add.at(matrix[:, 0], image.gt_class_ids[pairs.missed], 1)
    return matrix
