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
from mrcnn.model import MaskRCNN
from mrcnn.training.network_log import activations
from mrcnn.training.trainer import make_batches
from tests.unit.evaluation.scenes import evaluate_detections

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


def events_of(model, folder):
    return EventAccumulator(str(Path(model.log_dir) / folder)).Reload()


def arrays(events, tag):
    """The arrays of a tag, one for each of the two epochs."""
    found = events.Tensors(tag)
    assert [event.step for event in found] == [0, 1]
    return [make_ndarray(event.tensor_proto) for event in found]


def test_tensorboard_has_numbers_and_pictures(trained):
    model, history, _ = trained
    for folder, tag, key in (
        ("train", "epoch/mrcnn_mask_loss", "mrcnn_mask_loss"),
        ("validation", "epoch/loss", "val_loss"),
        ("validation", "epoch/segm_AP", "val_segm_AP"),
        ("predictions", "segm_AP/square", "val_segm_AP"),
    ):
        numbers = [event.value for event in events_of(model, folder).Scalars(tag)]
        assert numbers == pytest.approx(history[key])
    # Cosine: after 5 steps of warm-up 20 of 45 steps in the first of two epochs.
    rates = events_of(model, "train").Scalars("epoch/learning_rate")
    expected = [0.0015 * (1 + np.cos(np.pi * share)) for share in (20 / 45, 1)]
    assert [event.value for event in rates] == pytest.approx(expected, abs=1e-9)
    assert len(events_of(model, "predictions").Tags()["images"]) == 4


def test_tensorboard_has_histograms_of_all_kernels_that_learn(trained):
    model, _, _ = trained
    events = events_of(model, "train")
    tags = [tag for tag in events.Tags()["tensors"] if tag.startswith("weights_")]
    kernels = {
        weight.path: np.array(weight)
        for weight in model.keras_model.trainable_weights
        if len(weight.shape) > 1
    }
    # The names of layers are in both.
    assert {tag.split("/", 1)[1] for tag in tags} == set(kernels)
    groups = {tag.split("/")[0].removeprefix("weights_") for tag in tags}
    stages = {"res2", "res3", "res4", "res5"}
    assert groups == {*stages, "fpn", "rpn", "box_head", "mask_head"}
    for tag in tags:
        before, after = arrays(events, tag)
        kernel = kernels[tag.split("/", 1)[1]]
        assert before[:, 2].sum() == after[:, 2].sum() == kernel.size
        assert not np.array_equal(before, after)
        assert (after[0, 0], after[-1, 1]) == (kernel.min(), kernel.max())


def test_tensorboard_has_histograms_of_activations(trained):
    model, _, _ = trained
    events = events_of(model, "validation")
    tags = {tag for tag in events.Tags()["tensors"] if tag.startswith("activations/")}
    levels = [f"{kind}{n}" for kind in "CP" for n in (2, 3, 4, 5)]
    heads = ["rpn_class_logits", "mrcnn_class_logits", "mrcnn_mask_logits"]
    assert tags == {f"activations/{name}" for name in [*levels, "P6", *heads]}
    # Two images of 64 pixels, their stages of 32 channels. What a ReLU gives is 0 or
    # more; the values themselves by Keras' own way to the output of a layer.
    dataset = Squares(7)
    images = np.stack([dataset.load_image(i) for i in (0, 1)]) - TinyConfig.MEAN_PIXEL
    (image,) = (one for one in model.keras_model.inputs if one.name == "image")
    stages = [model.keras_model.get_layer(f"res{n}a").output for n in range(2, 6)]
    expected = keras.Model(image, stages).predict(images, verbose=0)
    for number, stage in enumerate(expected, start=2):
        _, read = arrays(events, f"activations/C{number}")
        counts, edges = np.histogram(stage, len(read))
        assert read[:, 2].sum() == 2 * (64 // 2**number) ** 2 * 32 == stage.size
        np.testing.assert_allclose(read[:, 1], edges[1:], rtol=1e-4)
        assert np.abs(read[:, 2] - counts).max() <= stage.size / 1000


def test_looking_at_activations_changes_nothing(trained):
    network = trained[0].keras_model
    batch = make_batches(Squares(2), TinyConfig(), shuffle=False)[0]
    before = [np.array(variable) for variable in network.variables]
    activations(network, batch)
    for variable, value in zip(network.variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)


def test_tensorboard_has_precision_and_recall(trained):
    model, history, _ = trained
    events = events_of(model, "predictions")
    metadata = events.SummaryMetadata("segm_IoU50/square").plugin_data
    assert metadata.plugin_name == "pr_curves"
    evaluation = model.evaluate(Squares(7), range(4))
    right, wrong, _, missed, precision, recall = arrays(events, "segm_IoU50/square")[1]
    for i in (5, 50, 80):
        point = evaluation.curves[1].at(i / 100)
        assert right[i] + missed[i] == 4
        assert recall[i] == pytest.approx(point.recall)
        assert precision[i] == pytest.approx(point.precision or 0)
    # AP50 is the area under the curve, at 101 recalls.
    best = [max(precision[recall >= r / 100], default=0) for r in range(101)]
    assert np.mean(best) == pytest.approx(history["val_segm_AP50"][1], abs=0.05)


def test_tensorboard_has_the_graph_once(trained):
    model, _, _ = trained
    events = events_of(model, "train")
    nodes = {node.name: node for node in events.Graph().node}
    assert {name.split("/")[0] for name in nodes} == {
        *("inputs", "res2", "res3", "res4", "res5", "fpn", "rpn", "proposals"),
        *("targets", "box_head", "mask_head"),
    }
    assert nodes["res2/a/res2a"].input == ["inputs/image"]
    levels = [f"fpn/fpn_p{n}" for n in range(2, 7)]
    assert nodes["rpn/rpn_model"].input == levels
    assert nodes["fpn/fpn_c2p2"].attr["parameters"].i == 32 * 32 + 32
    (shape,) = nodes["fpn/fpn_p3"].attr["_output_shapes"].list.shape
    assert [dim.size for dim in shape.dim] == [-1, 8, 8, 32]
    # Every edge comes from a node.
    sources = {name.split(":")[0] for node in nodes.values() for name in node.input}
    assert sources <= set(nodes)
    files = (Path(model.log_dir) / "train").glob("*tfevents*")
    assert sum(b"inputs/image" in path.read_bytes() for path in files) == 1
