"""Shapes that become masks: outlines, masks in a box, and objects of several parts.

The readers of annotation files make them; a `Region` of `regions` is one with a
class. A shape is drawn inside its bounding box only, and knows how to say where
it lies without being drawn.

A pixel belongs to a polygon or ellipse when its whole-number coordinates lie
inside or on it, as in the masks the original was trained on.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from mrcnn.data.polygons import fill_polygon, polygon_area
from mrcnn.errors import DatasetError

# Below this area (pixels) a shape may cover no pixel at all: draw it to find out.
_SMALL_AREA = 16
# Of a polygon. More than any hand sets, and than a traced mask of 10,000 pixels has.
MAX_POINTS = 100_000


class Shape(Protocol):
    """What every outline offers; coordinates are pixels of the upright image."""

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Bounding box (y1, x1, y2, x2), not cut to the image."""

    @property
    def area(self) -> float:
        """Area in pixels, not cut to the image; near enough to tell small ones."""

    def rasterise(self, image_hw: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """Return int32 [(y1, x1, y2, x2)], tight, and bool [y2 - y1, x2 - x1]."""


@dataclass(frozen=True)
class Polygon:
    """A closed polygon.

    Attributes:
        xs: horizontal coordinates of the corners, pixels.
        ys: vertical coordinates of the corners, pixels.
    """

    xs: tuple[float, ...]
    ys: tuple[float, ...]

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Bounding box (y1, x1, y2, x2), pixels."""
        return min(self.ys), min(self.xs), max(self.ys), max(self.xs)

    @property
    def area(self) -> float:
        """Area in pixels."""
        return polygon_area(self.xs, self.ys)

    def rasterise(self, image_hw: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """Return the tight box and the mask inside it."""
        y1, x1, y2, x2 = _pixel_box(self.extent, image_hw)
        xs, ys = np.subtract(self.xs, x1), np.subtract(self.ys, y1)
        return tighten(fill_polygon(xs, ys, (y2 - y1, x2 - x1)), y1, x1)


def checked_polygon(xs: Sequence[float], ys: Sequence[float], where: str) -> Polygon:
    """Return a polygon whose corners enclose something.

    Args:
        xs: horizontal coordinates of the corners, pixels.
        ys: vertical coordinates, as many.
        where: file, image and object, for the message.

    Raises:
        DatasetError: fewer than three different corners, all on a line, or too many.
    """
    if len(xs) > MAX_POINTS:
        raise DatasetError(
            f"{where}: expected a polygon of at most {MAX_POINTS:,} points. "
            f"Received: {len(xs):,}. Simplify it."
        )
    corners = set(zip(xs, ys, strict=True))
    if len(corners) < 3:
        raise DatasetError(
            f"{where}: expected a polygon of at least 3 points. "
            f"Received: {len(corners)}. Remove it or outline the object again."
        )
    points = np.array(list(corners), float)
    # Rank and not area: a figure of eight may have a signed area of 0.
    if np.linalg.matrix_rank(points - points[0]) < 2:
        raise DatasetError(
            f"{where}: expected a polygon with an area. Received: "
            f"{len(corners)} points on a line. Remove it or outline the object again."
        )
    return Polygon(tuple(xs), tuple(ys))


@dataclass(frozen=True)
class Rectangle:
    """An upright rectangle; covers width x height pixels when these are whole.

    Attributes:
        x: left edge, pixels.
        y: top edge, pixels.
        width: pixels.
        height: pixels.
    """

    x: float
    y: float
    width: float
    height: float

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Bounding box (y1, x1, y2, x2), pixels."""
        return self.y, self.x, self.y + self.height, self.x + self.width

    @property
    def area(self) -> float:
        """Area in pixels."""
        return self.width * self.height

    def rasterise(self, image_hw: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """Return the tight box and the mask inside it."""
        height, width = image_hw
        # The right and bottom edge lie outside, like those of a box.
        y1, x1, y2, x2 = (math.ceil(edge) for edge in self.extent)
        y1, x1, y2, x2 = max(y1, 0), max(x1, 0), min(y2, height), min(x2, width)
        return tighten(np.ones((max(y2 - y1, 0), max(x2 - x1, 0)), bool), y1, x1)


@dataclass(frozen=True)
class Ellipse:
    """An ellipse; a circle where both radii are equal.

    Attributes:
        cx: horizontal coordinate of the centre, pixels.
        cy: vertical coordinate of the centre, pixels.
        rx: radius along its own first axis, pixels.
        ry: radius along the other.
        theta: turn of the first axis from horizontal, radians, clockwise on screen.
    """

    cx: float
    cy: float
    rx: float
    ry: float
    theta: float = 0.0

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Bounding box (y1, x1, y2, x2), pixels."""
        cos, sin = math.cos(self.theta), math.sin(self.theta)
        half_width = math.hypot(self.rx * cos, self.ry * sin)
        half_height = math.hypot(self.rx * sin, self.ry * cos)
        return (
            self.cy - half_height,
            self.cx - half_width,
            self.cy + half_height,
            self.cx + half_width,
        )

    @property
    def area(self) -> float:
        """Area in pixels."""
        return math.pi * self.rx * self.ry

    def rasterise(self, image_hw: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """Return the tight box and the mask inside it."""
        y1, x1, y2, x2 = _pixel_box(self.extent, image_hw)
        y, x = np.ogrid[y1:y2, x1:x2]
        y, x = y - self.cy, x - self.cx
        cos, sin = math.cos(self.theta), math.sin(self.theta)
        along, across = x * cos + y * sin, y * cos - x * sin
        with np.errstate(over="ignore"):  # of a radius next to nothing
            inside = (along / self.rx) ** 2 + (across / self.ry) ** 2 <= 1
        return tighten(inside, y1, x1)


@dataclass(frozen=True)
class BoxMask:
    """A mask, kept in its box and packed to bits; made by `from_mask`.

    Attributes:
        box: (y1, x1, y2, x2), tight, pixels.
        bits: row by row, eight pixels a byte.
    """

    box: tuple[int, int, int, int]
    bits: bytes

    @classmethod
    def from_mask(cls, mask: np.ndarray, top: int = 0, left: int = 0) -> BoxMask:
        """Return the shape of a mask.

        Args:
            mask: bool [H, W].
            top: vertical position of the mask in its image, pixels; may be below 0.
            left: horizontal position of the mask in its image, pixels.
        """
        box, mask = tighten(mask, top, left)
        return cls(tuple(box.tolist()), np.packbits(mask).tobytes())

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Bounding box (y1, x1, y2, x2), pixels."""
        return self.box

    @property
    def area(self) -> float:
        """Number of pixels."""
        return int.from_bytes(self.bits, "big").bit_count()

    def rasterise(self, image_hw: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """Return the tight box and the mask inside it."""
        y1, x1, y2, x2 = self.box
        bits = np.frombuffer(self.bits, np.uint8)
        count = (y2 - y1) * (x2 - x1)
        mask = np.unpackbits(bits, count=count).view(bool).reshape(y2 - y1, x2 - x1)
        top, left = max(y1, 0), max(x1, 0)
        # Below 0 a slice would count from the end.
        mask = mask[top - y1 : max(image_hw[0] - y1, 0), left - x1 :]
        return tighten(mask[:, : max(image_hw[1] - left, 0)], top, left)


@dataclass(frozen=True)
class Compound:
    """An object of several parts, which may have holes.

    Attributes:
        parts: at least one; what lies in any of them belongs to the object.
        holes: what lies in any of these does not.
    """

    parts: tuple[Shape, ...]
    holes: tuple[Shape, ...] = ()

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Bounding box (y1, x1, y2, x2), pixels."""
        y1, x1, y2, x2 = zip(*(part.extent for part in self.parts), strict=True)
        return min(y1), min(x1), max(y2), max(x2)

    @property
    def area(self) -> float:
        """Area in pixels, exact when parts do not overlap and contain the holes."""
        parts = sum(part.area for part in self.parts)
        return max(parts - sum(hole.area for hole in self.holes), 0)

    def rasterise(self, image_hw: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """Return the tight box and the mask inside it."""
        top, left, bottom, right = _pixel_box(self.extent, image_hw)
        mask = np.zeros((bottom - top, right - left), bool)
        for is_part, shapes in ((True, self.parts), (False, self.holes)):
            for shape in shapes:
                (y1, x1, y2, x2), inside = shape.rasterise(image_hw)
                # A hole may reach out of the parts.
                ya, yb = np.clip((y1, y2), top, bottom)
                xa, xb = np.clip((x1, x2), left, right)
                inside = inside[ya - y1 : yb - y1, xa - x1 : xb - x1]
                mask[ya - top : yb - top, xa - left : xb - left][inside] = is_part
        return tighten(mask, top, left)


def covers_nothing(shape: Shape, image_hw: tuple[int, int]) -> bool:
    """Tell whether a shape covers no pixel of its image.

    Drawn to find out are only those that are small or reach out of the image;
    the others cannot be empty.
    """
    height, width = image_hw
    y1, x1, y2, x2 = shape.extent
    lies_inside = y1 >= 0 and x1 >= 0 and y2 <= height and x2 <= width
    if shape.area >= _SMALL_AREA and lies_inside:
        return False
    return not shape.rasterise(image_hw)[1].size


def tighten(
    mask: np.ndarray, top: int = 0, left: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Return the box around the set pixels of a mask, and the mask inside it.

    Args:
        mask: bool [H, W].
        top: vertical position of the mask in its image, pixels.
        left: horizontal position of the mask in its image, pixels.

    Returns:
        box: int32 [(y1, x1, y2, x2)], pixels of the image; zeros when nothing is set.
        box_mask: bool [y2 - y1, x2 - x1].
    """
    rows = np.flatnonzero(mask.any(axis=1))
    if not len(rows):
        return np.zeros(4, np.int32), np.zeros((0, 0), bool)
    columns = np.flatnonzero(mask.any(axis=0))
    y1, y2, x1, x2 = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    box = np.array([top + y1, left + x1, top + y2, left + x2], np.int32)
    return box, mask[y1:y2, x1:x2]


def _pixel_box(extent, image_hw: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return the whole pixels around an extent, cut to the image; may be empty."""
    height, width = image_hw
    y1, x1 = max(math.floor(extent[0]), 0), max(math.floor(extent[1]), 0)
    y2 = min(math.floor(extent[2]) + 1, height)
    x2 = min(math.floor(extent[3]) + 1, width)
    return y1, x1, max(y2, y1), max(x2, x1)
