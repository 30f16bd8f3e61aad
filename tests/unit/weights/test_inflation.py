import numpy as np
import pytest

from mrcnn.weights.inflation import can_inflate, inflated_kernel


@pytest.mark.parametrize("num_channels", [1, 2, 4, 5, 6, 13])
def test_grey_pictures_give_the_same_response(rng, num_channels):
    kernel = rng.normal(size=(7, 7, 3, 4))
    patch = rng.normal(size=(7, 7, 1))
    spread = inflated_kernel(kernel, num_channels)
    assert spread.shape == (7, 7, num_channels, 4)
    response = np.einsum("hwc,hwcf->f", np.repeat(patch, 3, axis=2), kernel)
    same = np.einsum("hwc,hwcf->f", np.repeat(patch, num_channels, axis=2), spread)
    np.testing.assert_allclose(same, response)


def test_channels_take_colours_in_turn(rng):
    kernel = rng.normal(size=(3, 3, 3, 2))
    spread = inflated_kernel(kernel, 5)
    # Red and green are shared by two channels each, blue is not.
    for channel, (color, count) in enumerate([(0, 2), (1, 2), (2, 1), (0, 2), (1, 2)]):
        np.testing.assert_allclose(spread[:, :, channel], kernel[:, :, color] / count)


@pytest.mark.parametrize(
    ("file_shape", "model_shape", "can"),
    [
        ((7, 7, 3, 64), (7, 7, 1, 64), True),
        ((7, 7, 3, 64), (7, 7, 5, 64), True),
        ((7, 7, 3, 64), (7, 7, 3, 64), False),
        ((7, 7, 1, 64), (7, 7, 3, 64), False),
        ((7, 7, 3, 64), (7, 7, 1, 32), False),
        ((3, 3, 3, 64), (7, 7, 1, 64), False),
        ((64,), (64,), False),
    ],
)
def test_can_inflate(file_shape, model_shape, can):
    assert can_inflate(file_shape, model_shape) is can
