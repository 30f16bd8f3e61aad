"""Masks and boxes painted into arrays of pixels, as the original's functions do it.

`figures` and `steps` paint masks with these; for whole pictures there is `annotate`.
"""

from __future__ import annotations

import numpy as np

from mrcnn.geometry.masks import mask_in_box


def apply_mask(
    image: np.ndarray,
    mask: np.ndarray,
    color: tuple[float, float, float],
    alpha: float = 0.5,
) -> np.ndarray:
    """Return the image with a mask blended in; the image itself stays as it was.

    Args:
        image: [H, W, 3], values 0 to 255.
        mask: bool or 0 and 1, [H, W].
        color: three floats from 0 to 1.
        alpha: how far the mask covers the image, 0 to 1.

    Returns:
        The shape and dtype of `image`; whole numbers are cut, not rounded, as the
        original's.

    Example:
        >>> grey = np.full((1, 2, 3), 100, np.uint8)
        >>> apply_mask(grey, np.array([[1, 0]]), (1.0, 0.0, 0.0)).tolist()
        [[[177, 50, 50], [100, 100, 100]]]
    """
    image = np.asarray(image)
    blended = image * (1 - alpha) + alpha * np.asarray(color) * 255
    is_inside = np.asarray(mask)[..., None] == 1
    return np.where(is_inside, blended, image).astype(image.dtype)


def draw_box(image: np.ndarray, box: np.ndarray, color) -> np.ndarray:
    """Return the image with a box drawn two pixels wide; the image stays as it was.

    Args:
        image: [H, W, 3].
        box: int [(y1, x1, y2, x2)], pixels.
        color: three values in the image's range.

    Returns:
        The shape and dtype of `image`.
    """
    image = np.array(image)
    y1, x1, y2, x2 = box
    image[y1 : y1 + 2, x1:x2] = color
    image[y2 : y2 + 2, x1:x2] = color
    image[y1:y2, x1 : x1 + 2] = color
    image[y1:y2, x2 : x2 + 2] = color
    return image


def paint_small_mask(picture: np.ndarray, mask: np.ndarray, box, color) -> np.ndarray:
    """Blend a mask of the network into a picture, in place.

    Args:
        picture: uint8 [H, W, 3].
        mask: float [h, w], probabilities inside the box, 28x28 for example.
        box: [(y1, x1, y2, x2)], pixels; it may reach out of the picture.
        color: three floats from 0 to 1.

    Returns:
        bool [H, W], the pixels it covers.
    """
    y1, x1, y2, x2 = (int(side) for side in box)
    in_box = mask_in_box(mask, (max(y2 - y1, 0), max(x2 - x1, 0)))
    in_box = in_box[max(-y1, 0) :, max(-x1, 0) :]
    region = np.s_[max(y1, 0) : max(y2, 0), max(x1, 0) : max(x2, 0)]
    covered = np.zeros(picture.shape[:2], bool)
    height, width = covered[region].shape
    covered[region] = in_box[:height, :width]
    picture[region] = apply_mask(picture[region], covered[region], color)
    return covered
