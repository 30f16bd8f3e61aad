"""Detections drawn on a picture or video frame with OpenCV: masks, boxes, captions.

`annotate` is what the samples hand to `video.pipeline` as its draw. It works
inside the boxes only, so that a 4K frame with many objects stays quick.
`save_instances` writes such a picture at its own size.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from mrcnn.data.images import as_rgb
from mrcnn.draw.captions import caption_texts, ink_on, place_captions, shortened
from mrcnn.draw.palette import class_color
from mrcnn.errors import DatasetError
from mrcnn.structures import Detections

_FONT = cv2.FONT_HERSHEY_SIMPLEX
# Shares of the picture's shorter side, so that 4K and thumbnails look alike.
_LINE_SHARE = 1 / 250
_CAPTION_SHARE = 1 / 34
_CAPTION_PIXELS_LEAST = 9
_FILE_OPTIONS = {".jpg": {"quality": 95}, ".jpeg": {"quality": 95}}

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
    captions: Sequence[str] | None = None,
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
        captions: a text for each detection in place of class, number and score.

    Returns:
        uint8 [H, W, 3], RGB.

    Raises:
        ValueError: the picture is no uint8 RGB, the detections are of another size,
            a class has no name, or there are fewer colours or captions.

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
    _check(image, detections, colors, captions)
    track_ids = detections.track_ids
    if colors is None:
        numbers = detections.class_ids if track_ids is None else track_ids
        colors = [class_color(number) for number in numbers]
    if captions is None:
        captions = caption_texts(
            detections.class_ids,
            class_names,
            detections.scores,
            digits=2,
            track_ids=track_ids,
        )
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
        _draw_captions(canvas, detections.boxes, captions, colors)
    return canvas


def save_instances(
    path: str | os.PathLike,
    image: np.ndarray,
    boxes: np.ndarray,
    masks: np.ndarray,
    class_ids: np.ndarray,
    class_names: Sequence[str],
    scores: np.ndarray | None = None,
    **options,
) -> Path:
    """Write a picture with its objects drawn in, pixel for pixel at its own size.

    Args:
        path: file to write; its suffix says the format, ".png" or ".jpg" for example.
        image: [H, W, 3], RGB, or grey, see `data.images.as_rgb`.
        boxes: int [N, (y1, x1, y2, x2)], pixels; rows of zeros are left out.
        masks: bool [H, W, N]; what lies outside the boxes is not drawn.
        class_ids: int [N].
        class_names: names by class id, "BG" first.
        scores: float [N], or None for names alone.
        **options: those of `annotate`.

    Returns:
        The path.

    Raises:
        DatasetError: the file cannot be written, or the image is none.
        ValueError: the arrays do not fit each other, or a class has no name.

    Example:
        found = model.detect([image])[0]
        save_instances("out.png", image, found["rois"], found["masks"],
                       found["class_ids"], class_names, found["scores"])
    """
    image = as_rgb(image)
    if scores is None and options.get("captions") is None:
        options["captions"] = caption_texts(class_ids, class_names, None, digits=2)
    detections = Detections.from_masks(image.shape[:2], boxes, masks, class_ids, scores)
    drawn = annotate(image, detections, class_names, **options)
    path = Path(path)
    try:
        Image.fromarray(drawn).save(path, **_FILE_OPTIONS.get(path.suffix.lower(), {}))
    except (OSError, ValueError) as error:
        raise DatasetError(
            f"Expected an image file to write. Received: {path} ({error}). Check the "
            "folder, and take a suffix like .png or .jpg."
        ) from error
    return path


def _check(image, detections, colors, captions) -> None:
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
    for name, values in (("colors", colors), ("captions", captions)):
        if values is not None and len(values) != len(detections):
            raise ValueError(
                f"Expected {name} for {len(detections)} detections. Received: "
                f"{len(values)}. Pass one for each, or None."
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


def _draw_captions(canvas, boxes, captions, colors) -> None:
    image_hw = canvas.shape[:2]
    places = place_captions(
        [_clipped(box, image_hw) for box in boxes],
        lambda i, scale: _fit_text(captions[i], image_hw, scale).size_wh,
        image_hw[::-1],
    )
    # The surest last, so that where there is no room for all it stays legible.
    for place, caption, color in reversed(
        list(zip(places, captions, colors, strict=True))
    ):
        if not caption:
            continue
        text = _fit_text(caption, image_hw, place.scale)
        x1, y1 = place.x, place.y
        x2, y2 = x1 + text.size_wh[0], y1 + text.size_wh[1]
        _fill(canvas, (x1, y1, x2, y2), color)
        cv2.putText(
            canvas[y1:y2, x1:x2],
            text.label,
            text.origin_xy,
            _FONT,
            text.scale,
            ink_on(color),
            text.stroke,
            cv2.LINE_AA,
        )


@dataclass(frozen=True)
class _Text:
    """A caption and its measures: the whole plate, and where on it writing starts."""

    label: str
    scale: float
    stroke: int
    size_wh: tuple[int, int]
    origin_xy: tuple[int, int]


def _fit_text(caption: str, image_hw: tuple[int, int], share: float) -> _Text:
    """Return a caption at a share of the full size; where too wide, less, and cut."""
    if not caption:
        return _Text("", 1.0, 1, (0, 0), (0, 0))
    height, width = image_hw
    wanted = max(_CAPTION_PIXELS_LEAST, share * min(image_hw) * _CAPTION_SHARE)
    margin = max(1, round(wanted / 5))
    stroke = max(1, round(wanted / 14))
    most = max(width - 2 * margin - 2, 1)
    (unit_width, unit_height), _ = cv2.getTextSize(caption, _FONT, 1.0, stroke)
    scale = min(wanted / unit_height, most / max(unit_width, 1))
    scale = max(scale, _CAPTION_PIXELS_LEAST / unit_height)
    (text_width, text_height), below = cv2.getTextSize(caption, _FONT, scale, stroke)
    if text_width > most:
        caption = shortened(caption, max(1, len(caption) * most // text_width))
        (text_width, _), _ = cv2.getTextSize(caption, _FONT, scale, stroke)
    return _Text(
        label=caption,
        scale=scale,
        stroke=stroke,
        size_wh=(
            min(text_width + 2 * margin, width),
            min(text_height + below + 2 * margin, height),
        ),
        origin_xy=(margin, margin + text_height),
    )
