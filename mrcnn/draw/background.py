"""Objects before another background: grey, blurred, a picture.

`samples/splash` draws with it. The functions that make backgrounds take the picture
and give one of the same size; `replace_background` puts the objects before it.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from mrcnn.draw.redact import redaction_mask
from mrcnn.structures import Detections

# Of a picture's shorter side: how far the blur reaches.
_BLUR_SHARE = 1 / 40


def replace_background(
    image: np.ndarray, detections: Detections, background: np.ndarray
) -> np.ndarray:
    """Return the objects of a picture before a background, edges as the masks are.

    Args:
        image: uint8 [H, W, 3], RGB.
        detections: the objects, of the same picture.
        background: uint8 [H, W, 3], RGB.

    Returns:
        uint8 [H, W, 3], RGB.

    Raises:
        ValueError: picture, objects and background are not of one size.

    Example:
        >>> white = np.full((2, 2, 3), 255, np.uint8)
        >>> replace_background(white, Detections.empty((2, 2)), white // 2)[0, 0]
        array([127, 127, 127], dtype=uint8)
    """
    if not image.shape == background.shape == (*detections.image_hw, 3):
        raise ValueError(
            "Expected picture and background [H, W, 3] of the size of the detections. "
            f"Received: {image.shape}, {background.shape} and "
            f"image_hw={tuple(detections.image_hw)}. Fit the background to the picture."
        )
    canvas = np.array(background, order="C")
    mask = redaction_mask(detections).view(np.uint8)
    return cv2.copyTo(np.ascontiguousarray(image), mask, canvas)


def grey(image: np.ndarray) -> np.ndarray:
    """Return a picture without its colours, uint8 [H, W, 3]."""
    lightness = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY)
    return cv2.cvtColor(lightness, cv2.COLOR_GRAY2RGB)


def blurred(image: np.ndarray, detections: Detections) -> np.ndarray:
    """Return a picture out of focus, without a trace of its objects.

    What the masks cover takes no part, so that objects put before it have no halo of
    their own colours.

    Args:
        image: uint8 [H, W, 3], RGB.
        detections: the objects, of the same picture.

    Returns:
        uint8 [H, W, 3], RGB.
    """
    height, width = image.shape[:2]
    sigma = max(min(height, width) * _BLUR_SHARE, 1)
    # Blurred at a quarter of sigma's size: a large kernel on all pixels is slow.
    step = max(sigma / 4, 1)
    small_wh = (max(1, round(width / step)), max(1, round(height / step)))
    weights = 1 - redaction_mask(detections).astype(np.float32)
    # [H, W, 4]: colours as far as they are background, and how far that is.
    weighted = np.dstack([image * weights[..., None], weights])
    small = cv2.resize(weighted, small_wh, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma / step)
    # Deep inside a large object no background is near; any colour will do there.
    colors = small[..., :3] / np.maximum(small[..., 3:], 1e-3)
    large = cv2.resize(colors, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.rint(np.clip(large, 0, 255)).astype(np.uint8)


def filled(image_hw: tuple[int, int], color: tuple[int, int, int]) -> np.ndarray:
    """Return a picture of one colour, uint8 [H, W, 3]."""
    return np.full((*image_hw, 3), color, np.uint8)


def covering(picture: np.ndarray, image_hw: tuple[int, int]) -> np.ndarray:
    """Return the middle of a picture, scaled so that it covers a size.

    Args:
        picture: uint8 [H, W, 3], RGB.
        image_hw: height and width to cover.

    Returns:
        uint8 [*image_hw, 3].
    """
    height, width = image_hw
    scale = max(height / picture.shape[0], width / picture.shape[1])
    scaled_hw = [
        max(math.ceil(side * scale), least)
        for side, least in zip(picture.shape[:2], image_hw, strict=True)
    ]
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    scaled = cv2.resize(picture, scaled_hw[::-1], interpolation=method)
    top, left = (scaled_hw[0] - height) // 2, (scaled_hw[1] - width) // 2
    return scaled[top : top + height, left : left + width]
