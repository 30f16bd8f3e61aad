"""Everything that is known of how good detections are: one `Evaluation`.

`evaluate` joins the other modules of the package; `MaskRCNN.evaluate` and the command
line call it. Axis letters as in `structures`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import numpy as np

from mrcnn.evaluation.annotations import annotate_images, image_name
from mrcnn.evaluation.coco import coco_numbers
from mrcnn.evaluation.confusion import confusion_matrix
from mrcnn.evaluation.curves import Curve, score_curves
from mrcnn.evaluation.matching import overlaps_by_image
from mrcnn.evaluation.mistakes import Mistake, worst_mistakes
from mrcnn.structures import Detections


@dataclass(frozen=True)
class Evaluation:
    """How good detections are.

    Attributes:
        class_names: K names, no two alike, the background first.
        image_ids: the data set's ids of the images.
        image_names: path or id of each.
        detections: what was found in each.
        coco: AP and AR as `evaluation.coco.coco_numbers` gives them.
        confusion: int64 [K, K], rows are objects, columns what they were found as.
        curves: precision and recall by class id; that of all classes first.
        mistakes: the worst, by kind.
        iou_threshold: overlap of masks at which a detection is of an object, in
            `confusion`, `curves` and `mistakes`.
        min_score: score at which something counts as found, in `confusion` and
            `mistakes`.
        speed: what was measured: "seconds_per_image" by step, "peak_memory" and
            "peak_device_memory" in bytes; empty if nothing was.
    """

    class_names: tuple[str, ...]
    image_ids: tuple[int, ...]
    image_names: tuple[str, ...]
    detections: tuple[Detections, ...] = field(repr=False)
    coco: dict
    confusion: np.ndarray
    curves: tuple[Curve, ...] = field(repr=False)
    mistakes: dict[str, list[Mistake]] = field(repr=False)
    iou_threshold: float
    min_score: float
    speed: dict = field(default_factory=dict)

    @property
    def class_curves(self) -> dict[str, Curve]:
        """The curve of each class by its name."""
        return dict(zip(self.class_names[1:], self.curves[1:], strict=True))

    def to_dict(self) -> dict:
        """Return everything but the masks as plain data, ready for JSON."""
        return {
            "images": len(self.image_ids),
            "iou_threshold": self.iou_threshold,
            "min_score": self.min_score,
            "bbox": self.coco["bbox"],
            "segm": self.coco["segm"],
            "all_classes": self._points(self.curves[0]),
            "per_class": {
                name: self.coco["per_class"][name] | self._points(curve)
                for name, curve in self.class_curves.items()
            },
            "confusion": {
                "rows": "objects",
                "columns": "found as",
                "class_names": list(self.class_names),
                "matrix": self.confusion.tolist(),
            },
            "curves": {
                name: {
                    "thresholds": curve.thresholds.tolist(),
                    "precisions": curve.precisions.tolist(),
                    "recalls": curve.recalls.tolist(),
                    "f1s": curve.f1s.tolist(),
                }
                for name, curve in self.class_curves.items()
            },
            "mistakes": [
                {
                    "kind": mistake.kind,
                    "image": self.image_names[mistake.position],
                    "found": self._found(mistake),
                    "object": mistake.object,
                    "overlap": mistake.overlap,
                }
                for of_kind in self.mistakes.values()
                for mistake in of_kind
            ],
            "speed": self.speed,
        }

    def _points(self, curve: Curve) -> dict:
        return {
            "objects": curve.num_objects,
            "at_min_score": asdict(curve.at(self.min_score)),
            "best": asdict(curve.best) if curve.best else None,
        }

    def _found(self, mistake: Mistake) -> dict | None:
        if mistake.found is None:
            return None
        detected = self.detections[mistake.position]
        return {
            "class": self.class_names[detected.class_ids[mistake.found]],
            "score": float(detected.scores[mistake.found]),
            "box": detected.boxes[mistake.found].tolist(),
        }


def evaluate(
    dataset,
    image_ids: Sequence[int],
    detections: Sequence[Detections],
    *,
    iou_threshold: float = 0.5,
    min_score: float = 0.5,
    num_mistakes: int = 12,
    speed: dict | None = None,
) -> Evaluation:
    """Return how good detections are.

    Args:
        dataset: a prepared `Dataset`: load_mask, class_names, image_info are used.
        image_ids: the data set's ids of the images.
        detections: what was found in each of them, in the same order, the unsure
            ones included: AP and the curves rank them.
        iou_threshold: least overlap of masks at which a detection is of an object.
        min_score: least score at which something counts as found, in the confusion
            matrix and among the mistakes.
        num_mistakes: how many of each kind.
        speed: what was measured, to be kept with the rest.

    Raises:
        DatasetError: images and detections do not fit each other.
    """
    annotations = annotate_images(dataset, image_ids, detections)
    images = overlaps_by_image(annotations)
    names = ("BG", *annotations.class_names.values())
    return Evaluation(
        class_names=names,
        image_ids=tuple(int(image_id) for image_id in image_ids),
        image_names=tuple(image_name(dataset, image_id) for image_id in image_ids),
        detections=tuple(detections),
        coco=coco_numbers(annotations),
        confusion=confusion_matrix(
            images, len(names), iou_threshold=iou_threshold, min_score=min_score
        ),
        curves=tuple(score_curves(images, len(names), iou_threshold=iou_threshold)),
        mistakes=worst_mistakes(
            images,
            iou_threshold=iou_threshold,
            min_score=min_score,
            limit=num_mistakes,
        ),
        iou_threshold=iou_threshold,
        min_score=min_score,
        speed=speed or {},
    )
