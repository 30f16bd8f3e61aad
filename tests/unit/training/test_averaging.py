"""The moving average of the weights, against NumPy."""

import keras
import numpy as np
import pytest

from mrcnn.config import Config
from mrcnn.training.averaging import (
    ValidateAverages,
    averaged_weights,
    has_average,
)
from mrcnn.training.trainer import compile_network


def compiled(network, **settings):
    compile_network(network, 0.05, Config(**settings))
    return network


def weights(network):
    return network.get_weights()[0]


@pytest.fixture
def data(rng):
    """Inputs [12, 3] and targets [12, 1]: three batches of 4."""
    x = rng.normal(size=(12, 3)).astype(np.float32)
    return x, (x @ np.array([[1], [2], [-1]]) + 1).astype(np.float32)


def train(network, data, num_batches):
    """Take steps, and return the weights after each batch."""
    x, y = data
    history = []
    for i in range(num_batches):
        at = slice(i % 3 * 4, i % 3 * 4 + 4)
        network.train_on_batch(x[at], y[at])
        history.append(weights(network))
    return history


@pytest.mark.parametrize("precision", ["float32", "mixed_float16"])
def test_average_by_hand(linear, data, precision):
    network = compiled(linear(precision), EMA_MOMENTUM=0.8)
    if precision == "mixed_float16":
        network.optimizer.build(network.trainable_variables)
        network.optimizer.dynamic_scale.assign(64.0)  # no batch overflows
    history = train(network, data, 5)
    average = history[0]
    for raw in history[1:]:
        average = 0.8 * average + 0.2 * raw
    with averaged_weights(network):
        np.testing.assert_allclose(weights(network), average, atol=1e-6)
        assert abs(average - history[-1]).max() > 1e-3
        with averaged_weights(network):  # a part of a part
            np.testing.assert_allclose(weights(network), average, atol=1e-6)
        np.testing.assert_allclose(weights(network), average, atol=1e-6)
    np.testing.assert_array_equal(weights(network), history[-1])


def test_momentum_is_that_of_a_step_whatever_the_accumulation(linear, data):
    network = compiled(linear(), EMA_MOMENTUM=0.8, GRADIENT_ACCUMULATION=2)
    steps = train(network, data, 7)[1::2]  # weights after batches 1, 3, 5
    # The average follows a step until the next one: after batch 6 it has taken in
    # the three of them.
    average = 0.8 * (0.8 * steps[0] + 0.2 * steps[1]) + 0.2 * steps[2]
    with averaged_weights(network):
        np.testing.assert_allclose(weights(network), average, atol=1e-6)


def test_training_goes_on_with_the_raw_weights(linear, data):
    plain = train(compiled(linear(), OPTIMIZER="adamw"), data, 6)
    network = compiled(linear(), OPTIMIZER="adamw", EMA_MOMENTUM=0.9)
    averaged = train(network, data, 3)
    with averaged_weights(network):
        network.test_on_batch(*data)
    averaged += train(network, data, 3)
    np.testing.assert_array_equal(averaged, plain)


def test_raw_weights_come_back_after_an_error(linear, data):
    network = compiled(linear(), EMA_MOMENTUM=0.5)
    raw = train(network, data, 3)[-1]
    with pytest.raises(RuntimeError, match="disk"), averaged_weights(network):
        raise RuntimeError("disk")
    np.testing.assert_array_equal(weights(network), raw)


def test_nothing_happens_without_an_average(linear, data):
    network = linear()
    with averaged_weights(network):  # not even compiled
        pass
    compiled(network)
    raw = train(network, data, 1)[-1]
    with averaged_weights(network):
        np.testing.assert_array_equal(weights(network), raw)
    assert not has_average(network)
    # Before the first step the averages are zeros.
    fresh = compiled(linear(), EMA_MOMENTUM=0.5)
    fresh.optimizer.build(fresh.trainable_variables)
    with averaged_weights(fresh):
        assert weights(fresh).tolist() == [[0.5], [-1], [2]]
    train(fresh, data, 1)
    assert has_average(fresh)


class Recorder(keras.callbacks.Callback):
    """Keeps the weights at the end of every batch, validation and epoch."""

    def on_train_begin(self, logs=None):
        self.trained, self.tested, self.ended = [], [], []

    def on_train_batch_end(self, batch, logs=None):
        self.trained.append(weights(self.model))

    def on_test_batch_end(self, batch, logs=None):
        self.tested.append(weights(self.model))

    def on_epoch_end(self, epoch, logs=None):
        self.ended.append(weights(self.model))


def test_fit_validates_the_average_and_ends_with_it(linear, data):
    network = compiled(linear(), EMA_MOMENTUM=0.8)
    recorder = Recorder()
    history = network.fit(
        *data,
        batch_size=4,
        epochs=2,
        shuffle=False,
        validation_data=data,
        validation_batch_size=12,
        callbacks=[ValidateAverages(), recorder],
        verbose=0,
    ).history
    plain = train(compiled(linear()), data, 6)
    np.testing.assert_array_equal(recorder.trained, plain)
    averages = [plain[0]]
    for raw in plain[1:]:
        averages.append(0.8 * averages[-1] + 0.2 * raw)
    x, y = data
    for epoch in range(2):
        average = averages[3 * epoch + 2]
        np.testing.assert_allclose(recorder.tested[epoch], average, atol=1e-6)
        loss = np.mean((x @ average - y) ** 2)
        assert history["val_loss"][epoch] == pytest.approx(loss, rel=1e-5)
        np.testing.assert_array_equal(recorder.ended[epoch], plain[3 * epoch + 2])
    np.testing.assert_allclose(weights(network), averages[-1], atol=1e-6)
