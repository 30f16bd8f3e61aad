"""Ultralytics' YOLO with polygons, read into an AnnotatedDataset.

A text file for each image has a line for each object: the number of its class, then
x and y of each corner as shares of the image's width and height. It has the name of
the image, in labels/ where the image is in images/; `yolo_folders` says where these
are. An image without a text file has no objects. A pixel is in when its whole-number
coordinates are inside the polygon or on it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np

from mrcnn.data.annotations import (
    AnnotationFolder,
    as_number,
    refuse_class_attribute,
    short,
)
from mrcnn.data.contents import read_text
from mrcnn.data.images import image_hw
from mrcnn.data.labelled import LabelledImage, LabelledShape, labelled_dataset
from mrcnn.data.regions import AnnotatedDataset
from mrcnn.data.shapes import Polygon, checked_polygon
from mrcnn.data.yolo_folders import YoloPart, find_part
from mrcnn.errors import DatasetError

SOURCE = "yolo"
# Shares are rounded in the file: what is as near to a whole pixel as this is on it.
_ROUNDING = 0.01
# Of shares that are taken; what is outside the image is cut off.
_RANGE = (-0.1, 1.1)


def recognises(content: object) -> bool:
    """Tell whether a folder, or the part of it that is asked for, is in YOLO's form."""
    return isinstance(content, AnnotationFolder) and find_part(content) is not None


def read(
    folder: AnnotationFolder,
    *,
    class_names: list[str] | None = None,
    class_attribute: str | None = None,
    keep_unannotated: bool | None = None,
) -> AnnotatedDataset:
    """Return the data set in a YOLO folder, not yet prepared.

    Args:
        folder: the folder, with the YAML file where one was named.
        class_names: names without the background, in the order of their ids; by
            default those of the YAML file, in its order.
        class_attribute: not for this format.
        keep_unannotated: False leaves out the images without objects.

    Raises:
        DatasetError: anything is broken; names file and line.
    """
    refuse_class_attribute(class_attribute, folder.path)
    part = find_part(folder)
    names = part.class_names() or class_names
    if names is None:
        raise DatasetError(
            f"{folder.path}: expected the class names in a YAML file. Received: none. "
            "Add data.yaml with names, or give the class names in their order."
        )
    return labelled_dataset(
        SOURCE,
        _images(part, names),
        part.described,
        class_names=class_names or names,
        keep_unannotated=keep_unannotated is not False,
    )


def polygon_in_pixels(
    shares, image_hw: tuple[int, int], where: str = "polygon"
) -> Polygon:
    """Return the polygon in the shares x, y, x, y ... of width and height.

    Raises:
        DatasetError: it has no area.
    """
    height, width = image_hw
    corners = np.reshape(shares, (-1, 2)) * (width, height)
    whole = np.rint(corners)
    is_whole = np.abs(corners - whole) < _ROUNDING
    xs, ys = np.where(is_whole, whole, corners).T.tolist()
    return checked_polygon(xs, ys, where)


def _images(part: YoloPart, names: list[str]) -> Iterator[LabelledImage]:
    paths = part.images()
    common = os.path.commonpath([path.parent for path in paths]) if paths else ""
    for path in paths:
        file = part.labels_of(path)
        size = image_hw(path)
        text = read_text(file) if file.is_file() else ""
        lines = [line.split() for line in text.splitlines()]
        objects = tuple(
            _object(words, names, size, str(file), f"line {number}")
            for number, words in enumerate(lines, start=1)
            if words
        )
        yield LabelledImage(path.relative_to(common).as_posix(), path, size, objects)


def _object(
    words: list[str], names: list[str], image_hw: tuple[int, int], file: str, line: str
) -> LabelledShape:
    """Return the object in the words of a line."""
    where = f"{file}, {line}"
    class_id, *shares = (as_number(word) for word in words)
    if class_id not in range(len(names)):
        raise DatasetError(
            f"{where}: expected the number of a class, from 0 to {len(names) - 1}. "
            f"Received: {short(words[0])}. Correct it or add a name to the YAML file."
        )
    if len(shares) == 4:
        raise DatasetError(
            f"{where}: expected an outline, x and y of at least 3 corners. Received: a "
            "box. Outline the objects: masks cannot be learned from boxes."
        )
    if len(shares) < 6 or len(shares) % 2:
        raise DatasetError(
            f"{where}: expected x and y of at least 3 corners after the class. "
            f"Received: {len(shares)} numbers. Correct the line."
        )
    low, high = _RANGE
    outside = [
        w for w, s in zip(words[1:], shares, strict=True) if not low <= s <= high
    ]
    if outside:
        raise DatasetError(
            f"{where}: expected shares of the image's width and height, from 0 to 1. "
            f"Received: {short(outside[0])}. Divide pixels by width and height."
        )
    shape = polygon_in_pixels(shares, image_hw, where)
    return LabelledShape(shape, names[int(class_id)], line)
