"""Layers that several parts of the network are made of: convolution and batch norm.

Batches of Mask R-CNN are too small for good statistics, so batch normalisation
usually stays as pre-trained (He et al. 2017, section 3.1). It is then a factor and
a summand for each channel, which `conv_bn` puts into the convolution before it:
no pass over the feature map of its own, and none that training has to remember.
"""

import math

import keras
from keras import layers, ops

from mrcnn.ops import backend
from mrcnn.ops.convolution import same_convolution
from mrcnn.ops.replicas import num_replicas


def conv_bn(
    x,
    filters,
    kernel_size,
    *,
    name,
    bn_name,
    train_bn,
    gamma_initializer="ones",
    **kwargs,
):
    """Return a convolution with batch normalisation after it.

    Args:
        x: float [B, H, W, C].
        filters: channels of the result.
        kernel_size: side of the kernel.
        name: of the convolution.
        bn_name: of the batch normalisation.
        train_bn: see `BatchNorm`.
        gamma_initializer: of the batch normalisation.
        **kwargs: the rest of `keras.layers.Conv2D`'s arguments.
    """
    norm = BatchNorm(
        train_bn=train_bn, gamma_initializer=gamma_initializer, name=bn_name
    )
    conv = NormalizedConv2D(filters, kernel_size, norm=norm, name=name, **kwargs)
    return norm(conv(x))


@keras.saving.register_keras_serializable("mrcnn")
class BatchNorm(layers.BatchNormalization):
    """Batch normalisation whose mode is fixed when the network is built.

    `call` takes and gives float [..., C].

    Args:
        train_bn: False always uses the moving statistics; True always those of
            the batch; None follows Keras' ``training`` argument.
        **kwargs: those of `keras.layers.BatchNormalization`.
    """

    def __init__(self, *, train_bn=False, **kwargs):
        # Keras' own momentum, 0.99, takes hundreds of steps to follow the weights.
        # Statistics are those of the whole batch, whatever the number of devices.
        defaults = {"momentum": 0.9, "synchronized": num_replicas() > 1}
        super().__init__(**{**defaults, **kwargs})
        self.train_bn = train_bn
        # Set by a `NormalizedConv2D` that does this layer's work while it is frozen.
        self.is_folded = False

    def call(self, inputs, training=None, mask=None):
        if self.is_folded and self.is_frozen(training):
            return inputs
        training = training if self.train_bn is None else self.train_bn
        return super().call(inputs, training=training, mask=mask)

    def is_frozen(self, training) -> bool:
        """Return whether the moving statistics are used, given Keras' ``training``."""
        training = training if self.train_bn is None else self.train_bn
        return not (training and self.trainable)

    def scale_and_shift(self):
        """Return what frozen normalisation multiplies by and then adds, float32 [C]."""
        scale = self.gamma * ops.rsqrt(self.moving_variance + self.epsilon)
        return scale, self.beta - self.moving_mean * scale

    def get_config(self):
        return {**super().get_config(), "train_bn": self.train_bn}


class Conv2D(layers.Conv2D):
    """Keras' convolution, with a gradient that suits every processor.

    `call` takes and gives float [B, H, W, C].
    """

    def convolution_op(self, inputs, kernel):
        kernel_hw, image_hw = tuple(kernel.shape[:2]), tuple(inputs.shape[1:3])
        if self.padding == "same" and self.strides == (1, 1) and kernel_hw == (3, 3):
            if None not in image_hw:
                return same_convolution(inputs, kernel)
        if self._is_matrix_product(inputs):
            x = ops.reshape(inputs, (-1, math.prod(kernel.shape[:3])))
            product = ops.matmul(x, ops.reshape(kernel, (-1, self.filters)))
            return ops.reshape(product, (-1, 1, 1, self.filters))
        return super().convolution_op(inputs, kernel)

    def _is_matrix_product(self, inputs) -> bool:
        """Return whether the kernel is as large as its input, as in the box head.

        As a convolution its gradient takes some processors a hundred times longer.
        """
        return self.padding == "valid" and tuple(inputs.shape[1:3]) == self.kernel_size


class NormalizedConv2D(Conv2D):
    """Convolution that also does the work of the `BatchNorm` after it, while frozen.

    (x * k + b) s + t = x * (k s) + (b s + t), with s and t of
    `BatchNorm.scale_and_shift`; for a kernel larger than the result, the left side.
    The normalisation passes its input on unchanged then; while it learns, the two
    layers work one after the other. `call` takes and gives float [B, H, W, C]. Made
    by `conv_bn`; not serialisable by itself.

    Args:
        filters: channels of the result.
        kernel_size: side of the kernel.
        norm: the `BatchNorm` that is called on the result.
        **kwargs: those of `keras.layers.Conv2D`.
    """

    def __init__(self, filters, kernel_size, *, norm, **kwargs):
        super().__init__(filters, kernel_size, **kwargs)
        norm.is_folded = True
        # Bound methods: as an attribute, Keras would count its weights as ours too.
        self._is_frozen = norm.is_frozen
        self._scale_and_shift = norm.scale_and_shift
        self._build_norm = norm.build

    def build(self, input_shape):
        super().build(input_shape)
        self._build_norm(self.compute_output_shape(input_shape))

    def call(self, inputs, training=None):
        if not self._is_frozen(training):
            return super().call(inputs)
        scale, shift = self._scale_and_shift()
        if self._is_matrix_product(inputs):
            outputs = super().call(inputs)
            scale, shift = (ops.cast(x, outputs.dtype) for x in (scale, shift))
            return outputs * scale + shift
        # Not the kernels of all layers at once when a step begins.
        kernel = self.kernel * backend.wait_for(inputs, scale)
        outputs = self.convolution_op(inputs, ops.cast(kernel, inputs.dtype))
        return backend.bias_add(
            outputs, ops.cast(self.bias * scale + shift, inputs.dtype)
        )
