"""Convolution whose gradient is as fast as itself, and needs no more memory.

For the gradients of a convolution TensorFlow lays out on many processors what each
result is made of: nine times the feature map for a kernel of 3x3, and half a
gigabyte for one of 1024 pixels. Here the gradient by the feature map is a
convolution again, and that by the kernel is taken in strips.
"""

from keras import ops

from mrcnn.ops import backend

# Feature maps with more cells are cut in strips.
_CELLS_OF_STRIP = 8192


def same_convolution(features, kernel):
    """Return a convolution with stride 1 and zeros around the feature map.

    Args:
        features: float [B, H, W, C], H and W static.
        kernel: float [k, k, C, D], k odd.

    Returns:
        float [B, H, W, D].
    """
    if not backend.is_tensorflow_on_cpu():
        return ops.conv(features, kernel, strides=1, padding="same")
    tf = backend.tensorflow()

    @tf.custom_gradient
    def convolution(features, kernel):
        def gradients(upstream):
            with backend.after(upstream):
                # Turned by half, input and output channels swapped.
                turned = tf.transpose(kernel[::-1, ::-1], (0, 1, 3, 2))
                by_features = tf.nn.conv2d(upstream, turned, 1, "SAME")
                by_kernel = _kernel_gradient(tf, features, kernel.shape, upstream)
            return by_features, by_kernel

        return tf.nn.conv2d(features, kernel, 1, "SAME"), gradients

    # A variable has to be read before.
    return convolution(*map(tf.convert_to_tensor, (features, kernel)))


def _kernel_gradient(tf, features, kernel_shape, upstream):
    """Return the gradient by the kernel, float [k, k, C, D]."""
    _, height, width, channels = features.shape
    strips = _num_strips(height, width)
    rows, around = height // strips, kernel_shape[0] // 2
    margin = (around, around)
    features = tf.pad(features, ((0, 0), margin, margin, (0, 0)))
    # Strips overlap where a result is made of both: [B * strips, rows + k - 1, W, C]
    features = tf.concat(
        [features[:, i * rows : (i + 1) * rows + 2 * around] for i in range(strips)],
        axis=0,
    )
    upstream = tf.concat(tf.split(upstream, strips, axis=1), axis=0)
    return tf.raw_ops.Conv2DBackpropFilter(
        input=features,
        filter_sizes=kernel_shape,
        out_backprop=upstream,
        strides=(1, 1, 1, 1),
        padding="VALID",
    )


def _num_strips(height: int, width: int) -> int:
    """Return into how many strips of equal height a feature map is cut."""
    strips = 1
    while height % (2 * strips) == 0 and height * width > _CELLS_OF_STRIP * strips:
        strips *= 2
    return strips
