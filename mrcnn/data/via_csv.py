"""VGG Image Annotator's CSV export, of 1.x and 2.x, read into an AnnotatedDataset.

One row for each region; its outline and labels are JSON in two of the columns. The
rows are brought into the form of the JSON export, which `via` reads.
"""

from __future__ import annotations

import json

from mrcnn.data import via
from mrcnn.data.annotations import (
    AnnotationFile,
    short,
)
from mrcnn.data.regions import AnnotatedDataset
from mrcnn.errors import DatasetError

_SHAPE, _LABELS = "region_shape_attributes", "region_attributes"
# VIA 1 and 2 mark the first line as a comment.
_NAMES = ("filename", "#filename")


def recognises(content: object) -> bool:
    """Tell whether the rows of a CSV file are VIA's."""
    if not isinstance(content, list) or not isinstance(content[0], dict):
        return False
    return _SHAPE in content[0] and any(name in content[0] for name in _NAMES)


def read(
    annotation: AnnotationFile,
    *,
    class_names: list[str] | None = None,
    class_attribute: str | None = None,
    keep_unannotated: bool | None = None,
) -> AnnotatedDataset:
    """Return the data set in a VIA CSV file, not yet prepared; see `via.read`."""
    entries: dict[str, dict] = {}
    for number, row in enumerate(annotation.content, start=2):
        where = f"{annotation.path}, row {number}"
        file_name = next((row[name] for name in _NAMES if name in row), None)
        if not file_name:
            raise DatasetError(
                f"{where}: expected the file name of an image. Received: {short(row)}. "
                "Export the annotations again."
            )
        # As in VIA's JSON, two images of one name are told apart by their size.
        key = f"{file_name}{row.get('file_size', '')}"
        entry = entries.setdefault(key, {"filename": file_name, "regions": []})
        shape = _json_cell(row, _SHAPE, where)
        if shape:  # a row without one stands for an image without regions
            labels = _json_cell(row, _LABELS, where)
            entry["regions"].append({"shape_attributes": shape, _LABELS: labels})
    return via.dataset_of(
        entries, annotation, class_names, class_attribute, keep_unannotated
    )


def _json_cell(row: dict, column: str, where: str) -> dict:
    text = row.get(column) or "{}"
    try:
        cell = json.loads(text)
    except (ValueError, RecursionError, TypeError) as error:
        raise DatasetError(
            f"{where}: expected JSON in {column}. Received: {short(text)} ({error}). "
            "Export the annotations again; a spreadsheet may have changed them."
        ) from error
    if not isinstance(cell, dict):
        raise DatasetError(
            f"{where}: expected a JSON object in {column}. Received: {short(text)}. "
            "Export the annotations again."
        )
    return cell
