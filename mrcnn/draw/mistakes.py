"""A mistake in a picture of its own: the object's outline and what was found there."""

from __future__ import annotations

import cv2
import numpy as np

# Okabe and Ito's green and vermilion: told apart with any colour vision.
TRUE_COLOR = (0, 158, 115)
FOUND_COLOR = (213, 94, 0)
# So many times its size is shown around a mistake, at least so many pixels.
_AROUND = 1.6
_LEAST_VIEW = 64


def draw_mistake(
    image: np.ndarray,
    true_mask: np.ndarray | None,
    found_mask: np.ndarray | None,
    side: int = 320,
) -> np.ndarray:
    """Return the part of an image around what was found, or else around the object.

    Objects have a green outline; what was found is filled and outlined in orange.

    Args:
        image: uint8 [H, W, 3], RGB.
        true_mask: bool [H, W], of one object or several, or None.
        found_mask: bool [H, W], or None where nothing was found.
        side: the longer side of the picture, pixels.

    Returns:
        uint8 [h, w, 3], RGB.
    """
    shown = true_mask if found_mask is None else found_mask
    y1, x1, y2, x2 = _view(shown, image.shape[:2])
    scale = side / max(y2 - y1, x2 - x1)
    size_wh = max(1, round((x2 - x1) * scale)), max(1, round((y2 - y1) * scale))
    picture = cv2.resize(
        np.ascontiguousarray(image[y1:y2, x1:x2]),
        size_wh,
        interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC,
    )
    for mask, color in ((found_mask, FOUND_COLOR), (true_mask, TRUE_COLOR)):
        if mask is None:
            continue
        part = mask[y1:y2, x1:x2].astype(np.uint8)
        inside = cv2.resize(part, size_wh, interpolation=cv2.INTER_NEAREST)
        if color == FOUND_COLOR:
            paint = np.full_like(picture, color)
            blended = cv2.addWeighted(picture, 0.65, paint, 0.35, 0)
            picture = np.where(inside[..., None] > 0, blended, picture)
        outlines, _ = cv2.findContours(inside, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
        # A dark line beneath keeps the outline visible on any ground.
        cv2.drawContours(picture, outlines, -1, (0, 0, 0), 4, cv2.LINE_AA)
        cv2.drawContours(picture, outlines, -1, color, 2, cv2.LINE_AA)
    return picture


def _view(mask: np.ndarray, image_hw: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return the (y1, x1, y2, x2) to show: a square around the mask, in the image."""
    ys, xs = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(ys):
        return 0, 0, *image_hw
    extents = np.array([[ys[0], ys[-1] + 1], [xs[0], xs[-1] + 1]])
    sides = np.ptp(extents, axis=1)
    half = max(sides.max() * _AROUND, _LEAST_VIEW) / 2
    middle = extents.mean(axis=1)
    y1, x1 = np.maximum(middle - half, 0).astype(int).tolist()
    y2, x2 = np.minimum(np.ceil(middle + half), image_hw).astype(int).tolist()
    return y1, x1, y2, x2
