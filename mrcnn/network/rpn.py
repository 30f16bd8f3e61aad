"""Region proposal network: Ren et al. 2015, Faster R-CNN, section 3.1.

`apply_rpn` looks at every anchor, for proposals. The loss counts only some hundred
of them, and `CountedAnchors` computes these once more, so that no gradient has to
pass through maps of all anchors.
"""

import keras
from keras import layers, ops

from mrcnn.ops import backend
from mrcnn.ops.turns import take_rows


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


class CountedAnchors(layers.Layer):
    """What the RPN says of the anchors that its losses count, with their gradient.

    An anchor's outputs depend on 3x3 cells of its level. Computed from these alone,
    the numbers and gradients are those of `apply_rpn`, whose backward pass over all
    cells would take a third of a training step.

    `call` takes [rpn_match, class_logits, P2, ..., P6]: rpn_match int32 [B, A, 1], 1
    positive, -1 negative, 0 neutral; class_logits of `apply_rpn`, whose maps are given
    back to the memory first; levels float [B, H, W, C]. It gives for the positive
    anchors, the negative ones and as many neutral ones as fill S slots, in this order:

        match         int32 [B, S, 1], from rpn_match
        class_logits  float32 [B, S, 2]
        bbox_deltas   float32 [B, S, (dy, dx, log dh, log dw)]
        levels        those it was given, for the next reader; see `mrcnn.ops.turns`

    Args:
        rpn_model: from `build_rpn_model`; its weights stay its own.
        anchor_stride: see `rpn_graph`.
        num_anchors: S, at least the number of anchors of an image that count.
        **kwargs: those of `keras.layers.Layer`.
    """

    def __init__(self, rpn_model, *, anchor_stride, num_anchors, **kwargs):
        super().__init__(**kwargs)
        names = ("rpn_conv_shared", "rpn_class_raw", "rpn_bbox_pred")
        convolutions = [rpn_model.get_layer(name) for name in names]
        # A function: as attributes, Keras would count the weights as ours too.
        self._weights_of_rpn = lambda: [(c.kernel, c.bias) for c in convolutions]
        self.anchor_stride = anchor_stride
        self.num_anchors = num_anchors

    def call(self, inputs):
        rpn_match, class_logits, *levels = inputs
        with backend.after(class_logits):
            return self._of_counted(rpn_match, levels)

    def _of_counted(self, rpn_match, levels):
        (kernel, bias), class_raw, bbox_pred = self._weights_of_rpn()
        anchors_per_location = bbox_pred[1].shape[0] // 4
        index = _counted_first(rpn_match[..., 0], self.num_anchors)
        cells = index // anchors_per_location
        patches, levels = patches_of_cells(levels, cells, self.anchor_stride)
        # [3, 3, C, 512] -> [9 * C, 512]: a convolution at single cells.
        kernel = ops.reshape(kernel, (-1, kernel.shape[-1]))
        shared = ops.relu(ops.matmul(patches, kernel) + bias)

        def per_anchor(kernel, bias):
            # [B, S, anchors * numbers] -> [B, S, anchors, numbers] -> [B, S, numbers]
            x = ops.matmul(shared, kernel[0, 0]) + bias
            numbers = bias.shape[0] // anchors_per_location
            x = ops.reshape(x, (-1, cells.shape[1], anchors_per_location, numbers))
            anchor = (index % anchors_per_location)[..., None, None]
            return ops.cast(ops.take_along_axis(x, anchor, axis=2)[:, :, 0], "float32")

        match = ops.take_along_axis(rpn_match, index[..., None], axis=1)
        return match, per_anchor(*class_raw), per_anchor(*bbox_pred), levels


def _counted_first(match, num_anchors):
    """Return int32 [B, S], the positive anchors in order, the negative, then others."""
    total = match.shape[1]
    rank = ops.where(match == 1, 2 * total, ops.where(match == 0, 0, total))
    # All different, so that every backend gives the same order.
    rank = ops.cast(rank, "int32") - ops.arange(total, dtype="int32")
    _, index = ops.top_k(rank, min(num_anchors, total))
    return ops.cast(index, "int32")


def patches_of_cells(levels, cells, stride):
    """Return what a 3x3 convolution with padding sees at some cells, and the levels.

    Args:
        levels: L feature maps, each float [B, H, W, C].
        cells: int32 [B, S], cells of the convolution's results, numbered row by row
            through all levels.
        stride: of the convolution.

    Returns:
        patches: float [B, S, 9 * C], zeros outside the map.
        levels: the same, for the next reader.
    """
    total, first, handed_on = 0.0, 0, []
    for features in levels:
        height, width, channels = features.shape[1:]
        rows, columns = -(-height // stride), -(-width // stride)
        local = cells - first
        belongs = (local >= 0) & (local < rows * columns)
        first += rows * columns
        local = ops.where(belongs, local, 0)
        # [B, S] -> [B, S, 3, 3]: the cells around each one
        y = _around(local // columns, height, stride)[..., :, None]
        x = _around(local % columns, width, stride)[..., None, :]
        inside = (y >= 0) & (y < height) & (x >= 0) & (x < width)
        inside = inside & belongs[..., None, None]
        image = ops.arange(ops.shape(features)[0], dtype="int32")[:, None, None, None]
        place = ops.where(inside, (image * height + y) * width + x, 0)
        # [B, S, 3, 3, C]
        patches, features = take_rows(features, place)
        total += patches * ops.cast(inside[..., None], features.dtype)
        handed_on.append(features)
    return ops.reshape(total, (-1, cells.shape[1], 9 * channels)), handed_on


def _around(cell, size, stride):
    """Return int32 [..., 3], the cells that a convolution's result comes from."""
    results = -(-size // stride)
    before = max((results - 1) * stride + 3 - size, 0) // 2
    return cell[..., None] * stride - before + ops.arange(3, dtype="int32")
