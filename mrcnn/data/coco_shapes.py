"""COCO's two kinds of masks: polygons, drawn by pycocotools, and run lengths."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from mrcnn.data.annotations import LARGEST, short
from mrcnn.data.rle import packed, unpacked_mask
from mrcnn.data.shapes import MAX_POINTS, tighten
from mrcnn.errors import DatasetError

# Of a polygon's outline, pixels.
MAX_OUTLINE = 2_000_000
# Polygons that are measured at a time: enough to be quick, too few to take memory.
_TOGETHER = 2000


@dataclass(frozen=True)
class CocoPolygon:
    """An outline of one or more polygons, drawn by pycocotools.

    Attributes:
        parts: each part as (x1, y1, x2, y2 ...), pixels.
        extent: bounding box (y1, x1, y2, x2), pixels.
        area: sum of the areas of the parts, pixels.
    """

    parts: tuple[array[float], ...]
    extent: tuple[float, float, float, float]
    area: float

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


def polygon_shapes(segmentations: Sequence) -> list[CocoPolygon | None]:
    """Return the shapes of many segmentations, measured together.

    Args:
        segmentations: as they stand in the file, of any kind.

    Returns:
        A shape for each list of polygons; None for run lengths, and for what
        `not_polygons` says the error of.
    """
    are_polygons = [_are_polygons(parts) for parts in segmentations]
    measures = _measured(
        part
        for parts, is_right in zip(segmentations, are_polygons, strict=True)
        if is_right
        for part in parts
    )
    return [
        _shape(list(islice(measures, len(parts)))) if is_right else None
        for parts, is_right in zip(segmentations, are_polygons, strict=True)
    ]


def _are_polygons(segmentation) -> bool:
    """Tell whether it is a list of polygons; NaN and size are left to `_measure`."""
    # What is no list of numbers is no array; see `contents`.
    # pycocotools takes four numbers for a box, so that six is the least.
    return (
        isinstance(segmentation, list)
        and len(segmentation) > 0
        and all(
            isinstance(part, array) and 6 <= len(part) <= 2 * MAX_POINTS
            for part in segmentation
        )
        and not any(len(part) % 2 for part in segmentation)
    )


def _measured(parts: Iterator[array[float]]) -> Iterator[tuple]:
    """Yield each polygon with what `_measure` says of it."""
    while some := list(islice(parts, _TOGETHER)):
        yield from zip(some, *_measure(some), strict=True)


def _measure(parts: Sequence[array[float]]) -> tuple[list, list, list]:
    """Return whether each polygon can be drawn, its extent and its area.

    Returns:
        is_drawable: P bools; False where a corner is nan, infinite or far away, or the
            outline is too long: pycocotools walks all of it.
        extents: P lists [y1, x1, y2, x2], pixels.
        areas: P floats, pixels.
    """
    corners = np.frombuffer(b"".join(parts)).reshape(-1, 2)  # [C, (x, y)] of all parts
    ends = np.cumsum([len(part) // 2 for part in parts])
    starts = np.concatenate([[0], ends[:-1]])
    # Far corners would overflow.
    is_near = (np.abs(corners) <= LARGEST).all(axis=1)  # false for nan
    x, y = np.where(is_near[:, None], corners, 0).T
    following = np.arange(1, len(x) + 1)
    following[ends - 1] = starts
    crosses = x * y[following] - y * x[following]
    steps = np.maximum(np.abs(x - x[following]), np.abs(y - y[following]))
    lengths = np.add.reduceat(steps, starts)
    is_drawable = np.logical_and.reduceat(is_near, starts) & (lengths <= MAX_OUTLINE)
    extents = [
        end.reduceat(side, starts)
        for end, side in (
            *((np.minimum, y), (np.minimum, x)),
            *((np.maximum, y), (np.maximum, x)),
        )
    ]
    areas = np.abs(np.add.reduceat(crosses, starts)) / 2
    return is_drawable.tolist(), np.stack(extents, axis=1).tolist(), areas.tolist()


def _shape(measures: list[tuple]) -> CocoPolygon | None:
    """Return the shape of some parts with their measures, if it can be drawn."""
    parts, are_drawable, extents, areas = zip(*measures, strict=True)
    if not all(are_drawable):
        return None
    if len(parts) == 1:
        return CocoPolygon(parts, tuple(extents[0]), areas[0])
    y1, x1, y2, x2 = zip(*extents, strict=True)
    return CocoPolygon(parts, (min(y1), min(x1), max(y2), max(x2)), sum(areas))


def not_polygons(segmentation, where: str) -> DatasetError:
    """Return the error of a segmentation that `polygon_shapes` has no shape for.

    Args:
        segmentation: as it stands in the file.
        where: file, image and annotation, for the message.
    """
    if not isinstance(segmentation, list) or not segmentation:
        return DatasetError(
            f"{where}: expected an outline, polygons or run lengths, in segmentation. "
            f"Received: {short(segmentation)}. Outline the object; a box is not "
            "enough."
        )
    wrong = next((part for part in segmentation if not polygon_shapes([[part]])[0]), 0)
    return DatasetError(
        f"{where}: expected polygons [x1, y1, x2, y2, x3, y3 ...] of at least 3 points "
        f"and at most {MAX_POINTS:,}, not longer than {MAX_OUTLINE:,} pixels. "
        f"Received: {short(wrong)}. Outline the object again."
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
