"""Outlined objects: shapes that become masks, and the Dataset made of them.

The readers of annotation files (`via`, `coco`) turn what they find into
`Region`s; `AnnotatedDataset` turns these into masks when an image is asked
for. A shape is drawn inside its bounding box only, and knows how to say where
it lies without being drawn.

A pixel belongs to a polygon or ellipse when its whole-number coordinates lie
inside or on it, as in the masks the original was trained on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from mrcnn.data.dataset import Dataset
from mrcnn.data.polygons import fill_polygon, polygon_area
from mrcnn.errors import DatasetError
from mrcnn.geometry.masks import paste_masks

# Below this area (pixels) a shape may cover no pixel at all: draw it to find out.
_SMALL_AREA = 16


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
class Region:
    """One object in an image.

    Attributes:
        shape: its outline.
        source_class_id: its class, by the id of the annotation file.
        place: what errors call it, "region 3" for example.
        is_crowd: whether it is a group that was outlined as one.
    """

    shape: Shape
    source_class_id: int
    place: str
    is_crowd: bool = False


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
        return tighten((along / self.rx) ** 2 + (across / self.ry) ** 2 <= 1, y1, x1)


class AnnotatedDataset(Dataset):
    """A Dataset whose images carry their `Region`s in `image_info["annotations"]`.

    Each `image_info` also has "width" and "height" (pixels, upright) and
    "annotation_file". Made by the readers; `Dataset.load` returns one.
    """

    def prepare(self, class_map=None) -> None:
        """Number classes and images; names stay whole, commas included."""
        super().prepare(class_map)
        self.class_names = [info["name"] for info in self.class_info]

    def image_reference(self, image_id: int) -> str:
        """Return the path of the image."""
        return str(self.image_info[image_id]["path"])

    def load_image(self, image_id: int) -> np.ndarray:
        """Return an image, uint8 [H, W, 3], RGB, of the size its annotations are for.

        Raises:
            DatasetError: the file cannot be read or has changed its size.
        """
        image = super().load_image(image_id)
        expected = self._image_hw(image_id)
        if image.shape[:2] != expected:
            raise DatasetError(
                f"{self._name(image_id)}: expected {expected} (height, width) as when "
                f"it was annotated. Received: {image.shape[:2]}. "
                "Load the data set anew."
            )
        return image

    def load_instances(
        self, image_id: int
    ) -> tuple[np.ndarray, list[np.ndarray], np.ndarray]:
        """Return the objects of an image, each drawn inside its own box only.

        Returns:
            boxes: int32 [N, (y1, x1, y2, x2)], tight, pixels of the image.
            box_masks: N arrays bool [y2 - y1, x2 - x1].
            class_ids: int32 [N], negative for crowds.

        Raises:
            DatasetError: an object covers no pixel; names it.
        """
        regions = self.image_info[image_id]["annotations"]
        boxes = np.zeros((len(regions), 4), np.int32)
        box_masks = []
        for i, region in enumerate(regions):
            boxes[i], mask = region.shape.rasterise(self._image_hw(image_id))
            if not mask.size:
                raise DatasetError(
                    f"{self._name(image_id)}, {region.place}: expected an outline "
                    "that covers a pixel. Received: one that covers none. Remove it."
                )
            box_masks.append(mask)
        return boxes, box_masks, self.image_class_ids(image_id)

    def image_class_ids(self, image_id: int) -> np.ndarray:
        """Return the classes of an image's objects, int32 [N], negative for crowds."""
        info = self.image_info[image_id]
        class_ids = np.zeros(len(info["annotations"]), np.int32)
        for i, region in enumerate(info["annotations"]):
            class_id = self.map_source_class_id(
                f"{info['source']}.{region.source_class_id}"
            )
            class_ids[i] = -class_id if region.is_crowd else class_id
        return class_ids

    def load_mask(self, image_id: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the masks of an image.

        Returns:
            masks: bool [H, W, N], one object in each channel.
            class_ids: int32 [N], negative for crowds.
        """
        boxes, box_masks, class_ids = self.load_instances(image_id)
        return paste_masks(boxes, box_masks, self._image_hw(image_id)), class_ids

    def _name(self, image_id: int) -> str:
        info = self.image_info[image_id]
        return f"{info['annotation_file']}, image {info['path']}"


def check_inside(region: Region, image_hw: tuple[int, int], where: str) -> None:
    """Refuse an outline that lies outside its image.

    Args:
        region: the object.
        image_hw: (height, width) of its image, pixels.
        where: the annotation file and image, for the message.

    Raises:
        DatasetError: names file, image and region.
    """
    height, width = image_hw
    y1, x1, y2, x2 = region.shape.extent
    if y2 < 0 or x2 < 0 or y1 >= height or x1 >= width:
        raise DatasetError(
            f"{where}, {region.place}: expected an outline inside the image of "
            f"{width} x {height} pixels. Received: x from {x1:g} to {x2:g}, y from "
            f"{y1:g} to {y2:g}. Is the image turned or another one? Outline it again."
        )


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
