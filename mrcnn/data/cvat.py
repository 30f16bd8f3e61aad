"""CVAT's XML for images, read into an AnnotatedDataset.

Read are boxes, turned or not, polygons, ellipses and masks; shapes of one group and
label are one object. Tags of whole images are passed over; what has no area, such
as points and polylines, is an error, because it cannot become a mask.

CVAT's coordinates have their origin in the corner of the first pixel, so that the
pixel in column 3 has its centre at 3.5; `shapes` has it at 3.
"""

from __future__ import annotations

import math
from dataclasses import replace
from xml.etree.ElementTree import Element

import numpy as np

from mrcnn.data.annotations import (
    AnnotationFile,
    as_number,
    refuse_class_attribute,
)
from mrcnn.data.images import image_hw, stated_hw
from mrcnn.data.labelled import (
    LabelledImage,
    LabelledShape,
    joined_parts,
    labelled_dataset,
)
from mrcnn.data.regions import AnnotatedDataset
from mrcnn.data.shapes import (
    BoxMask,
    Ellipse,
    Polygon,
    Rectangle,
    Shape,
    checked_polygon,
)
from mrcnn.errors import DatasetError

SOURCE = "cvat"
_CORNER = 0.5  # from the corner of a pixel to its centre


def recognises(content: object) -> bool:
    """Tell whether the root of an XML file is CVAT's."""
    return isinstance(content, Element) and content.tag == "annotations"


def read(
    annotation: AnnotationFile,
    *,
    class_names: list[str] | None = None,
    class_attribute: str | None = None,
    keep_unannotated: bool | None = None,
) -> AnnotatedDataset:
    """Return the data set in a CVAT file, not yet prepared.

    Args:
        annotation: the file and its image folders.
        class_names: names without the background, in the order of their ids; by
            default the labels of the task or project, sorted.
        class_attribute: not for this format.
        keep_unannotated: whether images without objects stay.

    Raises:
        DatasetError: anything is broken; names file, image and shape.
    """
    refuse_class_attribute(class_attribute, annotation.path)
    root = annotation.content
    if root.find("track") is not None:
        raise DatasetError(
            f"{annotation.path}: expected CVAT's XML for images. Received: its XML for "
            "video, which has tracks. Export the task as 'CVAT for images'."
        )
    labels = [name.text for name in root.findall("meta//labels/label/name")]
    return labelled_dataset(
        SOURCE,
        (_image(image, annotation) for image in root.iter("image")),
        annotation.path,
        class_names=class_names,
        keep_unannotated=keep_unannotated,
        known_labels=[label for label in labels if label],
    )


def _image(image: Element, annotation: AnnotationFile) -> LabelledImage:
    name, part = image.get("name"), image.get("subset")
    if part and not set("/\\.") & set(part):
        # Of a project the images lie in images/train/ and so on.
        folders = annotation.image_folders
        below = tuple(folder / part for folder in folders)
        annotation = replace(annotation, image_folders=(*folders, *below))
    path = annotation.find_image(name)
    where = f"{annotation.path}, image {name!r}"
    stated = image.get("height"), image.get("width")
    size = (
        image_hw(path) if None in stated else stated_hw(*map(as_number, stated), where)
    )
    parts = []
    for i, element in enumerate(image):
        if element.tag == "tag":
            continue
        place = f"{element.tag} {i}"
        label = element.get("label")
        if not label:
            raise DatasetError(
                f"{where}, {place}: expected a label. Received: none. Label it."
            )
        group = element.get("group_id")
        shape = _shape(element, f"{where}, {place}", size)
        part = LabelledShape(shape, label, place)
        parts.append((None if group in (None, "", "0") else group, part))
    return LabelledImage(name, path, size, joined_parts(parts))


def _shape(element: Element, where: str, image_hw: tuple[int, int]) -> Shape:
    if element.tag not in _SHAPES:
        raise DatasetError(
            f"{where}: expected a shape with an area, one of {', '.join(_SHAPES)}. "
            f"Received: {element.tag!r}. Outline the object instead."
        )
    return _SHAPES[element.tag](element, where, image_hw)


def _box(element: Element, where: str, _) -> Rectangle | Polygon:
    x1, y1, x2, y2 = _numbers(element, ("xtl", "ytl", "xbr", "ybr"), where)
    if x2 <= x1 or y2 <= y1:
        raise DatasetError(
            f"{where}: expected a box with an area. Received: {x2 - x1:g} x "
            f"{y2 - y1:g} pixels. Remove it or outline the object again."
        )
    angle = _angle(element, where)
    x1, y1, x2, y2 = (edge - _CORNER for edge in (x1, y1, x2, y2))
    if not angle:
        return Rectangle(x1, y1, x2 - x1, y2 - y1)
    cx, cy, cos, sin = (x1 + x2) / 2, (y1 + y2) / 2, math.cos(angle), math.sin(angle)
    corners = [(x - cx, y - cy) for x, y in ((x1, y1), (x2, y1), (x2, y2), (x1, y2))]
    return Polygon(
        tuple(cx + x * cos - y * sin for x, y in corners),
        tuple(cy + x * sin + y * cos for x, y in corners),
    )


def _ellipse(element: Element, where: str, _) -> Ellipse:
    cx, cy, rx, ry = _numbers(element, ("cx", "cy", "rx", "ry"), where)
    if rx <= 0 or ry <= 0:
        raise DatasetError(
            f"{where}: expected radii above 0. Received: rx={rx:g}, ry={ry:g}. "
            "Remove it or outline the object again."
        )
    return Ellipse(cx - _CORNER, cy - _CORNER, rx, ry, _angle(element, where))


def _polygon(element: Element, where: str, _) -> Polygon:
    pairs = [pair.split(",") for pair in element.get("points", "").split(";")]
    points = [tuple(map(as_number, pair)) for pair in pairs if len(pair) == 2]
    if len(points) != len(pairs) or not np.isfinite(points).all():
        raise DatasetError(
            f"{where}: expected points x,y;x,y;... Received: "
            f"{element.get('points', '')[:60]!r}. Outline it again."
        )
    xs, ys = zip(*points, strict=True)
    return checked_polygon([x - _CORNER for x in xs], [y - _CORNER for y in ys], where)


def _mask(element: Element, where: str, image_hw: tuple[int, int]) -> BoxMask:
    left, top, width, height = map(
        int, _numbers(element, ("left", "top", "width", "height"), where)
    )
    runs = [as_number(run) for run in element.get("rle", "").split(",")]
    fits = 0 < width <= image_hw[1] and 0 < height <= image_hw[0]
    is_runs = all(run >= 0 and run == int(run) for run in runs)  # false for nan
    if not (fits and is_runs and sum(runs) == width * height):
        raise DatasetError(
            f"{where}: expected run lengths of a mask of {width} x {height} pixels, no "
            f"larger than its image. Received: {element.get('rle', '')[:60]!r}. "
            "Outline it again."
        )
    # Background and object in turn, along the rows: [H * W] -> [H, W]
    is_object = np.arange(len(runs)) % 2 == 1
    mask = np.repeat(is_object, np.array(runs, int)).reshape(height, width)
    return BoxMask.from_mask(mask, top, left)


def _angle(element: Element, where: str) -> float:
    """Return how far a shape is turned, radians, clockwise on screen."""
    if element.get("rotation") is None:
        return 0.0
    return math.radians(_numbers(element, ("rotation",), where)[0])


def _numbers(element: Element, names: tuple[str, ...], where: str) -> list[float]:
    values = [as_number(element.get(name)) for name in names]
    for name, value in zip(names, values, strict=True):
        if math.isnan(value):
            raise DatasetError(
                f"{where}: expected a number in {name}. "
                f"Received: {element.get(name)!r:.60}. Outline it again."
            )
    return values


_SHAPES = {"box": _box, "polygon": _polygon, "ellipse": _ellipse, "mask": _mask}
