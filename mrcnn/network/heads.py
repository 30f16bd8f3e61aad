"""The box head and the mask head: He et al. 2017, Mask R-CNN, figure 4 (right)."""

import keras
from keras import layers, ops

from mrcnn.network.layers import conv_bn
from mrcnn.ops import backend
from mrcnn.ops.replicas import sum_over_replicas
from mrcnn.ops.roi_align import pyramid_roi_align


@keras.saving.register_keras_serializable("mrcnn")
class PyramidROIAlign(layers.Layer):
    """Features of each ROI from the pyramid level of its size.

    `call` takes [boxes, image, P2, P3, P4, P5]: boxes float32 [B, R, (y1, x1,
    y2, x2)] normalised, the image float [B, H, W, C] for its size alone, levels
    float [B, H, W, D]; it gives float [B, R, pool_size, pool_size, D].

    Args:
        pool_size: side of the crops, cells.
        hand_on: whether it gives [P2, P3, P4, P5] too, for the next layer that reads
            them; see `mrcnn.ops.turns`.
        **kwargs: those of `keras.layers.Layer`.
    """

    def __init__(self, pool_size, *, hand_on=False, **kwargs):
        super().__init__(**kwargs)
        self.pool_size = pool_size
        self.hand_on = hand_on
        # Boxes keep float32 under a mixed dtype policy.
        self.autocast = False
        # On TensorFlow the number of ROIs of a level is not static, as XLA wants.
        self.supports_jit = backend.tensorflow() is None

    def call(self, inputs):
        boxes, image, *feature_maps = inputs
        pooled, feature_maps = pyramid_roi_align(
            boxes,
            feature_maps,
            image_hw=ops.shape(image)[1:3],
            pool_size=self.pool_size,
        )
        pooled = ops.cast(pooled, self.compute_dtype)
        return (pooled, feature_maps) if self.hand_on else pooled

    def compute_output_spec(self, inputs):
        boxes, _, *feature_maps = inputs
        channels = feature_maps[0].shape[-1]
        shape = (*boxes.shape[:2], self.pool_size, self.pool_size, channels)
        pooled = keras.KerasTensor(shape, self.compute_dtype)
        feature_maps = [keras.KerasTensor(x.shape, x.dtype) for x in feature_maps]
        return (pooled, feature_maps) if self.hand_on else pooled

    def get_config(self):
        own = {"pool_size": self.pool_size, "hand_on": self.hand_on}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable("mrcnn")
class UsedSlots(layers.Layer):
    """What the used ones of some slots hold, so that the mask head skips the rest.

    `call` takes slots float [B, N, ...] and which are used, bool [B, N], and gives
    float [M, ...]. M is the number of used ones, at least 1, on TensorFlow. Other
    backends want fixed shapes: there it is B * N.

    Args:
        **kwargs: those of `keras.layers.Layer`.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_jit = backend.tensorflow() is None

    def call(self, inputs):
        slots, used = inputs
        flat = ops.reshape(slots, (-1, *slots.shape[2:]))
        if backend.tensorflow() is None:
            return flat
        return ops.take(flat, _places(used), axis=0)

    def compute_output_spec(self, inputs):
        slots, _ = inputs
        return keras.KerasTensor((None, *slots.shape[2:]), slots.dtype)


@keras.saving.register_keras_serializable("mrcnn")
class BackInSlots(layers.Layer):
    """Results for `UsedSlots` in the slots they belong to, zeros in the others.

    `call` takes results float [M, ...] and which slots are used, bool [B, N], and
    gives float32 [B, N, ...].

    Args:
        **kwargs: those of `keras.layers.Layer`.
    """

    def __init__(self, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})
        self.supports_jit = backend.tensorflow() is None

    def call(self, inputs):
        results, used = inputs
        shape = (-1, used.shape[1], *results.shape[1:])
        if backend.tensorflow() is not None:
            count = ops.shape(used)[0] * used.shape[1]
            results = ops.scatter(
                _places(used)[:, None], results, (count, *results.shape[1:])
            )
        used = used[(..., *[None] * (len(shape) - 2))]
        return ops.where(used, ops.reshape(results, shape), 0.0)

    def compute_output_spec(self, inputs):
        results, used = inputs
        return keras.KerasTensor((*used.shape, *results.shape[1:]), "float32")


def _places(used):
    """Return int32 [M], the places of used slots [B, N] in [B * N]; of none the first.

    Of nothing at all batch norm would have no mean.
    """
    flat = ops.reshape(used, (-1,))
    # Those of all devices: batch norm sees them together.
    is_any = sum_over_replicas(ops.sum(ops.cast(flat, "int32"))) > 0
    is_first = ops.arange(ops.shape(flat)[0]) == 0
    return ops.cast(ops.nonzero(flat | (is_first & ~is_any))[0], "int32")


def box_head_graph(pooled, *, num_classes, train_bn, fc_layers_size):
    """Return class and box of each ROI.

    Args:
        pooled: float [B, R, s, s, C], from `PyramidROIAlign`.
        num_classes: K, with the background.
        train_bn: see `BatchNorm`.
        fc_layers_size: width of the two fully connected layers.

    Returns:
        class_logits: float32 [B, R, K].
        class_probs: float32 [B, R, K], their softmax.
        bbox_deltas: float32 [B, R, K, (dy, dx, log dh, log dw)], divided by
            BBOX_STD_DEV.
    """
    num_rois, pool_size = pooled.shape[1:3]
    # [B, R, s, s, C] -> [B * R, s, s, C]: the heads see ROIs, not images.
    x = ops.reshape(pooled, (-1, *pooled.shape[2:]))
    # Fully connected layers, stored as convolutions.
    for i, size in ((1, pool_size), (2, 1)):
        x = conv_bn(
            x,
            fc_layers_size,
            size,
            name=f"mrcnn_class_conv{i}",
            bn_name=f"mrcnn_class_bn{i}",
            train_bn=train_bn,
        )
        x = layers.ReLU(name=f"mrcnn_class_relu{i}")(x)
    # [B * R, 1, 1, F] -> [B, R, F]
    shared = layers.Reshape((fc_layers_size,), name="pool_squeeze")(x)
    shared = ops.reshape(shared, (-1, num_rois, fc_layers_size))

    class_logits = layers.Dense(num_classes, name="mrcnn_class_logits")(shared)
    class_logits = ops.cast(class_logits, "float32")
    class_probs = layers.Softmax(dtype="float32", name="mrcnn_class")(class_logits)
    bbox_deltas = layers.Dense(num_classes * 4, name="mrcnn_bbox_fc")(shared)
    # [B, R, K * 4] -> [B, R, K, 4]
    bbox_deltas = layers.Reshape(
        (num_rois, num_classes, 4), dtype="float32", name="mrcnn_bbox"
    )(bbox_deltas)
    return class_logits, class_probs, bbox_deltas


def mask_head_graph(pooled, used, *, num_classes, train_bn):
    """Return a mask of each ROI for every class.

    Args:
        pooled: float [B, R, s, s, C], from `PyramidROIAlign`.
        used: bool [B, R], which ROIs matter.
        num_classes: K, with the background.
        train_bn: see `BatchNorm`.

    Returns:
        float32 [B, R, 2s, 2s, K], logits, 0 for ROIs that do not matter; their
        sigmoid is the probability that a pixel belongs to the object.
    """
    # [B, R, s, s, C] -> [M, s, s, C]
    x = UsedSlots(name="mrcnn_mask_rois")([pooled, used])
    for i in range(1, 5):
        x = conv_bn(
            x,
            256,
            3,
            padding="same",
            name=f"mrcnn_mask_conv{i}",
            bn_name=f"mrcnn_mask_bn{i}",
            train_bn=train_bn,
        )
        x = layers.ReLU(name=f"mrcnn_mask_relu{i}")(x)
    x = layers.Conv2DTranspose(
        256, 2, strides=2, activation="relu", name="mrcnn_mask_deconv"
    )(x)
    x = layers.Conv2D(num_classes, 1, name="mrcnn_mask")(x)
    return BackInSlots(name="mrcnn_mask_slots")([x, used])
