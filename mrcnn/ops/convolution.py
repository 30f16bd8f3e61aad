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
    _, height, width, _ = features.shape
    rows = max(1, _CELLS_OF_STRIP // width)
    around = kernel_shape[0] // 2
    gradient = tf.zeros(kernel_shape, features.dtype)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        # Rows beside the strip take part in its results, and zeros beside the map.
        above, below = min(around, top), min(around, height - bottom)
        margins = (around - above, around - below), (around, around)
        # One strip after the other, so that the copies of one alone are there.
        with backend.after(gradient):
            gradient += tf.raw_ops.Conv2DBackpropFilter(
                input=tf.pad(
                    features[:, top - above : bottom + below],
                    ((0, 0), *margins, (0, 0)),
                ),
                filter_sizes=kernel_shape,
                out_backprop=upstream[:, top:bottom],
                strides=(1, 1, 1, 1),
                padding="VALID",
            )
    return gradient
