"""Checkpoints, the best epoch, early stopping and the state, beside a small fit."""

import json
import os
from contextlib import contextmanager
from dataclasses import replace

import keras
import numpy as np
import pytest

from mrcnn.errors import TrainingError, WeightsError
from mrcnn.training import callbacks as callbacks_module
from mrcnn.training.callbacks import (
    DropCheckpoints,
    SaveCheckpoint,
    SaveState,
    StopEarly,
    run_callbacks,
)
from mrcnn.training.loss_check import CheckLosses
from mrcnn.training.state import RunState, read_state
from mrcnn.weights.checkpoints import Best, read_best
from mrcnn.weights.layout import read_weights

STATE = RunState(0, 0, 0, 9, "all", 0.1, 8, 4)


class FewBatches:
    """What the callbacks ask of `Batches`: 4 steps of 2 images."""

    def __init__(self, dataset=None):
        self.dataset = dataset
        self.first_step = 0

    def __len__(self):
        return 4 - self.first_step

    def image_ids(self, epoch, index):
        return np.array([2 * index, 2 * index + 1]) + epoch


@pytest.fixture
def network():
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, name="a")])
    network.compile(optimizer="sgd", loss="mse")
    network.optimizer.build(network.trainable_variables)
    return network


def attach(callback, network):
    callback.set_model(network)
    network.stop_training = False
    return callback


def checkpoints_of(folder):
    return sorted(int(p.stem[-4:]) for p in folder.glob("mask_rcnn_run_*.h5"))


@pytest.mark.parametrize(
    ("metric", "values", "best"),
    [
        ("val_loss", [3.0, 1.0, 1.0, 2.0], 2),
        ("val_segm_AP", [0.1, 0.3, 0.3, 0.2], 2),
        ("val_loss", [np.nan, 2.0, np.nan, 3.0], 2),
        ("val_segm_AP", [None, 0.3, None, 0.4], 4),  # measured every other epoch
        ("val_loss", [np.nan, None, np.inf, None], None),
    ],
)
def test_best_epoch(network, tmp_path, metric, values, best):
    save = attach(SaveCheckpoint(tmp_path, "Run", metric=metric), network)
    for epoch, value in enumerate(values):
        save.on_epoch_end(epoch, {} if value is None else {metric: value})
    assert checkpoints_of(tmp_path) == [1, 2, 3, 4]
    noted = read_best(tmp_path)
    assert (noted and noted.epoch) == best
    if best:
        value = values[best - 1]
        assert noted == Best(best, f"mask_rcnn_run_{best:04d}.h5", metric, value)


def test_best_of_another_metric_does_not_count(network, tmp_path):
    before = Best(1, "mask_rcnn_run_0001.h5", "val_loss", 0.01)
    save = attach(
        SaveCheckpoint(tmp_path, "run", metric="val_loss", best=before), network
    )
    save.on_epoch_end(1, {"val_loss": 0.5})
    assert read_best(tmp_path) == before
    save = SaveCheckpoint(tmp_path, "run", metric="val_segm_AP", best=before)
    attach(save, network).on_epoch_end(1, {"val_segm_AP": 0.005})
    assert read_best(tmp_path).metric == "val_segm_AP"


def test_no_checkpoint_of_weights_that_are_no_numbers(network, tmp_path):
    save = attach(SaveCheckpoint(tmp_path, "run", metric="val_loss"), network)
    network.layers[0].kernel.assign([[np.nan], [1]])
    with pytest.raises(TrainingError, match="nan or inf in .*kernel"):
        save.on_epoch_end(0, {"val_loss": 1.0})
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    ("first_epoch", "losses", "last"),
    [
        # Best in epoch 2: two epochs without a better one are over after the fourth.
        (0, [3, 2, 2, 3, 1], 4),
        (0, [3, 2, 2.5, 1.9, 2, 2, 0], 6),
        (0, [4, 3, 2, 1], 4),
        # The best epoch was before this training: count from its beginning.
        (2, [1, 2, 3, 3, 3], 4),
        # Where nothing is measured nothing is decided.
        (0, [2, None, None, 1, None, 3], 6),
    ],
)
def test_early_stopping(network, tmp_path, first_epoch, losses, last):
    save = attach(SaveCheckpoint(tmp_path, "run", metric="val_loss"), network)
    stop = attach(StopEarly(2, save, first_epoch), network)
    for epoch, loss in enumerate(losses):
        logs = {} if loss is None else {"val_loss": loss}
        save.on_epoch_end(epoch, logs)
        if epoch >= first_epoch:
            stop.on_epoch_end(epoch, logs)
        if network.stop_training:
            break
    assert epoch + 1 == last


def test_old_checkpoints_are_dropped(network, tmp_path):
    save = attach(SaveCheckpoint(tmp_path, "Run", metric="val_loss"), network)
    drop = attach(DropCheckpoints(tmp_path, "Run", keep=2), network)
    for epoch, loss in enumerate([3, 1, 2, 2, 2]):
        save.on_epoch_end(epoch, {"val_loss": loss})
        drop.on_epoch_end(epoch)
    assert checkpoints_of(tmp_path) == [2, 4, 5]


def make_save_state(network, folder, **settings):
    save = attach(SaveCheckpoint(folder, "run", metric="val_loss"), network)
    settings = {"every_s": 0.0, "resumed": False, **settings}
    state = SaveState(folder, STATE, batches=FewBatches(), checkpoints=save, **settings)
    return attach(state, network)


def test_state_is_written_when_and_where(network, tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(callbacks_module.time, "monotonic", lambda: now[0])
    save = make_save_state(network, tmp_path, every_s=60.0)
    save.on_train_begin()
    assert read_state(tmp_path) == STATE
    save.on_epoch_begin(0)
    places = []
    for step in range(4):
        now[0] += 31  # after 62 s, and 62 s after that, which is the end of the epoch
        save.on_train_batch_end(step)
        places.append(read_state(tmp_path).step)
    assert places == [0, 2, 2, 2]
    save.checkpoints.best = Best(1, "mask_rcnn_run_0001.h5", "val_loss", 0.5)
    save.on_epoch_end(0)
    expected = replace(STATE, epoch=1, best=save.checkpoints.best)
    assert read_state(tmp_path) == expected
    # Keras begins a second time after the rest of an epoch.
    save.on_train_begin()
    assert read_state(tmp_path) == expected


def test_state_inside_the_rest_of_an_epoch(network, tmp_path):
    save = make_save_state(network, tmp_path)
    save.on_train_begin()
    save.batches.first_step = 2
    save.on_epoch_begin(0)
    save.on_train_batch_end(0)  # the third of four
    assert read_state(tmp_path).step == 3


def test_stopped_training_has_reached_its_end(network, tmp_path):
    save = make_save_state(network, tmp_path)
    network.stop_training = True
    save.on_epoch_end(3)
    assert read_state(tmp_path).epoch == STATE.epochs == 9


def test_what_is_kept_and_what_training_goes_on_with(network, tmp_path, monkeypatch):
    kernel = network.layers[0].kernel
    kernel.assign([[1.0], [1.0]])

    @contextmanager
    def doubled(model):
        kernel.assign(kernel * 2)
        yield
        kernel.assign(kernel / 2)

    def kernels():
        with np.load(tmp_path / "state.npz") as state:
            (path,) = list(tmp_path.glob("*.h5"))
            (_, kept), _ = read_weights(path)["a"]
            path.unlink()
            return kept.max(), state["network/00000"].max(), np.max(kernel)

    monkeypatch.setattr("mrcnn.training.callbacks.averaged_weights", doubled)
    save = SaveCheckpoint(tmp_path, "run", metric="val_loss")
    attach(save, network)
    save_state = SaveState(
        *(tmp_path, STATE),
        batches=FewBatches(),
        checkpoints=save,
        every_s=60,
        resumed=False,
    )
    attach(save_state, network)
    # The last is the one after which training is over.
    for epoch, expected in ((0, (2, 1, 1)), (8, (2, 2, 1))):
        save.on_epoch_end(epoch, {})
        save_state.on_epoch_end(epoch)
        assert kernels() == expected


def test_all_callbacks_know_the_last_epoch(network, tmp_path):
    other, save = keras.callbacks.Callback(), make_save_state(network, tmp_path)
    keras.callbacks.CallbackList([other, save], model=network, epochs=1, steps=4)
    assert other.params == {"epochs": 9, "steps": 4}


def test_resumed_training_leaves_its_state_and_gets_its_means(network, tmp_path):
    x = np.ones((2, 2), np.float32)
    network.run_eagerly = True
    network.train_on_batch(x, np.ones((2, 1)))
    make_save_state(network, tmp_path).on_train_begin()
    means = [np.array(v) for v in network.metrics_variables]
    assert any(means)
    written = (tmp_path / "state.npz").stat().st_mtime_ns

    network.reset_metrics()
    save = make_save_state(network, tmp_path, resumed=True)
    save.batches.first_step = 1
    save.on_train_begin()
    assert (tmp_path / "state.npz").stat().st_mtime_ns == written
    save.on_epoch_begin(0)
    for ours, theirs in zip(network.metrics_variables, means, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    # The next epoch begins with means of nothing.
    network.reset_metrics()
    save.batches.first_step = 0
    save.on_epoch_begin(1)
    assert not any(np.array(v) for v in network.metrics_variables)


def test_full_disk_ends_the_training_and_keeps_the_state(
    network, tmp_path, monkeypatch
):
    save = make_save_state(network, tmp_path)
    save.on_train_begin()

    def no_space(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(WeightsError, match="No space left on device.*--resume"):
        save.on_epoch_end(0)
    assert read_state(tmp_path) == STATE
    assert os.listdir(tmp_path) == ["state.npz"]


def test_loss_that_is_no_number_names_the_images(rectangles):
    batches = FewBatches(rectangles([1] * 9))
    check = CheckLosses(batches)
    check.on_epoch_begin(1)
    check.on_train_batch_end(0, {"loss": 1.0, "rpn_class_loss": 0.0})
    check.on_train_batch_end(0, None)
    batches.first_step = 1
    with pytest.raises(TrainingError) as caught:
        check.on_train_batch_end(
            2, {"loss": np.nan, "rpn_bbox_loss": np.inf, "mrcnn_bbox_loss": 2.0}
        )
    message = str(caught.value)
    # The third batch of this fit, the fourth of the epoch: images 6 + 1 and 7 + 1.
    assert "Received: loss=nan, rpn_bbox_loss=inf in step 4 of epoch 2, on" in message
    assert "image 7 (shapes.no7, folder/7.png), image 8 (shapes.no8" in message
    assert "lower the learning rate (--lr)" in message
    assert "mrcnn_bbox_loss" not in message


def test_loss_check_inside_fit(network, rectangles):
    """Keras hands over the means of the epoch: one bad batch makes them bad."""
    batches = FewBatches(rectangles([1] * 9))
    x = np.ones((8, 2), np.float32)
    y = np.array([[0], [0], [0], [0], [np.inf], [0], [0], [0]], np.float32)
    network.run_eagerly = True
    with pytest.raises(TrainingError, match=r"loss=inf in step 3 .*no4.*no5"):
        network.fit(
            *(x, y),
            batch_size=2,
            shuffle=False,
            verbose=0,
            callbacks=[CheckLosses(batches)],
        )


def test_order_of_the_callbacks(tmp_path):
    validation, custom = keras.callbacks.Callback(), keras.callbacks.Callback()
    settings = {
        "batches": FewBatches(),
        "val_batches": FewBatches(),
        "resumed": False,
        "metric": "val_loss",
        "state_every_s": 60.0,
        "validation": [validation],
        "custom": [custom],
    }
    made = run_callbacks(tmp_path, "run", STATE, patience=3, keep=2, **settings)
    kinds = [type(callback).__name__ for callback in made]
    assert kinds == [
        "CheckLosses",
        "ValidateAverages",
        "Callback",
        "LogEpochs",
        "EpochTable",
        "SaveCheckpoint",
        "LogNetwork",
        "StopEarly",
        "Callback",
        "SaveState",
        "DropCheckpoints",
    ]
    assert (made[2], made[8]) == (validation, custom)
    made = run_callbacks(tmp_path, "run", STATE, patience=0, keep=None, **settings)
    assert {type(c).__name__ for c in made} & {"StopEarly", "DropCheckpoints"} == set()


def test_best_json_is_for_people_too(network, tmp_path):
    save = attach(SaveCheckpoint(tmp_path, "Run", metric="val_loss"), network)
    save.on_epoch_end(4, {"val_loss": 0.75})
    assert json.loads((tmp_path / "best.json").read_text()) == {
        "epoch": 5,
        "checkpoint": "mask_rcnn_run_0005.h5",
        "metric": "val_loss",
        "value": 0.75,
    }
