"""MaskRCNN, and the other names of the original's `mrcnn.model`.

The methods are short: each hands over to the part that does the work.
"""

from __future__ import annotations

import copy
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

import keras
import numpy as np

from mrcnn.config import Config
from mrcnn.errors import ConfigError
from mrcnn.evaluation import report
from mrcnn.evaluation.coco import MIN_CONFIDENCE
from mrcnn.geometry import molding
from mrcnn.geometry.boxes import norm_boxes
from mrcnn.geometry.molding import (
    compose_image_meta,
    parse_image_meta,
)
from mrcnn.inference import detect as inference
from mrcnn.inference import evaluating
from mrcnn.inference.diagnose import diagnose
from mrcnn.inference.inspect import Inspection, inspect
from mrcnn.network import graph
from mrcnn.network.build import (
    build_network,
    compute_backbone_shapes,
    inference_network,
    pyramid_anchors,
)
from mrcnn.network.detection import DetectionLayer
from mrcnn.network.heads import PyramidROIAlign
from mrcnn.network.layers import BatchNorm
from mrcnn.network.losses import smooth_l1 as smooth_l1_loss
from mrcnn.network.proposals import ProposalLayer
from mrcnn.network.resnet import resnet_graph
from mrcnn.network.rpn import build_rpn_model, rpn_graph
from mrcnn.network.targets import DetectionTargetLayer
from mrcnn.ops.boxes import apply_box_deltas as apply_box_deltas_graph
from mrcnn.ops.boxes import clip_boxes as clip_boxes_graph
from mrcnn.ops.boxes import compute_overlaps as overlaps_graph
from mrcnn.ops.boxes import denorm_boxes as denorm_boxes_graph
from mrcnn.ops.boxes import norm_boxes as norm_boxes_graph
from mrcnn.structures import Detections, Stage
from mrcnn.training import distribute, layer_sets, trainer
from mrcnn.training.inspection import (
    build_rpn_targets,
    data_generator,
    load_image_gt,
)
from mrcnn.training.random_rois import generate_random_rois
from mrcnn.training.state import read_state, restore_variables
from mrcnn.training.trainer import check_training_data
from mrcnn.weights import checkpoints, download, imagenet, matterport

__all__ = [
    "BatchNorm",
    "DetectionLayer",
    "DetectionTargetLayer",
    "MaskRCNN",
    "ProposalLayer",
    "PyramidROIAlign",
    "apply_box_deltas_graph",
    "build_rpn_model",
    "build_rpn_targets",
    "check_training_data",
    "clip_boxes_graph",
    "compose_image_meta",
    "compute_backbone_shapes",
    "data_generator",
    "denorm_boxes_graph",
    "generate_random_rois",
    "load_image_gt",
    "log",
    "mold_image",
    "norm_boxes_graph",
    "overlaps_graph",
    "parse_image_meta",
    "resnet_graph",
    "rpn_graph",
    "smooth_l1_loss",
    "unmold_image",
]

logger = logging.getLogger(__name__)


class MaskRCNN:
    """A Mask R-CNN with its configuration, weights and log folder.

    Attributes:
        keras_model: the network, a `keras.Model`.
        epoch: epochs trained so far.
        log_dir: folder of this run's logs and checkpoints.

    Args:
        mode: "training" or "inference".
        config: a `Config`.
        model_dir: folder that holds the log folders of all runs.

    Raises:
        ConfigError: the mode or the configuration is wrong.

    Example:
        model = MaskRCNN("inference", config, "logs")
        model.load_weights(model.find_last())
        found = model.detect([image])[0]
        found["rois"], found["class_ids"], found["scores"], found["masks"]
    """

    def __init__(self, mode: str, config: Config, model_dir: str | Path):
        self.mode = mode
        self.config = config
        self.model_dir = str(model_dir)
        self._anchors: dict[tuple[int, int], np.ndarray] = {}
        self._distribution = distribute.OneDevice()
        self._detecting: dict[float, keras.Model] = {}
        self.set_log_dir()
        self.keras_model = self.build(mode, config)

    def build(self, mode: str, config: Config) -> keras.Model:
        """Return the network, see `network.build.build_network`.

        For training it is on GPU_COUNT devices.
        """
        if mode == "training":
            config.validate()
            self._distribution = distribute.distribution(
                config.GPU_COUNT, config.DEVICES
            )
        with self._distribution.scope():
            return build_network(mode, config)

    # ---- Weights ----

    def find_last(self) -> str:
        """Return the path of the newest checkpoint of this configuration's name.

        Raises:
            WeightsError: there is none; a FileNotFoundError as well.
        """
        return str(checkpoints.find_last(self.model_dir, self._name))

    def find_best(self) -> str:
        """Return the path of the best checkpoint of the newest run that has one.

        Raises:
            WeightsError: there is none; a FileNotFoundError as well.
        """
        return str(checkpoints.find_best(self.model_dir, self._name))

    def load_weights(
        self,
        filepath: str | Path,
        by_name: bool = False,
        exclude: Sequence[str] | None = None,
    ) -> matterport.WeightsReport:
        """Load an HDF5 file in the original's layout, always by layer name.

        Training goes on with the next epoch where the file is a checkpoint below
        `model_dir`.

        Args:
            filepath: the file.
            by_name: as in the original; weights match by name either way.
            exclude: layers that keep their values.

        Returns:
            What was loaded and what was not.

        Raises:
            WeightsError: the file is missing or damaged, matches nothing, or does
                not fit; nothing is loaded then.
        """
        report = matterport.load_weights(
            self.keras_model,
            filepath,
            exclude=tuple(exclude or ()),
            for_training=self.mode == "training",
        )
        self.set_log_dir(filepath)
        return report

    def load_initial_weights(self, weights: str | Path) -> None:
        """Load what a ``--weights`` option names.

        Args:
            weights: "coco" (downloaded once), "imagenet" (the backbone alone),
                "last" (the newest checkpoint), "best", "none", or the path of a file.

        Raises:
            WeightsError: they cannot be had or do not fit.
        """
        if weights == "none":
            return
        if weights == "imagenet":
            imagenet.load_imagenet(self.keras_model, self.config.BACKBONE)
        elif weights == "coco":
            self.load_weights(download.fetch("coco"))
        elif weights == "last":
            self.load_weights(self.find_last())
        elif weights == "best":
            self.load_weights(self.find_best())
        else:
            self.load_weights(weights)

    def get_imagenet_weights(self) -> str:
        """Return the path of ResNet-50's ImageNet weights, downloaded once."""
        return str(download.fetch("imagenet-resnet50"))

    # ---- Training ----

    def train(
        self,
        train_dataset,
        val_dataset,
        learning_rate: float,
        epochs: int,
        layers: str,
        augmentation=None,
        custom_callbacks=None,
        no_augmentation_sources=None,
        workers: int | None = None,
    ) -> keras.callbacks.History:
        """Train some layers and keep a checkpoint of every epoch.

        After `resume` the call that was interrupted goes on where it was, and calls
        before it, whose epochs are trained already, do nothing.

        Args:
            train_dataset: prepared `Dataset` to learn from.
            val_dataset: prepared `Dataset` to measure the losses on.
            learning_rate: of the steps.
            epochs: epoch to train up to. Calls add up: after ``epochs=10``, a call
                with ``epochs=30`` trains twenty more.
            layers: "heads", "3+", "4+", "5+", "all", or a regular expression of
                layer names.
            augmentation: an imgaug augmenter, or None.
            custom_callbacks: list of Keras callbacks.
            no_augmentation_sources: sources whose images are not augmented.
            workers: threads that make batches, or with USE_MULTIPROCESSING processes;
                None chooses by the machine.

        Returns:
            Keras' history of losses.

        Raises:
            ConfigError: built for inference, nothing left to train, or a setting
                that does not fit the data.
            DatasetError: an image or its annotation is broken, or no image has an
                object to learn from.
            TrainingError: a loss is no number any more; names its images.
            WeightsError: a checkpoint cannot be written; those before are whole.
        """
        if self.mode != "training":
            raise ConfigError(
                "Expected a model in training mode. Received: mode='inference'. Build "
                "MaskRCNN('training', config, model_dir) to train."
            )
        if not self._has_epochs_left(epochs):
            return keras.callbacks.History()
        number, _ = distribute.machine()
        if number:
            # The first machine keeps what comes of the training.
            self.log_dir = str(distribute.scratch_folder(self.log_dir))
        elif not self._run_is_set:
            self.log_dir = str(
                checkpoints.new_run_folder(self.model_dir, self._name, datetime.now())
            )
            self._run_is_set = True
        logger.info("Epoch %d on, logs in %s", self.epoch + 1, self.log_dir)
        with self._distribution.scope(), distribute.lost_machines():
            history = trainer.fit(
                self.keras_model,
                train_dataset,
                val_dataset,
                self.config,
                learning_rate=learning_rate,
                initial_epoch=self.epoch,
                epochs=epochs,
                layers=layers,
                run_folder=Path(self.log_dir),
                detect=self._detect_unsure() if self.config.EVALUATE_EVERY else None,
                augmentation=augmentation,
                no_augmentation_sources=no_augmentation_sources or (),
                custom_callbacks=custom_callbacks or (),
                workers=workers,
                interrupted=self._interrupted,
            )
        self.epoch = epochs
        self._interrupted = None
        return history

    def resume(self, run_folder: str | Path | None = None) -> None:
        """Take up an interrupted training; the next calls of `train` go on with it.

        They end with the weights that they had ended with uninterrupted, if they are
        those of the interrupted script. Another rate or other layers begin with these
        weights and a new optimizer.

        Args:
            run_folder: its folder; None takes the newest run of this configuration.

        Raises:
            WeightsError: there is no such run, it has no state, or that of another
                network.

        Example:
            model = MaskRCNN("training", config, "logs")
            model.resume()
            model.train(train_dataset, val_dataset, 0.001, 30, "heads")
        """
        folder = run_folder or checkpoints.find_run(
            self.model_dir, checkpoints.STATE_FILE, self._name
        )
        self._interrupted = read_state(folder)
        restore_variables(folder, self.keras_model, "network")
        self.epoch = self._interrupted.epoch
        self.log_dir = str(folder)
        self._run_is_set = True
        logger.info(
            "Resuming %s after %d epochs and %d steps",
            *(folder, self.epoch, self._interrupted.step),
        )

    def train_stages(
        self, train_dataset, val_dataset, stages: Sequence[Stage], **settings
    ) -> list[keras.callbacks.History]:
        """Train different layers after one another, as one call of `train` each.

        Each stage begins with a new optimizer, as the calls of the original did, and
        has the warm-up and the schedule of the configuration to itself. Stages that
        are trained already are left out, so that the same call goes on with a run.

        Args:
            train_dataset: prepared `Dataset` to learn from.
            val_dataset: prepared `Dataset` to measure the losses on.
            stages: at least one, with rising epochs.
            **settings: other arguments of `train`, for every stage.

        Returns:
            Keras' history of losses of each stage that was trained.

        Raises:
            ConfigError: as in `train`, or the stages contradict each other; nothing
                is trained then.
            DatasetError: an image or its annotation is broken.

        Example:
            stages = [Stage("heads", 20, 1e-3), Stage("all", 60, 1e-4)]
            model.train_stages(train_dataset, val_dataset, stages)
        """
        layer_sets.check_stages(self.keras_model, stages)
        self._has_epochs_left(stages[-1].epochs)
        return [
            self.train(
                train_dataset,
                val_dataset,
                learning_rate=stage.learning_rate,
                epochs=stage.epochs,
                layers=stage.layers,
                **settings,
            )
            for stage in stages
            if stage.epochs > self.epoch
        ]

    def _has_epochs_left(self, epochs: int) -> bool:
        """Return whether there is anything to train; only `resume` lets it be nothing.

        Raises:
            ConfigError: there is not, and no training was resumed.
        """
        if epochs > self.epoch:
            return True
        if self._interrupted:
            logger.info("Up to epoch %d the run is trained already.", epochs)
            return False
        raise ConfigError(
            f"Expected epochs above {self.epoch}, which are already trained. Received: "
            f"epochs={epochs}. epochs counts from the start of the run."
        )

    def compile(self, learning_rate: float, momentum: float | None = None) -> None:
        """Give the network its optimizer; `train` does so by itself.

        Args:
            learning_rate: of the steps.
            momentum: None takes LEARNING_MOMENTUM.
        """
        if momentum is not None:
            self.config.update(LEARNING_MOMENTUM=momentum)
        with self._distribution.scope():
            trainer.compile_network(self.keras_model, learning_rate, self.config)

    def set_trainable(
        self, layer_regex: str, keras_model=None, indent: int = 0, verbose: int = 1
    ) -> None:
        """Make the layers that a regular expression matches learn, no others."""
        layer_sets.set_trainable(keras_model or self.keras_model, layer_regex)

    def get_trainable_layers(self) -> list[keras.layers.Layer]:
        """Return the layers that have weights."""
        return [layer for layer in self.keras_model.layers if layer.weights]

    def find_trainable_layer(self, layer: keras.layers.Layer) -> keras.layers.Layer:
        """Return the layer that has the weights: that inside of a wrapper, or itself.

        Args:
            layer: a layer, or a wrapper of one such as Keras' ``TimeDistributed``.
        """
        while isinstance(layer, keras.layers.Wrapper):
            layer = layer.layer
        return layer

    def set_log_dir(self, model_path: str | Path | None = None) -> None:
        """Choose the run folder and the epoch to go on from.

        Args:
            model_path: a checkpoint; a run below `model_dir` is continued. Without
                one, or with another file, training begins a new run.
        """
        epoch = model_path and checkpoints.parse_checkpoint(model_path)
        folder = Path(model_path).resolve().parent if epoch else None
        self._run_is_set = bool(
            folder and folder.parent == Path(self.model_dir).resolve()
        )
        self.epoch = epoch if self._run_is_set else 0
        self._interrupted = None
        self.log_dir = str(
            folder
            if self._run_is_set
            else checkpoints.run_folder(self.model_dir, self._name, datetime.now())
        )

    # ---- Detection ----

    def detect(self, images: Sequence[np.ndarray], verbose: int = 0) -> list[dict]:
        """Find objects, and return them as the original does.

        In training mode it detects with the weights as they are at the moment.

        Args:
            images: any number of images of any size, uint8 [H, W, 3] RGB; grey,
                RGBA and 16 bit are converted.
            verbose: 1 logs the shapes.

        Returns:
            For each image a dict of rois int32 [N, (y1, x1, y2, x2)], class_ids
            int32 [N], scores float32 [N], masks bool [H, W, N].

        Raises:
            DatasetError: something in `images` is not an image.
        """
        if verbose:
            log(f"Processing {len(images)} images")
            for image in images:
                log("image", image)
        return [found.to_dict() for found in self.detect_images(images)]

    def detect_images(
        self, images: Sequence[np.ndarray], *, mask_threshold: float = 0.5
    ) -> list[Detections]:
        """Find objects, and return them as `Detections`: each mask inside its box.

        Args:
            images: as in `detect`.
            mask_threshold: probability from which a pixel belongs to an object; a
                lower one makes larger masks, up to the box.
        """
        return inference.detect(
            self._network_to_detect(self.config.DETECTION_MIN_CONFIDENCE),
            images,
            self.config,
            self._normalized_anchors,
            mask_threshold=mask_threshold,
        )

    def evaluate(
        self,
        dataset,
        image_ids: Sequence[int] | None = None,
        *,
        iou_threshold: float = 0.5,
        min_score: float | None = None,
        num_mistakes: int = 12,
        progress: Callable[[Sequence], Iterable] = iter,
    ) -> report.Evaluation:
        """Find the objects of a data set, and say how good that is.

        Args:
            dataset: prepared `Dataset` with the classes of the network.
            image_ids: its ids of the images; None takes all.
            iou_threshold: least overlap of masks at which a detection is of an object.
            min_score: least score at which something counts as found, in the
                confusion matrix and among the mistakes; None takes
                DETECTION_MIN_CONFIDENCE. AP and curves rank the unsure ones, too.
            num_mistakes: how many of the worst mistakes of each kind to keep.
            progress: is given the batches, such as `tqdm.tqdm`.

        Returns:
            COCO's AP and AR of boxes and masks, over all and for each class,
            confusion matrix, precision, recall and F1 at every score, the worst
            mistakes, and the time and memory it took.

        Raises:
            DatasetError: an image or its annotation is broken.

        Example:
            evaluation = model.evaluate(val_dataset)
            evaluation.coco["segm"]["AP50"], evaluation.curves[1].best.threshold
        """
        if min_score is None:
            min_score = self.config.DETECTION_MIN_CONFIDENCE
        return evaluating.evaluate(
            self._detect_unsure(),
            dataset,
            image_ids,
            batch_size=self.config.BATCH_SIZE,
            iou_threshold=iou_threshold,
            min_score=min_score,
            num_mistakes=num_mistakes,
            progress=progress,
        )

    def inspect(self, image: np.ndarray) -> Inspection:
        """Return every step between an image and what `detect` finds in it.

        Args:
            image: as in `detect`.

        Returns:
            An `Inspection`: anchors, proposals, ROIs, filters, masks, activations.

        Raises:
            DatasetError: it is no image.

        Example:
            seen = model.inspect(image)
            visualize.draw_boxes(seen.picture, seen.proposals[:20])
            seen.removed_by, seen.activations("res4w_out")
        """
        molded, metas, _ = self.mold_inputs([image])
        return inspect(
            self._network_to_detect(self.config.DETECTION_MIN_CONFIDENCE),
            molded,
            metas,
            self._normalized_anchors(molded.shape[1:3]),
            mean_pixel=self.config.MEAN_PIXEL,
        )

    def diagnose(
        self, image: np.ndarray, class_names: Sequence[str] | None = None
    ) -> str:
        """Say in words what `detect` finds in an image, and where the rest got lost.

        Args:
            image: as in `detect`.
            class_names: K names, the background first; None numbers them.

        Returns:
            A sentence a line.

        Raises:
            ConfigError: the names are not as many as the network's classes.
            DatasetError: it is no image.
        """
        return "\n".join(diagnose(self.inspect(image), class_names))

    def run_graph(
        self,
        images: Sequence[np.ndarray],
        outputs: Sequence[tuple[str, keras.KerasTensor]],
        image_metas: np.ndarray | None = None,
    ) -> OrderedDict[str, np.ndarray]:
        """Compute any tensors of the network; their shapes are logged.

        Args:
            images: as in `mold_inputs`; with `image_metas` they are molded already,
                float32 [B, H, W, C].
            outputs: name and tensor of each, as ``keras_model.get_layer(...).output``
                gives them. In training mode what needs no ground truth.
            image_metas: [B, 12 + K], or None.

        Returns:
            The values by name, in the order of `outputs`.

        Raises:
            ConfigError: a tensor is None, or needs the ground truth.
            DatasetError: the molded sizes of the images differ.

        Example:
            stage4 = model.keras_model.get_layer("res4w_out").output
            model.run_graph([image], [("res4w_out", stage4)])["res4w_out"].shape
        """
        outputs = OrderedDict(outputs)
        for name, tensor in outputs.items():
            if tensor is None:
                raise ConfigError(
                    f"Expected a tensor of the network. Received: None for {name!r}. "
                    "Take it from keras_model.get_layer(...).output."
                )
        molded = images
        if image_metas is None:
            molded, image_metas, _ = self.mold_inputs(images)
        anchors = self._normalized_anchors(molded.shape[1:3])
        inputs = inference.network_inputs(molded, image_metas, anchors)
        values = graph.compute(list(outputs.values()), inputs)
        found = OrderedDict(zip(outputs, values, strict=True))
        for name, value in found.items():
            log(name, value)
        return found

    def ancestor(self, tensor: keras.KerasTensor, name, checked=None):
        """Return a tensor that another one is computed from, see `graph.ancestor`.

        Args:
            tensor: of `keras_model`.
            name: of a layer, or a regular expression that matches the whole name.
            checked: as in the original; not needed.

        Returns:
            The output of the nearest such layer, or None where there is none.

        Raises:
            ConfigError: it names a tensor inside of a layer, as TensorFlow 1 had.

        Example:
            boxes = model.keras_model.get_layer("ROI").output[0]
            model.ancestor(boxes, "fpn_p2"), model.ancestor(boxes, r"res4._out")
        """
        return graph.ancestor(tensor, name)

    def detect_molded(
        self, molded_images: np.ndarray, image_metas: np.ndarray, verbose: int = 0
    ) -> list[dict]:
        """Find objects in images that are already molded, for tests and inspection.

        Args:
            molded_images: float32 [B, H, W, C], mean subtracted.
            image_metas: [B, 12 + K].
            verbose: 1 logs the shapes.

        Returns:
            As `detect`, in pixels of the molded images.
        """
        if verbose:
            log("molded_images", molded_images)
            log("image_metas", image_metas)
        image_hw = molded_images.shape[1:3]
        outputs = inference.predict(
            self._network_to_detect(self.config.DETECTION_MIN_CONFIDENCE),
            molded_images,
            image_metas,
            self._normalized_anchors(image_hw),
        )
        return [
            inference.unmold(
                detections,
                masks,
                image_hw=image_hw,
                molded_hw=image_hw,
                window=(0, 0, *image_hw),
            ).to_dict()
            for detections, masks in zip(
                outputs["mrcnn_detection"], outputs["mrcnn_mask"], strict=True
            )
        ]

    def mold_inputs(self, images: Sequence[np.ndarray]):
        """Return images as the network takes them.

        Args:
            images: uint8 [H, W, 3] each, of one molded size.

        Returns:
            molded float32 [B, H, W, C], metas [B, 12 + K], windows int [B, 4].
        """
        return inference.mold_inputs(images, self.config)

    def unmold_detections(
        self, detections, mrcnn_mask, original_image_shape, image_shape, window
    ):
        """Return the network's output for one image in pixels of that image.

        Args:
            detections: float32 [N, (y1, x1, y2, x2, class id, score)].
            mrcnn_mask: float32 [N, h, w, K].
            original_image_shape: [H, W, C] of the image before molding.
            image_shape: [H, W, C] of the molded image.
            window: [(y1, x1, y2, x2)] of the picture in it, pixels.

        Returns:
            boxes int32 [N, 4], class_ids int32 [N], scores float32 [N], masks bool
            [H, W, N].
        """
        found = inference.unmold(
            detections,
            mrcnn_mask,
            image_hw=tuple(original_image_shape[:2]),
            molded_hw=tuple(image_shape[:2]),
            window=window,
        )
        return found.boxes, found.class_ids, found.scores, found.masks

    def get_anchors(self, image_shape) -> np.ndarray:
        """Return the anchors of an image shape, float32 [A, 4], normalised.

        Args:
            image_shape: (height, width, ...) of the network's input, pixels.
        """
        return self._normalized_anchors(tuple(int(side) for side in image_shape[:2]))

    def _normalized_anchors(self, image_hw: tuple[int, int]) -> np.ndarray:
        image_hw = tuple(image_hw)
        if image_hw not in self._anchors:
            anchors = pyramid_anchors(self.config, image_hw)
            self._anchors[image_hw] = norm_boxes(anchors, image_hw)
        return self._anchors[image_hw]

    def _network_to_detect(self, min_confidence: float) -> keras.Model:
        """Return the network, or another one of that confidence that shares its layers.

        The network itself detects in inference mode, as the configuration says.
        """
        as_built = min_confidence == self.config.DETECTION_MIN_CONFIDENCE
        if self.mode == "inference" and as_built:
            return self.keras_model
        if min_confidence not in self._detecting:
            config = copy.copy(self.config)
            config.update(DETECTION_MIN_CONFIDENCE=min_confidence)
            self._detecting[min_confidence] = inference_network(
                self.keras_model, config
            )
        return self._detecting[min_confidence]

    def _detect_unsure(self) -> Callable[[Sequence[np.ndarray]], list[Detections]]:
        """Return a `detect_images` that finds what AP is measured with."""
        confidence = min(MIN_CONFIDENCE, self.config.DETECTION_MIN_CONFIDENCE)
        return partial(
            inference.detect,
            self._network_to_detect(confidence),
            config=self.config,
            anchors_of=self._normalized_anchors,
        )

    @property
    def _name(self) -> str:
        return self.config.NAME or "mask_rcnn"


def mold_image(images: np.ndarray, config: Config) -> np.ndarray:
    """Return images as the network takes them, see `geometry.molding.mold_image`."""
    return molding.mold_image(images, config.MEAN_PIXEL)


def unmold_image(normalized_images: np.ndarray, config: Config) -> np.ndarray:
    """Return molded images as pictures again."""
    return molding.unmold_image(normalized_images, config.MEAN_PIXEL)


def log(text: str, array: np.ndarray | None = None) -> None:
    """Log a line, and of an array its shape, range and dtype.

    Args:
        text: what to say.
        array: of any shape, or None.
    """
    if array is not None:
        array = np.asarray(array)
        extent = f"{array.min():10.5f} {array.max():10.5f}" if array.size else "empty"
        text = f"{text:25}  shape: {array.shape!s:20}  {extent}  {array.dtype}"
    logger.info(text)
