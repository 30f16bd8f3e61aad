"""From a mask to the polygons a format can hold, as few corners as are allowed.

The writers call it. Everything is measured by what the format's reader will make of
the polygons: its mask and the true one have an intersection over union (IoU) of at
least `min_iou`; 1 means the same pixels.

Masks are bool [h, w], polygons float [P, (x, y)] in pixels of the mask.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mrcnn.data.contours import (
    centre_rings,
    edge_rings,
    is_hole,
    join_rings,
    with_area,
)
from mrcnn.data.polygons import fill_polygon
from mrcnn.data.rle import unpacked_mask

# How far a left out corner may lie from the line that replaces it, pixels.
_TOLERANCES = (6, 4, 3, 2, 1.5, 1, 0.85, 0.7, 0.5, 0.35)


def single_polygon(mask: np.ndarray, min_iou: float = 1.0) -> np.ndarray:
    """Return one polygon for all parts and holes, for VIA and YOLO.

    Parts are tied together, and holes to the outline, by lines without pixels.
    """

    def draw(rings):
        return fill_polygon(*join_rings(rings).T, mask.shape)

    # The rings as they are give the very mask, so that there always are some.
    return join_rings(_fewest_corners(centre_rings(mask), draw, mask, min_iou))


def part_polygons(mask: np.ndarray, min_iou: float = 1.0) -> list[np.ndarray] | None:
    """Return a polygon for each part, for LabelMe; None where holes prevent it."""

    def draw(rings):
        fills = [fill_polygon(*with_area(ring).T, mask.shape) for ring in rings]
        return np.any(fills, axis=0)

    rings = _fewest_corners(centre_rings(mask, holes=False), draw, mask, min_iou)
    return None if rings is None else [with_area(ring) for ring in rings]


def coco_polygons(mask: np.ndarray, min_iou: float = 1.0) -> list[np.ndarray] | None:
    """Return a polygon for each part, for COCO; None where holes prevent it."""
    rings = [ring for ring in edge_rings(mask) if not is_hole(ring)]
    return _fewest_corners(rings, lambda rings: _draw_coco(rings, mask), mask, min_iou)


def coco_polygon_with_holes(mask: np.ndarray) -> np.ndarray:
    """Return one polygon for all parts and holes as pycocotools draws it, for COCO."""
    return join_rings(edge_rings(mask))


def _draw_coco(rings: list[np.ndarray], mask: np.ndarray) -> np.ndarray:
    from pycocotools import mask as coco_mask

    parts = [ring.ravel().tolist() for ring in rings]
    return unpacked_mask(coco_mask.merge(coco_mask.frPyObjects(parts, *mask.shape)))


def _fewest_corners(
    rings: list[np.ndarray],
    draw: Callable[[list[np.ndarray]], np.ndarray],
    mask: np.ndarray,
    min_iou: float,
) -> list[np.ndarray] | None:
    """Return rings with corners left out, while what they cover is near the mask.

    Args:
        rings: int [P, (x, y)] each.
        draw: the mask that rings cover.
        mask: the true one.
        min_iou: how near they have to be; with 1 every corner stays.

    Returns:
        A selection of the corners of each; None if even all are not near enough.
    """
    import cv2

    for tolerance in _TOLERANCES if min_iou < 1 else ():
        fewer = [
            cv2.approxPolyDP(ring.astype(np.int32), tolerance, True)[:, 0]
            for ring in rings
        ]
        fewer = [
            few if len(few) >= 3 else ring
            for few, ring in zip(fewer, rings, strict=True)
        ]
        if _iou(draw(fewer), mask) >= min_iou:
            return fewer
    return rings if _iou(draw(rings), mask) >= min_iou else None


def _iou(mask: np.ndarray, other: np.ndarray) -> float:
    return np.count_nonzero(mask & other) / np.count_nonzero(mask | other)
