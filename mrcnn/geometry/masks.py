"""Masks in NumPy: boxes around them, mini-masks, pasting, overlaps.

A mask lives in three sizes: full size [H, W] as data sets give it, a mini-mask
[h, w] of its own box for training, and the network's 28x28 of its own box. Here
they become each other. Masks stand last, [H, W, N], in the original's order;
axis letters as in `structures`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mrcnn.errors import DatasetError
from mrcnn.geometry.interpolation import linear_matrix, resize_linear


def extract_bboxes(mask: np.ndarray) -> np.ndarray:
    """Return the smallest box around each mask.

    Args:
        mask: bool [H, W, N].

    Returns:
        int32 [N, (y1, x1, y2, x2)], pixels; zeros for a mask without pixels.

    Example:
        >>> mask = np.zeros((4, 6, 1), bool)
        >>> mask[1:3, 2:5] = True
        >>> extract_bboxes(mask)
        array([[1, 2, 3, 5]], dtype=int32)
    """
    mask = np.asarray(mask).astype(bool, copy=False)
    x1, x2 = _extent(mask.any(axis=0))
    # Folded in halves unless each mask is one piece of memory: `any` along the rows
    # reads [H, W, N] in runs of N, which takes ten times as long. The middle may be
    # in both halves.
    while mask.shape[1] > 1 and mask.strides[1] != 1:
        half = -(-mask.shape[1] // 2)
        mask = mask[:, :half] | mask[:, -half:]
    y1, y2 = _extent(mask.any(axis=1))
    return np.stack([y1, x1, y2, x2], axis=1).astype(np.int32)


def minimize_mask(
    bbox: np.ndarray, mask: np.ndarray, mini_shape: tuple[int, int]
) -> np.ndarray:
    """Return each mask cut to its box and scaled to a small size, to save memory.

    Args:
        bbox: int [N, (y1, x1, y2, x2)], pixels of the image.
        mask: bool [H, W, N].
        mini_shape: height and width of the result.

    Returns:
        bool [h, w, N]

    Raises:
        DatasetError: a box covers no pixels; names the instance.
    """
    mask = np.asarray(mask).astype(bool, copy=False)
    mini_mask = np.zeros((*mini_shape[:2], mask.shape[-1]), bool)
    for i, (y1, x1, y2, x2) in enumerate(np.asarray(bbox)[:, :4]):
        cut = mask[y1:y2, x1:x2, i]
        if not cut.size:
            raise DatasetError(
                f"Expected boxes of at least one pixel. Received: box "
                f"{(int(y1), int(x1), int(y2), int(x2))} of instance {i}. "
                "Remove the instance, or outline it anew."
            )
        mini_mask[:, :, i] = np.around(resize_linear(cut, mini_shape[:2]))
    return mini_mask


def expand_mask(
    bbox: np.ndarray, mini_mask: np.ndarray, image_shape: tuple[int, ...]
) -> np.ndarray:
    """Return mini-masks at the size of the image; the inverse of `minimize_mask`.

    Args:
        bbox: int [N, (y1, x1, y2, x2)], pixels, inside the image.
        mini_mask: bool [h, w, N].
        image_shape: (height, width, ...) of the image.

    Returns:
        bool [H, W, N]
    """
    mini_mask = np.asarray(mini_mask).astype(bool, copy=False)
    mask = np.zeros((*image_shape[:2], mini_mask.shape[-1]), bool)
    for i, (y1, x1, y2, x2) in enumerate(np.asarray(bbox)[:, :4]):
        box = resize_linear(mini_mask[:, :, i], (y2 - y1, x2 - x1))
        mask[y1:y2, x1:x2, i] = np.around(box)
    return mask


def paste_masks(
    boxes: np.ndarray, box_masks: Sequence[np.ndarray], image_hw: tuple[int, int]
) -> np.ndarray:
    """Return masks inside boxes pasted into empty images.

    Args:
        boxes: int [N, (y1, x1, y2, x2)], pixels, inside the image.
        box_masks: N arrays bool [y2 - y1, x2 - x1].
        image_hw: height and width of the image.

    Returns:
        bool [H, W, N], each mask in one piece of memory.
    """
    masks = np.zeros((len(boxes), *image_hw), bool)
    for mask, (y1, x1, y2, x2), box_mask in zip(masks, boxes, box_masks, strict=True):
        mask[y1:y2, x1:x2] = box_mask
    return np.moveaxis(masks, 0, -1)


def mask_in_box(
    mask: np.ndarray, box_hw: tuple[int, int], threshold: float = 0.5
) -> np.ndarray:
    """Return a mask of the network at the size of its box.

    Args:
        mask: float [h, w], probabilities, 28x28 for example.
        box_hw: height and width of the box, pixels.
        threshold: probability from which a pixel belongs to the object.

    Returns:
        bool [box_hw]
    """
    mask = np.asarray(mask, np.result_type(mask, np.float32))
    if not mask.size or 0 in box_hw:
        return np.zeros(box_hw, bool)
    everywhere, nowhere = mask.min() >= threshold, mask.max() < threshold
    if everywhere or nowhere:
        # Interpolation stays in the range of its input, even at the border.
        return np.full(box_hw, everywhere)
    # The numbers of `resize_linear`; two small products are four times faster here.
    rows, columns = map(linear_matrix, mask.shape, box_hw)
    return (rows @ mask @ columns.T).astype(mask.dtype) >= threshold


def unmold_mask(
    mask: np.ndarray, bbox: np.ndarray, image_shape: tuple[int, ...]
) -> np.ndarray:
    """Return a mask of the network pasted into an empty image.

    Args:
        mask: float [h, w], probabilities, 28x28 for example.
        bbox: int [(y1, x1, y2, x2)], pixels, inside the image.
        image_shape: (height, width, ...) of the image.

    Returns:
        bool [H, W]
    """
    y1, x1, y2, x2 = bbox
    full_mask = np.zeros(image_shape[:2], bool)
    full_mask[y1:y2, x1:x2] = mask_in_box(mask, (y2 - y1, x2 - x1))
    return full_mask


def compute_overlaps_masks(masks1: np.ndarray, masks2: np.ndarray) -> np.ndarray:
    """Return the overlap (intersection over union) of every pair of masks.

    Args:
        masks1: [H, W, N1], bool or probabilities.
        masks2: [H, W, N2], likewise.

    Returns:
        float32 [N1, N2], 0 where both masks are empty.

    Raises:
        DatasetError: the two have masks of different sizes.
    """
    shape1, shape2 = np.shape(masks1), np.shape(masks2)
    if 0 in (shape1[-1], shape2[-1]):
        return np.zeros((shape1[-1], shape2[-1]), np.float32)
    if shape1[:-1] != shape2[:-1]:
        raise DatasetError(
            "Expected masks of the same height and width. Received: "
            f"{shape1[:-1]} and {shape2[:-1]}. Resize one of them."
        )
    # [H, W, N] -> [H * W, N]
    flat1, flat2 = (
        (np.asarray(masks) > 0.5).reshape(-1, np.shape(masks)[-1]).astype(np.float32)
        for masks in (masks1, masks2)
    )
    intersection = flat1.T @ flat2
    union = flat1.sum(axis=0)[:, None] + flat2.sum(axis=0) - intersection
    return intersection / np.where(union > 0, union, 1)


def common_pixels(
    box1: np.ndarray, mask1: np.ndarray, box2: np.ndarray, mask2: np.ndarray
) -> int:
    """Return how many pixels two masks, each inside its box, have in common.

    Args:
        box1: int [(y1, x1, y2, x2)], pixels; may reach out of the image.
        mask1: bool [y2 - y1, x2 - x1].
        box2: likewise.
        mask2: likewise.

    Example:
        >>> common_pixels([0, 0, 2, 2], np.ones((2, 2)), [1, 1, 3, 3], np.eye(2))
        1
    """
    y1, x1 = np.maximum(box1[:2], box2[:2])
    y2, x2 = np.minimum(box1[2:], box2[2:])
    if y2 <= y1 or x2 <= x1:
        return 0
    common1, common2 = (
        np.asarray(mask, bool)[y1 - top : y2 - top, x1 - left : x2 - left]
        for mask, (top, left) in ((mask1, box1[:2]), (mask2, box2[:2]))
    )
    return int(np.count_nonzero(common1 & common2))


def _extent(occupied: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where each column of [S, N] begins to be occupied, and where it ends."""
    size = occupied.shape[0]
    if not size:
        return (np.zeros(occupied.shape[1], int),) * 2
    start = occupied.argmax(axis=0)
    end = size - occupied[::-1].argmax(axis=0)
    return start, np.where(occupied.any(axis=0), end, 0)
