"""Batch normalisation with a fixed mode, and folded into a convolution."""

import keras
import numpy as np
import pytest
from keras import ops

from mrcnn.network.heads import BackInSlots, UsedSlots
from mrcnn.network.layers import BatchNorm, Conv2D, conv_bn


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
    y = ops.convert_to_numpy(layer(x, training=training))
    # Fresh moving statistics are mean 0 and variance 1.
    expected = normalised(x) if by_batch else x / np.sqrt(1 + 1e-3)
    np.testing.assert_allclose(y, expected, atol=1e-4)
    moved = not np.array_equal(ops.convert_to_numpy(layer.moving_mean), np.zeros(4))
    assert moved == by_batch


def test_frozen_layer_keeps_its_statistics(rng):
    layer = BatchNorm(train_bn=None)
    layer.trainable = False
    x = rng.normal(3, 2, (50, 4)).astype(np.float32)
    np.testing.assert_allclose(
        ops.convert_to_numpy(layer(x, training=True)), x / np.sqrt(1.001), atol=1e-4
    )


def test_config_keeps_the_mode():
    layer = BatchNorm(train_bn=None, epsilon=0.01, name="bn1")
    again = BatchNorm.from_config(layer.get_config())
    assert (again.train_bn, again.epsilon, again.name) == (None, 0.01, "bn1")
    assert BatchNorm.from_config(BatchNorm(train_bn=True).get_config()).train_bn is True


def conv_and_norm(rng, train_bn):
    """Return a model of both layers with random weights, and its two layers."""
    image = keras.Input((6, 7, 3))
    model = keras.Model(
        image,
        conv_bn(
            image,
            5,
            3,
            name="conv",
            bn_name="norm",
            train_bn=train_bn,
            strides=2,
            padding="same",
        ),
    )
    conv, norm = model.get_layer("conv"), model.get_layer("norm")
    for variable in model.weights:
        variable.assign(rng.uniform(0.5, 2, variable.shape))
    return model, conv, norm


def one_after_the_other(conv, norm, x, training):
    """Return what Keras' own two layers give with these weights."""
    plain_conv = keras.layers.Conv2D(5, 3, strides=2, padding="same")
    plain_norm = keras.layers.BatchNormalization()
    y = plain_conv(x)
    plain_norm(y)
    plain_conv.set_weights(conv.get_weights())
    plain_norm.set_weights(norm.get_weights())
    return ops.convert_to_numpy(plain_norm(plain_conv(x), training=training))


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("train_bn", [False, True, None])
@pytest.mark.parametrize("trainable", [False, True])
def test_folding_changes_no_number(rng, train_bn, training, trainable):
    model, conv, norm = conv_and_norm(rng, train_bn)
    norm.trainable = trainable
    x = rng.normal(size=(2, 6, 7, 3)).astype(np.float32)
    by_batch = trainable and (training if train_bn is None else train_bn)
    expected = one_after_the_other(conv, norm, x, by_batch)
    np.testing.assert_allclose(
        ops.convert_to_numpy(model(x, training=training)),
        expected,
        rtol=2e-5,
        atol=1e-5,
    )
    # Whether the convolution did the work of both is to be seen in between.
    between = keras.Model(model.input, conv.output)(x, training=training)
    between = ops.convert_to_numpy(between)
    assert np.allclose(between, expected, rtol=2e-5, atol=1e-5) == (not by_batch)


def test_layers_keep_their_own_weights(rng):
    model, conv, norm = conv_and_norm(rng, False)
    assert [w.name for w in conv.weights] == ["kernel", "bias"]
    assert len(norm.weights) == 4
    assert len(model.weights) == 6


def test_frozen_normalisation_still_learns_its_factor_and_summand(rng):
    # As in the original: "frozen" concerns the statistics, gamma and beta are weights.
    model, conv, norm = conv_and_norm(rng, False)
    model.compile("sgd", "mse")
    before = [ops.convert_to_numpy(w).copy() for w in norm.weights]
    x = rng.normal(size=(2, 6, 7, 3)).astype(np.float32)
    model.train_on_batch(x, np.zeros((2, 3, 4, 5), np.float32))
    moved = [
        not np.array_equal(a, ops.convert_to_numpy(w))
        for a, w in zip(before, norm.weights, strict=True)
    ]
    assert dict(zip([w.name for w in norm.weights], moved, strict=True)) == {
        "gamma": True,
        "beta": True,
        "moving_mean": False,
        "moving_variance": False,
    }


@pytest.mark.parametrize(
    ("side", "padding", "strides"),
    [(3, "valid", 1), (3, "same", 1), (5, "same", 1), (5, "valid", 1), (5, "same", 2)],
)
def test_convolution_is_that_of_keras(rng, side, padding, strides):
    x = rng.normal(size=(4, side, side, 3)).astype(np.float32)
    layer = Conv2D(7, 3, padding=padding, strides=strides)
    plain = keras.layers.Conv2D(7, 3, padding=padding, strides=strides)
    layer(x), plain(x)
    plain.set_weights([w + 0.1 for w in layer.get_weights()])
    layer.set_weights(plain.get_weights())
    np.testing.assert_allclose(
        ops.convert_to_numpy(layer(x)), ops.convert_to_numpy(plain(x)), atol=1e-5
    )


@pytest.mark.parametrize("used", [(1, 0, 1, 0, 0, 1), (0, 0, 0, 0, 0, 0), (1,) * 6])
def test_slots_go_and_come_back(rng, used):
    slots = rng.normal(size=(2, 3, 4, 5)).astype(np.float32)
    used = np.array(used, bool).reshape(2, 3)
    found = UsedSlots()([slots, used])
    if keras.backend.backend() == "tensorflow":
        # Never none at all: the first then.
        expected = slots[used] if used.any() else slots[0, :1]
        np.testing.assert_array_equal(found, expected)
    back = ops.convert_to_numpy(BackInSlots()([found * 2, used]))
    np.testing.assert_array_equal(back, slots * 2 * used[..., None, None])
