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
from keras import layers

from mrcnn.config import Config
from mrcnn.data.dataset import Dataset
from mrcnn.errors import WeightsError
from mrcnn.model import MaskRCNN
from mrcnn.training.state import read_state
from mrcnn.weights.checkpoints import CheckpointNotFoundError

# (epoch, step) that the state has reached when the process is killed: inside the first
# epoch, and inside the second call of train.
KILLED_AT = ((0, 2), (2, 1))


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


if __name__ == "__main__":
    train(sys.argv[1])
