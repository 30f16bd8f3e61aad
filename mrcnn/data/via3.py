"""The project of VGG Image Annotator 3, read into an AnnotatedDataset.

Its regions are lists of numbers, the kind of shape first: [2, x, y, width, height].
They are brought into the form of VIA 2, which `via` reads. Regions in time, which
VIA 3 has for video and audio, are no objects in an image and are left out.
"""

from __future__ import annotations

import logging

import numpy as np

from mrcnn.data import via
from mrcnn.data.annotations import (
    AnnotationFile,
    is_number,
    short,
)
from mrcnn.data.regions import AnnotatedDataset
from mrcnn.errors import DatasetError

_logger = logging.getLogger(__name__)

_TABLES = ("file", "view", "metadata", "attribute")
# Types of attributes and of files, as VIA numbers them.
_CHECKBOX = 2
_IMAGE = 2


def recognises(content: object) -> bool:
    """Tell whether the content of a file is a project of VIA 3."""
    return isinstance(content, dict) and {"project", *_TABLES} <= set(content)


def read(
    annotation: AnnotationFile,
    *,
    class_names: list[str] | None = None,
    class_attribute: str | None = None,
    keep_unannotated: bool | None = None,
) -> AnnotatedDataset:
    """Return the data set in a project of VIA 3, not yet prepared; see `via.read`."""
    tables = {name: _table(annotation, name) for name in _TABLES}
    entries = {
        file_id: {"filename": file.get("fname"), "regions": {}}
        for file_id, file in tables["file"].items()
        if file.get("type", _IMAGE) == _IMAGE
    }
    num_in_time = 0
    for key, metadata in tables["metadata"].items():
        where = f"{annotation.path}, metadata {key!r}"
        numbers = metadata.get("xy")
        if metadata.get("z") or numbers == []:
            num_in_time += bool(metadata.get("z"))
            continue
        file_id = _file_id(tables["view"], metadata.get("vid"), where)
        if file_id not in entries:
            raise DatasetError(
                f"{where}: expected a region of an image of the project. Received: "
                f"vid={short(metadata.get('vid'))}. Remove the region or add the image."
            )
        entries[file_id]["regions"][key] = {
            "shape_attributes": _shape_attributes(numbers, where),
            "region_attributes": _labels(metadata, tables["attribute"], where),
        }
    if num_in_time:
        _logger.warning(
            "%s: %d regions in time, of video or audio, left out.",
            annotation.path,
            num_in_time,
        )
    return via.dataset_of(
        entries, annotation, class_names, class_attribute, keep_unannotated
    )


def _table(annotation: AnnotationFile, name: str) -> dict[str, dict]:
    table = annotation.content[name]
    is_table = isinstance(table, dict)
    if not is_table or not all(isinstance(row, dict) for row in table.values()):
        raise DatasetError(
            f"{annotation.path}: expected a dict of dicts under {name!r}. "
            f"Received: {short(table)}. Save the project again."
        )
    return table


def _file_id(views: dict[str, dict], view_id, where: str) -> str:
    """Return the id of the one file that a view shows."""
    view = views.get(str(view_id)) or {}
    file_ids = view.get("fid_list")
    if not isinstance(file_ids, list) or len(file_ids) != 1:
        raise DatasetError(
            f"{where}: expected a view of one image. Received: view {short(view_id)} "
            f"of {short(file_ids)}. Annotate single images."
        )
    return str(file_ids[0])


def _shape_attributes(numbers, where: str) -> dict:
    """Return what VIA 2 would have written for [kind, number, number ...]."""
    is_shape = isinstance(numbers, list) and len(numbers) > 2 and len(numbers) < 1e6
    if not is_shape or not all(map(is_number, numbers)):
        raise DatasetError(
            f"{where}: expected a shape and its coordinates in xy. "
            f"Received: {short(numbers)}. Outline it again."
        )
    kind, *values = numbers
    if kind in _NAMED:
        name, keys = _NAMED[kind]
        return {"name": name, **dict(zip(keys, values, strict=False))}
    xs, ys = values[::2], values[1::2]
    if kind == 8 and len(values) == 8:  # touched at four sides
        x, y = min(xs), min(ys)
        width, height = max(xs) - x, max(ys) - y
        return {"name": "rect", "x": x, "y": y, "width": width, "height": height}
    if kind == 9 and len(values) == 6:
        return _circle_through(xs, ys, where)
    name = {6: "polyline", 7: "polygon"}.get(kind, f"shape {kind}")
    return {"name": name, "all_points_x": xs, "all_points_y": ys}


# Of those that VIA 2 has, too: name and keys, by kind.
_NAMED = {
    1: ("point", ("cx", "cy")),
    2: ("rect", ("x", "y", "width", "height")),
    3: ("circle", ("cx", "cy", "r")),
    4: ("ellipse", ("cx", "cy", "rx", "ry")),
}


def _circle_through(xs: list, ys: list, where: str) -> dict:
    """Return the circle through three points: |p - c| equal for all of them."""
    points = np.stack([xs, ys], axis=1).astype(float)
    # 2 (p_i - p_0) . c = |p_i|^2 - |p_0|^2
    sides = 2 * (points[1:] - points[0])
    squares = (points**2).sum(axis=1)
    if abs(np.linalg.det(sides)) < 1e-9:
        raise DatasetError(
            f"{where}: expected three points of a circle. Received: points on a line. "
            "Outline it again."
        )
    centre = np.linalg.solve(sides, squares[1:] - squares[0])
    radius = float(np.linalg.norm(points[0] - centre))
    return {"name": "circle", "cx": centre[0], "cy": centre[1], "r": radius}


def _labels(metadata: dict, attributes: dict[str, dict], where: str) -> dict:
    """Return {attribute name: text or {option: True}} of a region."""
    values = metadata.get("av", {})
    if not isinstance(values, dict):
        raise DatasetError(
            f"{where}: expected a dict of labels under 'av'. "
            f"Received: {short(values)}. Label it again."
        )
    labels = {}
    for attribute_id, value in values.items():
        attribute = attributes.get(attribute_id, {})
        options = attribute.get("options")
        options = options if isinstance(options, dict) else {}
        name = str(attribute.get("aname", attribute_id))
        if attribute.get("type") == _CHECKBOX and isinstance(value, str):
            ticks = [tick for tick in value.split(",") if tick]
            labels[name] = {str(options.get(tick, tick)): True for tick in ticks}
        else:
            is_id = isinstance(value, str) and value in options
            labels[name] = str(options[value]) if is_id else value
    return labels
