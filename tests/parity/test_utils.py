"""`mrcnn.utils` and molding against the original's stored numbers, bit for bit."""

import json
from pathlib import Path

import numpy as np
import pytest

from mrcnn import utils
from mrcnn.geometry.anchors import feature_shapes
from mrcnn.geometry.molding import compose_image_meta, mold_image

GOLDEN = Path(__file__).resolve().parent.parent / "golden"
UNMOLD_BOX = (10, 20, 71, 95)


def load(name):
    with np.load(GOLDEN / name) as arrays:
        return {key: arrays[key] for key in arrays.files}


@pytest.fixture(scope="module")
def golden():
    return load("utils.npz")


@pytest.fixture(scope="module", params=["tiny", "resnet101"])
def detection(request):
    return load(f"detect_{request.param}.npz")


def filled(boxes, image_hw=(97, 150)):
    masks = np.zeros((*image_hw, len(boxes)), bool)
    for i, (y1, x1, y2, x2) in enumerate(boxes):
        masks[y1:y2, x1:x2, i] = True
    return masks


def ap_arguments(golden):
    return (
        golden["ap_gt_boxes"],
        golden["ap_gt_ids"],
        filled(golden["ap_gt_boxes"]),
        golden["ap_pred_boxes"],
        golden["ap_pred_ids"],
        golden["ap_pred_scores"],
        filled(golden["ap_pred_boxes"]),
    )


@pytest.mark.parametrize("mode", ["square", "pad64", "none"])
def test_resize(golden, mode):
    def stored(name):
        return golden[f"resize_{mode}_{name}"]

    settings = json.loads(str(stored("args")))
    image, window, scale, padding, crop = utils.resize_image(
        golden["image"], mode=mode, **settings
    )
    mask = utils.resize_mask(golden["mask"], scale, padding, crop)
    assert image.dtype == np.uint8 and mask.dtype == bool
    np.testing.assert_array_equal(image, stored("image"))
    np.testing.assert_array_equal(mask, stored("mask"))
    np.testing.assert_array_equal(window, stored("window"))
    np.testing.assert_array_equal(padding, stored("padding"))
    assert scale == stored("scale") and crop is None


def test_masks(golden):
    boxes = utils.extract_bboxes(golden["mask"])
    np.testing.assert_array_equal(boxes, golden["bboxes"])
    mini_mask = utils.minimize_mask(boxes, golden["mask"], (28, 28))
    np.testing.assert_array_equal(mini_mask, golden["mini_mask"])
    expanded = utils.expand_mask(boxes, mini_mask, golden["image"].shape)
    np.testing.assert_array_equal(expanded, golden["expanded_mask"])


def test_unmold_mask(golden):
    pasted = utils.unmold_mask(
        golden["unmold_in"], np.array(UNMOLD_BOX), golden["image"].shape
    )
    np.testing.assert_array_equal(pasted, golden["unmold_out"])


def test_anchors(golden):
    strides = [4, 8, 16, 32, 64]
    anchors = utils.generate_pyramid_anchors(
        (8, 16, 32, 64, 128),
        [0.5, 1, 2],
        feature_shapes((64, 64), strides),
        strides,
        1,
    )
    np.testing.assert_allclose(anchors, golden["pyramid_anchors_64"], atol=1e-6)


def test_average_precision(golden):
    ap, precisions, recalls, overlaps = utils.compute_ap(*ap_arguments(golden))
    assert ap == pytest.approx(float(golden["ap"]), abs=1e-9)
    np.testing.assert_allclose(precisions, golden["ap_precisions"], atol=1e-9)
    np.testing.assert_allclose(recalls, golden["ap_recalls"], atol=1e-9)
    np.testing.assert_allclose(overlaps, golden["ap_overlaps"], atol=1e-6)
    ap_range = utils.compute_ap_range(*ap_arguments(golden), verbose=0)
    assert ap_range == pytest.approx(float(golden["ap_range"]), abs=1e-9)


def test_boxes(golden):
    boxes = golden["ap_gt_boxes"]
    np.testing.assert_allclose(
        utils.box_refinement(boxes, boxes + 3), golden["box_deltas"], atol=1e-6
    )
    normalised = utils.norm_boxes(boxes, (97, 150))
    np.testing.assert_array_equal(normalised, golden["norm_boxes"])
    denormalised = utils.denorm_boxes(golden["norm_boxes"], (97, 150))
    np.testing.assert_array_equal(denormalised, golden["denorm_boxes"])
    # 4 overlaps 0 by 0.89 and goes, 3 by 0.17 and stays
    kept = utils.non_max_suppression(
        golden["ap_pred_boxes"], golden["ap_pred_scores"], 0.5
    )
    np.testing.assert_array_equal(kept, golden["nms_keep"])


def test_molded_images(detection):
    config = json.loads(str(detection["config"]))
    for i, molded in enumerate(detection["molded"]):
        image = detection[f"image{i}"]
        resized, window, scale, _, _ = utils.resize_image(
            image,
            min_dim=config["IMAGE_MIN_DIM"],
            max_dim=config["IMAGE_MAX_DIM"],
            min_scale=config["IMAGE_MIN_SCALE"],
            mode=config["IMAGE_RESIZE_MODE"],
        )
        np.testing.assert_array_equal(
            mold_image(resized, np.array(config["MEAN_PIXEL"])), molded
        )
        np.testing.assert_array_equal(window, detection["windows"][i])
        meta = compose_image_meta(
            0,
            image.shape,
            resized.shape,
            window,
            scale,
            np.zeros(config["NUM_CLASSES"], int),
        )
        np.testing.assert_array_equal(meta, detection["metas"][i])


def test_anchors_of_the_network(detection):
    config = json.loads(str(detection["config"]))
    shapes = feature_shapes(config["IMAGE_SHAPE"], config["BACKBONE_STRIDES"])
    anchors = utils.generate_pyramid_anchors(
        config["RPN_ANCHOR_SCALES"],
        config["RPN_ANCHOR_RATIOS"],
        shapes,
        config["BACKBONE_STRIDES"],
        config["RPN_ANCHOR_STRIDE"],
    )
    np.testing.assert_array_equal(anchors, detection["anchors_pixels"])
    normalised = utils.norm_boxes(anchors, config["IMAGE_SHAPE"][:2])
    np.testing.assert_array_equal(normalised, detection["anchors_normalized"])


def test_masks_of_detections(detection):
    # The same 28x28 masks, pasted into the boxes that `detect` returned.
    for i in range(len(detection["molded"])):
        shape = detection[f"result{i}_masks_shape"]
        expected = np.unpackbits(
            detection[f"result{i}_masks_packed"], count=int(np.prod(shape))
        ).reshape(shape)
        class_ids = detection[f"result{i}_class_ids"]
        for n, (box, class_id) in enumerate(
            zip(detection[f"result{i}_rois"], class_ids, strict=True)
        ):
            pasted = utils.unmold_mask(
                detection["mrcnn_mask"][i, n, :, :, class_id], box, shape
            )
            np.testing.assert_array_equal(pasted, expected[:, :, n])
