"""Objects and detections of a whole data set, small enough to hold at once.

Masks become run lengths one after another, so that the memory of a data set of any
size is that of its outlines. `coco`, `matching` and `mistakes` work on these. Axis
letters as in `structures`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mrcnn.errors import DatasetError
from mrcnn.geometry.masks import extract_bboxes
from mrcnn.structures import Detections


@dataclass(frozen=True)
class Annotations:
    """What is in the images, and what was found, as annotations of COCO's format.

    The objects of an image stand in the order of `load_mask`, and what was found in
    the order of its `Detections`.

    Attributes:
        images: one dict per image: id (its position from 0), height, width.
        class_names: by class id from 1; with the id where two names agree.
        truth: dicts with image_id, category_id, bbox (x, y, width, height), area,
            segmentation (packed run lengths) and iscrowd.
        found: likewise, with score.
    """

    images: list[dict]
    class_names: dict[int, str]
    truth: list[dict]
    found: list[dict]


def annotate_images(
    dataset, image_ids: Sequence[int], detections: Sequence[Detections]
) -> Annotations:
    """Return the objects of images and what was found in them.

    Args:
        dataset: a prepared `Dataset`: load_mask, class_names, image_info are used.
        image_ids: the data set's ids of the images.
        detections: what was found in each of them, in the same order.

    Raises:
        DatasetError: images and detections do not fit each other.
    """
    if len(image_ids) != len(detections):
        raise DatasetError(
            f"Expected one Detections per image. Received: {len(image_ids)} images "
            f"and {len(detections)} Detections. Pass them in the same order."
        )
    truth, found = [], []
    for position, (image_id, detected) in enumerate(
        zip(image_ids, detections, strict=True)
    ):
        truth += _true_annotations(dataset, image_id, position, detected.image_hw)
        found += _found_annotations(dataset, image_id, position, detected)
    images = [
        {
            "id": position,
            "height": int(detected.image_hw[0]),
            "width": int(detected.image_hw[1]),
        }
        for position, detected in enumerate(detections)
    ]
    return Annotations(images, _category_names(dataset), truth, found)


def image_name(dataset, image_id: int) -> str:
    """Return what a person knows an image by: its path, else its id in the source."""
    image = dataset.image_info[image_id]
    return str(image.get("path") or image.get("id", image_id))


def _true_annotations(dataset, image_id: int, position: int, image_hw) -> list[dict]:
    masks, class_ids = dataset.load_mask(image_id)
    if len(class_ids) and tuple(masks.shape[:2]) != tuple(image_hw):
        raise DatasetError(
            f"Expected detections of the size of image {image_name(dataset, image_id)},"
            f" {tuple(masks.shape[:2])}. Received: image_hw={tuple(image_hw)}. "
            "Pass images and detections in the same order."
        )
    return [
        _annotation(position, abs(int(class_id)), box, masks[:, :, i])
        | {"iscrowd": int(class_id < 0)}
        for i, (class_id, box) in enumerate(
            zip(class_ids, extract_bboxes(masks), strict=True)
        )
    ]


def _found_annotations(
    dataset, image_id: int, position: int, detected: Detections
) -> list[dict]:
    num_classes = len(dataset.class_names)
    annotations = []
    for class_id, score, box, box_mask in zip(
        detected.class_ids,
        detected.scores,
        detected.boxes,
        detected.box_masks,
        strict=True,
    ):
        if not 0 < class_id < num_classes:
            raise DatasetError(
                f"Expected class ids of 1 to {num_classes - 1}, as the data set has. "
                f"Received: class_id={class_id} in image "
                f"{image_name(dataset, image_id)}. "
                "Evaluate on the classes that the network was trained on."
            )
        y1, x1, y2, x2 = box
        mask = np.zeros(detected.image_hw, bool)
        mask[y1:y2, x1:x2] = box_mask
        annotations.append(
            _annotation(position, int(class_id), box, mask)
            | {"iscrowd": 0, "score": float(score)}
        )
    return annotations


def _annotation(position: int, class_id: int, box, mask: np.ndarray) -> dict:
    from pycocotools import mask as mask_coder

    y1, x1, y2, x2 = map(float, box)
    return {
        "image_id": position,
        "category_id": class_id,
        "bbox": [x1, y1, x2 - x1, y2 - y1],
        "area": float(mask.sum()),
        "segmentation": mask_coder.encode(np.asfortranarray(mask, np.uint8)),
    }


def _category_names(dataset) -> dict[int, str]:
    """Return the classes' names without the background; with the id where two agree."""
    names = list(dataset.class_names)
    return {
        class_id: name if names.count(name) == 1 else f"{name} ({class_id})"
        for class_id, name in enumerate(names)
        if class_id > 0
    }
