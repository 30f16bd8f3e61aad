"""The network for training and for detection, built from a `Config`.

One functional graph inside a `keras.Model` subclass. In training the ground
truth travels in the inputs, so that plain `fit`, `evaluate` and `test_on_batch`
serve; in detection the outputs are those of the original, by its names.
"""

import gc
from contextlib import contextmanager

import keras
import numpy as np
from keras import layers, ops

from mrcnn.config import Config
from mrcnn.errors import ConfigError
from mrcnn.geometry.anchors import feature_shapes, generate_pyramid_anchors
from mrcnn.geometry.boxes import norm_boxes
from mrcnn.network.backbones import backbone_graph
from mrcnn.network.detection import DetectionLayer
from mrcnn.network.fpn import fpn_graph
from mrcnn.network.heads import PyramidROIAlign, box_head_graph, mask_head_graph
from mrcnn.network.losses import LOSS_INPUTS, detection_losses, weight_decay_loss
from mrcnn.network.proposals import ProposalLayer
from mrcnn.network.rpn import CountedAnchors, apply_rpn, build_rpn_model
from mrcnn.network.targets import DetectionTargetLayer, area_is_positive
from mrcnn.ops import backend
from mrcnn.ops.boxes import norm_boxes as norm_boxes_graph
from mrcnn.ops.replicas import num_replicas
from mrcnn.structures import LOSS_NAMES, META_SHAPE, META_WINDOW

MODES = ("training", "inference")


def build_network(mode: str, config: Config) -> keras.Model:
    """Return the network of a configuration.

    Training takes the batch of DESIGN's contract as a dict. Inference takes a
    dict of image float32 [B, H, W, C], image_meta float32 [B, 12 + K] and
    anchors float32 [B, A, (y1, x1, y2, x2)] normalised, and gives a dict of

        mrcnn_detection  float32 [B, N, (y1, x1, y2, x2, class id, score)]
        mrcnn_class      float32 [B, R, K]
        mrcnn_bbox       float32 [B, R, K, 4]
        mrcnn_mask       float32 [B, N, 28, 28, K]
        rpn_rois         float32 [B, R, 4]
        rpn_class        float32 [B, A, 2]
        rpn_bbox         float32 [B, A, 4]

    Args:
        mode: "training" or "inference".
        config: checked with `Config.validate` first. PRECISION holds for this network
            alone, whatever Keras' global policy is; boxes and losses stay float32.

    Raises:
        ConfigError: the mode is neither, or the configuration is wrong.
    """
    if mode not in MODES:
        raise ConfigError(f"Expected mode to be one of {MODES}. Received: {mode!r}.")
    config.validate()
    with _dtype_policy(config.PRECISION):
        return _network(mode, config)


@contextmanager
def _dtype_policy(name: str):
    """Let Keras make layers of a precision, inside the with-block alone."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _network(mode: str, config: Config) -> keras.Model:
    inputs = _inputs(mode, config)
    image = inputs["image"]
    stages = backbone_graph(
        config.BACKBONE,
        image,
        train_bn=config.TRAIN_BN,
        mean_pixel=config.MEAN_PIXEL,
        seed=config.SEED,
    )
    levels = fpn_graph(stages, size=config.TOP_DOWN_PYRAMID_SIZE)
    rpn_model = build_rpn_model(
        config.RPN_ANCHOR_STRIDE,
        len(config.RPN_ANCHOR_RATIOS),
        config.TOP_DOWN_PYRAMID_SIZE,
    )
    outputs = (_training_graph if mode == "training" else _inference_graph)(
        config, inputs, levels, rpn_model
    )
    return MaskRCNNNetwork(
        inputs=inputs,
        outputs=outputs,
        loss_weights=dict(config.LOSS_WEIGHTS),
        weight_decay=config.WEIGHT_DECAY,
        class_weights=config.CLASS_WEIGHTS,
        name="mask_rcnn",
    )


def inference_network(training_network: keras.Model, config: Config) -> keras.Model:
    """Return a network that detects with the weights of one that trains.

    The two hold the same layers, so that it detects with the weights as they are at
    the moment, and no variable exists twice.

    Args:
        training_network: from `build_network` in training mode.
        config: that of the training network; settings of detection may differ.

    Returns:
        A network as `build_network` gives for inference. Of a layer with weights,
        ``get_layer(name).output`` is the one in the training network.

    Raises:
        ConfigError: a layer is missing in the training network.
    """
    trained = {layer.name: layer for layer in training_network.layers if layer.weights}

    def shared_or_new(layer):
        if layer.name in trained:
            return trained[layer.name]
        if getattr(layer, "weights", ()):
            raise ConfigError(
                f"Expected layer {layer.name!r} in the training network, to share its "
                "weights. Received: no layer of this name. Name the layers of a "
                "callable BACKBONE, and pass the configuration it was built with."
            )
        # The same one would keep its old inputs alive, and their layers with them.
        return type(layer).from_config(layer.get_config())

    graph = build_network("inference", config)
    network = keras.models.clone_model(graph, clone_function=shared_or_new)
    # Free the variables of the graph now; it refers to itself.
    del graph
    gc.collect()
    return network


def pyramid_anchors(config: Config, image_hw: tuple[int, int]) -> np.ndarray:
    """Return all anchors of an image size, float [A, (y1, x1, y2, x2)], pixels.

    Args:
        config: anchor scales, ratios and strides.
        image_hw: (height, width) of the network's input, pixels.
    """
    return generate_pyramid_anchors(
        config.RPN_ANCHOR_SCALES,
        config.RPN_ANCHOR_RATIOS,
        compute_backbone_shapes(config, (*image_hw, config.IMAGE_CHANNEL_COUNT)),
        config.BACKBONE_STRIDES,
        config.RPN_ANCHOR_STRIDE,
    )


def compute_backbone_shapes(config: Config, image_shape) -> np.ndarray:
    """Return the size of every pyramid level, int [L, (height, width)].

    Args:
        config: BACKBONE_STRIDES, or COMPUTE_BACKBONE_SHAPE of a callable backbone.
        image_shape: (height, width, channels) of the network's input.
    """
    if callable(config.BACKBONE) and config.COMPUTE_BACKBONE_SHAPE:
        return np.asarray(config.COMPUTE_BACKBONE_SHAPE(image_shape))
    return feature_shapes(tuple(image_shape[:2]), config.BACKBONE_STRIDES)


def _inputs(mode: str, config: Config) -> dict:
    height, width, channels = (int(side) for side in config.IMAGE_SHAPE)
    meta = keras.Input((config.IMAGE_META_SIZE,), name="image_meta")
    if mode == "inference":
        if config.IMAGE_RESIZE_MODE in ("pad64", "none"):
            height = width = None
        elif config.IMAGE_RESIZE_MODE == "crop":
            # Only training crops; detection sees whole pictures.
            height = width = config.IMAGE_MAX_DIM
        return {
            "image": keras.Input((height, width, channels), name="image"),
            "image_meta": meta,
            "anchors": keras.Input((None, 4), name="anchors"),
        }
    if config.IMAGE_RESIZE_MODE == "pad64":
        raise ConfigError(
            "Expected IMAGE_RESIZE_MODE to be square or crop for training, which needs "
            "images of one size. Received: 'pad64', which is for detection."
        )
    num_anchors = len(pyramid_anchors(config, (height, width)))
    num_instances = config.MAX_GT_INSTANCES
    # Full-size masks may be coarser than the image: boxes normalised fit any size.
    mask_hw = tuple(config.MINI_MASK_SHAPE) if config.USE_MINI_MASK else (None, None)
    shapes = {
        "rpn_match": ((num_anchors, 1), "int32"),
        "rpn_bbox": ((config.RPN_TRAIN_ANCHORS_PER_IMAGE, 4), "float32"),
        "gt_class_ids": ((num_instances,), "int32"),
        "gt_boxes": ((num_instances, 4), "int32"),
        "gt_masks": ((*mask_hw, num_instances), "uint8"),
    }
    if not config.USE_RPN_ROIS:
        shapes["rois"] = ((config.POST_NMS_ROIS_TRAINING, 4), "int32")
    return {
        "image": keras.Input((height, width, channels), name="image"),
        "image_meta": meta,
        **{
            key: keras.Input(shape, dtype=dtype, name=key)
            for key, (shape, dtype) in shapes.items()
        },
    }


def _proposals(config, rpn, anchors, count):
    _, rpn_class, rpn_bbox = rpn
    return ProposalLayer(
        proposal_count=count,
        nms_threshold=config.RPN_NMS_THRESHOLD,
        pre_nms_limit=config.PRE_NMS_LIMIT,
        std_dev=config.RPN_BBOX_STD_DEV,
        name="ROI",
    )([rpn_class, rpn_bbox, anchors])


def _box_head(config, pooled):
    return box_head_graph(
        pooled,
        num_classes=config.NUM_CLASSES,
        train_bn=config.TRAIN_BN,
        fc_layers_size=config.FPN_CLASSIF_FC_LAYERS_SIZE,
    )


def _mask_head(config, image, rois, used, levels):
    pooled = PyramidROIAlign(config.MASK_POOL_SIZE, name="roi_align_mask")(
        [rois, image, *levels]
    )
    return mask_head_graph(
        pooled, used, num_classes=config.NUM_CLASSES, train_bn=config.TRAIN_BN
    )


def _training_graph(config, inputs, levels, rpn_model) -> dict:
    image = inputs["image"]
    rpn = apply_rpn(rpn_model, levels)
    # From here on one reader of the levels hands them to the next.
    *counted, levels = CountedAnchors(
        rpn_model,
        anchor_stride=config.RPN_ANCHOR_STRIDE,
        num_anchors=config.RPN_TRAIN_ANCHORS_PER_IMAGE,
        name="rpn_counted_anchors",
    )([inputs["rpn_match"], rpn[0], *levels])
    image_hw = tuple(image.shape[1:3])
    if config.USE_RPN_ROIS:
        anchors = norm_boxes(pyramid_anchors(config, image_hw), image_hw)
        rois, rois_valid = _proposals(
            config,
            rpn,
            ops.convert_to_tensor(anchors)[None],
            config.POST_NMS_ROIS_TRAINING,
        )
    else:
        rois = norm_boxes_graph(inputs["rois"], image_hw)
        rois_valid = area_is_positive(rois)
    targets = DetectionTargetLayer(
        num_rois=config.TRAIN_ROIS_PER_IMAGE,
        positive_ratio=config.ROI_POSITIVE_RATIO,
        mask_size=config.MASK_SHAPE[0],
        use_mini_mask=config.USE_MINI_MASK,
        std_dev=config.BBOX_STD_DEV,
        seed=config.SEED,
        name="proposal_targets",
    )(
        [
            rois,
            rois_valid,
            inputs["gt_class_ids"],
            norm_boxes_graph(inputs["gt_boxes"], image_hw),
            inputs["gt_masks"],
        ]
    )
    pooled, levels = PyramidROIAlign(
        config.POOL_SIZE, hand_on=True, name="roi_align_classifier"
    )([targets.rois, image, *levels[:4]])
    class_logits, class_probs, bbox_deltas = _box_head(config, pooled)
    # The mask loss reads positive ROIs alone, which have the first slots.
    num_positive = targets.positive.shape[1]
    mask_logits = _mask_head(
        config,
        image,
        targets.rois[:, :num_positive],
        targets.positive > 0,
        levels,
    )
    return {
        "rpn_counted_match": counted[0],
        "rpn_counted_class_logits": counted[1],
        "rpn_counted_bbox": counted[2],
        "rpn_class_logits": rpn[0],
        "rpn_class": rpn[1],
        "rpn_bbox": rpn[2],
        "rpn_rois": rois,
        "rois": targets.rois,
        "target_class_ids": targets.class_ids,
        "target_bbox": targets.bbox,
        "target_mask": targets.masks,
        "target_positive": targets.positive,
        "mrcnn_class_logits": class_logits,
        "mrcnn_class": class_probs,
        "mrcnn_bbox": bbox_deltas,
        "mrcnn_mask_logits": mask_logits,
    }


def _inference_graph(config, inputs, levels, rpn_model) -> dict:
    image, meta = inputs["image"], inputs["image_meta"]
    rpn, levels = apply_rpn(rpn_model, levels), levels[:4]
    rois, _ = _proposals(config, rpn, inputs["anchors"], config.POST_NMS_ROIS_INFERENCE)
    pooled = PyramidROIAlign(config.POOL_SIZE, name="roi_align_classifier")(
        [rois, image, *levels]
    )
    _, class_probs, bbox_deltas = _box_head(config, pooled)
    # The molded size is the same for every image of a batch.
    molded_hw = (meta[0, META_SHAPE][0], meta[0, META_SHAPE][1])
    detections = DetectionLayer(
        min_confidence=config.DETECTION_MIN_CONFIDENCE,
        nms_threshold=config.DETECTION_NMS_THRESHOLD,
        max_instances=config.DETECTION_MAX_INSTANCES,
        std_dev=config.BBOX_STD_DEV,
        name="mrcnn_detection",
    )(
        [
            rois,
            class_probs,
            bbox_deltas,
            norm_boxes_graph(meta[:, META_WINDOW], molded_hw),
        ]
    )
    found = detections[..., 4] > 0
    mask_logits = _mask_head(config, image, detections[..., :4], found, levels)
    masks = layers.Activation("sigmoid", dtype="float32", name="mrcnn_mask_probs")(
        mask_logits
    )
    return {
        "mrcnn_detection": detections,
        "mrcnn_class": class_probs,
        "mrcnn_bbox": bbox_deltas,
        "mrcnn_mask": ops.where(found[..., None, None, None], masks, 0.0),
        "rpn_rois": rois,
        "rpn_class": rpn[1],
        "rpn_bbox": rpn[2],
    }


class MaskRCNNNetwork(keras.Model):
    """The functional graph with the original's losses on top.

    Args:
        inputs: dict of symbolic inputs.
        outputs: dict of symbolic outputs.
        loss_weights: factor of each loss by name.
        weight_decay: WEIGHT_DECAY.
        class_weights: factor of each class in the class loss, or None.
        **kwargs: those of `keras.Model`.
    """

    def __init__(
        self,
        *,
        inputs,
        outputs,
        loss_weights,
        weight_decay,
        class_weights=None,
        **kwargs,
    ):
        super().__init__(inputs=inputs, outputs=outputs, **kwargs)
        self.loss_weights = loss_weights
        self.weight_decay = weight_decay
        # A tuple: of a list Keras would make a tracked one.
        self.class_weights = None if class_weights is None else tuple(class_weights)
        self.loss_trackers = {
            name: keras.metrics.Mean(name=name) for name in LOSS_NAMES
        }

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        # Under a strategy Keras draws a batch to build a model from, which ends an
        # epoch before the first one begins. A functional model is built.
        pass

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        # Of a batch given to test_on_batch PyTorch's trainer leaves the arrays as such.
        x = {key: ops.convert_to_tensor(x[key]) for key in LOSS_INPUTS}
        # Each replica has its share of the losses, and they add up to the batch's.
        losses = detection_losses(x, y_pred, self.class_weights)
        for name, loss in losses.items():
            # The mean of what replicas report is then the sum of their shares.
            self.loss_trackers[name].update_state(loss * num_replicas())
        total = sum(self.loss_weights[name] * loss for name, loss in losses.items())
        with backend.after(total):
            decay = weight_decay_loss(self.trainable_variables, self.weight_decay)
        return total + decay / num_replicas()
