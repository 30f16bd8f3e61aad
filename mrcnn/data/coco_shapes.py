"""COCO's two kinds of masks: polygons, drawn by pycocotools, and run lengths."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mrcnn.data.annotations import LARGEST, short
from mrcnn.data.polygons import polygon_area
from mrcnn.data.rle import packed, unpacked_mask
from mrcnn.data.shapes import MAX_POINTS, tighten
from mrcnn.errors import DatasetError

# Of a polygon's outline, pixels.
MAX_OUTLINE = 2_000_000


@dataclass(frozen=True)
class CocoPolygon:
    """An outline of one or more polygons, drawn by pycocotools; made by `from_parts`.

    Attributes:
        parts: each part as (x1, y1, x2, y2 ...), pixels.
        extent: bounding box (y1, x1, y2, x2), pixels.
        area: sum of the areas of the parts, pixels.
    """

    parts: tuple[array[float], ...]
    extent: tuple[float, float, float, float]
    area: float

    @classmethod
    def from_parts(cls, parts: Sequence[array[float]]) -> CocoPolygon:
        """Return the shape of some parts, measured once: there are very many shapes."""
        measures = [_measure(part) for part in parts]
        if len(parts) == 1:
            return cls(tuple(parts), *measures[0])
        extents, areas = zip(*measures, strict=True)
        y1, x1, y2, x2 = zip(*extents, strict=True)
        return cls(tuple(parts), (min(y1), min(x1), max(y2), max(x2)), sum(areas))

    def rasterise(self, image_hw: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """Return the tight box and the mask inside it."""
        from pycocotools import mask as coco_mask

        parts = coco_mask.frPyObjects([list(part) for part in self.parts], *image_hw)
        return tighten(unpacked_mask(coco_mask.merge(parts)))


@dataclass(frozen=True)
class CocoRle:
    """An outline in packed run lengths.

    Attributes:
        size: (height, width) of the image, pixels.
        counts: the run lengths, packed and checked.
    """

    size: tuple[int, int]
    counts: bytes

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Bounding box (y1, x1, y2, x2), pixels."""
        from pycocotools import mask as coco_mask

        x, y, width, height = map(float, coco_mask.toBbox(self._rle()))
        return y, x, y + height, x + width

    @property
    def area(self) -> float:
        """Number of pixels."""
        from pycocotools import mask as coco_mask

        return float(coco_mask.area(self._rle()))

    def rasterise(self, image_hw: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """Return the tight box and the mask inside it."""
        return tighten(unpacked_mask(self._rle()))

    def _rle(self) -> dict:
        return {"size": list(self.size), "counts": self.counts}


def polygon_shape(segmentation, where: str) -> CocoPolygon:
    """Return the shape of COCO's list of polygons, checked.

    Args:
        segmentation: as it stands in the file.
        where: file, image and annotation, for the message.

    Raises:
        DatasetError: it is no list of polygons, or too long to draw.
    """
    if not isinstance(segmentation, list) or not segmentation:
        raise DatasetError(
            f"{where}: expected an outline, polygons or run lengths, in segmentation. "
            f"Received: {short(segmentation)}. Outline the object; a box is not "
            "enough."
        )
    for part in segmentation:
        # What is no list of numbers is no array; see `contents`.
        # pycocotools takes four numbers for a box, so that six is the least.
        is_polygon = isinstance(part, array) and len(part) >= 6 and len(part) % 2 == 0
        if not is_polygon:
            raise _no_polygon(part, where)
    shape = CocoPolygon.from_parts(segmentation)
    y1, x1, y2, x2 = shape.extent
    # An area of nan tells of a nan or an infinite corner.
    if not math.isfinite(shape.area) or not _is_near(shape.extent):
        raise _no_polygon(
            max(segmentation, key=lambda part: max(map(abs, part))), where
        )
    for part in segmentation:
        _check_length(part, max(y2 - y1, x2 - x1), where)
    return shape


def _measure(
    part: array[float],
) -> tuple[tuple[float, float, float, float], float]:
    """Return the extent and the area of a polygon."""
    xs, ys = part[::2], part[1::2]
    return (min(ys), min(xs), max(ys), max(xs)), polygon_area(xs, ys)


def _is_near(extent: tuple[float, float, float, float]) -> bool:
    return min(extent) >= -LARGEST and max(extent) <= LARGEST


def _no_polygon(part, where: str) -> DatasetError:
    return DatasetError(
        f"{where}: expected polygons [x1, y1, x2, y2, x3, y3 ...] of at least "
        f"3 points. Received: {short(part)}. Outline the object again."
    )


def _check_length(part: array[float], reach: float, where: str) -> None:
    """Refuse an outline that is too long to draw: pycocotools walks all of it.

    Args:
        part: the polygon.
        reach: at least as long as any of its edges, pixels.
        where: file, image and annotation, for the message.

    Raises:
        DatasetError: it is.
    """
    most = len(part) * reach
    if most > MAX_OUTLINE:  # seldom: a bound from above, so look closer
        steps = np.abs(np.diff(np.reshape(part, (-1, 2)), axis=0, append=[part[:2]]))
        most = float(steps.max(axis=1).sum())
    if most > MAX_OUTLINE or len(part) > 2 * MAX_POINTS:
        raise DatasetError(
            f"{where}: expected an outline of at most {MAX_POINTS:,} points and "
            f"{MAX_OUTLINE:,} pixels. Received: {len(part) // 2:,} points and "
            f"{most:,.0f} pixels. Simplify it."
        )


def rle_shape(segmentation: dict, size: tuple[int, int], where: str) -> CocoRle:
    """Return the shape of COCO's run lengths, checked.

    Args:
        segmentation: as it stands in the file, {"size", "counts"}.
        size: (height, width) of the image, pixels.
        where: file, image and annotation, for the message.

    Raises:
        DatasetError: they are not of the image's size, or do not fill it.
    """
    if segmentation.get("size") != list(size):
        raise DatasetError(
            f"{where}: expected run lengths of the image's size {list(size)} (height, "
            f"width). Received: {short(segmentation.get('size'))}. Export the "
            "annotations again."
        )
    try:
        return CocoRle(size, packed(segmentation)["counts"])
    except DatasetError as error:
        raise DatasetError(f"{where}: {error}") from error
