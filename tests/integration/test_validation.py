"""AP while a tiny network trains: the same numbers as from its checkpoints later."""

import csv
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

from mrcnn.config import Config
from mrcnn.data.dataset import Dataset
from mrcnn.evaluation.coco import evaluate_detections
from mrcnn.model import MaskRCNN

KEYS = ["val_bbox_AP", "val_bbox_AP50", "val_segm_AP", "val_segm_AP50"]


def tiny_backbone(image):
    """One convolution for each stage."""
    stages, x = [], image
    for number, stride in ((2, 4), (3, 2), (4, 2), (5, 2)):
        x = layers.Conv2D(
            32, 5, stride, "same", activation="relu", name=f"res{number}a"
        )(x)
        stages.append(x)
    return stages


class TinyConfig(Config):
    """Small enough that an epoch takes seconds, and learns to find squares in it."""

    NAME = "squares"
    BACKBONE = staticmethod(tiny_backbone)
    NUM_CLASSES = 2
    IMAGES_PER_GPU = 2
    IMAGE_MIN_DIM = 64
    IMAGE_MAX_DIM = 64
    TOP_DOWN_PYRAMID_SIZE = 32
    FPN_CLASSIF_FC_LAYERS_SIZE = 32
    RPN_ANCHOR_SCALES = (8, 16, 32, 48, 64)
    RPN_TRAIN_ANCHORS_PER_IMAGE = 32
    POST_NMS_ROIS_TRAINING = 40
    POST_NMS_ROIS_INFERENCE = 40
    TRAIN_ROIS_PER_IMAGE = 16
    MAX_GT_INSTANCES = 4
    DETECTION_MAX_INSTANCES = 10
    STEPS_PER_EPOCH = 25
    VALIDATION_STEPS = 2
    TRAIN_BN = None
    OPTIMIZER = "adamw"
    LEARNING_RATE_SCHEDULE = "cosine"
    EVALUATE_EVERY = 1


class Squares(Dataset):
    """Bright squares on a dark ground, in memory."""

    def __init__(self, count):
        super().__init__()
        self.add_class("squares", 1, "square")
        for i in range(count):
            rng = np.random.default_rng(i)
            y, x = (int(n) for n in rng.integers(2, 34, 2))
            self.add_image("squares", i, "", square=(y, x, int(rng.integers(20, 28))))
        self.prepare()

    def load_image(self, image_id):
        image = np.full((64, 64, 3), 30, np.uint8)
        image[self.load_mask(image_id)[0][..., 0]] = 230, 180, 40
        return image

    def load_mask(self, image_id):
        y, x, side = self.image_info[image_id]["square"]
        mask = np.zeros((64, 64, 1), bool)
        mask[y : y + side, x : x + side] = True
        return mask, np.array([1], np.int32)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A model after two epochs, its history, and the logs that a callback sees."""
    keras.utils.set_random_seed(0)
    model = MaskRCNN("training", TinyConfig(), tmp_path_factory.mktemp("logs"))
    seen = []
    spy = keras.callbacks.LambdaCallback(on_epoch_end=lambda _, logs: seen.append(logs))
    history = model.train(
        Squares(16), Squares(7), 0.003, 2, "all", custom_callbacks=[spy]
    )
    return model, history.history, seen


def test_history_and_table_have_the_numbers(trained):
    model, history, seen = trained
    with open(Path(model.log_dir) / "losses.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    for key in KEYS:
        assert len(history[key]) == 2
        assert [logs[key] for logs in seen] == history[key]
        assert [float(row[key]) for row in rows] == history[key]
    # It has learnt something, or the comparisons would be of zeros.
    assert history["val_segm_AP50"][-1] > 0.1


def test_the_checkpoints_measure_the_same(trained):
    model, history, _ = trained
    config = TinyConfig(DETECTION_MIN_CONFIDENCE=0.05)
    detector = MaskRCNN("inference", config, model.model_dir)
    dataset = Squares(7)
    image_ids = dataset.image_ids[:4]  # two batches of two
    images = [dataset.load_image(i) for i in image_ids]
    for epoch in (1, 2):
        path = Path(model.log_dir) / f"mask_rcnn_squares_{epoch:04d}.h5"
        detector.load_weights(path, by_name=True)
        found = detector.detect_images(images)
        numbers = evaluate_detections(dataset, image_ids, found)
        for key in KEYS:
            _, kind, name = key.split("_")
            measured = history[key][epoch - 1]
            assert measured == pytest.approx(numbers[kind][name], abs=1e-6)


@pytest.mark.parametrize("mode", ["inference", "training"])
def test_evaluate_ranks_what_detect_leaves_out(trained, mode, monkeypatch):
    model, history, _ = trained
    dataset = Squares(7)
    found = model.evaluate(dataset, dataset.image_ids[:4]).detections
    scores = np.concatenate([of_image.scores for of_image in found])
    # A confidence that leaves out about half of it.
    middle = float(np.sort(scores)[(len(scores) + 1) // 2])
    config = TinyConfig(DETECTION_MIN_CONFIDENCE=middle)
    monkeypatch.setattr(model, "config", config)
    if mode == "inference":
        model = MaskRCNN("inference", config, model.model_dir)
        model.load_weights(model.find_last())
    # The images that the training measured with: as 0.05 is the least score of both,
    # so are the numbers.
    evaluation = model.evaluate(dataset, dataset.image_ids[:4])
    for key in KEYS:
        _, kind, name = key.split("_")
        assert evaluation.coco[kind][name] == pytest.approx(history[key][-1], abs=1e-6)
    assert evaluation.min_score == model.config.DETECTION_MIN_CONFIDENCE
    least = min(of_image.scores.min(initial=1) for of_image in evaluation.detections)
    assert least < evaluation.min_score
    # What is found at that score is what detect finds.
    found = model.detect_images([dataset.load_image(i) for i in range(4)])
    num_found = sum(np.sum(one.scores >= evaluation.min_score) for one in found)
    assert evaluation.confusion[:, 1].sum() == num_found
    steps = evaluation.speed["seconds_per_image"]
    assert list(steps) == ["loading", "molding", "network", "unmolding"]
    assert all(0 <= seconds < 60 for seconds in steps.values())
    assert evaluation.speed["peak_memory"] > 1e8


def test_tensorboard_has_numbers_and_pictures(trained):
    model, history, _ = trained
    folder = Path(model.log_dir)
    validation = EventAccumulator(str(folder / "validation")).Reload()
    events = validation.Tensors("epoch_segm_AP")
    assert [event.step for event in events] == [0, 1]
    values = [float(make_ndarray(event.tensor_proto)) for event in events]
    assert values == pytest.approx(history["val_segm_AP"])
    predictions = EventAccumulator(str(folder / "predictions")).Reload()
    assert len(predictions.Tags()["images"]) == 4
    numbers = [event.value for event in predictions.Scalars("segm_AP/square")]
    assert numbers == pytest.approx(history["val_segm_AP"])
