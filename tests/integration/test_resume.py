"""A training that is killed again and again ends as if it had not been."""

import csv
import json
import logging
import os
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from mrcnn.config import Config
from mrcnn.data.dataset import Dataset
from mrcnn.errors import ConfigError, TrainingError, WeightsError
from mrcnn.model import MaskRCNN
from mrcnn.structures import Stage
from mrcnn.training.state import read_state
from mrcnn.training.trainer import make_batches
from mrcnn.weights.checkpoints import (
    CheckpointNotFoundError,
    parse_checkpoint,
    read_best,
)

# (epoch, step) that the state has reached when the process is killed: between two calls
# of train that are alike, and inside the last one.
KILLED_AT = ((1, 0), (2, 1))


def stages(image):
    """A backbone as small as it can be, with a layer of batch norm."""
    levels = []
    for i, filters in enumerate((4, 4, 8, 8, 8), 1):
        image = layers.Conv2D(filters, 3, 2, "same", name=f"res{i}_conv")(image)
        if i == 3:
            image = layers.BatchNormalization(name="bn3")(image)
        levels.append(image)
    return levels


class TinyConfig(Config):
    """Steps of some hundredths of a second."""

    NAME = "tiny"
    BACKBONE = staticmethod(stages)
    NUM_CLASSES = 2
    IMAGES_PER_GPU = 2
    IMAGE_MIN_DIM = 64
    IMAGE_MAX_DIM = 64
    TOP_DOWN_PYRAMID_SIZE = 8
    FPN_CLASSIF_FC_LAYERS_SIZE = 8
    RPN_ANCHOR_SCALES = (8, 16, 32, 48, 64)
    RPN_TRAIN_ANCHORS_PER_IMAGE = 32
    POST_NMS_ROIS_TRAINING = 20
    TRAIN_ROIS_PER_IMAGE = 6
    MAX_GT_INSTANCES = 4
    STEPS_PER_EPOCH = 4
    VALIDATION_STEPS = 2
    TRAIN_BN = None
    LEARNING_RATE_SCHEDULE = "cosine"
    STATE_EVERY_MINUTES = 0
    KEEP_CHECKPOINTS = 2
    EMA_MOMENTUM = 0.5
    GRADIENT_ACCUMULATION = 2


class OneSquare(Dataset):
    """Pictures with a bright square, in memory."""

    def load_image(self, image_id):
        image = np.full((64, 64, 3), 40 + 3 * image_id, np.uint8)
        image[10 : 30 + image_id, 20:50] = 220
        return image

    def load_mask(self, image_id):
        mask = np.zeros((64, 64, 1), bool)
        mask[10 : 30 + image_id, 20:50] = True
        return mask, np.array([1], np.int32)


def squares(count):
    dataset = OneSquare()
    dataset.add_class("squares", 1, "square")
    for i in range(count):
        dataset.add_image("squares", i, "")
    dataset.prepare()
    return dataset


def train(logs):
    """Train, or go on with what is in `logs`: the script of the killed process."""
    import tensorflow as tf

    logging.basicConfig(level=logging.INFO)
    tf.config.run_functions_eagerly(True)  # no step is traced: quicker for so few
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(0)
    model = MaskRCNN("training", TinyConfig(), logs)
    try:
        model.resume()
    except CheckpointNotFoundError:
        logging.info("killed before it began")
    model.train(squares(10), squares(3), 0.02, 1, "all")
    model.train(squares(10), squares(3), 0.02, 2, "all")
    model.train(squares(10), squares(3), 0.01, 3, "heads")


def start(logs):
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": ""}
    environment["PYTHONPATH"] = str(Path(__file__).resolve().parents[2])
    output = open(logs.parent / f"{logs.name}.txt", "a")
    with output:
        return subprocess.Popen(
            [sys.executable, __file__, str(logs)],
            env=environment,
            stdout=output,
            stderr=output,
        )


def progress(logs):
    """Where the state in `logs` is, before everything where there is none."""
    for folder in logs.glob("tiny*"):
        try:
            state = read_state(folder)
        except WeightsError:
            return -1, 0
        return state.epoch, state.step
    return -1, 0


def kill_at(process, logs, place):
    deadline = time.monotonic() + 120
    while progress(logs) < place and time.monotonic() < deadline:
        assert process.poll() is None, (logs.parent / f"{logs.name}.txt").read_text()
        time.sleep(0.002)
    # Somewhere in the steps and writes that follow.
    time.sleep(np.random.default_rng().uniform(0, 0.1))
    process.kill()
    assert process.wait() == -9, "it ended before it was killed"


def everything(logs):
    """What a training left: every variable, the log, the names of the files."""
    (folder,) = logs.iterdir()
    with np.load(folder / "state.npz") as state:
        variables = {key: state[key] for key in state}
    progress_ = json.loads(variables.pop("progress.json"))
    rows = list(csv.reader((folder / "losses.csv").read_text().splitlines()))
    names = sorted(p.name for p in folder.iterdir() if p.is_file())
    best = json.loads((folder / "best.json").read_text())
    return variables, progress_, rows, names, best


@pytest.mark.slow
def test_killed_training_ends_as_an_uninterrupted_one(tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert start(whole).wait() == 0, (tmp_path / "whole.txt").read_text()
    for place in KILLED_AT:
        kill_at(start(killed), killed, place)
    assert start(killed).wait() == 0, (tmp_path / "killed.txt").read_text()

    ours, theirs = everything(killed), everything(whole)
    assert len(theirs[0]) > 100
    assert theirs[1]["epoch"] == 3
    for key, value in theirs[0].items():
        np.testing.assert_array_equal(ours[0][key], value, err_msg=key)
    assert ours[1:] == theirs[1:]
    assert [row[0] for row in theirs[2]] == ["epoch", "0", "1", "2"]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return MaskRCNN("training", TinyConfig(), tmp_path_factory.mktemp("logs"))


@pytest.fixture
def eager():
    """Steps that are not traced: quicker for so few."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


class BreakWeights(keras.callbacks.Callback):
    """Makes a weight infinite before a step, as a rate that is too high does."""

    def __init__(self, epoch, step):
        super().__init__()
        self.place = (epoch, step)

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_begin(self, batch, logs=None):
        if (self.epoch, batch) == self.place:
            kernel = self.model.get_layer("res1_conv").kernel
            kernel.assign(np.full(kernel.shape, np.inf))


class Stop(keras.callbacks.Callback):
    """Ends a training after an epoch, as early stopping does."""

    def on_epoch_end(self, epoch, logs=None):
        self.model.stop_training = True


# tf.data stays as it is; it says so.
@pytest.mark.filterwarnings("ignore:Even though the `tf.config:UserWarning")
def test_losses_that_are_no_numbers(model, eager):
    with pytest.raises(TrainingError) as caught:
        model.train(
            *(squares(10), squares(3), 0.02, 3, "all"),
            custom_callbacks=[BreakWeights(1, 2)],
        )
    message = str(caught.value)
    assert "loss=nan" in message and "in step 3 of epoch 2, on image" in message
    # The third of 4 batches of 2 images: the places 12 and 13 in the stream of them.
    batches = make_batches(squares(10), model.config, shuffle=True, steps=4)
    for image_id in batches.image_ids(1, 2):
        assert f"image {image_id} (squares.{image_id})" in message
    assert "last good weights again, those after 1 epochs and 2 steps" in message
    (folder,) = Path(model.model_dir).iterdir()
    with np.load(folder / "state.npz") as state:
        for i, variable in enumerate(model.keras_model.variables):
            array = state[f"network/{i:05d}"]
            assert np.isfinite(array).all()
            np.testing.assert_array_equal(variable, array)
    assert [p.name for p in folder.glob("*.h5")] == ["mask_rcnn_tiny_0001.h5"]
    assert model.epoch == 0  # the call failed; what it reached is in the state


@pytest.mark.filterwarnings("ignore:Even though the `tf.config:UserWarning")
def test_resume_in_the_same_script(model, eager):
    with pytest.raises(ConfigError, match="Expected 10 training images in 4 steps"):
        model.resume()
        model.train(squares(9), squares(3), 0.02, 3, "all")
    model.resume()
    assert model.epoch == 1
    history = model.train(
        *(squares(10), squares(3), 0.02, 9, "all"), custom_callbacks=[Stop()]
    )
    assert len(history.history["val_loss"]) == 1
    # Stopped after epoch 2 of 9: the numbers go on after the 9 of the call.
    assert model.epoch == read_state(model.log_dir).epoch == 9
    with pytest.raises(ConfigError, match="Expected epochs above 9"):
        model.train(squares(10), squares(3), 0.02, 9, "all")
    model.resume(model.log_dir)
    history = model.train(squares(10), squares(3), 0.02, 9, "all")
    assert history.history == {}
    stages = [Stage("heads", 4, 0.02), Stage("all", 9, 0.01)]
    assert model.train_stages(squares(10), squares(3), stages) == []

    best = model.find_best()
    assert best == str(Path(model.log_dir) / read_best(model.log_dir).checkpoint)
    model.load_initial_weights("best")
    assert model.epoch == parse_checkpoint(best)
    with pytest.raises(ConfigError, match="Expected epochs above"):
        model.train(squares(10), squares(3), 0.02, 1, "all")


if __name__ == "__main__":
    train(sys.argv[1])
