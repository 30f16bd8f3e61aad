"""Box arithmetic in NumPy: deltas, clipping, normalisation, overlaps, suppression.

`ops.boxes` holds the same functions on `keras.ops`, under the same names; each
is the test of the other. Boxes are [N, (y1, x1, y2, x2)] with the bottom and
right edge outside; axis letters as in `structures`.
"""

import numpy as np


def box_refinement(box: np.ndarray, gt_box: np.ndarray) -> np.ndarray:
    """Return the deltas that turn `box` into `gt_box`.

    The parametrisation of Fast R-CNN (Girshick 2015, after R-CNN's equations 6
    to 9): shifts in units of the box, sizes as logarithms.

    Args:
        box: float [N, (y1, x1, y2, x2)], of positive height and width.
        gt_box: float [N, (y1, x1, y2, x2)], likewise.

    Returns:
        float32 [N, (dy, dx, log dh, log dw)].

    Example:
        >>> box_refinement(np.array([[0, 0, 10, 10]]), np.array([[0, 5, 10, 15]]))
        array([[0. , 0.5, 0. , 0. ]], dtype=float32)
    """
    center, size = _center_size(np.asarray(box, np.float32))
    gt_center, gt_size = _center_size(np.asarray(gt_box, np.float32))
    return np.concatenate([(gt_center - center) / size, np.log(gt_size / size)], axis=1)


def apply_box_deltas(boxes: np.ndarray, deltas: np.ndarray) -> np.ndarray:
    """Return the boxes moved and scaled by deltas; the inverse of `box_refinement`.

    Args:
        boxes: float [N, (y1, x1, y2, x2)].
        deltas: float [N, (dy, dx, log dh, log dw)].

    Returns:
        float32 [N, (y1, x1, y2, x2)].
    """
    deltas = np.asarray(deltas, np.float32)
    center, size = _center_size(np.asarray(boxes, np.float32))
    center = center + deltas[:, :2] * size
    size = size * np.exp(deltas[:, 2:])
    # Both corners from the centre: a size that overflows to inf makes no NaN.
    return np.concatenate([center - 0.5 * size, center + 0.5 * size], axis=1)


def clip_boxes(boxes: np.ndarray, window: np.ndarray) -> np.ndarray:
    """Return the boxes cut to a window.

    Args:
        boxes: [N, (y1, x1, y2, x2)].
        window: [(y1, x1, y2, x2)], in the unit of the boxes.

    Returns:
        The dtype and shape of `boxes`.
    """
    y1, x1, y2, x2 = window
    return np.clip(boxes, (y1, x1, y1, x1), (y2, x2, y2, x2)).astype(
        np.asarray(boxes).dtype
    )


def norm_boxes(boxes: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return pixel boxes in the original's normalised coordinates.

    The far corner is shifted by a pixel first, so that (0, 0, h, w) becomes
    (0, 0, 1, 1) although the scale is (h - 1, w - 1).

    Args:
        boxes: [N, (y1, x1, y2, x2)], pixels.
        shape: (height, width) of the image, pixels.

    Returns:
        float32 [N, (y1, x1, y2, x2)], normalised.
    """
    scale, shift = _norm_scale_shift(shape)
    return ((np.asarray(boxes) - shift) / scale).astype(np.float32)


def denorm_boxes(boxes: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return normalised boxes in whole pixels; the inverse of `norm_boxes`.

    Args:
        boxes: float [N, (y1, x1, y2, x2)], normalised.
        shape: (height, width) of the image, pixels.

    Returns:
        int32 [N, (y1, x1, y2, x2)], rounded half to even.
    """
    return np.around(denorm_unrounded(boxes, shape)).astype(np.int32)


def denorm_unrounded(boxes: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return normalised boxes in pixels, as `denorm_boxes` before it rounds.

    Args:
        boxes: float [N, (y1, x1, y2, x2)], normalised.
        shape: (height, width) of the image, pixels.

    Returns:
        float64 [N, (y1, x1, y2, x2)], pixels.
    """
    scale, shift = _norm_scale_shift(shape)
    return np.asarray(boxes) * scale + shift


def compute_iou(
    box: np.ndarray, boxes: np.ndarray, box_area: float, boxes_area: np.ndarray
) -> np.ndarray:
    """Return the overlap (intersection over union) of one box with others.

    Args:
        box: [(y1, x1, y2, x2)].
        boxes: [N, (y1, x1, y2, x2)].
        box_area: area of `box`.
        boxes_area: [N], areas of `boxes`; passed in so that loops compute it once.

    Returns:
        float [N], 0 where both areas are 0.
    """
    height = np.minimum(box[2], boxes[:, 2]) - np.maximum(box[0], boxes[:, 0])
    width = np.minimum(box[3], boxes[:, 3]) - np.maximum(box[1], boxes[:, 1])
    intersection = np.maximum(height, 0) * np.maximum(width, 0)
    union = box_area + boxes_area - intersection
    return intersection / np.where(union > 0, union, 1)


def compute_overlaps(boxes1: np.ndarray, boxes2: np.ndarray) -> np.ndarray:
    """Return the overlap (intersection over union) of every pair of boxes.

    Args:
        boxes1: [N1, (y1, x1, y2, x2)].
        boxes2: [N2, (y1, x1, y2, x2)], in the same unit.

    Returns:
        float32 [N1, N2], 0 where both areas are 0.
    """
    boxes1 = np.asarray(boxes1, np.float32)[:, None]
    boxes2 = np.asarray(boxes2, np.float32)[None]
    # [N1, 1, 2] with [1, N2, 2] -> [N1, N2, 2]
    extent = np.minimum(boxes1[..., 2:], boxes2[..., 2:]) - np.maximum(
        boxes1[..., :2], boxes2[..., :2]
    )
    intersection = np.maximum(extent, 0).prod(axis=-1)
    union = _area(boxes1) + _area(boxes2) - intersection
    return intersection / np.where(union > 0, union, 1)


def non_max_suppression(
    boxes: np.ndarray, scores: np.ndarray, threshold: float
) -> np.ndarray:
    """Return which boxes stay when each yields to a better one that overlaps it.

    Args:
        boxes: [N, (y1, x1, y2, x2)].
        scores: [N].
        threshold: overlap above which the lower score is dropped.

    Returns:
        int32 [M], indices of the kept boxes, best score first.
    """
    boxes = np.asarray(boxes, np.float32)
    areas = _area(boxes)
    order = np.argsort(-np.asarray(scores), kind="stable")
    kept = []
    while len(order):
        best, order = order[0], order[1:]
        kept.append(best)
        iou = compute_iou(boxes[best], boxes[order], areas[best], areas[order])
        order = order[iou <= threshold]
    return np.array(kept, np.int32)


def trim_zeros(boxes: np.ndarray) -> np.ndarray:
    """Return the rows that are not all zero: detections without their padding.

    Args:
        boxes: [N, M], as the original's arrays mark padding.

    Returns:
        [n, M] with n <= N, in the same order.
    """
    boxes = np.asarray(boxes)
    return boxes[~np.all(boxes == 0, axis=1)]


def _area(boxes: np.ndarray) -> np.ndarray:
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])


def _center_size(boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    size = boxes[:, 2:] - boxes[:, :2]
    return boxes[:, :2] + 0.5 * size, size


def _norm_scale_shift(shape) -> tuple[np.ndarray, np.ndarray]:
    height, width = shape[:2]
    scale = np.array([height - 1, width - 1, height - 1, width - 1])
    return scale, np.array([0, 0, 1, 1])
