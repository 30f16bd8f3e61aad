"""A generated street whose every pixel is known: people, screens and papers that move.

The privacy sample is measured on it (benchmarks/privacy.py) and tested with it,
because real clips have no mask for each frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from mrcnn.structures import Detections

CLASS_NAMES = ("BG", "person", "tv", "laptop", "cell phone", "book", "car")
_SKIN = ((224, 172, 138), (141, 85, 54), (255, 219, 190), (198, 134, 92))
_INK = (25, 25, 30)
# Smaller patches than this are specks that no detector reports.
_LEAST_PIXELS = 30


@dataclass(frozen=True)
class _Mover:
    """An object and its way: place and height in shares of the picture's height."""

    class_id: int
    start_yx: tuple[float, float]
    velocity_yx: tuple[float, float]
    height: float
    growth: float
    phase: float
    colors: tuple[tuple[int, int, int], ...]


class _Pen:
    """Draws shapes on a picture and, with the number of their object, on a map."""

    def __init__(self, image: np.ndarray):
        self.image = image
        self.owner = np.full(image.shape[:2], -1, np.int16)
        self.number = 0

    def polygon(self, points, color) -> None:
        points = np.rint(points).astype(np.int32)
        cv2.fillPoly(self.image, [points], color)
        cv2.fillPoly(self.owner, [points], self.number)

    def ellipse(self, center_xy, axes_wh, color) -> None:
        center = tuple(round(float(value)) for value in center_xy)
        axes = tuple(max(1, round(float(value))) for value in axes_wh)
        for canvas, paint in ((self.image, color), (self.owner, self.number)):
            cv2.ellipse(canvas, center, axes, 0, 0, 360, paint, cv2.FILLED)

    def line(self, start_xy, end_xy, width, color) -> None:
        ends = [
            tuple(round(float(value)) for value in end) for end in (start_xy, end_xy)
        ]
        width = max(1, round(width))
        for canvas, paint in ((self.image, color), (self.owner, self.number)):
            cv2.line(canvas, *ends, paint, width)


def street(
    seed: int, num_frames: int, image_hw: tuple[int, int] = (720, 1280)
) -> Iterator[tuple[np.ndarray, Detections]]:
    """Yield the frames of a clip with what is seen of each object in them.

    People walk and swing their limbs, screens and papers are carried past; they come
    and go at the edges, grow and shrink, and hide each other.

    Args:
        seed: another number, another street.
        num_frames: length of the clip.
        image_hw: height and width, pixels.

    Yields:
        uint8 [H, W, 3], RGB, and its objects, with class ids of `CLASS_NAMES`.
    """
    rng = np.random.default_rng(seed)
    wall = _wall(rng, image_hw)
    movers = [_mover(rng, i, image_hw) for i in range(9)]
    # The nearest stand lowest and hide the others.
    movers.sort(key=lambda mover: mover.start_yx[0] + mover.height / 2)
    for frame in range(num_frames):
        pen = _Pen(wall.copy())
        for pen.number, mover in enumerate(movers):
            _draw(pen, mover, frame, image_hw[0])
        yield pen.image, _visible(pen.owner, movers)


def _wall(rng, image_hw) -> np.ndarray:
    height, width = image_hw
    bricks = rng.normal(0, 14, (height // 12 + 1, width // 28 + 1, 1))
    wall = np.array((168, 142, 124)) + np.kron(bricks, np.ones((12, 28, 1)))
    wall = wall[:height, :width]
    wall[::12], wall[:, ::28] = (205, 200, 192), (190, 182, 172)
    wall[int(height * 0.86) :] = (110, 112, 116)
    return np.clip(wall + rng.normal(0, 4, wall.shape), 0, 255).astype(np.uint8)


def _mover(rng, i: int, image_hw) -> _Mover:
    class_id = (1, 1, 1, 2, 1, 3, 4, 5, 6)[i]
    ratio = image_hw[1] / image_hw[0]
    direction = rng.choice([-1, 1])
    speed = direction * rng.uniform(0.003, 0.011)
    is_person = class_id == 1
    height = rng.uniform(0.35, 0.6) if is_person else rng.uniform(0.12, 0.25)
    return _Mover(
        class_id,
        (rng.uniform(0.5, 0.65), rng.uniform(-0.1, 1.1) * ratio),
        (rng.uniform(-0.0008, 0.0008), speed),
        height,
        rng.uniform(-0.002, 0.002),
        rng.uniform(0, 2 * np.pi),
        (
            _SKIN[rng.integers(len(_SKIN))],
            tuple(int(value) for value in rng.integers(40, 230, 3)),
            tuple(int(value) for value in rng.integers(20, 140, 3)),
        ),
    )


def _draw(pen: _Pen, mover: _Mover, frame: int, side: int) -> None:
    center = np.array(mover.start_yx) + frame * np.array(mover.velocity_yx)
    height = side * mover.height * np.exp(mover.growth * frame)
    place_xy = side * center[::-1]
    if mover.class_id == 1:
        _draw_person(pen, place_xy, height, mover.phase + 0.35 * frame, mover.colors)
    elif mover.class_id == 6:
        _draw_car(pen, place_xy, height, mover.colors[1])
    else:
        turn = 0.25 * np.sin(mover.phase + 0.06 * frame)
        _draw_sheet(pen, place_xy, height, turn, mover)


def _draw_person(pen, center_xy, height, swing, colors) -> None:
    skin, shirt, trousers = colors
    unit = height / 100

    def at(x, y) -> np.ndarray:
        return center_xy + unit * np.array([x, y])

    stride, arm = 12 * np.sin(swing), 14 * np.sin(swing + np.pi)
    for side in (-1, 1):
        pen.line(at(4 * side, 5), at(4 * side + side * stride, 49), 8 * unit, trousers)
        pen.line(at(9 * side, -27), at(10 * side + side * arm, 4), 6 * unit, skin)
    pen.polygon([at(-11, -31), at(11, -31), at(9, 8), at(-9, 8)], shirt)
    for y in range(-28, 8, 5):  # stripes: something that could be recognised
        pen.line(at(-9, y), at(9, y), unit, _INK)
    pen.ellipse(at(0, -40), (6 * unit, 8 * unit), skin)
    pen.ellipse(at(0, -46), (6 * unit, 3 * unit), trousers)
    for x in (-2.4, 2.4):
        pen.ellipse(at(x, -40.5), (1.1 * unit, 0.8 * unit), _INK)
    pen.line(at(-2.5, -36), at(2.5, -36), unit, (150, 40, 50))


def _draw_sheet(pen, center_xy, height, turn, mover) -> None:
    """A screen or a page: a turned rectangle with lines of text."""
    is_page = mover.class_id == 5
    wide = {2: 1.7, 3: 1.4, 4: 0.5, 5: 0.75}[mover.class_id]
    axes = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])

    def at(x, y) -> np.ndarray:
        return center_xy + height * (np.array([x * wide, y]) @ axes)

    corners = ((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5))
    pen.polygon([at(*c) for c in corners], (246, 242, 230) if is_page else _INK)
    if not is_page:
        pen.polygon([at(0.9 * x, 0.9 * y) for x, y in corners], mover.colors[1])
    for y in np.linspace(-0.36, 0.36, 7):
        pen.line(at(-0.38, y), at(0.3 + 0.1 * y, y), height / 40, _INK)


def _draw_car(pen, center_xy, height, color) -> None:
    def at(x, y) -> np.ndarray:
        return center_xy + height * np.array([x, y])

    pen.polygon([at(-1, 0), at(1, 0), at(1, 0.35), at(-1, 0.35)], color)
    pen.polygon([at(-0.6, 0), at(-0.4, -0.35), at(0.4, -0.35), at(0.6, 0)], color)
    for x in (-0.6, 0.6):
        pen.ellipse(at(x, 0.35), (height / 6, height / 6), _INK)


def _visible(owner: np.ndarray, movers) -> Detections:
    boxes, masks, ids = [], [], []
    for number, mover in enumerate(movers):
        x, y, width, height = cv2.boundingRect((owner == number).view(np.uint8))
        mask = owner[y : y + height, x : x + width] == number
        if np.count_nonzero(mask) >= _LEAST_PIXELS:
            boxes.append((y, x, y + height, x + width))
            masks.append(mask)
            ids.append(mover.class_id)
    return Detections(
        image_hw=owner.shape,
        boxes=np.array(boxes, np.int32).reshape(-1, 4),
        class_ids=np.array(ids, np.int32),
        scores=np.ones(len(ids), np.float32),
        box_masks=tuple(masks),
    )
