"""Second-stage targets: sampling, deltas and masks."""

import keras
import numpy as np
import pytest
from keras import ops

from mrcnn.geometry.boxes import box_refinement
from mrcnn.network.targets import DetectionTargetLayer, detection_targets

STD_DEV = np.array([0.1, 0.1, 0.2, 0.2], np.float32)
# One object in the left half, one in the lower right corner.
GT_BOXES = np.array(
    [[[0.1, 0.1, 0.5, 0.4], [0.6, 0.6, 0.9, 1.0], [0, 0, 0, 0]]], np.float32
)
GT_IDS = np.array([[3, 1, 0]], np.int32)


def targets(
    rois, gt_ids=GT_IDS, gt_boxes=GT_BOXES, gt_masks=None, valid=None, **kwargs
):
    rois = np.asarray(rois, np.float32)[None]
    if valid is None:
        valid = np.ones(rois.shape[:2], np.uint8)
    if gt_masks is None:
        gt_masks = np.ones((1, 56, 56, gt_ids.shape[1]), np.uint8)
    settings = {
        "num_rois": 12,
        "positive_ratio": 0.33,
        "mask_size": 28,
        "use_mini_mask": True,
        "std_dev": STD_DEV,
        "seed": keras.random.SeedGenerator(0),
        **kwargs,
    }
    arrays = map(ops.array, (rois, valid, gt_ids, gt_boxes, gt_masks))
    result = detection_targets(*arrays, **settings)
    return type(result)(*(ops.convert_to_numpy(value)[0] for value in result))


def around(box, count, rng, shift=0.01):
    return box + rng.uniform(-shift, shift, (count, 4))


def test_positive_rois_get_class_and_deltas_of_their_object(rng):
    rois = np.concatenate(
        [
            around(GT_BOXES[0, 0], 2, rng),
            around(GT_BOXES[0, 1], 1, rng),
            rng.uniform(0, 0.05, (8, 2)) @ np.eye(2, 4) + [[0, 0, 0.06, 0.06]],
        ]
    )
    found = targets(rois)
    # int(12 * 0.33) = 3 positive slots, all used; 3 / 0.33 = 9.09, so 6 negatives.
    assert found.positive.tolist() == [1, 1, 1]
    assert sorted(found.class_ids[:3]) == [1, 3, 3]
    assert not found.class_ids[3:].any()
    assert (found.rois[3:].any(axis=1)).sum() == 6
    for slot in range(3):
        gt = GT_BOXES[0, 0] if found.class_ids[slot] == 3 else GT_BOXES[0, 1]
        expected = box_refinement(found.rois[slot][None], gt[None])[0] / STD_DEV
        np.testing.assert_allclose(found.bbox[slot], expected, atol=1e-4)


def test_no_positive_roi_still_gives_negatives(rng):
    rois = np.tile([[0.0, 0.5, 0.05, 0.6]], (9, 1)) + rng.uniform(0, 0.01, (9, 4))
    found = targets(rois)
    assert not found.positive.any()
    assert (found.rois.any(axis=1)).sum() == 9  # 12 - 3 slots, as many as there are
    assert np.isfinite(found.bbox).all()


def test_image_without_objects(rng):
    none = np.zeros((1, 3), np.int32)
    rois = around(GT_BOXES[0, 0], 5, rng)
    found = targets(rois, gt_ids=none, gt_boxes=np.zeros((1, 3, 4), np.float32))
    assert not found.positive.any()
    assert (found.rois.any(axis=1)).sum() == 5


def test_crowds_are_neither_object_nor_background(rng):
    crowd = np.array([[-3, 1, 0]], np.int32)
    found = targets(around(GT_BOXES[0, 0], 4, rng), gt_ids=crowd)
    assert not found.positive.any()
    assert not found.rois.any()


def test_padding_is_never_sampled(rng):
    rois = around(GT_BOXES[0, 0], 4, rng)
    found = targets(rois, valid=np.array([[0, 1, 0, 0]], np.uint8))
    assert found.positive.sum() == 1
    np.testing.assert_allclose(found.rois[0], rois[1], atol=1e-6)


@pytest.mark.parametrize("use_mini_mask", [True, False])
def test_mask_targets_are_the_object_inside_the_roi(use_mini_mask):
    # The object is the upper half of its box; the ROI is the box itself.
    box = np.array([[[0.25, 0.25, 0.75, 0.75]]], np.float32)
    if use_mini_mask:
        mask = np.zeros((1, 56, 56, 1), np.uint8)
        mask[:, :28] = 1
    else:
        mask = np.zeros((1, 101, 101, 1), np.uint8)
        mask[:, 25:50, 25:76] = 1
    found = targets(
        box[0],
        gt_ids=np.array([[1]], np.int32),
        gt_boxes=box,
        gt_masks=mask,
        use_mini_mask=use_mini_mask,
    )
    expected = np.zeros((28, 28))
    expected[:14] = 1
    # The last sample lies on the edge: 27 steps of 55 / 27 round to beyond 55, and
    # still count as inside.
    assert found.masks[0].tolist() == expected.tolist()


def test_fewer_rois_than_slots(rng):
    found = targets(around(GT_BOXES[0, 0], 1, rng))
    assert found.positive.tolist() == [1, 0, 0]
    assert found.rois.shape == (12, 4)


def test_layer_keeps_its_arguments():
    arguments = {
        "num_rois": 7,
        "positive_ratio": 0.5,
        "mask_size": 14,
        "use_mini_mask": False,
        "std_dev": [0.2, 0.2, 0.3, 0.3],
        "seed": 5,
    }
    layer = DetectionTargetLayer(**arguments)
    again = DetectionTargetLayer.from_config(layer.get_config())
    for name, value in arguments.items():
        assert getattr(again, name) == value
