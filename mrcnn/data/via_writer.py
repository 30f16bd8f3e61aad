"""A data set written as a project of VGG Image Annotator 2.

Every object is one region: polygons, rectangles, circles and ellipses as they are,
anything else as one polygon, see `outlines.single_polygon`. The class stands in the
attribute "class", a dropdown; a crowd has "1" in the attribute "iscrowd".
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from mrcnn.data.labelled import LabelledImage, LabelledShape
from mrcnn.data.outlines import single_polygon
from mrcnn.data.saving import (
    Saving,
    box_and_mask,
    plain_numbers,
    refuse_existing,
    write_json,
)
from mrcnn.data.shapes import Ellipse, Polygon, Rectangle
from mrcnn.data.via_classes import CROWD_ATTRIBUTE

FILE_NAME = "via_project.json"
_CLASS_ATTRIBUTE = "class"


def write(saving: Saving) -> Path:
    """Write the project and return its path.

    Raises:
        DatasetError: it exists or cannot be written.
    """
    file = saving.part / FILE_NAME
    refuse_existing(file)
    entries = {}
    for name, image in saving:
        size = os.path.getsize(image.path)
        # VIA knows an image by its name and its size in bytes.
        entries[f"{name}{size}"] = {
            "filename": name,
            "size": size,
            "regions": [
                _region(thing, image, saving.min_iou) for thing in image.objects
            ],
            "file_attributes": {},
        }
    # Where VIA looks for the images, seen from the project.
    where = Path(os.path.relpath(saving.image_folder, saving.part)).as_posix()
    content = {
        "_via_settings": {
            "core": {
                "buffer_size": 18,
                "filepath": {},
                "default_filepath": "" if where == "." else f"{where}/",
            },
            "project": {"name": saving.part.name},
        },
        "_via_img_metadata": entries,
        "_via_attributes": {"region": _attributes(saving.classes), "file": {}},
        "_via_data_format_version": "2.0.10",
        "_via_image_id_list": list(entries),
    }
    write_json(file, content)
    return file


def _attributes(class_names: Iterable[str]) -> dict:
    options = {name: name for name in class_names}
    text = {"type": "text", "description": "1: a group in one outline"}
    return {
        _CLASS_ATTRIBUTE: {
            "type": "dropdown",
            "description": "",
            "options": options,
            "default_options": {},
        },
        CROWD_ATTRIBUTE: text | {"default_value": ""},
    }


def _region(thing: LabelledShape, image: LabelledImage, min_iou: float) -> dict:
    attributes = {_CLASS_ATTRIBUTE: thing.label}
    if thing.is_crowd:
        attributes[CROWD_ATTRIBUTE] = "1"
    return {
        "shape_attributes": _outline(thing, image, min_iou),
        "region_attributes": attributes,
    }


def _outline(thing: LabelledShape, image: LabelledImage, min_iou: float) -> dict:
    match thing.shape:
        case Polygon(xs, ys):
            return _polygon(xs, ys)
        case Rectangle(x, y, width, height):
            return {"name": "rect", "x": x, "y": y, "width": width, "height": height}
        case Ellipse(cx, cy, rx, ry) if rx == ry:
            return {"name": "circle", "cx": cx, "cy": cy, "r": rx}
        case Ellipse(cx, cy, rx, ry, theta):
            radii = {"rx": rx, "ry": ry, "theta": theta}
            return {"name": "ellipse", "cx": cx, "cy": cy, **radii}
    (top, left, _, _), mask = box_and_mask(thing, image)
    xs, ys = (single_polygon(mask, min_iou) + np.array([left, top])).T
    return _polygon(xs, ys)


def _polygon(xs, ys) -> dict:
    return {
        "name": "polygon",
        "all_points_x": plain_numbers(xs),
        "all_points_y": plain_numbers(ys),
    }
