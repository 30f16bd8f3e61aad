"""COCO's format: annotations read into an AnnotatedDataset, detections written out.

Masks are pycocotools' own, bit by bit. An object is one instance however many
parts its polygon has. Class ids are given in the order of the category ids,
which may have gaps; the source id of a class is its category id.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mrcnn.data.annotations import (
    AnnotationFile,
    check_known_class,
    refuse_class_attribute,
    short,
)
from mrcnn.data.coco_shapes import CocoPolygon, not_polygons, polygon_shapes, rle_shape
from mrcnn.data.images import image_hw, stated_hw
from mrcnn.data.regions import AnnotatedDataset, Region, check_inside
from mrcnn.data.rle import mask_to_rle
from mrcnn.data.shapes import covers_nothing
from mrcnn.errors import DatasetError
from mrcnn.structures import Detections

_logger = logging.getLogger(__name__)

SOURCE = "coco"


def recognises(content: object) -> bool:
    """Tell whether the content of a file is a COCO data set."""
    return isinstance(content, dict) and (
        "images" in content and ("annotations" in content or "categories" in content)
    )


def read(
    annotation: AnnotationFile,
    *,
    class_names: list[str] | None = None,
    class_attribute: str | None = None,
    keep_unannotated: bool | None = None,
) -> AnnotatedDataset:
    """Return the data set in a COCO file, not yet prepared.

    Objects smaller than a pixel, of which COCO itself has some, are left out as
    the original did; how many is logged.

    Args:
        annotation: the file and its image folders.
        class_names: names of the categories to read, in the order of their ids; by
            default all, in the order of the category ids. Objects of the others
            are left out, and logged.
        class_attribute: not for this format.
        keep_unannotated: False leaves out the images without objects.

    Raises:
        DatasetError: anything is broken; names file, image and annotation.
    """
    refuse_class_attribute(class_attribute, annotation.path)
    content = annotation.content
    categories = _categories(content, annotation)
    names = list(categories.values()) if class_names is None else class_names
    for name in names:
        check_known_class(name, list(categories.values()), str(annotation.path))
    category_ids = {name: category_id for category_id, name in categories.items()}
    dataset = AnnotatedDataset()
    for name in names:
        dataset.add_class(SOURCE, category_ids[name], name)
    wanted = {category_ids[name] for name in names}

    images = _records(content, "images", annotation)
    by_image = _annotations_by_image(content, annotation, images, categories)
    left_out = Counter()
    for image in images:
        file_name = image.get("file_name")
        path = annotation.find_image(file_name)
        where = f"{annotation.path}, image {file_name!r}"
        size = _image_hw(image, path, where)
        regions = _regions(by_image[image["id"]], wanted, size, where, left_out)
        if not regions:
            left_out["empty"] += 1
            if keep_unannotated is False:
                continue
        dataset.add_image(
            SOURCE,
            image_id=image["id"],
            path=str(path),
            width=size[1],
            height=size[0],
            annotations=regions,
            annotation_file=str(annotation.path),
        )
    _log_left_out(annotation, left_out, keep_unannotated)
    return dataset


def detections_to_coco(
    detections: Detections,
    image_id: int | str,
    category_ids: Sequence[int] | None = None,
) -> list[dict]:
    """Return detections in COCO's result format, ready for JSON.

    Args:
        detections: the objects of one image.
        image_id: id of the image in the COCO file, or what else to call it.
        category_ids: category id of each class id, the background's first (any
            number); by default the class ids themselves.

    Returns:
        One dict per object: image_id, category_id, bbox [x, y, width, height],
        score, and segmentation in packed run lengths.
    """
    results = []
    for i, (y1, x1, y2, x2) in enumerate(detections.boxes.tolist()):
        mask = np.zeros(detections.image_hw, np.uint8, order="F")
        mask[y1:y2, x1:x2] = detections.box_masks[i]
        class_id = int(detections.class_ids[i])
        results.append(
            {
                "image_id": image_id,
                "category_id": (
                    class_id if category_ids is None else int(category_ids[class_id])
                ),
                "bbox": [x1, y1, x2 - x1, y2 - y1],
                "score": float(detections.scores[i]),
                "segmentation": mask_to_rle(mask),
            }
        )
    return results


def _categories(content: dict, annotation: AnnotationFile) -> dict[int, str]:
    """Return {category id: name}, by ascending id."""
    categories = {}
    for record in _records(content, "categories", annotation):
        name = record.get("name")
        if not isinstance(name, str) or not name.strip():
            raise DatasetError(
                f"{annotation.path}, category {record['id']}: expected a name. "
                f"Received: {short(name)}. Give it one."
            )
        if name in categories.values():
            raise DatasetError(
                f"{annotation.path}, category {record['id']}: expected different "
                f"names. Received: {name!r} twice. Rename one."
            )
        categories[record["id"]] = name
    if not categories:
        raise DatasetError(
            f"{annotation.path}: expected categories. Received: none. "
            "Export the annotations with their categories."
        )
    return dict(sorted(categories.items()))


def _records(content: dict, key: str, annotation: AnnotationFile) -> list[dict]:
    """Return the dicts under a key, each with an integer id of its own."""
    records = content.get(key, [])
    if not isinstance(records, list):
        raise DatasetError(
            f"{annotation.path}: expected a list under {key!r}. "
            f"Received: {type(records).__name__}. Export the annotations again."
        )
    seen = set()
    for i, record in enumerate(records):
        record_id = record.get("id") if isinstance(record, dict) else None
        if not _is_id(record_id) or record_id in seen:
            raise DatasetError(
                f"{annotation.path}, {key}[{i}]: expected a whole number as id, each "
                f"once. Received: id={short(record_id)}. Export the annotations again."
            )
        seen.add(record_id)
    return records


def _annotations_by_image(
    content: dict,
    annotation: AnnotationFile,
    images: list[dict],
    categories: dict[int, str],
) -> dict[int, list[tuple[str, dict]]]:
    """Return {image id: (place, annotation) of each}, with all ids checked.

    A segmentation of polygons that are in order has become a `CocoPolygon`.
    """
    by_image = {image["id"]: [] for image in images}
    records = content.get("annotations", [])
    if not isinstance(records, list):
        raise DatasetError(
            f"{annotation.path}: expected a list under 'annotations'. "
            f"Received: {type(records).__name__}. Export the annotations again."
        )
    records = [record if isinstance(record, dict) else {} for record in records]
    # Measured together: one by one takes three times as long.
    polygons = polygon_shapes([record.get("segmentation") for record in records])
    for i, (record, polygon) in enumerate(zip(records, polygons, strict=True)):
        # The id is optional for an annotation.
        record_id = record.get("id")
        place = f"annotation {record_id if _is_id(record_id) else f'number {i}'}"
        for key, known in (("image_id", by_image), ("category_id", categories)):
            if not _is_id(record.get(key)) or record[key] not in known:
                raise DatasetError(
                    f"{annotation.path}, {place}: expected a {key} of the file. "
                    f"Received: {key}={short(record.get(key))}. Correct or remove it."
                )
        if polygon is not None:
            record = {**record, "segmentation": polygon}
        by_image[record["image_id"]].append((place, record))
    return by_image


def _regions(
    records: list[tuple[str, dict]],
    wanted: set[int],
    size: tuple[int, int],
    where: str,
    left_out: Counter,
) -> list[Region]:
    """Return the objects of one image, counting those that are left out."""
    regions = []
    for place, record in records:
        if record["category_id"] not in wanted:
            left_out["other"] += 1
            continue
        region = _region(record, place, size, where)
        if covers_nothing(region.shape, size):
            left_out["tiny"] += 1
            continue
        regions.append(region)
    return regions


def _region(record: dict, place: str, size: tuple[int, int], where: str) -> Region:
    where_region = f"{where}, {place}"
    segmentation = record.get("segmentation")
    if isinstance(segmentation, dict):
        shape = rle_shape(segmentation, size, where_region)
    elif isinstance(segmentation, CocoPolygon):
        shape = segmentation
    else:
        raise not_polygons(segmentation, where_region)
    is_crowd = record.get("iscrowd", 0)
    if is_crowd not in (0, 1):
        raise DatasetError(
            f"{where_region}: expected iscrowd 0 or 1. Received: {short(is_crowd)}. "
            "Correct it."
        )
    region = Region(shape, record["category_id"], place, bool(is_crowd))
    check_inside(region, size, where)
    return region


def _image_hw(image: dict, path: Path, where: str) -> tuple[int, int]:
    """Return the (height, width) that the file states, else that of the image.

    Whether the image is of the stated size is found out when it is read: opening
    thousands takes long.
    """
    stated = image.get("height"), image.get("width")
    if None in stated:
        return image_hw(path)
    return stated_hw(*stated, where)


def _log_left_out(
    annotation: AnnotationFile, left_out: Counter, keep_unannotated: bool | None
) -> None:
    if left_out["other"]:
        _logger.info(
            "%s: %d objects of other classes left out.",
            annotation.path,
            left_out["other"],
        )
    if left_out["tiny"]:
        _logger.warning(
            "%s: %d objects that cover no pixel left out.",
            annotation.path,
            left_out["tiny"],
        )
    if left_out["empty"]:
        _logger.info(
            "%s: %d images without objects %s.",
            annotation.path,
            left_out["empty"],
            "left out" if keep_unannotated is False else "kept",
        )


def _is_id(value) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
