"""Masks as a picture of nothing but colours, for networks and for looking.

`samples/office` and `samples/detect.py` paint with it. Unlike `annotate` it blends
and smooths nothing: every pixel is black or one of the colours given.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mrcnn.structures import Detections


def paint_masks(
    detections: Detections, colors: Sequence[tuple[int, int, int]]
) -> np.ndarray:
    """Return a black picture with each mask filled in a colour.

    Where masks overlap the smaller is on top, as a cup is before a person.

    Args:
        detections: the objects of one image.
        colors: (red, green, blue) of each object.

    Returns:
        uint8 [H, W, 3], RGB, of the image's size.

    Example:
        >>> found = Detections(
        ...     image_hw=(2, 3),
        ...     boxes=np.array([[0, 1, 2, 3]], np.int32),
        ...     class_ids=np.array([1], np.int32),
        ...     scores=np.array([0.9], np.float32),
        ...     box_masks=(np.eye(2, dtype=bool),),
        ... )
        >>> paint_masks(found, [(255, 0, 0)])[..., 0]
        array([[  0, 255,   0],
               [  0,   0, 255]], dtype=uint8)
    """
    canvas = np.zeros((*detections.image_hw, 3), np.uint8)
    areas = np.array([np.count_nonzero(mask) for mask in detections.box_masks], int)
    for i in np.argsort(-areas, kind="stable"):
        y1, x1, y2, x2 = detections.boxes[i]
        canvas[y1:y2, x1:x2][detections.box_masks[i]] = colors[i]
    return canvas
