"""Regions of interest drawn at random, for training the heads without the RPN.

Used with USE_RPN_ROIS = False: `batches` then adds them under the key `rois`.
Boxes are (y1, x1, y2, x2) in pixels of the resized image.
"""

import numpy as np

SHARE_AROUND_OBJECTS = 0.9


def generate_random_rois(
    image_shape: tuple[int, ...],
    count: int,
    gt_class_ids: np.ndarray,
    gt_boxes: np.ndarray,
    rng: np.random.Generator | None = None,
) -> np.ndarray:
    """Return random boxes, nine in ten of them around the objects.

    Around an object means within its box enlarged by its own size to all sides;
    every object gets as many. What is left over lies anywhere in the image.

    Args:
        image_shape: (height, width, ...), pixels.
        count: boxes to draw.
        gt_class_ids: int [N], one a box; their values play no part.
        gt_boxes: int [N, (y1, x1, y2, x2)], pixels.
        rng: source of the randomness; None for a fresh one.

    Returns:
        int32 [count, (y1, x1, y2, x2)], each of at least one pixel, inside the image.
    """
    rng = np.random.default_rng() if rng is None else rng
    height, width = image_shape[:2]
    gt_boxes = np.asarray(gt_boxes, int).reshape(-1, 4)[: len(gt_class_ids)]
    rois_per_box = int(SHARE_AROUND_OBJECTS * count / max(len(gt_boxes), 1))
    rois = []
    for y1, x1, y2, x2 in gt_boxes:
        rows = (max(2 * y1 - y2, 0), min(2 * y2 - y1, height))
        columns = (max(2 * x1 - x2, 0), min(2 * x2 - x1, width))
        rois.append(_boxes_within(rows, columns, rois_per_box, rng))
    left = count - rois_per_box * len(gt_boxes)
    rois.append(_boxes_within((0, height), (0, width), left, rng))
    return np.concatenate(rois)


def _boxes_within(rows: tuple, columns: tuple, num: int, rng) -> np.ndarray:
    y1, y2 = _intervals(*rows, num, rng)
    x1, x2 = _intervals(*columns, num, rng)
    return np.stack([y1, x1, y2, x2], axis=1).astype(np.int32)


def _intervals(start: int, stop: int, num: int, rng) -> np.ndarray:
    """Return num pairs of different numbers from start to stop, [2, num], in order.

    The second number is a step of 1 to `stop - start` away from the first, round
    and round: two equal ones, of which the original drew anew, do not occur.
    """
    choices = stop - start + 1
    first = rng.integers(0, choices, num)
    second = (first + rng.integers(1, choices, num)) % choices
    return start + np.sort([first, second], axis=0)
