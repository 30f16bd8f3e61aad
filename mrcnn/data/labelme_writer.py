"""A data set written for LabelMe: a JSON file for each image.

An object is a polygon, several polygons of one group, or, where holes prevent that,
LabelMe's own mask. A crowd has the flag "iscrowd".
"""

from __future__ import annotations

import base64
import io
import os
from pathlib import Path

import numpy as np
from PIL import Image

from mrcnn.data.labelled import LabelledImage, LabelledShape
from mrcnn.data.labelme import CROWD_FLAG
from mrcnn.data.outlines import part_polygons
from mrcnn.data.saving import (
    Saving,
    box_and_mask,
    plain_numbers,
    refuse_existing,
    unique_stems,
    write_json,
)
from mrcnn.data.shapes import Compound, Polygon, Shape


def write(saving: Saving) -> Path:
    """Write the JSON files and return their folder.

    Raises:
        DatasetError: a file exists or cannot be written.
    """
    files = [saving.part / f"{stem}.json" for stem in unique_stems(saving.names)]
    refuse_existing(*files)
    for file, (_, image) in zip(files, saving, strict=True):
        height, width = image.image_hw
        shapes = []
        for group, thing in enumerate(image.objects, start=1):
            shapes += _shapes(thing, image, group, saving.min_iou)
        content = {
            "version": "5.5.0",
            "flags": {},
            "shapes": shapes,
            "imagePath": Path(os.path.relpath(image.path, file.parent)).as_posix(),
            "imageData": None,
            "imageHeight": height,
            "imageWidth": width,
        }
        write_json(file, content)
    return saving.part


def _shapes(
    thing: LabelledShape, image: LabelledImage, group: int, min_iou: float
) -> list[dict]:
    """Return the shapes of one object."""
    about = {
        "label": thing.label,
        "group_id": None,
        "description": "",
        "flags": {CROWD_FLAG: True} if thing.is_crowd else {},
        "mask": None,
    }
    polygons = _own_polygons(thing.shape)
    if polygons is None:
        (y1, x1, y2, x2), mask = box_and_mask(thing, image)
        parts = part_polygons(mask, min_iou)
        if parts is None:
            corners = {"points": [[x1, y1], [x2 - 1, y2 - 1]], "shape_type": "mask"}
            return [about | corners | {"mask": _png(mask)}]
        polygons = [part + np.array([x1, y1]) for part in parts]
    if len(polygons) > 1:
        about["group_id"] = group
    return [about | _polygon(points) for points in polygons]


def _own_polygons(shape: Shape) -> list | None:
    """Return the points of a shape that is made of polygons alone, else None."""
    parts = [shape]
    if isinstance(shape, Compound) and not shape.holes:
        parts = shape.parts
    if not all(isinstance(part, Polygon) for part in parts):
        return None
    return [list(zip(part.xs, part.ys, strict=True)) for part in parts]


def _polygon(points) -> dict:
    return {
        "points": [plain_numbers(point) for point in points],
        "shape_type": "polygon",
    }


def _png(mask: np.ndarray) -> str:
    """Return a mask as LabelMe keeps it, a PNG of 0 and 1 in base64."""
    buffer = io.BytesIO()
    Image.fromarray(mask.astype(np.uint8)).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode("ascii")
