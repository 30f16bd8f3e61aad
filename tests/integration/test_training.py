"""Training from pictures to checkpoints and back to detections, on a tiny network."""

import copy
import csv
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from mrcnn.config import Config
from mrcnn.data.dataset import Dataset
from mrcnn.errors import ConfigError, DatasetError, WeightsError
from mrcnn.model import MaskRCNN
from mrcnn.structures import LOSS_NAMES


class TinyConfig(Config):
    """Small enough that a step takes a fraction of a second."""

    NAME = "Squares"
    BACKBONE = "resnet18"
    NUM_CLASSES = 2
    IMAGES_PER_GPU = 2
    IMAGE_MIN_DIM = 64
    IMAGE_MAX_DIM = 64
    TOP_DOWN_PYRAMID_SIZE = 32
    FPN_CLASSIF_FC_LAYERS_SIZE = 32
    RPN_ANCHOR_SCALES = (8, 16, 32, 48, 64)
    RPN_TRAIN_ANCHORS_PER_IMAGE = 32
    POST_NMS_ROIS_TRAINING = 40
    POST_NMS_ROIS_INFERENCE = 20
    TRAIN_ROIS_PER_IMAGE = 9
    MAX_GT_INSTANCES = 4
    DETECTION_MAX_INSTANCES = 5
    DETECTION_MIN_CONFIDENCE = 0.0
    STEPS_PER_EPOCH = 6
    VALIDATION_STEPS = None
    TRAIN_BN = None
    OPTIMIZER = "adamw"


class Squares(Dataset):
    """Bright squares on a dark ground, written as the original's samples are."""

    def load_squares(self, folder: Path, count: int, seed: int):
        """Write pictures and add them."""
        self.add_class("squares", 1, "square")
        rng = np.random.default_rng(seed)
        for i in range(count):
            image = rng.integers(0, 60, (60, 80, 3)).astype(np.uint8)
            y, x = rng.integers(4, 30, 2)
            side = int(rng.integers(16, 28))
            image[y : y + side, x : x + side] = (230, 180, 40)
            path = folder / f"{seed}_{i}.png"
            Image.fromarray(image).save(path)
            self.add_image("squares", i, path, square=(y, x, side))

    def load_mask(self, image_id):
        y, x, side = self.image_info[image_id]["square"]
        mask = np.zeros((60, 80, 1), bool)
        mask[y : y + side, x : x + side] = True
        return mask, np.array([1], np.int32)


def squares(folder, count, seed):
    dataset = Squares()
    dataset.load_squares(folder, count, seed)
    dataset.prepare()
    return dataset


@pytest.fixture(scope="module")
def datasets(tmp_path_factory):
    folder = tmp_path_factory.mktemp("squares")
    return squares(folder, 6, 0), squares(folder, 3, 1)


@pytest.fixture(scope="module")
def trained(datasets, tmp_path_factory):
    """A model after two epochs of all layers and one of the heads."""
    logs = tmp_path_factory.mktemp("logs")
    keras.utils.set_random_seed(0)
    model = MaskRCNN("training", TinyConfig(), logs)
    first = model.train(*datasets, 0.002, 2, "all")
    before = {
        v.path: np.array(v) for v in model.keras_model.weights if v.dtype == "float32"
    }
    second = model.train(*datasets, 0.002, 3, "heads")
    return model, first.history, second.history, before


def test_history_has_the_original_names_and_losses_fall(trained):
    _, first, second, _ = trained
    names = {"loss", *LOSS_NAMES}
    assert set(first) == names | {f"val_{name}" for name in names}
    assert first["loss"][1] < first["loss"][0]
    assert np.isfinite([values for values in second.values()]).all()
    # A second call adds no losses again: the sum is that of its parts.
    parts = sum(second[name][0] for name in LOSS_NAMES)
    assert second["loss"][0] == pytest.approx(parts, rel=0.01)


def test_only_the_chosen_layers_learn(trained):
    model, _, _, before = trained
    for variable in model.keras_model.trainable_variables:
        assert (
            "fpn_" in variable.path
            or "rpn_" in variable.path
            or "mrcnn_" in (variable.path)
        )
    for variable in model.keras_model.weights:
        if variable.path.startswith(("res", "conv1")):
            np.testing.assert_array_equal(variable, before[variable.path])
    changed = model.keras_model.get_layer("fpn_p2").kernel
    assert not np.array_equal(changed, before["fpn_p2/kernel"])


def test_run_folder(trained):
    model, _, _, _ = trained
    folder = Path(model.log_dir)
    assert folder.parent == Path(model.model_dir)
    assert folder.name.startswith("squares")
    checkpoints = [f"mask_rcnn_squares_{epoch:04d}.h5" for epoch in (1, 2, 3)]
    assert sorted(path.name for path in folder.glob("*.h5")) == checkpoints
    assert list(folder.rglob("events.out.tfevents.*"))
    with open(folder / "losses.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["0", "1", "2"]
    assert "val_mrcnn_mask_loss" in rows[0]


def test_continuing_from_the_last_checkpoint(trained, datasets):
    model, _, _, _ = trained
    again = MaskRCNN("training", TinyConfig(), model.model_dir)
    assert again.epoch == 0
    again.load_weights(again.find_last())
    assert (again.epoch, again.log_dir) == (3, model.log_dir)
    for ours, theirs in zip(
        again.keras_model.weights, model.keras_model.weights, strict=True
    ):
        if "seed" not in ours.path:
            np.testing.assert_array_equal(ours, theirs, err_msg=ours.path)
    with pytest.raises(ConfigError, match="Expected epochs above 3.*epochs=3"):
        again.train(*datasets, 0.01, 3, "heads")


@pytest.fixture(scope="module")
def detector(trained):
    model, _, _, _ = trained
    detector = MaskRCNN("inference", TinyConfig(), model.model_dir)
    detector.load_weights(detector.find_last())
    return detector


def test_detection_from_the_checkpoint(detector, datasets):
    val = datasets[1]
    image = val.load_image(0)
    assert detector.detect([]) == []
    found = detector.detect([image, image[:, :, 0], image[:33, :50]])
    assert [f["masks"].shape[:2] for f in found] == [(60, 80), (60, 80), (33, 50)]
    for result in found:
        boxes = result["rois"]
        assert (boxes[:, 2:] > boxes[:, :2]).all()
        assert set(result["class_ids"]) <= {1}
        assert result["masks"].shape[2] == len(boxes) == len(result["scores"])
    molded, metas, windows = detector.mold_inputs([image, image])
    assert molded.shape == (2, 64, 64, 3)
    assert windows.tolist() == [[8, 0, 56, 64]] * 2
    assert len(detector.detect_molded(molded, metas)) == 2


def test_detection_while_training(trained, detector, datasets):
    """The training network gives what a separate one gives with the same weights."""
    model, _, _, _ = trained
    images = [datasets[1].load_image(i) for i in range(2)]
    molded, metas, _ = model.mold_inputs(images)
    biases = [
        one.keras_model.get_layer("mrcnn_class_logits").bias
        for one in (model, detector)
    ]
    before = np.array(biases[0])
    # All squares, then all background: it follows the weights.
    for values, is_found in (([0, 9], True), ([99, 0], False)):
        for bias in biases:
            bias.assign(values)
        ours = [*model.detect(images), *model.detect_molded(molded, metas)]
        theirs = [*detector.detect(images), *detector.detect_molded(molded, metas)]
        assert [len(found["rois"]) > 0 for found in ours] == [is_found] * 4
        for mine, other in zip(ours, theirs, strict=True):
            for key, value in other.items():
                np.testing.assert_array_equal(mine[key], value, err_msg=key)
        seen = model.inspect(images[0])
        np.testing.assert_array_equal(seen.detections.boxes, ours[0]["rois"])
        np.testing.assert_array_equal(seen.detections.masks, ours[0]["masks"])
        # Of the network that detects, not of the one that trains.
        logits = seen.activations("mrcnn_class_logits")["mrcnn_class_logits"]
        assert set(logits.argmax(axis=1)) == {int(is_found)}
    for bias in biases:
        bias.assign(before)


def test_tensors_while_training(trained, detector, datasets):
    """What needs no ground truth is computed, the rest is refused."""
    model, images = trained[0], [datasets[1].load_image(0)]
    found = [
        one.run_graph(images, [("P2", one.keras_model.get_layer("fpn_p2").output)])
        for one in (model, detector)
    ]
    np.testing.assert_allclose(found[0]["P2"], found[1]["P2"], atol=1e-5)
    classes = model.keras_model.get_layer("mrcnn_class").output
    with pytest.raises(ConfigError, match="one that needs gt_boxes, gt_class_ids"):
        model.run_graph(images, [("classes", classes)])


def test_wrong_use_is_said(trained, datasets):
    model, _, _, _ = trained
    with pytest.raises(ConfigError, match="match at least one layer.*'res9.*'"):
        model.train(*datasets, 0.01, 9, "res9.*")
    with pytest.raises(ConfigError, match="neither"):
        model.train(*datasets, 0.01, 9, "res(")
    with pytest.raises(ConfigError, match="Expected mode"):
        MaskRCNN("train", TinyConfig(), model.model_dir)
    other = TinyConfig(NUM_CLASSES=5)
    with pytest.raises(WeightsError, match="2 classes.*NUM_CLASSES"):
        MaskRCNN("inference", other, model.model_dir).load_weights(model.find_last())


def test_dataset_with_more_classes_than_the_network(trained, datasets):
    model, _, _, _ = trained
    more = Squares()
    more.add_class("squares", 2, "circle")
    more.add_class("squares", 3, "triangle")
    more.load_squares(Path(datasets[0].image_info[0]["path"]).parent, 2, 5)
    more.prepare()
    with pytest.raises(ConfigError, match="NUM_CLASSES of at least 4"):
        model.train(more, datasets[1], 0.01, 9, "heads")


def test_a_broken_validation_image_is_named(trained, datasets):
    model, _, _, _ = trained
    train, val = datasets
    bad = copy.deepcopy(val)
    bad.image_info[1]["path"] = "gone.png"
    with pytest.raises(DatasetError, match=r"image 1 \(squares.1, .*no such file"):
        model.train(train, bad, 0.002, model.epoch + 1, "heads", workers=2)


def test_nothing_to_learn_from(trained, datasets):
    model, _, _, _ = trained
    empty = copy.deepcopy(datasets[0])
    empty.load_mask = lambda i: (np.zeros((60, 80, 0), bool), np.zeros(0, np.int32))
    with pytest.raises(DatasetError, match="an object to learn from"):
        model.train(empty, datasets[1], 0.002, model.epoch + 1, "heads")
