"""A data set written in COCO's format.

Outlines follow the edges of the pixels, so that pycocotools draws the same mask. An
object with holes is in run lengths, because COCO's polygons hold none, and so is a
crowd, as COCO has it. Ids of categories and images are those of the source where
it has whole numbers, else they count from 1.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mrcnn.data.coco_shapes import CocoPolygon
from mrcnn.data.labelled import LabelledImage, LabelledShape
from mrcnn.data.outlines import coco_polygon_with_holes, coco_polygons
from mrcnn.data.rle import mask_to_rle
from mrcnn.data.saving import (
    Saving,
    box_and_mask,
    plain_numbers,
    refuse_existing,
    write_json,
)

FILE_NAME = "annotations.json"


def write(saving: Saving) -> Path:
    """Write the annotations and return their path.

    Raises:
        DatasetError: the file exists or cannot be written.
    """
    file = saving.part / FILE_NAME
    refuse_existing(file)
    category_ids = dict(zip(saving.classes, _ids(saving.classes.values()), strict=True))
    content = {
        "images": [],
        "annotations": [],
        "categories": [
            {"id": category_id, "name": name, "supercategory": ""}
            for name, category_id in category_ids.items()
        ],
    }
    for image_id, (name, image) in zip(_ids(saving.image_ids), saving, strict=True):
        height, width = image.image_hw
        content["images"].append(
            {"id": image_id, "file_name": name, "width": width, "height": height}
        )
        for thing in image.objects:
            about = {
                "id": len(content["annotations"]) + 1,
                "image_id": image_id,
                "category_id": category_ids[thing.label],
            }
            content["annotations"].append(about | _annotation(thing, image, saving))
    write_json(file, content)
    return file


def _ids(source_ids) -> list[int]:
    """Return the ids of a source where they can be COCO's, else numbers from 1."""
    ids = list(source_ids)
    if all(type(i) is int for i in ids) and len(set(ids)) == len(ids):
        return ids
    return list(range(1, len(ids) + 1))


def _annotation(thing: LabelledShape, image: LabelledImage, saving: Saving) -> dict:
    (y1, x1, y2, x2), mask = box_and_mask(thing, image)
    parts = None if thing.is_crowd else _polygons(thing, mask, saving)
    if parts is None:
        pasted = np.zeros(image.image_hw, bool)
        pasted[y1:y2, x1:x2] = mask
        segmentation = mask_to_rle(pasted)
    elif isinstance(thing.shape, CocoPolygon):
        segmentation = [plain_numbers(part) for part in parts]
    else:
        segmentation = [
            plain_numbers((part + np.array([x1, y1])).ravel()) for part in parts
        ]
    return {
        "segmentation": segmentation,
        "area": int(np.count_nonzero(mask)),
        "bbox": [x1, y1, x2 - x1, y2 - y1],
        "iscrowd": int(thing.is_crowd),
    }


def _polygons(thing: LabelledShape, mask: np.ndarray, saving: Saving):
    """Return polygons in pixels of the mask, or COCO's own; None for run lengths."""
    if isinstance(thing.shape, CocoPolygon):
        return thing.shape.parts
    parts = coco_polygons(mask, saving.min_iou)
    if parts is None and saving.polygons_only:
        return [coco_polygon_with_holes(mask)]
    return parts
