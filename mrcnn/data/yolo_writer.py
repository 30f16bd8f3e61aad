"""A data set written for Ultralytics' YOLO: a text file of polygons for each image.

An object is one line, one polygon (`outlines.single_polygon`), whatever its parts and
holes. YOLO has no crowds: they are left out, and how many is logged.
"""

from __future__ import annotations

import logging
from pathlib import Path, PurePosixPath

import numpy as np
import yaml

from mrcnn.data.labelled import LabelledImage, LabelledShape
from mrcnn.data.outlines import single_polygon
from mrcnn.data.saving import Saving, box_and_mask, refuse_existing, write_text
from mrcnn.data.shapes import Polygon
from mrcnn.data.yolo import polygon_in_pixels
from mrcnn.errors import DatasetError
from mrcnn.structures import Detections

_logger = logging.getLogger(__name__)

FILE_NAME = "data.yaml"


def write(saving: Saving) -> Path:
    """Write the labels and the YAML file, and return the path of the latter.

    Another subset may be in the folder already; the YAML file then lists both.

    Raises:
        DatasetError: a file exists or cannot be written, or the other subset has
            other classes.
    """
    labels = saving.folder / "labels" / (saving.subset or "")
    files = [labels / PurePosixPath(name).with_suffix(".txt") for name in saving.names]
    refuse_existing(*files)
    content = _yaml(saving)
    class_ids = {name: i for i, name in enumerate(saving.classes)}
    num_crowds = 0
    for file, (_, image) in zip(files, saving, strict=True):
        lines = [
            f"{class_ids[thing.label]} {_polygon(thing, image, saving.min_iou)}\n"
            for thing in image.objects
            if not thing.is_crowd
        ]
        num_crowds += len(image.objects) - len(lines)
        write_text(file, "".join(lines))
    if num_crowds:
        _logger.warning(
            "%s: %d crowds left out: YOLO has none.", saving.folder, num_crowds
        )
    file = saving.folder / FILE_NAME
    write_text(file, yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
    return file


def detection_lines(detections: Detections, min_iou: float = 0.99) -> list[str]:
    """Return what was found in an image as Ultralytics' YOLO writes it.

    Args:
        detections: the objects; those without a pixel are left out, which is logged.
        min_iou: how near outlines are to the masks, see `outlines`.

    Returns:
        A line for each object: its class, the first of the names being 0, the corners
        of its outline as shares of width and height, score, and track id where
        tracked.

    Example:
        >>> detection_lines(Detections.empty((4, 4)))
        []
    """
    lines = []
    for i, (box, mask) in enumerate(
        zip(detections.boxes, detections.box_masks, strict=True)
    ):
        if not mask.any():
            continue
        outline = _outline(mask, box[:2], detections.image_hw, min_iou)
        line = f"{detections.class_ids[i] - 1} {outline} {detections.scores[i]:.6g}"
        if detections.track_ids is not None:
            line += f" {detections.track_ids[i]}"
        lines.append(line)
    if len(lines) < len(detections):
        _logger.warning(
            "%d detections without a pixel left out.", len(detections) - len(lines)
        )
    return lines


def _yaml(saving: Saving) -> dict:
    names = dict(enumerate(saving.classes))
    if saving.subset is None:
        refuse_existing(saving.folder / FILE_NAME)
        # YOLO does not start without both.
        return {"train": "images", "val": "images", "names": names}
    content = {saving.subset: f"images/{saving.subset}", "names": names}
    file = saving.folder / FILE_NAME
    if not file.exists():
        return content
    other = yaml.safe_load(file.read_text(encoding="utf-8"))
    if not isinstance(other, dict) or other.get("names") != names:
        raise DatasetError(
            "Expected the same classes in all subsets. Received: "
            f"{list(saving.classes)} for {saving.subset}, other ones in {file}. "
            "Load both with the same class_names, or save to another folder."
        )
    return {**content, **other, **content}


def _polygon(thing: LabelledShape, image: LabelledImage, min_iou: float) -> str:
    """Return the corners of an object as shares of the image's width and height."""
    (top, left, bottom, right), mask = box_and_mask(thing, image)
    if isinstance(thing.shape, Polygon):
        text = _shares(np.transpose([thing.shape.xs, thing.shape.ys]), image.image_hw)
        again = polygon_in_pixels(
            [float(word) for word in text.split()], image.image_hw
        )
        box, same = again.rasterise(image.image_hw)
        # Not so where it reaches out of the image, or a corner is almost on a pixel.
        if box.tolist() == [top, left, bottom, right] and (same == mask).all():
            return text
    return _outline(mask, (top, left), image.image_hw, min_iou)


def _outline(mask: np.ndarray, corner_yx, image_hw, min_iou: float) -> str:
    """Return the outline of a mask that lies with its upper left corner somewhere."""
    corners = single_polygon(mask, min_iou) + np.array(corner_yx)[::-1]
    return _shares(corners, image_hw)


def _shares(corners: np.ndarray, image_hw: tuple[int, int]) -> str:
    height, width = image_hw
    shares = np.clip(corners / np.array([width, height]), 0, 1)
    return " ".join(f"{share:.8g}" for share in shares.ravel())
