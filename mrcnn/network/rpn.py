"""Region proposal network: Ren et al. 2015, Faster R-CNN, section 3.1."""

import keras
from keras import layers, ops


def rpn_graph(feature_map, anchors_per_location, anchor_stride):
    """Return what the RPN says of every anchor of one pyramid level.

    Args:
        feature_map: float [B, H, W, C].
        anchors_per_location: anchors at each cell.
        anchor_stride: 1 for anchors at every cell, 2 at every other one.

    Returns:
        class_logits: float32 [B, A, (background, object)].
        class_probs: float32 [B, A, 2], their softmax.
        bbox_deltas: float32 [B, A, (dy, dx, log dh, log dw)], divided by
            RPN_BBOX_STD_DEV.
    """
    shared = layers.Conv2D(
        512,
        3,
        strides=anchor_stride,
        padding="same",
        activation="relu",
        name="rpn_conv_shared",
    )(feature_map)

    def per_anchor(numbers, name, reshape_name):
        x = layers.Conv2D(numbers * anchors_per_location, 1, name=name)(shared)
        # [B, H, W, anchors * numbers] -> [B, H * W * anchors, numbers]
        return layers.Reshape((-1, numbers), dtype="float32", name=reshape_name)(x)

    class_logits = per_anchor(2, "rpn_class_raw", "rpn_class_logits_reshape")
    class_probs = layers.Softmax(dtype="float32", name="rpn_class_xxx")(class_logits)
    bbox_deltas = per_anchor(4, "rpn_bbox_pred", "rpn_bbox_reshape")
    return [class_logits, class_probs, bbox_deltas]


def build_rpn_model(anchor_stride, anchors_per_location, depth):
    """Return the model ``rpn_model`` that is applied to every pyramid level.

    Args:
        anchor_stride: see `rpn_graph`.
        anchors_per_location: see `rpn_graph`.
        depth: channels of the pyramid.
    """
    feature_map = keras.Input((None, None, depth), name="input_rpn_feature_map")
    outputs = rpn_graph(feature_map, anchors_per_location, anchor_stride)
    return keras.Model(feature_map, outputs, name="rpn_model")


def apply_rpn(rpn_model, levels):
    """Return the RPN's outputs for all levels, anchors of P2 first.

    Args:
        rpn_model: from `build_rpn_model`.
        levels: [P2, ..., P6], each float [B, H, W, C].

    Returns:
        class_logits, class_probs, bbox_deltas as in `rpn_graph`, over all anchors.
    """
    per_level = [rpn_model(level) for level in levels]
    return [
        ops.concatenate(outputs, axis=1) for outputs in zip(*per_level, strict=True)
    ]
