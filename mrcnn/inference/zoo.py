"""Mask R-CNN graphs of TensorFlow's detection model zoo, which detect as `MaskRCNN`.

`ZooModel` takes ``zoo:inception_v2`` or a path, and images; it gives `Detections` with
the class ids of COCO weights. ``--model`` of commands and samples builds it.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from mrcnn.config import Config
from mrcnn.data.images import as_rgb
from mrcnn.errors import WeightsError
from mrcnn.evaluation import report
from mrcnn.evaluation.coco import MIN_CONFIDENCE
from mrcnn.evaluation.speed import Stopwatch
from mrcnn.geometry.boxes import clip_boxes
from mrcnn.geometry.masks import mask_in_box
from mrcnn.inference.evaluating import evaluate
from mrcnn.ops.frozen_graph import OUTPUTS, load_frozen_graph, load_saved_model
from mrcnn.structures import Detections
from mrcnn.weights.zoo import find_graph, read_graph

# COCO numbers its 80 classes up to 90; these numbers no class has.
_NO_CLASS = (12, 26, 29, 30, 45, 66, 68, 69, 71, 83)
_NUM_IDS = 90


class ZooConfig(Config):
    """What others ask a model's configuration for: the graphs have their own."""

    NAME = "coco"
    NUM_CLASSES = 1 + _NUM_IDS - len(_NO_CLASS)
    # They scale a square image, such as a tile, to 800 pixels: the nearest side that
    # a configuration can have.
    IMAGE_MIN_DIM = IMAGE_MAX_DIM = 832


class ZooModel:
    """A graph that finds the 80 classes of COCO, one image at a time.

    Attributes:
        config: a `ZooConfig`.

    Args:
        graph: ``zoo:NAME`` (inception_v2, inception_resnet_v2, resnet50, resnet101;
            downloaded once), or the path of a frozen graph, of an archive of the zoo,
            or of a folder with either graph or saved model.
        min_confidence: least score of a detection; None takes that of `Config`.

    Raises:
        ConfigError: min_confidence is no number from 0 to 1.
        WeightsError: the graph cannot be had, or is no such graph.

    Example:
        model = ZooModel("zoo:inception_v2", min_confidence=0.5)
        found = model.detect([image])[0]
        found["rois"], found["class_ids"], found["scores"], found["masks"]
    """

    def __init__(self, graph: str | Path, *, min_confidence: float | None = None):
        self.config = ZooConfig()
        if min_confidence is not None:
            self.config.update(DETECTION_MIN_CONFIDENCE=min_confidence)
        self.config.validate()
        path = find_graph(graph)
        if path.is_dir():
            self._run = load_saved_model(path)
        else:
            self._run = load_frozen_graph(read_graph(path), path)

    def detect(self, images: Sequence[np.ndarray], verbose: int = 0) -> list[dict]:
        """Find objects, and return them as `MaskRCNN.detect` does.

        Args:
            images: as in `detect_images`.
            verbose: of no effect; calls of `MaskRCNN.detect` may have it.
        """
        return [found.to_dict() for found in self.detect_images(images)]

    def detect_images(
        self, images: Sequence[np.ndarray], *, mask_threshold: float = 0.5
    ) -> list[Detections]:
        """Find objects, and return them as `MaskRCNN.detect_images` does.

        Args:
            images: any number of images of any size, as in `MaskRCNN.detect`.
            mask_threshold: probability from which a pixel belongs to an object.

        Raises:
            DatasetError: something in `images` is not an image.
            WeightsError: the graph does not run, or gives what it should not.
        """
        confidence = self.config.DETECTION_MIN_CONFIDENCE
        return self._detect(images, confidence, mask_threshold, Stopwatch())

    def evaluate(
        self,
        dataset,
        image_ids: Sequence[int] | None = None,
        *,
        min_score: float | None = None,
        progress: Callable[[Sequence], Iterable] = iter,
        **options,
    ) -> report.Evaluation:
        """Find the objects of a data set, and say how good that is.

        The arguments are those of `MaskRCNN.evaluate`.
        """
        confidence = self.config.DETECTION_MIN_CONFIDENCE
        return evaluate(
            partial(
                self._detect,
                min_confidence=min(MIN_CONFIDENCE, confidence),
                mask_threshold=0.5,
            ),
            dataset,
            image_ids,
            batch_size=1,
            min_score=confidence if min_score is None else min_score,
            progress=progress,
            **options,
        )

    def _detect(
        self, images, min_confidence: float, mask_threshold: float, watch: Stopwatch
    ) -> list[Detections]:
        found = []
        for image in [as_rgb(image) for image in images]:
            with watch.step("network", 1):
                outputs = self._run(image)
            with watch.step("unmolding", 1):
                found.append(
                    unmold(
                        outputs,
                        image.shape[:2],
                        min_confidence=min_confidence,
                        mask_threshold=mask_threshold,
                    )
                )
        return found


def unmold(
    outputs: dict[str, np.ndarray],
    image_hw: tuple[int, int],
    *,
    min_confidence: float,
    mask_threshold: float = 0.5,
) -> Detections:
    """Return what a graph found, in pixels of the image.

    Class numbers that COCO gives to no class are left out: no such object was ever
    shown to the network.

    Args:
        outputs: num_detections [1]; detection_boxes [1, N, (y1, x1, y2, x2)] as shares
            of height and width; detection_scores [1, N]; detection_classes [1, N],
            COCO's numbers from 1 to 90; detection_masks [1, N, h, w], probabilities
            inside the boxes.
        image_hw: height and width of the image, pixels.
        min_confidence: least score of a detection.
        mask_threshold: probability from which a pixel belongs to an object.

    Raises:
        WeightsError: the arrays are of other shapes, or the classes not COCO's.
    """
    count, boxes, scores, coco_ids, masks = _checked(outputs)
    # A share of height and width, not the original's of (h - 1, w - 1).
    boxes_px = np.around(clip_boxes(boxes, (0, 0, 1, 1)) * np.tile(image_hw, 2))
    kept = np.arange(len(scores)) < count
    # Comparisons with nan are false.
    kept &= (scores >= min_confidence) & np.isfinite(boxes_px).all(axis=1)
    kept &= (boxes_px[:, 2:] > boxes_px[:, :2]).all(axis=1)
    class_ids = _class_ids(coco_ids[kept])
    boxes_px = boxes_px[kept].astype(np.int32)
    found = Detections(
        image_hw=tuple(image_hw),
        boxes=boxes_px,
        class_ids=class_ids,
        scores=scores[kept],
        box_masks=tuple(
            mask_in_box(mask, tuple(box[2:] - box[:2]), mask_threshold)
            for mask, box in zip(masks[kept], boxes_px, strict=True)
        ),
    )
    return found.select(class_ids > 0)


def _checked(outputs: dict[str, np.ndarray]) -> tuple:
    """Return num_detections and the rows of the only image."""
    count, boxes, scores, classes, masks = (
        np.asarray(outputs[name], np.float32) for name in OUTPUTS
    )
    shape = scores.shape
    if (
        (count.shape, len(shape), shape[:1]) != ((1,), 2, (1,))
        or (boxes.shape, classes.shape) != ((*shape, 4), shape)
        or (masks.ndim, masks.shape[:2]) != (4, shape)
    ):
        shapes = {name: np.shape(array) for name, array in outputs.items()}
        raise WeightsError(
            "Expected arrays of one image: num_detections [1], and for N objects "
            "detection_boxes [1, N, 4], detection_scores and detection_classes [1, N], "
            f"detection_masks [1, N, h, w]. Received: {shapes}. Take a Mask R-CNN of "
            "the model zoo, zoo:inception_v2 for example."
        )
    return count[0], boxes[0], scores[0], classes[0], masks[0]


def _class_ids(coco_ids: np.ndarray) -> np.ndarray:
    """Return int32 [N], the ids of COCO weights here for COCO's own; 0 for no class."""
    wrong = coco_ids[~((coco_ids >= 1) & (coco_ids <= _NUM_IDS))]
    if wrong.size:
        raise WeightsError(
            f"Expected COCO's classes, 1 to {_NUM_IDS}. Received: class {wrong[0]:g}. "
            "Take a graph that was trained on COCO, zoo:inception_v2 for example."
        )
    is_class = ~np.isin(np.arange(_NUM_IDS + 1), (0, *_NO_CLASS))
    return np.where(is_class, np.cumsum(is_class), 0)[coco_ids.astype(int)].astype(
        np.int32
    )
