"""Batch normalisation with a fixed mode."""

import numpy as np
import pytest

from mrcnn.network.layers import BatchNorm


def normalised(x):
    return (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-3)


@pytest.mark.parametrize(
    ("train_bn", "training", "by_batch"),
    [
        (False, True, False),
        (False, False, False),
        (True, True, True),
        (True, False, True),
        (None, True, True),
        (None, False, False),
    ],
)
def test_which_statistics_count(rng, train_bn, training, by_batch):
    layer = BatchNorm(train_bn=train_bn)
    x = rng.normal(3, 2, (50, 4)).astype(np.float32)
    y = np.asarray(layer(x, training=training))
    # Fresh moving statistics are mean 0 and variance 1.
    expected = normalised(x) if by_batch else x / np.sqrt(1 + 1e-3)
    np.testing.assert_allclose(y, expected, atol=1e-4)
    moved = not np.array_equal(np.asarray(layer.moving_mean), np.zeros(4))
    assert moved == by_batch


def test_frozen_layer_keeps_its_statistics(rng):
    layer = BatchNorm(train_bn=None)
    layer.trainable = False
    x = rng.normal(3, 2, (50, 4)).astype(np.float32)
    np.testing.assert_allclose(layer(x, training=True), x / np.sqrt(1.001), atol=1e-4)


def test_config_keeps_the_mode():
    layer = BatchNorm(train_bn=None, epsilon=0.01, name="bn1")
    again = BatchNorm.from_config(layer.get_config())
    assert (again.train_bn, again.epsilon, again.name) == (None, 0.01, "bn1")
    assert BatchNorm.from_config(BatchNorm(train_bn=True).get_config()).train_bn is True
