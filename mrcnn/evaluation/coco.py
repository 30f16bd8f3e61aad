"""COCO's average precision of detections on any data set, through pycocotools.

What goes in: the objects of a data set and what was found, from `annotate_images`. What
comes out: the twelve-number summary of cocodataset.org for boxes and for masks, of
all classes and of each. Called by training (callback) and `report`. Axis letters as in
`structures`.
"""

from __future__ import annotations

import contextlib
import io
import logging

import numpy as np

from mrcnn.evaluation.annotations import Annotations

_LOGGER = logging.getLogger(__name__)

# Least score of a detection that AP is measured with: it ranks all objects, so the
# unsure ones have to be there.
MIN_CONFIDENCE = 0.05

# COCOeval.stats in its order, as the index of threshold (None: all of 0.5 to 0.95),
# size (all, small, medium, large) and limit of detections (1, 10, 100). AR lacks the
# dimension of thresholds along which AP has recalls.
_AP = {
    **{"AP": (None, 0, 2), "AP50": (0, 0, 2), "AP75": (5, 0, 2)},
    **{"APs": (None, 1, 2), "APm": (None, 2, 2), "APl": (None, 3, 2)},
}
_AR = {
    **{"AR1": (None, 0, 0), "AR10": (None, 0, 1), "AR100": (None, 0, 2)},
    **{"ARs": (None, 1, 2), "ARm": (None, 2, 2), "ARl": (None, 3, 2)},
}
NUMBERS = (*_AP, *_AR)


def coco_numbers(annotations: Annotations) -> dict[str, dict]:
    """Return COCO's average precision and recall.

    At most 100 detections of an image count, the best of each class. Sizes
    (APs under 32^2 pixels, APm under 96^2, APl above) are areas of masks; of a box
    that was found, its own, as with a result file of boxes alone. Crowds, the negative
    class ids of `load_mask`, are neither missed nor, when found, wrong.

    Args:
        annotations: objects and what was found.

    Returns:
        ``{"bbox": numbers, "segm": numbers, "per_class": {name: {"bbox": numbers,
        "segm": numbers}}}``, where numbers are those of `NUMBERS`, 0 to 1. A number is
        None where there is no object to find: of that size, or of that class. It is 0
        where there are objects and none was found.
    """
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        tables = {kind: _table(kind, annotations) for kind in ("bbox", "segm")}
    _LOGGER.debug("%s", printed.getvalue())
    every_class = slice(None)
    return {
        **{kind: _numbers(table, every_class) for kind, table in tables.items()},
        "per_class": {
            name: {kind: _numbers(table, [k]) for kind, table in tables.items()}
            for k, name in enumerate(annotations.class_names.values())
        },
    }


def _table(kind: str, annotations: Annotations) -> dict[str, np.ndarray]:
    """Return precision [T, recalls, K, sizes, limits] and recall [T, K, sizes, limits].

    T are the ten thresholds; -1 stands for "no object to find".
    """
    from pycocotools.cocoeval import COCOeval

    found = annotations.found
    if kind == "bbox":
        found = [one | {"area": one["bbox"][2] * one["bbox"][3]} for one in found]
    truth, found = (_index(annotations, these) for these in (annotations.truth, found))
    evaluation = COCOeval(truth, found, kind)
    evaluation.evaluate()
    evaluation.accumulate()
    return evaluation.eval


def _index(annotations: Annotations, objects: list[dict]):
    from pycocotools.coco import COCO

    coco = COCO()
    coco.dataset = {
        "images": annotations.images,
        "categories": [
            {"id": class_id, "name": name}
            for class_id, name in annotations.class_names.items()
        ],
        # Copies, for COCOeval writes into them. Ids begin at 1: it takes a 0 for
        # "matched nothing".
        "annotations": [{"id": i, **one} for i, one in enumerate(objects, 1)],
    }
    coco.createIndex()
    return coco


def _numbers(table: dict, classes) -> dict[str, float | None]:
    precision, recall = table["precision"], table["recall"]
    return {
        name: _mean(precision[_thresholds(threshold)][:, :, classes, size, limit])
        for name, (threshold, size, limit) in _AP.items()
    } | {
        name: _mean(recall[_thresholds(threshold)][:, classes, size, limit])
        for name, (threshold, size, limit) in _AR.items()
    }


def _thresholds(threshold: int | None) -> slice:
    return slice(None) if threshold is None else slice(threshold, threshold + 1)


def _mean(values: np.ndarray) -> float | None:
    known = values[values > -1]
    return float(known.mean()) if known.size else None
