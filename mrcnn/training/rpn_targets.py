"""What the region proposal network (RPN) should learn from one image.

Anchors and the boxes of the objects go in; which anchors are positive,
negative or left out, and the deltas of the positive ones, come out. Called by
`batches` for every training image. Boxes are (y1, x1, y2, x2) in pixels of the
resized image; axis letters as in `structures`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mrcnn.geometry.boxes import box_refinement

POSITIVE_IOU = 0.7
NEGATIVE_IOU = 0.3
# An anchor that overlaps a crowd by as much is never negative.
CROWD_IOU = 0.001


@dataclass(frozen=True, eq=False)
class AnchorTable:
    """Anchors by area: those that can match an object then lie beside each other.

    Attributes:
        anchors: float [A, (y1, x1, y2, x2)], pixels.
        order: int [A], which anchor stands where in the next two.
        columns: float [(y1, x1, y2, x2), A].
        areas: float [A], ascending.
    """

    anchors: np.ndarray
    order: np.ndarray
    columns: np.ndarray
    areas: np.ndarray

    @classmethod
    def of(cls, anchors: np.ndarray) -> AnchorTable:
        """Return the table of some anchors.

        Args:
            anchors: float [A, (y1, x1, y2, x2)], pixels.
        """
        anchors = np.asarray(anchors)
        y1, x1, y2, x2 = anchors.T
        areas = (y2 - y1) * (x2 - x1)
        order = np.argsort(areas, kind="stable")
        columns = np.ascontiguousarray(anchors[order].T)  # [A, 4] -> [4, A]
        return cls(anchors, order, columns, areas[order])


def build_rpn_targets(
    anchors: np.ndarray | AnchorTable,
    gt_class_ids: np.ndarray,
    gt_boxes: np.ndarray,
    *,
    num_anchors: int = 256,
    bbox_std_dev: np.ndarray,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Return which anchors count in the RPN losses, and where they should go.

    An anchor is positive when it is the best of an object or overlaps one by
    0.7 or more; negative when it overlaps every object by less than 0.3 and no
    crowd. At most half of `num_anchors` stay positive and the sample is filled
    up with negatives; the others become neutral, at random.

    Args:
        anchors: float [A, (y1, x1, y2, x2)], pixels; or their table, which saves
            most of the time where many images have the same anchors.
        gt_class_ids: int [N], negative for a crowd.
        gt_boxes: [N, (y1, x1, y2, x2)], pixels.
        num_anchors: anchors that count, positive and negative together.
        bbox_std_dev: float [4], the deltas are divided by it.
        rng: picks the anchors that stay.

    Returns:
        rpn_match: int32 [A], 1 positive, -1 negative, 0 neutral.
        rpn_bbox: float32 [num_anchors, (dy, dx, log dh, log dw)], deltas of the
            positive anchors in their order, each to the object it overlaps
            most; zeros after them.

    Example:
        >>> rpn_match, rpn_bbox = build_rpn_targets(
        ...     np.array([[0, 0, 10, 10], [0, 10, 10, 20]]),
        ...     np.array([1]),
        ...     np.array([[0, 0, 10, 9]]),
        ...     num_anchors=4,
        ...     bbox_std_dev=np.ones(4),
        ...     rng=np.random.default_rng(0),
        ... )
        >>> rpn_match
        array([ 1, -1], dtype=int32)
    """
    table = anchors if isinstance(anchors, AnchorTable) else AnchorTable.of(anchors)
    gt_boxes = np.asarray(gt_boxes, float).reshape(-1, 4)
    is_crowd = np.asarray(gt_class_ids).reshape(-1) < 0

    objects = gt_boxes[~is_crowd]
    best_iou, best_object, is_best = _match(table, objects, NEGATIVE_IOU)
    is_positive = is_best | (best_iou >= POSITIVE_IOU)
    is_negative = ~is_positive & (best_iou < NEGATIVE_IOU)
    if is_crowd.any():
        crowd_iou, _, _ = _match(table, gt_boxes[is_crowd], CROWD_IOU)
        is_negative &= crowd_iou < CROWD_IOU

    positives = _sample(is_positive, num_anchors // 2, rng)
    negatives = _sample(is_negative, num_anchors - len(positives), rng)
    rpn_match = np.zeros(len(table.anchors), np.int32)
    rpn_match[positives] = 1
    rpn_match[negatives] = -1
    rpn_bbox = np.zeros((num_anchors, 4), np.float32)
    deltas = box_refinement(table.anchors[positives], objects[best_object[positives]])
    rpn_bbox[: len(positives)] = deltas / np.asarray(bbox_std_dev, np.float32)
    return rpn_match, rpn_bbox


def _match(
    table: AnchorTable, gt_boxes: np.ndarray, least_iou: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Compare the anchors with boxes, one box at a time.

    No [A, N] array is made: a box is compared with the anchors that touch it and
    whose area lets them reach `least_iou`, which is a small part of them.

    Args:
        table: the anchors.
        gt_boxes: float64 [N, 4].
        least_iou: overlaps below it may be reported as 0.

    Returns:
        best_iou: float64 [A], the highest overlap of each anchor.
        best_box: int [A], the box it has that overlap with, the first of several.
        is_best: bool [A], whether it is the best anchor of a box, or one of several.
    """
    num = len(table.anchors)
    best_iou = np.zeros(num)
    best_box = np.zeros(num, int)
    is_best = np.zeros(num, bool)
    for index, box in enumerate(gt_boxes):
        touching, iou = _overlaps(table, box, least_iou)
        if iou.max(initial=0) < least_iou:  # its best anchor may be of any area
            touching, iou = _overlaps(table, box, 0)
        # An object outside all anchors has no best one, hence the second condition.
        is_best[touching[(iou == iou.max(initial=0)) & (iou > 0)]] = True
        better = iou > best_iou[touching]
        best_iou[touching[better]] = iou[better]
        best_box[touching[better]] = index
    return best_iou, best_box, is_best


def _overlaps(
    table: AnchorTable, box: np.ndarray, least_iou: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the anchors that can overlap a box by `least_iou`, and the IoU, [M]."""
    y1, x1, y2, x2 = map(float, box)  # plain numbers leave float32 anchors as they are
    area = (y2 - y1) * (x2 - x1)
    if area <= 0:
        return np.zeros(0, int), np.zeros(0)
    near = slice(None)
    if least_iou > 0:
        # The overlap is at most the smaller area over the larger one. A little more
        # passes, in case these limits are rounded.
        limits = least_iou * area * (1 - 1e-6), area / least_iou * (1 + 1e-6)
        near = slice(*np.searchsorted(table.areas, limits))
    columns, areas = table.columns[:, near], table.areas[near]
    touching = np.flatnonzero((columns[0] < y2) & (columns[2] > y1))
    touching = touching[(columns[1, touching] < x2) & (columns[3, touching] > x1)]
    a_y1, a_x1, a_y2, a_x2 = columns[:, touching].astype(float)
    height = np.minimum(a_y2, y2) - np.maximum(a_y1, y1)
    width = np.minimum(a_x2, x2) - np.maximum(a_x1, x1)
    shared = height * width
    iou = shared / (areas[touching] + area - shared)
    return table.order[near][touching], iou


def _sample(is_candidate: np.ndarray, most: int, rng) -> np.ndarray:
    """Return the candidates, or `most` of them at random, int [M], ascending."""
    candidates = np.flatnonzero(is_candidate)
    if len(candidates) <= most:
        return candidates
    # Drawing the few that stay is far quicker than the many that go.
    return np.sort(rng.choice(candidates, most, replace=False, shuffle=False))
