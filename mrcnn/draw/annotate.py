"""Detections drawn on a picture or video frame with OpenCV: masks, boxes, captions.

`annotate` is what the samples hand to `video.pipeline` as its draw. It works
inside the boxes only, so that a 4K frame with many objects stays quick.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from mrcnn.draw.palette import class_color
from mrcnn.structures import Detections

_FONT = cv2.FONT_HERSHEY_SIMPLEX
# Shares of the picture's shorter side, so that 4K and thumbnails look alike.
_LINE_SHARE = 1 / 250
_CAPTION_SHARE = 1 / 34
_CAPTION_PIXELS_LEAST = 9

Color = tuple[int, int, int]
# x1, y1, x2, y2 in pixels, far edge outside, as OpenCV counts.
_Rectangle = tuple[int, int, int, int]


def annotate(
    image: np.ndarray,
    detections: Detections,
    class_names: Sequence[str],
    *,
    alpha: float = 0.5,
    show_masks: bool = True,
    show_boxes: bool = True,
    show_labels: bool = True,
    colors: Sequence[Color] | None = None,
) -> np.ndarray:
    """Return a copy of the picture with its detections drawn in.

    Masks and boxes stay inside the boxes; captions stand above them, or where
    there is room, and always inside the picture.

    Args:
        image: uint8 [H, W, 3], RGB.
        detections: what was found in it.
        class_names: names by class id, "BG" first.
        alpha: how far a mask covers the picture, 0 to 1.
        show_masks: fill and outline the masks.
        show_boxes: draw the boxes.
        show_labels: write class and score.
        colors: (red, green, blue) for each detection; None colours by track id where
            there are any, else by class.

    Returns:
        uint8 [H, W, 3], RGB.

    Raises:
        ValueError: the picture is no uint8 RGB, the detections are of another size,
            or a class has no name.

    Example:
        >>> black = np.zeros((4, 4, 3), np.uint8)
        >>> found = Detections(
        ...     image_hw=(4, 4),
        ...     boxes=np.array([[0, 0, 2, 2]], np.int32),
        ...     class_ids=np.array([1], np.int32),
        ...     scores=np.array([0.9], np.float32),
        ...     box_masks=(np.ones((2, 2), bool),),
        ... )
        >>> drawn = annotate(black, found, ["BG", "remote"], show_labels=False)
        >>> drawn[0, 0].tolist(), drawn[3, 3].tolist()
        ([230, 159, 0], [0, 0, 0])
    """
    image = np.asarray(image)
    _check(image, detections, class_names)
    ids = detections.track_ids
    if colors is None:
        numbers = detections.class_ids if ids is None else ids
        colors = [class_color(number) for number in numbers]
    # A new array in rows, whatever the input's layout: OpenCV draws on parts of it.
    canvas = np.array(image, order="C")
    thickness = max(1, round(min(image.shape[:2]) * _LINE_SHARE))
    # The surest objects last, on top of the others.
    order = range(len(detections) - 1, -1, -1)
    for i in order if show_masks else ():
        _draw_mask(
            canvas,
            detections.boxes[i],
            detections.box_masks[i],
            colors[i],
            alpha=alpha,
            thickness=thickness,
        )
    for i in order if show_boxes else ():
        _draw_box(canvas, detections.boxes[i], colors[i], thickness)
    if show_labels:
        labels = _labels(detections, class_names)
        _draw_captions(canvas, detections.boxes, labels, colors)
    return canvas


def _labels(detections: Detections, class_names: Sequence[str]) -> list[str]:
    ids = detections.track_ids
    names = [class_names[class_id] for class_id in detections.class_ids]
    if ids is not None:
        names = [f"{name} #{i}" for name, i in zip(names, ids, strict=True)]
    return [
        f"{name} {score:.2f}"
        for name, score in zip(names, detections.scores, strict=True)
    ]


def _check(image, detections, class_names) -> None:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(
            "Expected an image uint8 [H, W, 3]. Received: "
            f"{image.dtype} {list(image.shape)}. Convert it to RGB first."
        )
    if tuple(detections.image_hw) != image.shape[:2]:
        raise ValueError(
            f"Expected detections of an image of {image.shape[:2]}. Received: "
            f"image_hw={tuple(detections.image_hw)}. Pass the image that was detected."
        )
    largest = int(max(detections.class_ids, default=0))
    if largest >= len(class_names):
        raise ValueError(
            f"Expected a name for class id {largest}. Received: {len(class_names)} "
            "class_names. Pass the names of the data set, the background's first."
        )


def _clipped(box, image_hw) -> _Rectangle:
    height, width = image_hw
    y1, x1, y2, x2 = (int(side) for side in box)
    return max(x1, 0), max(y1, 0), min(x2, width), min(y2, height)


def _draw_mask(canvas, box, mask, color, *, alpha, thickness) -> None:
    x1, y1, x2, y2 = _clipped(box, canvas.shape[:2])
    if x1 >= x2 or y1 >= y2:
        return
    top, left = int(box[0]), int(box[1])
    mask = np.ascontiguousarray(mask[y1 - top : y2 - top, x1 - left : x2 - left])
    mask = mask.astype(np.uint8)
    # A view: OpenCV draws on it in place, and not beyond its edges.
    region = canvas[y1:y2, x1:x2]
    paint = np.empty_like(region)
    _fill(paint, (0, 0, x2 - x1, y2 - y1), color)
    blended = cv2.addWeighted(region, 1 - alpha, paint, alpha, 0)
    cv2.copyTo(blended, mask, region)
    contours, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    # Smooth lines cost ten times as much, and show on thin ones only.
    smooth = cv2.LINE_AA if thickness < 4 else cv2.LINE_8
    cv2.drawContours(region, contours, -1, color, thickness, smooth)


def _draw_box(canvas, box, color, thickness) -> None:
    x1, y1, x2, y2 = _clipped(box, canvas.shape[:2])
    if x1 >= x2 or y1 >= y2:
        return
    # Four filled strips, since OpenCV centres a line on the edge, half outside.
    _fill(canvas, (x1, y1, x2, min(y1 + thickness, y2)), color)
    _fill(canvas, (x1, max(y2 - thickness, y1), x2, y2), color)
    _fill(canvas, (x1, y1, min(x1 + thickness, x2), y2), color)
    _fill(canvas, (max(x2 - thickness, x1), y1, x2, y2), color)


def _fill(canvas, rectangle: _Rectangle, color) -> None:
    x1, y1, x2, y2 = rectangle
    # OpenCV's far corner belongs to the rectangle.
    cv2.rectangle(canvas, (x1, y1), (x2 - 1, y2 - 1), color, cv2.FILLED)


def _draw_captions(canvas, boxes, labels, colors) -> None:
    image_hw = canvas.shape[:2]
    placed: list[tuple[_Text, _Rectangle]] = []
    for box, label in zip(boxes, labels, strict=True):
        text = _fit_text(label, image_hw)
        taken = [rectangle for _, rectangle in placed]
        x, y = _free_place(_clipped(box, image_hw), text.size_wh, image_hw, taken)
        placed.append((text, (x, y, x + text.size_wh[0], y + text.size_wh[1])))
    # The surest last, so that where there is no room for all it stays legible.
    for (text, plate), color in reversed(list(zip(placed, colors, strict=True))):
        _fill(canvas, plate, color)
        x1, y1, x2, y2 = plate
        cv2.putText(
            canvas[y1:y2, x1:x2],
            text.label,
            text.origin_xy,
            _FONT,
            text.scale,
            _ink_on(color),
            text.stroke,
            cv2.LINE_AA,
        )


@dataclass(frozen=True)
class _Text:
    """A caption with its measures: the whole plate, and where on it writing starts."""

    label: str
    scale: float
    stroke: int
    size_wh: tuple[int, int]
    origin_xy: tuple[int, int]


def _fit_text(label: str, image_hw: tuple[int, int]) -> _Text:
    height, width = image_hw
    wanted = max(_CAPTION_PIXELS_LEAST, min(image_hw) * _CAPTION_SHARE)
    margin = max(1, round(wanted / 5))
    stroke = max(1, round(wanted / 14))
    (unit_width, unit_height), _ = cv2.getTextSize(label, _FONT, 1.0, stroke)
    # Long names on narrow pictures shrink until they fit.
    scale = min(
        wanted / unit_height, max(width - 2 * margin - 2, 1) / max(unit_width, 1)
    )
    (text_width, text_height), below = cv2.getTextSize(label, _FONT, scale, stroke)
    return _Text(
        label=label,
        scale=scale,
        stroke=stroke,
        size_wh=(
            min(text_width + 2 * margin, width),
            min(text_height + below + 2 * margin, height),
        ),
        origin_xy=(margin, margin + text_height),
    )


def _free_place(
    box: _Rectangle,
    size_wh: tuple[int, int],
    image_hw: tuple[int, int],
    taken: list[_Rectangle],
) -> tuple[int, int]:
    """Return (x, y) of a caption: where nothing is taken, else the first choice."""
    x1, y1, x2, y2 = box
    width, height = size_wh
    most_x, most_y = image_hw[1] - width, image_hw[0] - height
    above = [y1 - height] if y1 >= height else []
    below = [y2] if y2 <= most_y else []
    inside = [y1, y2 - height]
    # Inside before below, unless that hides much of the object.
    is_tall = y2 - y1 > 6 * height
    rows = [*above, *inside, *below] if is_tall else [*above, *below, *inside]
    places = [
        (min(max(x, 0), most_x), min(max(y, 0), most_y))
        for y in rows
        for x in (x1, x2 - width)
    ]
    for x, y in places:
        if all(
            x + width <= left or right <= x or y + height <= top or bottom <= y
            for left, top, right, bottom in taken
        ):
            return x, y
    return places[0]


def _ink_on(color: Color) -> Color:
    """Black or white, whichever contrasts more by WCAG's relative luminance."""
    channels = np.array(color) / 255
    linear = np.where(
        channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4
    )
    luminance = linear @ (0.2126, 0.7152, 0.0722)
    # (L + 0.05) / 0.05 = 1.05 / (L + 0.05) at L = 0.179.
    return (0, 0, 0) if luminance > 0.179 else (255, 255, 255)
