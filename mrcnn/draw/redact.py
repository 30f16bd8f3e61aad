"""Objects made unreadable in a picture or video frame: blurred, pixelated, filled.

`redact` is what samples/privacy draws. It works on the masks, inside the boxes only.
What it hides is gone: every block is an average of many pixels.
"""

from __future__ import annotations

import cv2
import numpy as np

from mrcnn.structures import Detections

METHODS = ("blur", "pixelate", "fill")
# Blocks along the longer side of what is hidden. A face is less than one block of a
# person from head to foot, a line of text less than one of a page.
_BLOCKS_OF_OBJECT = 8
_BLOCKS_OF_PICTURE = 32
# Pixels; of smaller ones a small object would keep too many.
_SMALLEST_BLOCK = 8


def redact(
    image: np.ndarray,
    detections: Detections,
    *,
    method: str = "blur",
    dilation: int = 0,
    inverse: bool = False,
    color: tuple[int, int, int] = (0, 0, 0),
) -> np.ndarray:
    """Return a copy of the picture with the objects made unreadable.

    Args:
        image: uint8 [H, W, 3], RGB.
        detections: the objects, of the same picture.
        method: "blur", "pixelate" or "fill".
        dilation: pixels by which the masks grow in every direction.
        inverse: hide everything but the objects.
        color: (red, green, blue) of "fill".

    Returns:
        uint8 [H, W, 3], RGB.

    Raises:
        ValueError: the method is unknown, or the detections are of another size.

    Example:
        >>> white = np.full((4, 4, 3), 255, np.uint8)
        >>> found = Detections(
        ...     image_hw=(4, 4),
        ...     boxes=np.array([[0, 0, 2, 2]], np.int32),
        ...     class_ids=np.array([1], np.int32),
        ...     scores=np.array([0.9], np.float32),
        ...     box_masks=(np.eye(2, dtype=bool),),
        ... )
        >>> redact(white, found, method="fill")[:2, :2, 0]
        array([[  0, 255],
               [255,   0]], dtype=uint8)
    """
    _check(image, detections, method)
    canvas = np.array(image, order="C")
    if inverse:
        hidden = ~redaction_mask(detections, dilation)
        _hide(canvas, image, hidden, method, color, _BLOCKS_OF_PICTURE)
        return canvas
    for box, mask in zip(detections.boxes, detections.box_masks, strict=True):
        region, mask = _grown(box, mask, dilation, detections.image_hw)
        # Each from the picture as it was: blurring a blurred neighbour shows seams.
        _hide(canvas[region], image[region], mask, method, color, _BLOCKS_OF_OBJECT)
    return canvas


def redaction_mask(detections: Detections, dilation: int = 0) -> np.ndarray:
    """Return which pixels the objects cover.

    Args:
        detections: the objects of one picture.
        dilation: pixels by which the masks grow in every direction.

    Returns:
        bool [H, W].
    """
    covered = np.zeros(detections.image_hw, bool)
    for box, mask in zip(detections.boxes, detections.box_masks, strict=True):
        region, mask = _grown(box, mask, dilation, detections.image_hw)
        covered[region] |= mask
    return covered


def _check(image, detections, method) -> None:
    if method not in METHODS:
        raise ValueError(
            f"Expected one of {', '.join(METHODS)}. Received: method={method!r}."
        )
    if tuple(detections.image_hw) != image.shape[:2]:
        raise ValueError(
            f"Expected detections of an image of {image.shape[:2]}. Received: "
            f"image_hw={tuple(detections.image_hw)}. Pass the image that was detected."
        )


def _grown(box, mask, dilation, image_hw) -> tuple[tuple[slice, slice], np.ndarray]:
    """Return where a mask lies after it grew, and the mask there, inside the image."""
    y1, x1, y2, x2 = (int(side) for side in box)
    if dilation:
        mask = np.pad(mask, dilation).view(np.uint8)
        # A square: quick for any size, and it covers more than a circle.
        mask = cv2.dilate(mask, np.ones((2 * dilation + 1,) * 2, np.uint8))
    top, left = y1 - dilation, x1 - dilation
    y1, x1 = max(top, 0), max(left, 0)
    y2, x2 = min(y2 + dilation, image_hw[0]), min(x2 + dilation, image_hw[1])
    mask = mask[y1 - top : y2 - top, x1 - left : x2 - left]
    return (slice(y1, y2), slice(x1, x2)), mask.astype(bool)


def _hide(canvas, image, mask, method, color, blocks) -> None:
    """Paint what the mask covers, in place.

    Args:
        canvas: uint8 [h, w, 3], to paint on.
        image: uint8 [h, w, 3], what is hidden.
        mask: bool [h, w].
        method: as in `redact`.
        color: as in `redact`.
        blocks: how many along the longer side.
    """
    if not mask.any():
        return
    if method == "fill":
        canvas[mask] = color
        return
    height, width = mask.shape
    block = max(max(height, width) / blocks, _SMALLEST_BLOCK)
    size_wh = (max(1, round(width / block)), max(1, round(height / block)))
    averages = cv2.resize(image, size_wh, interpolation=cv2.INTER_AREA)
    between = cv2.INTER_LINEAR if method == "blur" else cv2.INTER_NEAREST
    paint = cv2.resize(averages, (width, height), interpolation=between)
    cv2.copyTo(paint, mask.view(np.uint8), canvas)
