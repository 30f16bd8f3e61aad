"""The state file of a training, on a network of one layer."""

import os
from contextlib import contextmanager
from dataclasses import replace

import keras
import numpy as np
import pytest

from mrcnn.errors import ConfigError, TrainingError, WeightsError
from mrcnn.training import state as state_module
from mrcnn.training.state import (
    RunState,
    check_finite,
    read_state,
    restore_variables,
    write_state,
)
from mrcnn.weights.checkpoints import Best
from mrcnn.weights.matterport import save_weights

STATE = RunState(
    epoch=3,
    step=2,
    first_epoch=1,
    epochs=9,
    layers="4+",
    learning_rate=0.1,
    num_images=20,
    num_steps=5,
    best=Best(2, "mask_rcnn_a_0002.h5", "val_loss", 0.5),
)


def make_network(units=3, optimizer=None):
    network = keras.Sequential(
        [
            keras.Input((2,)),
            keras.layers.Dense(units),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.5, seed=7),
        ]
    )
    optimizer = optimizer or keras.optimizers.SGD(0.1, momentum=0.9)
    network.compile(optimizer=optimizer, loss="mse")
    optimizer.build(network.trainable_variables)
    return network


def values(network):
    variables = [*network.variables, *network.optimizer.variables]
    return [np.array(v) for v in (*variables, *network.metrics_variables)]


def step(network):
    x = np.arange(8, dtype=np.float32).reshape(4, 2)
    network.train_on_batch(x, np.ones((4, 3), np.float32))


@pytest.mark.parametrize(
    "make_optimizer",
    [
        lambda: keras.optimizers.SGD(0.1, momentum=0.9),
        lambda: keras.optimizers.AdamW(
            0.01, use_ema=True, gradient_accumulation_steps=2
        ),
        lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1, 0.9)),
    ],
)
def test_everything_comes_back(tmp_path, make_optimizer):
    network = make_network(optimizer=make_optimizer())
    network.run_eagerly = True
    for _ in range(3):
        step(network)
    expected = values(network)
    write_state(tmp_path, network, STATE)
    step(network)
    after_step = values(network)
    # Kernel, momentum, step count, seed of the dropout, loss mean: all have moved on.
    assert sum((a != b).any() for a, b in zip(expected, after_step, strict=True)) > 8

    other = make_network(optimizer=make_optimizer())
    other.run_eagerly = True
    step(other)
    for group in ("network", "optimizer", "metrics"):
        restore_variables(tmp_path, other, group)
    for ours, theirs in zip(values(other), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    step(other)
    for ours, theirs in zip(values(other), after_step, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_progress_comes_back(tmp_path):
    network = make_network()
    for state in (STATE, replace(STATE, best=None)):
        write_state(tmp_path, network, state)
        assert read_state(tmp_path) == state
    assert os.listdir(tmp_path) == ["state.npz"]


def test_call_and_data():
    assert STATE.is_of_call("4+", np.float64(0.1))
    assert not STATE.is_of_call("heads", 0.1)
    assert not STATE.is_of_call("4+", 0.2)
    assert not replace(STATE, epoch=9, step=0).is_of_call("4+", 0.1)  # it has ended
    STATE.check_data(20, 5)
    with pytest.raises(
        ConfigError, match="Expected 20 training images in 5 steps.*21 images in 6"
    ):
        STATE.check_data(21, 6)


def test_weights_that_are_no_numbers_are_not_written(tmp_path):
    network = make_network()
    write_state(tmp_path, network, STATE)
    before = (tmp_path / "state.npz").read_bytes()
    network.layers[0].kernel.assign([[1, 2, np.inf], [1, 1, 1]])
    with pytest.raises(TrainingError, match="Received: nan or inf in .*kernel.*--lr"):
        check_finite(network)
    with pytest.raises(TrainingError, match="kernel"):
        write_state(tmp_path, network, STATE)
    assert (tmp_path / "state.npz").read_bytes() == before
    assert os.listdir(tmp_path) == ["state.npz"]


def test_state_of_another_network(tmp_path):
    write_state(tmp_path, make_network(), STATE)
    with pytest.raises(WeightsError, match=r"\(2, 3\) where the network has \(2, 4\)"):
        restore_variables(tmp_path, make_network(units=4), "network")
    adam = make_network(optimizer=keras.optimizers.AdamW())
    # Step count and rate, then of 4 arrays the momentum, or AdamW's two moments.
    with pytest.raises(WeightsError, match="6 variables where the optimizer has 10"):
        restore_variables(tmp_path, adam, "optimizer")


def test_no_state(tmp_path):
    with pytest.raises(WeightsError, match=r"with state\.npz.*which has none"):
        read_state(tmp_path)


def test_damaged_state(tmp_path):
    network = make_network()
    write_state(tmp_path, network, STATE)
    path = tmp_path / "state.npz"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(WeightsError, match="cannot be read.*--weights=last"):
        read_state(tmp_path)
    with pytest.raises(WeightsError, match="cannot be read"):
        restore_variables(tmp_path, network, "network")
    # One bit of an array: only the check sum of the file can tell.
    kernel = np.array(network.layers[0].kernel).tobytes()
    place = whole.index(kernel)
    path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
    assert read_state(tmp_path) == STATE
    with pytest.raises(WeightsError, match="Bad CRC"):
        restore_variables(tmp_path, network, "network")


@pytest.mark.parametrize("progress", ["{", "[]", '{"epoch": 1, "best": null}'])
def test_damaged_progress(tmp_path, monkeypatch, progress):
    monkeypatch.setattr(state_module.json, "dumps", lambda _: progress)
    write_state(tmp_path, make_network(), STATE)
    with pytest.raises(WeightsError, match="cannot be read"):
        read_state(tmp_path)


@contextmanager
def files_of_at_most(num_bytes):
    """Let writes fail as on a full disk, once a file has this size."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_full_disk(tmp_path):
    network = keras.Sequential([keras.Input((300,)), keras.layers.Dense(300, name="a")])
    network.compile(optimizer="sgd", loss="mse")
    checkpoint = tmp_path / "mask_rcnn_a_0001.h5"
    write_state(tmp_path, network, STATE)
    save_weights(network, checkpoint)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert len(before) == 2
    network.layers[0].kernel.assign(np.ones((300, 300)))  # 360,000 bytes

    with files_of_at_most(200_000):
        with pytest.raises(WeightsError) as of_state:
            write_state(tmp_path, network, STATE)
        with pytest.raises(WeightsError) as of_weights:
            save_weights(network, checkpoint)
    message = str(of_state.value)
    assert f"write the state of the training to {str(tmp_path / 'state.npz')!r}" in (
        message
    )
    assert "File too large" in message and "continue with --resume" in message
    assert "Expected to write the weights to" in str(of_weights.value)
    assert "free space" in str(of_weights.value)
    assert "\n" not in message + str(of_weights.value)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before

    write_state(tmp_path, network, STATE)
    save_weights(network, checkpoint)
    assert checkpoint.read_bytes() != before[checkpoint]
