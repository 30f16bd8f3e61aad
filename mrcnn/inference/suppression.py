"""Objects found twice under two classes: the surer one stays.

The network suppresses within a class only. ``mrcnn predict --agnostic-nms`` calls
`suppress_across_classes`, on what the network or `tiles` found.
"""

from __future__ import annotations

import numpy as np

from mrcnn.geometry.boxes import compute_overlaps
from mrcnn.geometry.masks import common_pixels
from mrcnn.structures import Detections


def suppress_across_classes(
    detections: Detections, max_overlap: float = 0.5
) -> Detections:
    """Return the detections without those whose mask is that of a surer one.

    On masks and not on boxes, so that a person before a bench leaves the bench.

    Args:
        detections: the objects of one image.
        max_overlap: intersection over union of two masks, whatever their classes,
            above which the one with the lower score goes.

    Returns:
        A selection of `detections`, in their order.
    """
    boxes, masks = detections.boxes, detections.box_masks
    areas = [np.count_nonzero(mask) for mask in masks]
    boxes_meet = compute_overlaps(boxes, boxes) > 0
    kept = []
    for i in np.argsort(-detections.scores, kind="stable"):
        for better in kept:
            if not boxes_meet[i, better]:
                continue
            common = common_pixels(boxes[i], masks[i], boxes[better], masks[better])
            if common > max_overlap * (areas[i] + areas[better] - common):
                break
        else:
            kept.append(i)
    return detections.select(np.sort(np.array(kept, int)))
