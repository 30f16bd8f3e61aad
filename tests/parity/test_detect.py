"""Detection gives the numbers of the original network with the same weights."""

import numpy as np
import pytest

from mrcnn.geometry.boxes import compute_overlaps
from mrcnn.model import MaskRCNN
from tests.parity.original import (
    config_of,
    golden,
    network_with_recipe_weights,
    relative_error,
)

CASES = ["detect_tiny", "detect_resnet101"]


@pytest.fixture(scope="module", params=CASES)
def case(request, tmp_path_factory):
    """The reference arrays, a model with the same weights, and its outputs."""
    arrays = golden(request.param)
    folder = tmp_path_factory.mktemp(request.param)
    config = config_of(arrays)
    model = MaskRCNN.__new__(MaskRCNN)
    model.build = lambda mode, config: network_with_recipe_weights(mode, config, folder)
    model.__init__("inference", config, folder)
    anchors = model.get_anchors(config.IMAGE_SHAPE)
    outputs = model.keras_model.predict_on_batch(
        {
            "image": arrays["molded"],
            "image_meta": arrays["metas"].astype(np.float32),
            "anchors": np.stack([anchors] * len(arrays["molded"])),
        }
    )
    return arrays, model, outputs


def images(arrays):
    return [arrays[key] for key in ("image0", "image1") if key in arrays]


def matched(boxes, scores, other_boxes, other_scores, tolerance):
    """Return for each row of `other` the row that it equals, or -1."""
    match = []
    for box, score in zip(other_boxes, other_scores, strict=True):
        distance = np.abs(boxes - box).max(axis=1).astype(float)
        distance[np.abs(scores - score) > 1e-3] = np.inf
        match.append(distance.argmin() if distance.min() <= tolerance else -1)
    return np.array(match)


def test_molding_equals(case):
    arrays, model, _ = case
    molded, metas, windows = model.mold_inputs(images(arrays))
    np.testing.assert_array_equal(molded, arrays["molded"])
    np.testing.assert_array_equal(metas, arrays["metas"])
    np.testing.assert_array_equal(windows, arrays["windows"])
    anchors = model.get_anchors(model.config.IMAGE_SHAPE)
    np.testing.assert_array_equal(anchors, arrays["anchors_normalized"])


def test_pyramid(case):
    arrays, model, _ = case
    import keras

    levels = [model.keras_model.get_layer(f"fpn_p{i}").output for i in range(2, 7)]
    pyramid = keras.Model(model.keras_model.input["image"], levels)
    for i, level in enumerate(pyramid.predict_on_batch(arrays["molded"]), start=2):
        corner = arrays[f"fpn_p{i}_corner"]
        found = level[:, : corner.shape[1], : corner.shape[2], : corner.shape[3]]
        assert relative_error(found, corner) < 1e-4
        stats = [level.mean(), level.std(), level.min(), level.max()]
        assert relative_error(stats, arrays[f"fpn_p{i}_stats"]) < 1e-4


def test_rpn(case):
    arrays, _, outputs = case
    for key in ("rpn_class", "rpn_bbox"):
        assert relative_error(outputs[key], arrays[key]) < 1e-4


def test_proposals_and_heads(case):
    arrays, model, outputs = case
    side = model.config.IMAGE_SHAPE[0]
    for image in range(len(arrays["ROI"])):
        # Near ties of scores may swap neighbours; rows are compared as a set.
        rois = outputs["rpn_rois"][image] * side
        zeros = np.zeros(len(rois))
        match = matched(rois, zeros, arrays["ROI"][image] * side, zeros, tolerance=1)
        found = match >= 0
        assert found.mean() >= 0.98
        same = found.copy()
        same[found] = (
            np.abs(rois[match[found]] - arrays["ROI"][image][found] * side).max(1)
            < 1e-3
        )
        assert same.mean() >= 0.98
        for key in ("mrcnn_class", "mrcnn_bbox"):
            error = relative_error(
                outputs[key][image][match[same]], arrays[key][image][same]
            )
            assert error < 1e-4, key


def test_detections_and_masks(case):
    arrays, _, outputs = case
    assert relative_error(outputs["mrcnn_detection"], arrays["mrcnn_detection"]) < 1e-4
    assert relative_error(outputs["mrcnn_mask"], arrays["mrcnn_mask"]) < 1e-4


def test_results(case):
    arrays, model, _ = case
    for i, found in enumerate(model.detect(images(arrays))):
        rois, scores = arrays[f"result{i}_rois"], arrays[f"result{i}_scores"]
        shape = arrays[f"result{i}_masks_shape"]
        bits = np.unpackbits(arrays[f"result{i}_masks_packed"])
        masks = bits[: np.prod(shape)].reshape(shape).astype(bool)
        match = matched(found["rois"], found["scores"], rois, scores, tolerance=1)
        good = 0
        for row, other in enumerate(match):
            if (
                other < 0
                or found["class_ids"][other] != arrays[f"result{i}_class_ids"][row]
            ):
                continue
            ours, theirs = found["masks"][..., other], masks[..., row]
            union = (ours | theirs).sum()
            good += union == 0 or (ours & theirs).sum() / union >= 0.99
        assert good / len(match) >= 0.98
        assert found["rois"].dtype == np.int32
        assert found["class_ids"].dtype == np.int32
        assert found["scores"].dtype == np.float32
        assert found["masks"].dtype == bool
        assert compute_overlaps(found["rois"], rois).max(axis=0).min() > 0.9


def test_any_number_of_images_of_any_kind(case):
    arrays, model, _ = case
    picture = images(arrays)[0]
    grey = picture.mean(axis=2).astype(np.uint8)
    alpha = np.dstack([picture, np.full_like(grey, 255)])
    small = np.ascontiguousarray(picture[:40, :77])
    assert model.detect([]) == []
    found = model.detect([picture, grey, alpha, small, picture])
    assert [f["masks"].shape[:2] for f in found] == [
        image.shape[:2] for image in (picture, grey, alpha, small, picture)
    ]
    for key in ("rois", "class_ids", "masks"):
        np.testing.assert_array_equal(found[0][key], found[2][key])
        np.testing.assert_array_equal(found[0][key], found[4][key])
