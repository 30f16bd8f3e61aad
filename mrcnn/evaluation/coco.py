"""COCO's average precision of detections on any data set, through pycocotools.

What goes in: a data set with `load_mask`, and one `Detections` per image. What
comes out: the twelve-number summary of cocodataset.org for boxes and for masks,
and AP per class. Called by training (callback), the samples and the command
line. Axis letters as in `structures`.
"""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Sequence

import numpy as np

from mrcnn.errors import DatasetError
from mrcnn.geometry.masks import extract_bboxes
from mrcnn.structures import Detections

_LOGGER = logging.getLogger(__name__)

# Least score of a detection that AP is measured with: it ranks all objects, so the
# unsure ones have to be there.
MIN_CONFIDENCE = 0.05

# The first nine numbers of COCOeval.stats, in its order.
_SUMMARY = ("AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100")


def evaluate_detections(
    dataset, image_ids: Sequence[int], detections: Sequence[Detections]
) -> dict[str, dict]:
    """Return COCO's average precision and recall of detections.

    At most 100 detections of an image count, the best of each class. Sizes
    (APs under 32^2 pixels, APm under 96^2, APl above) are areas of masks, for
    boxes too. Crowds, the negative class ids of `load_mask`, are neither missed
    nor, when found, wrong.

    Args:
        dataset: a prepared `Dataset`: load_mask, class_names, image_info are used.
        image_ids: the data set's ids of the images.
        detections: what was found in each of them, in the same order.

    Returns:
        ``{"bbox": numbers, "segm": numbers, "per_class": {name: numbers}}``. The
        first two hold AP, AP50, AP75, APs, APm, APl, AR1, AR10 and AR100, 0 to 1;
        per_class holds AP and AP50 of the masks. A number is None where there is
        no object to find: of that size, or of that class. It is 0 where there
        are objects and none was found.

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
    names = _category_names(dataset)
    images = [
        {"id": position, "height": detected.image_hw[0], "width": detected.image_hw[1]}
        for position, detected in enumerate(detections)
    ]
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        tables = {
            kind: _evaluate(kind, images, names, truth, found)
            for kind in ("bbox", "segm")
        }
    _LOGGER.debug("%s", printed.getvalue())
    numbers = {
        kind: {
            name: _number(value)
            for name, value in zip(_SUMMARY, table.stats, strict=False)
        }
        for kind, table in tables.items()
    }
    # [thresholds, recalls, classes, sizes, limits]: all sizes, 100 detections
    precision = tables["segm"].eval["precision"][:, :, :, 0, -1]
    numbers["per_class"] = {
        name: {"AP": _mean(precision[:, :, k]), "AP50": _mean(precision[0, :, k])}
        for k, name in enumerate(names.values())
    }
    return numbers


def _evaluate(kind: str, images: list, names: dict, truth: list, found: list):
    from pycocotools.cocoeval import COCOeval

    table = COCOeval(_index(images, names, truth), _index(images, names, found), kind)
    table.evaluate()
    table.accumulate()
    table.summarize()
    return table


def _index(images: list[dict], names: dict[int, str], annotations: list[dict]):
    from pycocotools.coco import COCO

    coco = COCO()
    coco.dataset = {
        "images": images,
        "categories": [{"id": class_id, "name": names[class_id]} for class_id in names],
        # Copies, for COCOeval writes into them. Ids begin at 1: it takes a 0 for
        # "matched nothing".
        "annotations": [
            {"id": i, **annotation} for i, annotation in enumerate(annotations, 1)
        ],
    }
    coco.createIndex()
    return coco


def _true_annotations(dataset, image_id: int, position: int, image_hw) -> list[dict]:
    masks, class_ids = dataset.load_mask(image_id)
    if len(class_ids) and tuple(masks.shape[:2]) != tuple(image_hw):
        raise DatasetError(
            f"Expected detections of the size of image {_name(dataset, image_id)}, "
            f"{tuple(masks.shape[:2])}. Received: image_hw={tuple(image_hw)}. "
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
                f"Received: class_id={class_id} in image {_name(dataset, image_id)}. "
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


def _name(dataset, image_id: int) -> str:
    image = dataset.image_info[image_id]
    return str(image.get("path") or image.get("id", image_id))


def _number(value: float) -> float | None:
    # COCOeval marks "no object to find" by -1.
    return None if value < 0 else float(value)


def _mean(precision: np.ndarray) -> float | None:
    known = precision[precision > -1]
    return float(known.mean()) if known.size else None
