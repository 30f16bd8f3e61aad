"""COCO's average precision of the validation images while a network trains.

`MeasurePrecision` is the callback that `trainer` adds where EVALUATE_EVERY is set.
It detects with the weights as they are, compares with the ground truth, and hands
on what came of it: AP as logs of the epoch; AP per class, curves of precision and
recall, and pictures as events for TensorBoard. Training does not import inference, so
it is handed `detect`. Axis letters as in `structures`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import keras
import numpy as np

from mrcnn.data.images import as_rgb
from mrcnn.draw.annotate import annotate
from mrcnn.evaluation.annotations import Annotations, annotate_images
from mrcnn.evaluation.coco import coco_numbers
from mrcnn.evaluation.curves import score_curves
from mrcnn.evaluation.detecting import detect_all
from mrcnn.evaluation.matching import overlaps_by_image
from mrcnn.geometry.masks import extract_bboxes
from mrcnn.structures import Detections
from mrcnn.training.averaging import averaged_weights
from mrcnn.training.events import write_events

logger = logging.getLogger(__name__)

# Name in the logs of an epoch -> where `coco_numbers` has the number.
LOGGED = {
    f"val_{kind}_{name}": (kind, name)
    for kind in ("bbox", "segm")
    for name in ("AP", "AP50")
}
NUM_PICTURES = 4
# Longest side of each half of a picture for TensorBoard, pixels.
_PICTURE_SIDE = 512


class MeasurePrecision(keras.callbacks.Callback):
    """Measures AP every few epochs, and after the last one.

    Belongs before the callbacks that read the logs of an epoch: val_bbox_AP,
    val_bbox_AP50, val_segm_AP and val_segm_AP50 are added to them. As with Keras'
    `validation_freq`, epochs that are not measured lack these keys. So does a
    number that does not exist, because no image has an object to find.

    Args:
        dataset: prepared validation data set.
        detect: callable from a list of images, uint8 [H, W, 3] each, to their
            `Detections`. AP ranks all detections, so the unsure ones have to be there.
        folder: where events for TensorBoard go; made when missing.
        image_ids: the data set's ids of the images to measure on.
        every: epochs from one measurement to the next.
        batch_size: images to load and detect at a time.
        shown_confidence: least score of a detection in the pictures.
    """

    def __init__(
        self,
        dataset,
        detect: Callable[[list[np.ndarray]], list[Detections]],
        folder: Path,
        *,
        image_ids: Sequence[int],
        every: int,
        batch_size: int,
        shown_confidence: float,
    ):
        super().__init__()
        self.dataset = dataset
        self.detect = detect
        self.folder = Path(folder)
        self.image_ids = [int(image_id) for image_id in image_ids]
        self.every = every
        self.batch_size = batch_size
        self.shown_confidence = shown_confidence

    def on_epoch_end(self, epoch, logs=None):
        if (epoch + 1) % self.every and epoch + 1 != self.params.get("epochs"):
            return
        start = time.monotonic()
        with averaged_weights(self.model):
            found = detect_all(
                self.dataset, self.image_ids, self.detect, self.batch_size
            )
        annotations = annotate_images(self.dataset, self.image_ids, found)
        numbers = coco_numbers(annotations)
        measured = logged_numbers(numbers)
        if logs is not None:
            logs.update(measured)
        self._write_events(epoch, numbers, annotations, found)
        if not measured:
            logger.warning(
                "AP is not measured: none of the %d validation images has an object.",
                len(self.image_ids),
            )
            return
        logger.info(
            "Epoch %d, %d validation images in %.0f s: %s",
            epoch + 1,
            len(self.image_ids),
            time.monotonic() - start,
            describe(numbers),
        )

    def _write_events(self, epoch, numbers, annotations: Annotations, found) -> None:
        names = annotations.class_names.values()
        curves = score_curves(overlaps_by_image(annotations), 1 + len(names))[1:]
        write_events(
            self.folder,
            step=epoch,
            scalars={
                f"segm_AP/{name}": of_class["segm"]["AP"]
                for name, of_class in numbers["per_class"].items()
                if of_class["segm"]["AP"] is not None
            },
            curves={
                f"segm_IoU50/{name}": curve
                for name, curve in zip(names, curves, strict=True)
                if curve.num_objects
            },
            pictures=self._pictures(found),
        )

    def _pictures(self, found: Sequence[Detections]) -> dict[str, np.ndarray]:
        apart = max(1, len(self.image_ids) // NUM_PICTURES)
        pictures = {}
        for position in range(0, len(self.image_ids), apart)[:NUM_PICTURES]:
            image_id = self.image_ids[position]
            detected = found[position]
            info = self.dataset.image_info[image_id]
            name = Path(info.get("path") or str(info["id"])).name
            pictures[f"truth_and_prediction/{image_id} {name}"] = compare(
                self.dataset.load_image(image_id),
                *self.dataset.load_mask(image_id),
                detected.select(detected.scores >= self.shown_confidence),
                self.dataset.class_names,
            )
        return pictures


def logged_numbers(numbers: dict[str, dict]) -> dict[str, float]:
    """Return the numbers of an epoch's logs that exist, by their names there.

    Args:
        numbers: from `coco_numbers`.

    Example:
        >>> logged_numbers({"bbox": {"AP": 0.5, "AP50": 0.75},
        ...                 "segm": {"AP": 0.25, "AP50": None}})
        {'val_bbox_AP': 0.5, 'val_bbox_AP50': 0.75, 'val_segm_AP': 0.25}
    """
    return {
        key: numbers[kind][name]
        for key, (kind, name) in LOGGED.items()
        if numbers[kind][name] is not None
    }


def describe(numbers: dict[str, dict]) -> str:
    """Return the numbers of `coco_numbers` as one line, a dash for None.

    Example:
        >>> describe({"bbox": {"AP": 0.5, "AP50": 0.75},
        ...           "segm": {"AP": 0.25, "AP50": 0.5},
        ...           "per_class": {"cat": {"segm": {"AP": 0.25}},
        ...                         "dog": {"segm": {"AP": None}}}})
        'bbox AP 0.500, AP50 0.750; segm AP 0.250, AP50 0.500 (cat 0.250, dog -)'
    """

    def shown(value):
        return "-" if value is None else f"{value:.3f}"

    totals = "; ".join(
        f"{kind} AP {shown(numbers[kind]['AP'])}, AP50 {shown(numbers[kind]['AP50'])}"
        for kind in ("bbox", "segm")
    )
    classes = ", ".join(
        f"{name} {shown(of_class['segm']['AP'])}"
        for name, of_class in numbers["per_class"].items()
    )
    return f"{totals} ({classes})"


def compare(
    image: np.ndarray,
    masks: np.ndarray,
    class_ids: np.ndarray,
    found: Detections,
    class_names: Sequence[str],
) -> np.ndarray:
    """Return a picture: the ground truth on the left, what was found on the right.

    Args:
        image: [H, W] or [H, W, C] of any dtype; of more than three channels the
            first three are shown.
        masks: bool [H, W, N], the ground truth.
        class_ids: int [N], negative for a crowd.
        found: in this image.
        class_names: names by class id, the background's first.

    Returns:
        uint8 [h, 2 * w + gap, 3], RGB, scaled down so that h and w are at most 512.
    """
    image = _as_picture(image)
    halves = [
        annotate(image, objects, class_names)
        for objects in (_as_detections(masks, class_ids, image.shape[:2]), found)
    ]
    scale = min(1.0, _PICTURE_SIDE / max(image.shape[:2]))
    size_wh = tuple(max(1, round(side * scale)) for side in image.shape[1::-1])
    left, right = (cv2.resize(h, size_wh, interpolation=cv2.INTER_AREA) for h in halves)
    gap = np.full((size_wh[1], 4, 3), 255, np.uint8)
    return np.concatenate([left, gap, right], axis=1)


def _as_picture(image: np.ndarray) -> np.ndarray:
    """Return an image of any number of channels and any range as uint8 RGB."""
    image = np.asarray(image)
    if image.ndim == 3:
        image = image[..., : 3 if image.shape[2] > 2 else 1]
    if image.dtype != np.uint8:
        image = np.nan_to_num(image.astype(np.float32))
        image = (image - image.min()) * (255 / max(np.ptp(image), 1e-9))
        image = image.astype(np.uint8)
    return as_rgb(image)


def _as_detections(masks, class_ids, image_hw) -> Detections:
    """Return the ground truth as detections that are sure of themselves."""
    if not len(class_ids):
        return Detections.empty(image_hw)
    boxes = extract_bboxes(masks)
    visible = np.flatnonzero(boxes[:, 2] > boxes[:, 0])
    return Detections(
        image_hw=tuple(image_hw),
        boxes=boxes[visible],
        class_ids=np.abs(np.asarray(class_ids, np.int32))[visible],
        scores=np.ones(len(visible), np.float32),
        box_masks=tuple(
            np.asarray(masks[y1:y2, x1:x2, i], bool)
            for i, (y1, x1, y2, x2) in zip(visible, boxes[visible], strict=True)
        ),
    )
