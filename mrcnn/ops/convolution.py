"""Convolution whose gradient is as fast as itself, and needs no more memory.

For the gradients of a convolution TensorFlow lays out on many processors what each
result is made of: nine times the feature map for a kernel of 3x3, and half a
gigabyte for one of 1024 pixels. Here the gradient by the feature map is a
convolution again, and that by the kernel is taken in strips.
"""

from keras import ops

from mrcnn.ops import backend

# Feature maps with more cells are cut in strips.
_CELLS_OF_STRIP = 4096


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
                by_kernel = _kernel_gradient(tf, features, kernel.shape, upstream)
            # The feature map goes back to the memory before its gradient is made.
            with backend.after(by_kernel):
                # Turned by half, input and output channels swapped.
                turned = tf.transpose(tf.reverse(kernel, (0, 1)), (0, 1, 3, 2))
                by_features = tf.nn.conv2d(upstream, turned, 1, "SAME")
            return by_features, by_kernel

        return tf.nn.conv2d(features, kernel, 1, "SAME"), gradients

    # A variable has to be read before.
    return convolution(*map(tf.convert_to_tensor, (features, kernel)))


def _kernel_gradient(tf, features, kernel_shape, upstream):
    """Return the gradient by the kernel, float [k, k, C, D]."""
    _, height, width, _ = features.shape
    reach = kernel_shape[0] // 2
    strips = _num_strips(height, width, reach)
    rows = height // strips

    def in_strips(maps):
        # [B, H, W, C] -> [B, strips, rows, W, C]: the same memory.
        return tf.reshape(maps, (-1, strips, rows, *maps.shape[2:]))

    def gradient(features, upstream, kernel_rows):
        # [B, strips, rows, W, C] -> [B * strips, rows, W, C]
        features, upstream = (
            tf.reshape(maps, (-1, *maps.shape[2:])) for maps in (features, upstream)
        )
        return tf.raw_ops.Conv2DBackpropFilter(
            input=features,
            filter_sizes=(kernel_rows, *kernel_shape[1:]),
            out_backprop=upstream,
            strides=(1, 1, 1, 1),
            padding="SAME",
        )

    features, upstream = in_strips(features), in_strips(upstream)
    result = gradient(features, upstream, kernel_shape[0])
    if strips == 1:
        return result
    # As if zeros were around each strip. What is missing are the results in the first
    # rows of one that come from the last rows of the one before, and the reverse.
    before, after = slice(None, -1), slice(1, None)
    across = [tf.zeros((1, *kernel_shape[1:]), features.dtype)]
    for near in range(1, reach + 1):
        last, first = slice(rows - near, None), slice(None, near)
        up = gradient(features[:, before, last], upstream[:, after, first], 1)
        down = gradient(features[:, after, first], upstream[:, before, last], 1)
        across = [up, *across, down]
    return result + tf.concat(across, axis=0)


def _num_strips(height: int, width: int, reach: int) -> int:
    """Return into how many strips of equal height a feature map is cut.

    No result comes from further than the strip beside its own: each has `reach` rows.
    """
    strips = 1
    while (
        height * width > _CELLS_OF_STRIP * strips
        and height % (2 * strips) == 0
        and height // (2 * strips) >= reach
    ):
        strips *= 2
    return strips
