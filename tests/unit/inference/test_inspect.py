"""Inspection of a tiny network: what `detect` does, and each step from the one before.

The steps are computed anew here in plain loops, from the raw outputs of the network.
"""

import math
from collections import OrderedDict

import keras
import numpy as np
import pytest
from keras import layers

from mrcnn.config import Config
from mrcnn.errors import ConfigError
from mrcnn.geometry.masks import mask_in_box
from mrcnn.inference.detect import mold_inputs
from mrcnn.inference.diagnose import diagnose
from mrcnn.inference.inspect import FILTERS, inspect, which_filter
from mrcnn.model import MaskRCNN
from mrcnn.network.layers import BatchNorm


def tiny_backbone(image):
    """One convolution with batch norm for each stage."""
    stages, x = [], image
    for number, stride in ((2, 4), (3, 2), (4, 2), (5, 2)):
        x = layers.Conv2D(8, 3, strides=stride, padding="same", name=f"res{number}a")(x)
        x = BatchNorm(train_bn=None, name=f"bn{number}a")(x)
        stages.append(x)
    return stages


class TinyConfig(Config):
    """Small, and with every filter at work on random weights."""

    NAME = "tiny"
    BACKBONE = staticmethod(tiny_backbone)
    NUM_CLASSES = 3
    IMAGES_PER_GPU = 1
    IMAGE_MIN_DIM = 128
    IMAGE_MAX_DIM = 128
    TOP_DOWN_PYRAMID_SIZE = 16
    FPN_CLASSIF_FC_LAYERS_SIZE = 16
    RPN_ANCHOR_SCALES = (8, 16, 32, 64, 128)
    PRE_NMS_LIMIT = 600
    POST_NMS_ROIS_INFERENCE = 60
    DETECTION_MAX_INSTANCES = 6
    DETECTION_MIN_CONFIDENCE = 0.5
    DETECTION_NMS_THRESHOLD = 0.1


# So much of random weights is left, that boxes stay near where they come from.
FACTORS = {
    "rpn_bbox_pred": 0.05,
    "mrcnn_bbox_fc": 0.1,
    "mrcnn_class_logits": 0.05,
}


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    model = MaskRCNN("inference", TinyConfig(), tmp_path_factory.mktemp("logs"))
    # The same numbers on every backend; with this seed every filter removes something.
    rng = np.random.default_rng(5)
    for weight in model.keras_model.trainable_variables:
        layer, _, name = weight.path.rpartition("/")
        if name == "kernel":
            deviation = FACTORS.get(layer, 1) / np.prod(weight.shape[:-1]) ** 0.5
            weight.assign(rng.normal(0, deviation, weight.shape))
    return model


def pictures(shape=(75, 100)):
    image = np.random.default_rng(3).integers(0, 256, (*shape, 3)).astype(np.uint8)
    image[20:50, 30:60] = (250, 30, 30)
    image.flags.writeable = False
    return image


@pytest.fixture(scope="module")
def seen(model):
    return model.inspect(pictures())


@pytest.fixture(scope="module")
def raw(model):
    """What the network puts out for the same image."""
    molded, metas, _ = model.mold_inputs([pictures()])
    anchors = model.get_anchors(molded.shape[1:3])
    batch = {
        "image": molded,
        "image_meta": metas.astype(np.float32),
        "anchors": anchors[None],
    }
    outputs = model.keras_model.predict_on_batch(batch)
    return {"anchors": anchors} | {name: array[0] for name, array in outputs.items()}


def in_pixels(boxes):
    """Boxes of a 128 x 128 picture, from (y, x) / 127 with the far corner shifted."""
    return np.array(boxes) * 127 + [0, 0, 1, 1]


def moved(box, deltas, std_dev=(0.1, 0.1, 0.2, 0.2)):
    """A box after its deltas, number by number."""
    y1, x1, y2, x2 = map(float, box)
    dy, dx, dh, dw = (float(d) * s for d, s in zip(deltas, std_dev, strict=True))
    y, x = (y1 + y2) / 2 + dy * (y2 - y1), (x1 + x2) / 2 + dx * (x2 - x1)
    h, w = (y2 - y1) * math.exp(dh), (x2 - x1) * math.exp(dw)
    return [y - h / 2, x - w / 2, y + h / 2, x + w / 2]


def overlap(a, b):
    h = min(a[2], b[2]) - max(a[0], b[0])
    w = min(a[3], b[3]) - max(a[1], b[1])
    common = max(h, 0) * max(w, 0)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (a, b)]
    return common / (sum(areas) - common) if common else 0


@pytest.mark.parametrize("shape", [(75, 100), (128, 60), (300, 280)])
def test_it_is_what_detect_does(model, shape):
    image = pictures(shape)
    seen, (found,) = model.inspect(image), model.detect_images([image])
    assert seen.image_hw == shape == seen.detections.image_hw
    assert len(found) > 1
    for name in ("boxes", "class_ids", "scores"):
        np.testing.assert_array_equal(
            getattr(seen.detections, name), getattr(found, name)
        )
    np.testing.assert_array_equal(seen.detections.masks, found.masks)
    # The ROIs and masks they come from.
    np.testing.assert_array_equal(seen.class_ids[seen.detected], found.class_ids)
    np.testing.assert_array_equal(seen.scores[seen.detected], found.scores)
    assert set(seen.removed_by[seen.detected]) == {""}
    assert np.count_nonzero(seen.removed_by == "") == len(found)
    for mask, placed in zip(seen.masks, found.box_masks, strict=True):
        np.testing.assert_array_equal(mask_in_box(mask, placed.shape), placed)
    y1, x1, _, _ = seen.window
    back = (seen.clipped_boxes[seen.detected] - [y1, x1, y1, x1]) / seen.scale
    # Rounded to pixels of the image, and normalised with one pixel less.
    assert np.abs(back - found.boxes).max() < 0.5 + 1 / seen.scale


def test_what_the_network_sees(seen):
    assert seen.picture.shape == (128, 128, 3) and seen.picture.dtype == np.uint8
    assert seen.window.tolist() == [16, 0, 112, 128] and seen.scale == 1.28
    assert not seen.picture[:16].any() and not seen.picture[112:].any()
    assert seen.picture[16 + 45, 58].tolist() == [250, 30, 30]


def test_from_anchors_to_proposals(seen, raw):
    if keras.backend.backend() == "torch":
        pytest.skip("of the many anchors of score 1, PyTorch takes any first")
    scores = raw["rpn_class"][:, 1]
    np.testing.assert_allclose(seen.anchors, in_pixels(raw["anchors"]), atol=1e-4)
    np.testing.assert_array_equal(seen.anchor_scores, scores)
    best = sorted(range(len(scores)), key=lambda i: (-scores[i], i))[:600]
    assert seen.top_anchors.tolist() == best
    refined = [moved(raw["anchors"][i], raw["rpn_bbox"][i]) for i in best]
    clipped = np.clip(refined, 0, 1)
    np.testing.assert_allclose(seen.refined_anchors, in_pixels(refined), atol=1e-3)
    np.testing.assert_allclose(seen.clipped_anchors, in_pixels(clipped), atol=1e-3)
    kept = []
    for i, box in enumerate(clipped.tolist()):
        if len(kept) < 60 and all(overlap(box, clipped[j]) <= 0.7 for j in kept):
            kept.append(i)
    assert seen.proposal_anchors.tolist() == kept
    np.testing.assert_allclose(seen.proposals, in_pixels(raw["rpn_rois"]), atol=1e-4)
    for (y1, x1, y2, x2), level in zip(
        raw["rpn_rois"].astype(float), seen.proposal_levels, strict=True
    ):
        side = math.sqrt((y2 - y1) * (x2 - x1)) * 128
        assert level == min(5, max(2, 4 + round(math.log2(max(side, 1e-3) / 224))))


def test_from_proposals_to_detections(seen, raw):
    probs, rois = raw["mrcnn_class"], raw["rpn_rois"]
    boxes, labels = [], []
    for roi, prob, deltas in zip(rois, probs, raw["mrcnn_bbox"], strict=True):
        boxes.append(moved(roi, deltas[prob.argmax()]))
        labels.append((int(prob.argmax()), float(prob.max())))
    np.testing.assert_allclose(seen.refined_boxes, in_pixels(boxes), atol=1e-3)
    window = np.array([16, 0, 111, 127]) / 127
    boxes = np.clip(boxes, window[[0, 1, 0, 1]], window[[2, 3, 2, 3]])
    np.testing.assert_allclose(seen.clipped_boxes, in_pixels(boxes), atol=1e-3)
    assert seen.class_ids.tolist() == [class_id for class_id, _ in labels]
    kept, removed_by = [], [""] * len(boxes)
    for i in sorted(range(len(boxes)), key=lambda i: -labels[i][1]):
        class_id, score = labels[i]
        surer = [j for j in kept if labels[j][0] == class_id]
        if class_id == 0:
            removed_by[i] = "background"
        elif score < 0.5:
            removed_by[i] = "confidence"
        elif any(overlap(boxes[i], boxes[j]) > 0.1 for j in surer):
            removed_by[i] = "nms"
        elif len(kept) == 6:
            removed_by[i] = "limit"
        else:
            kept.append(i)
    assert seen.removed_by.tolist() == removed_by
    assert seen.detected.tolist() == kept
    assert set(removed_by) == {"", *FILTERS[:4]}


def test_filters_of_hand_made_rois():
    boxes = np.array(
        [[0, 0, 10, 10], [0, 0, 10, 10], [0, 1, 10, 11], [20, 20, 30, 30], [0, 0, 9, 9]]
    )
    class_ids, scores = np.array([1, 2, 1, 1, 0]), np.array([0.9, 0.8, 0.7, 0.6, 1])

    def removed_by(kept, max_instances, min_confidence=0.1):
        return which_filter(
            *(class_ids, scores, boxes, np.array(kept, int)),
            min_confidence=min_confidence,
            nms_threshold=0.5,
            max_instances=max_instances,
        ).tolist()

    assert removed_by([0, 1, 3], 9) == ["", "", "nms", "", "background"]
    assert removed_by([0], 1) == ["", "limit", "nms", "limit", "background"]
    unsure = ["confidence"] * 3
    assert removed_by([0], 1, 0.85) == ["", *unsure, "background"]
    assert removed_by([], 9, 0.95) == ["confidence", *unsure, "background"]


# Rows 15.5 to 16.5 of 32 pixels, which both are rounded to 16.
LOW = (0.5, 0.5, 0.5, 0.6)
LARGE = (0, 0, 0.9, 0.9)


class Answering:
    """A network that puts out three ROIs and two detections, whatever the image.

    Of the detections the first has less than a pixel of the image; the second is in
    padding, in the corner that a box of zeros is.
    """

    std_dev = (0.1, 0.1, 0.2, 0.2)
    pre_nms_limit = 4
    min_confidence, nms_threshold, max_instances = 0.5, 0.3, 2

    def get_layer(self, name):
        return self

    def predict_on_batch(self, inputs):
        probs = np.array([[0.9, 0.1], [0.1, 0.9], [0.2, 0.8]], np.float32)
        scores = np.linspace(0.1, 0.9, 5)
        outputs = {
            "mrcnn_detection": [[*LOW, 1, 0.9], [0, 0, 0, 0, 1, 0.8]],
            "mrcnn_class": probs,
            "mrcnn_bbox": np.zeros((3, 2, 4)),
            "mrcnn_mask": np.ones((2, 28, 28, 2)),
            "rpn_rois": [LARGE, LOW, [0, 0, 0, 0]],
            "rpn_class": np.stack([1 - scores, scores], axis=1),
            "rpn_bbox": np.zeros((5, 4)),
        }
        return {name: np.array([value], np.float32) for name, value in outputs.items()}


def test_a_vanishing_detection_and_one_in_padding():
    anchors = [[0, 0, 1, 1], [0, 0, 0.2, 0.2], [0, 0, 0.3, 0.3]]
    anchors += [LOW, LARGE]
    molded, metas, _ = mold_inputs([np.zeros((32, 32, 3), np.uint8)], TinyConfig())
    seen = inspect(
        Answering(), molded, metas, np.array(anchors, np.float32), mean_pixel=[0] * 3
    )
    assert seen.top_anchors.tolist() == [4, 3, 2, 1]
    assert seen.proposal_anchors.tolist() == [0, 1, -1]
    assert seen.proposal_levels.tolist() == [3, 2, 2]
    assert seen.removed_by.tolist() == ["background", "size", ""]
    assert seen.detected.tolist() == [2]
    assert seen.detections.scores.tolist() == [np.float32(0.8)]
    assert len(seen.masks) == len(seen.detections) == 1


def test_activations(model, seen):
    found = seen.activations("res3a", "mrcnn_class", "ROI", "rpn_model")
    assert found["res3a"].shape == (16, 16, 8)
    np.testing.assert_allclose(found["mrcnn_class"], seen.class_probs, atol=1e-5)
    rois, valid = found["ROI"]
    np.testing.assert_allclose(in_pixels(rois), seen.proposals, atol=1e-3)
    assert valid.sum() == len(seen.proposals)
    # Called for every level, the finest first: logits, probabilities, deltas.
    assert [values.shape[0] for values in found["rpn_model"][::3]] == [
        3 * (128 // stride) ** 2 for stride in (4, 8, 16, 32, 64)
    ]
    with pytest.raises(ConfigError, match="Received: 'res3b'. Did you mean 'res3a'"):
        seen.activations("res3b")


def test_nothing_is_added_to_the_network(model):
    before = len(model.keras_model.operations)
    nodes = [len(layer._inbound_nodes) for layer in model.keras_model.layers]
    model.inspect(pictures()).activations("res3a")
    assert len(model.keras_model.operations) == before
    assert [len(layer._inbound_nodes) for layer in model.keras_model.layers] == nodes


def test_run_graph(model, seen):
    layers_ = ("mrcnn_class", "res2a", "mrcnn_bbox")
    outputs = [(f"of {n}", model.keras_model.get_layer(n).output) for n in layers_]
    found = model.run_graph([pictures()] * 2, outputs)
    assert isinstance(found, OrderedDict)
    assert list(found) == [name for name, _ in outputs]
    assert found["of res2a"].shape == (2, 32, 32, 8)
    for image in range(2):
        np.testing.assert_allclose(
            found["of mrcnn_class"][image], seen.class_probs, atol=1e-5
        )
    molded, metas, _ = model.mold_inputs([pictures()])
    again = model.run_graph(molded, outputs, image_metas=metas)
    np.testing.assert_allclose(again["of res2a"], found["of res2a"][:1], atol=1e-5)
    with pytest.raises(ConfigError, match="None for 'nms'"):
        model.run_graph(molded, [("nms", None)], metas)


def test_ancestor(model):
    network = model.keras_model
    rois = network.get_layer("ROI").output[0]
    assert model.ancestor(rois, "res3a") is network.get_layer("res3a").output
    # The nearest of those that match.
    assert model.ancestor(rois, r"res\da") is not network.get_layer("res2a").output
    assert model.ancestor(rois, "res3") is None
    assert model.ancestor(rois, "mrcnn_bbox_fc") is None
    with pytest.raises(ConfigError, match="inside of one"):
        model.ancestor(rois, "ROI/pre_nms_anchors:0")


def test_find_trainable_layer(model):
    layer = model.keras_model.get_layer("res2a")
    assert model.find_trainable_layer(layer) is layer
    wrapped = layers.TimeDistributed(layers.TimeDistributed(layer))
    assert model.find_trainable_layer(wrapped) is layer


def test_diagnosis(model, seen):
    said = model.diagnose(pictures(), ["BG", "square", "disc"]).splitlines()
    assert said == diagnose(seen, ["BG", "square", "disc"])
    assert said[0].startswith("Found: ")
