"""LabelMe: a JSON file for each image, read into an AnnotatedDataset.

A shape is an object, and shapes with one label and one group_id are one together.
Of the kinds polygon, rectangle, circle, mask and oriented_rectangle have an area;
a pixel is in when its whole-number coordinates are inside the line or on it.
"""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Iterator
from pathlib import PurePosixPath

import numpy as np
from PIL import Image

from mrcnn.data.annotations import (
    AnnotationFolder,
    is_number,
    refuse_class_attribute,
    short,
)
from mrcnn.data.images import image_hw, stated_hw
from mrcnn.data.labelled import (
    LabelledImage,
    LabelledShape,
    joined_parts,
    labelled_dataset,
)
from mrcnn.data.regions import AnnotatedDataset
from mrcnn.data.shapes import BoxMask, Ellipse, Shape, checked_polygon
from mrcnn.errors import DatasetError

SOURCE = "labelme"
CROWD_FLAG = "iscrowd"


def recognises(content: object) -> bool:
    """Tell whether the content of a file is LabelMe's JSON."""
    return isinstance(content, dict) and {"shapes", "imagePath"} <= set(content)


def read(
    folder: AnnotationFolder,
    *,
    class_names: list[str] | None = None,
    class_attribute: str | None = None,
    keep_unannotated: bool | None = None,
) -> AnnotatedDataset:
    """Return the data set in some LabelMe files, not yet prepared.

    Args:
        folder: the files, and the folder they are in.
        class_names: names without the background, in the order of their ids; by
            default all labels found, sorted.
        class_attribute: not for this format.
        keep_unannotated: False leaves out the images without shapes.

    Raises:
        DatasetError: anything is broken; names file and shape.
    """
    refuse_class_attribute(class_attribute, folder.path)
    return labelled_dataset(
        SOURCE,
        _images(folder),
        folder.path,
        class_names=class_names,
        keep_unannotated=keep_unannotated is not False,
    )


def _images(folder: AnnotationFolder) -> Iterator[LabelledImage]:
    for file in folder.files:
        content = file.content
        name = _inner_name(content["imagePath"])
        path = file.find_image(name)
        stated = content.get("imageHeight"), content.get("imageWidth")
        where = str(file.path)
        # Whether the image is of the stated size is found out when it is read.
        size = image_hw(path) if None in stated else stated_hw(*stated, where)
        parts = _parts(content["shapes"], size, where)
        yield LabelledImage(name, path, size, joined_parts(parts))


def _inner_name(name):
    """Return the name of an image without a way out of the data set's folder.

    LabelMe writes "../images/a.jpg" where images and JSON files are in two folders.
    """
    if not isinstance(name, str):
        return name
    path = PurePosixPath(name.replace("\\", "/"))
    leaves = path.is_absolute() or ".." in path.parts or ":" in name
    return path.name if leaves else name


def _parts(
    shapes, image_hw: tuple[int, int], where: str
) -> list[tuple[object, LabelledShape]]:
    """Return (group, shape) of each shape, with all types checked."""
    if not isinstance(shapes, list):
        raise DatasetError(
            f"{where}: expected a list of shapes. Received: {type(shapes).__name__}. "
            "Save it again in LabelMe."
        )
    parts = []
    for i, record in enumerate(shapes):
        place = f"shape {i}"
        label = record.get("label") if isinstance(record, dict) else None
        if not isinstance(label, str) or not label.strip():
            raise DatasetError(
                f"{where}, {place}: expected a shape with a label. "
                f"Received: {short(label)}. Label it in LabelMe."
            )
        group = record.get("group_id")
        if not isinstance(group, (int, str, type(None))):
            raise DatasetError(
                f"{where}, {place}: expected a number as group_id. "
                f"Received: {short(group)}. Correct it in LabelMe."
            )
        flags = record.get("flags")
        is_crowd = isinstance(flags, dict) and flags.get(CROWD_FLAG) is True
        shape = _shape(record, image_hw, f"{where}, {place}")
        thing = LabelledShape(shape, label.strip(), place, is_crowd)
        parts.append((group, thing))
    return parts


def _shape(record: dict, image_hw: tuple[int, int], where: str) -> Shape:
    kind = record.get("shape_type") or "polygon"  # before version 3 there was no other
    points = record.get("points")
    is_list = isinstance(points, list) and all(
        isinstance(point, list) and len(point) == 2 and all(map(is_number, point))
        for point in points
    )
    if not is_list or len(points) < 2:
        raise DatasetError(
            f"{where}: expected a list of points [x, y]. Received: {short(points)}. "
            "Outline it again."
        )
    xs, ys = zip(*points, strict=True)
    if kind in ("polygon", "oriented_rectangle"):
        return checked_polygon(xs, ys, where)
    if kind == "rectangle":
        x1, y1, x2, y2 = min(xs), min(ys), max(xs), max(ys)
        return checked_polygon((x1, x2, x2, x1), (y1, y1, y2, y2), where)
    if kind == "circle" and len(points) == 2:
        return _circle(xs, ys, where)
    if kind == "mask" and len(points) == 2:
        return _mask(record.get("mask"), xs, ys, image_hw, where)
    raise DatasetError(
        f"{where}: expected a polygon, rectangle, circle or mask. "
        f"Received: {short(kind)} of {len(points)} points. Outline the object instead."
    )


def _circle(xs, ys, where: str) -> Ellipse:
    radius = math.dist((xs[0], ys[0]), (xs[1], ys[1]))
    if radius == 0:
        raise DatasetError(
            f"{where}: expected a circle with an area. Received: radius 0. Remove it "
            "or outline the object again."
        )
    return Ellipse(xs[0], ys[0], radius, radius)


def _mask(text, xs, ys, image_hw: tuple[int, int], where: str) -> BoxMask:
    """Return the shape of a PNG in base64 whose corner pixels are the two points."""
    x1, y1, x2, y2 = (round(v) for v in (min(xs), min(ys), max(xs), max(ys)))
    if x1 < 0 or y1 < 0 or x2 >= image_hw[1] or y2 >= image_hw[0]:
        raise DatasetError(
            f"{where}: expected a mask inside the image of {image_hw[1]} x "
            f"{image_hw[0]} pixels. Received: x from {x1} to {x2}, y from {y1} to "
            f"{y2}. Draw it again."
        )
    expected = x2 - x1 + 1, y2 - y1 + 1
    try:
        with Image.open(io.BytesIO(base64.b64decode(text, validate=True))) as image:
            size = image.size
            # Decoded only when its size is known to be right.
            mask = np.asarray(image.convert("L")) > 0 if size == expected else None
    except (TypeError, ValueError, OSError, SyntaxError, LookupError) as error:
        raise DatasetError(
            f"{where}: expected a mask, a PNG in base64. Received: {short(text)} "
            f"({error}). Draw it again."
        ) from error
    if mask is None:
        raise DatasetError(
            f"{where}: expected a mask of {expected[0]} x {expected[1]} pixels, as its "
            f"points say. Received: {size[0]} x {size[1]}. Draw it again."
        )
    if not mask.any():
        raise DatasetError(
            f"{where}: expected a mask with pixels. Received: an empty one. Remove it."
        )
    return BoxMask.from_mask(mask, y1, x1)
