"""What is wrong with the outlines of one image: the doctor's look at the shapes.

An entry of an AnnotatedDataset's `image_info` goes in, `Problem`s come out. The
pixels of the image are not needed. Called by `check`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mrcnn.data.images import is_turned
from mrcnn.data.problems import Problem
from mrcnn.data.regions import Region
from mrcnn.data.shapes import Shape
from mrcnn.errors import DatasetError
from mrcnn.geometry.boxes import compute_overlaps

# Pixels that an outline may reach out of its image: a click on the very edge.
_EDGE = 2
# Share of the longer side from which on it is no slip of the hand.
_FAR_OUT = 0.05
# Overlap (IoU) from which on two outlines are of the same object.
_SAME_OBJECT = 0.9
# Twisted part of an outline that matters, pixels and share of its area.
_LEAST_TWIST = 4
_LEAST_TWIST_SHARE = 0.005


def outline_problems(info: dict, refused: list[Problem] = ()) -> list[Problem]:
    """Return what is wrong with the outlines of an image.

    Args:
        info: its entry in `image_info`.
        refused: problems of the image that the reader has met, "outside" among them.

    Returns:
        New problems. Where the first is of kind "turned-image", it explains those of
        kind "outside", too.
    """
    where = f"{info['annotation_file']}, image {info['path']}"
    outside = [r for p in refused if p.kind == "outside" for r in p.regions]
    turned = _turned(info, [*info["annotations"], *outside], where)
    if turned:
        return [turned]
    image_hw = (info["height"], info["width"])
    found = []
    for region in info["annotations"]:
        for kind, look_at in _CHECKS.items():
            if text := look_at(region, image_hw):
                text = f"{where}, {region.place}: {text}"
                found.append(_problem(kind, text, info, region))
    return found + _same_objects(info, where)


def _turned(info: dict, regions: list[Region], where: str) -> Problem | None:
    """Return the problem of an image whose outlines fit it turned by a quarter."""
    image_hw = (info["height"], info["width"])
    extents = [region.shape.extent for region in regions]
    far_out = _FAR_OUT * max(image_hw)
    if max((_reach(extent, image_hw) for extent in extents), default=0) <= far_out:
        return None
    if any(_reach(extent, image_hw[::-1]) > _EDGE for extent in extents):
        return None
    try:
        is_exif = is_turned(info["path"])
    except DatasetError:
        return None  # reported by whoever reads the image
    why = (
        "The camera's EXIF turns it, and the tool did not: 'mrcnn check --fix' turns "
        "the outlines."
        if is_exif
        else "It was turned after it was annotated: turn it back or outline it again."
    )
    return Problem(
        "turned-image",
        f"{where}: {len(extents)} outlines do not fit the image of {image_hw[1]} x "
        f"{image_hw[0]} pixels, but one of {image_hw[0]} x {image_hw[1]}. {why}",
        str(info["path"]),
        regions=tuple(regions),
    )


def _reach(extent, image_hw: tuple[int, int]) -> float:
    """Return how far an extent reaches out of an image, pixels."""
    y1, x1, y2, x2 = extent
    return max(-y1, -x1, y2 - image_hw[0], x2 - image_hw[1], 0)


def _points_outside(region: Region, image_hw: tuple[int, int]) -> str:
    reach = _reach(region.shape.extent, image_hw)
    if reach <= _EDGE:
        return ""
    return (
        f"reaches {reach:.0f} pixels out of the image of {image_hw[1]} x {image_hw[0]} "
        "and is cut there. Outline it inside the image."
    )


def _tiny(region: Region, image_hw: tuple[int, int]) -> str:
    # What is larger than this covers more than a pixel.
    if region.shape.area > 16 or region.shape.rasterise(image_hw)[1].sum() > 1:
        return ""
    return "covers one pixel only. Remove it, or outline the object again."


def _self_intersection(region: Region, image_hw: tuple[int, int]) -> str:
    twist = sum(twisted_area(points) for points in _polygons(region.shape))
    if twist < max(_LEAST_TWIST, _LEAST_TWIST_SHARE * region.shape.area):
        return ""
    return (
        f"crosses itself, which twists {twist:.0f} pixels of it. Put its points in "
        "order or outline it again."
    )


# Kind of problem -> (region, image_hw) to the text of one, empty if there is none.
_CHECKS = {
    "points-outside": _points_outside,
    "self-intersection": _self_intersection,
    "tiny": _tiny,
}


def _polygons(shape: Shape) -> Iterator[np.ndarray]:
    """Yield the corners of every polygon in a shape, float [P, (x, y)]."""
    if hasattr(shape, "xs"):
        yield np.stack([shape.xs, shape.ys], axis=1).astype(float)
    for part in (*getattr(shape, "parts", ()), *getattr(shape, "holes", ())):
        if isinstance(part, tuple):
            yield np.reshape(part, (-1, 2)).astype(float)  # COCO's x1, y1, x2, y2 ...
        else:
            yield from _polygons(part)


def twisted_area(points: np.ndarray) -> float:
    """Return the area of a polygon that lies on the wrong side of its own line.

    That is what it encloses twice, which is out of the mask, and loops that run the
    other way round. Lines that go back on themselves, as they tie a hole to the
    outline, enclose nothing.

    Args:
        points: float [P, (x, y)].

    Example:
        >>> twisted_area(np.array([[0, 0], [4, 4], [4, 0], [0, 4]]))
        4.0
    """
    import shapely

    if len(points) < 4 or shapely.Polygon(points).is_valid:
        return 0.0
    line = shapely.LineString(np.concatenate([points, points[:1]]))
    faces = shapely.get_parts(shapely.polygonize([shapely.unary_union(line)]))
    areas: dict[int, float] = {}
    for face in faces:
        middle = face.representative_point()
        turns = _turns_around(points, (middle.x, middle.y))
        areas[turns] = areas.get(turns, 0.0) + face.area
    single = (areas.get(1, 0.0), areas.get(-1, 0.0))
    several = sum(area for turns, area in areas.items() if abs(turns) > 1)
    return float(min(single) + several)


def _turns_around(points: np.ndarray, middle: tuple[float, float]) -> int:
    """Return how often a closed line goes round a point, negative the other way."""
    x0, y0 = (points - middle).T
    x1, y1 = np.roll(x0, -1), np.roll(y0, -1)
    side = x0 * y1 - x1 * y0
    return int(((y0 <= 0) & (y1 > 0) & (side > 0)).sum()) - int(
        ((y0 > 0) & (y1 <= 0) & (side < 0)).sum()
    )


def _same_objects(info: dict, where: str) -> list[Problem]:
    """Return a problem for each object that is outlined a second time."""
    firsts: dict[int, int] = {}
    for i, j in same_objects(info):
        firsts.setdefault(j, i)
    found = []
    for j, i in firsts.items():
        first, second = info["annotations"][i], info["annotations"][j]
        what = (
            "is the same object"
            if first.source_class_id == second.source_class_id
            else "is the same object under another class"
        )
        text = f"{where}, {second.place}: {what} as {first.place}. Remove one of them."
        found.append(_problem("duplicate-object", text, info, second))
    return found


def same_objects(info: dict) -> list[tuple[int, int]]:
    """Return the pairs (i, j), i < j, of regions that outline the same object.

    Args:
        info: an entry of an AnnotatedDataset's `image_info`.
    """
    regions, image_hw = info["annotations"], (info["height"], info["width"])
    boxes = np.array([region.shape.extent for region in regions]).reshape(-1, 4)
    # Boxes first, because few pairs then need to be drawn.
    overlaps = np.triu(compute_overlaps(boxes, boxes), 1)
    return [
        (int(i), int(j))
        for i, j in np.argwhere(overlaps >= _SAME_OBJECT)
        if regions[i].is_crowd == regions[j].is_crowd
        and _mask_overlap(regions[i].shape, regions[j].shape, image_hw) >= _SAME_OBJECT
    ]


def _mask_overlap(first: Shape, second: Shape, image_hw: tuple[int, int]) -> float:
    (box, mask), (other_box, other) = (s.rasterise(image_hw) for s in (first, second))
    top, left = np.minimum(box[:2], other_box[:2])
    bottom, right = np.maximum(box[2:], other_box[2:])
    both = np.zeros((2, bottom - top, right - left), bool)
    for plane, (y1, x1, y2, x2), inside in zip(
        both, (box, other_box), (mask, other), strict=True
    ):
        plane[y1 - top : y2 - top, x1 - left : x2 - left] = inside
    return both.all(axis=0).sum() / max(both.any(axis=0).sum(), 1)


def _problem(kind: str, message: str, info: dict, region: Region) -> Problem:
    path = str(info["path"])
    return Problem(kind, message, path, region.place, (region,))
