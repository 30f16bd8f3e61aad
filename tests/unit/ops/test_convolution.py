"""The convolution with a gradient of its own, against the backend's."""

import keras
import numpy as np
import pytest
from keras import ops

from mrcnn.ops.convolution import _num_strips, same_convolution

# Of a cell, of odd sides, one that is cut in strips, three that cannot be, and one in
# strips of a row each, or of two for the kernel of 5x5.
SHAPES = [(2, 1, 1), (3, 7, 5), (1, 160, 104), (2, 129, 65), (1, 8193, 1)]
SHAPES += [(1, 3, 8200), (1, 4, 8200)]


def features_and_kernel(rng, shape, size=3):
    features = rng.normal(size=(*shape, 4)).astype(np.float32)
    return features, rng.normal(size=(size, size, 4, 6)).astype(np.float32)


@pytest.mark.parametrize("shape", SHAPES)
def test_result(rng, shape):
    features, kernel = features_and_kernel(rng, shape)
    expected = ops.conv(features, kernel, strides=1, padding="same")
    np.testing.assert_allclose(
        ops.convert_to_numpy(same_convolution(features, kernel)),
        ops.convert_to_numpy(expected),
        atol=1e-4,
    )


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="other backends have no such code"
)
@pytest.mark.parametrize("size", [1, 3, 5])
@pytest.mark.parametrize("shape", SHAPES)
def test_gradient(rng, shape, size):
    import tensorflow as tf

    features, kernel = map(
        tf.convert_to_tensor, features_and_kernel(rng, shape, size=size)
    )
    upstream = tf.convert_to_tensor(rng.normal(size=(*shape, 6)).astype(np.float32))

    @tf.function
    def gradients(convolution):
        with tf.GradientTape() as tape:
            tape.watch([features, kernel])
            result = convolution(features, kernel)
        return tape.gradient(result, [features, kernel], output_gradients=upstream)

    ours = gradients(same_convolution)
    theirs = gradients(lambda x, k: tf.nn.conv2d(x, k, 1, "SAME"))
    for found, expected in zip(ours, theirs, strict=True):
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=2e-3)


@pytest.mark.parametrize(
    ("height", "width", "strips"),
    # 65536 cells make 16 strips of 4096; 8193 rows have no half.
    [(256, 256, 16), (64, 64, 1), (128, 128, 4), (8193, 8, 1), (100, 700, 4)],
)
def test_strips(height, width, strips):
    assert _num_strips(height, width, reach=1) == strips


@pytest.mark.parametrize(("reach", "strips"), [(0, 4), (1, 4), (2, 2), (3, 1)])
def test_strips_have_the_rows_that_a_kernel_reaches(reach, strips):
    assert _num_strips(4, 8200, reach) == strips
