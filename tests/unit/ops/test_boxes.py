"""Box arithmetic on keras.ops against the NumPy functions of the same names."""

import keras
import numpy as np
import pytest

from mrcnn.geometry import boxes as geometry
from mrcnn.ops import boxes as ops_boxes


@pytest.fixture
def boxes(rng):
    corner = rng.uniform(0, 50, (20, 2))
    return np.concatenate([corner, corner + rng.uniform(1, 40, (20, 2))], 1).astype(
        np.float32
    )


def test_deltas_agree_with_numpy_and_invert(boxes, rng):
    target = boxes[rng.permutation(20)]
    deltas = ops_boxes.box_refinement(boxes, target)
    np.testing.assert_allclose(
        deltas, geometry.box_refinement(boxes, target), atol=1e-5
    )
    back = ops_boxes.apply_box_deltas(keras.ops.convert_to_tensor(boxes), deltas)
    np.testing.assert_allclose(back, target, atol=1e-3)


def test_clip_norm_denorm_agree_with_numpy(boxes):
    tensor = keras.ops.convert_to_tensor(boxes)
    window = np.array([5, 10, 40, 60], np.float32)
    np.testing.assert_array_equal(
        ops_boxes.clip_boxes(tensor, keras.ops.convert_to_tensor(window)),
        geometry.clip_boxes(boxes, window),
    )
    normalised = ops_boxes.norm_boxes(tensor, (97, 150))
    np.testing.assert_allclose(
        normalised, geometry.norm_boxes(boxes, (97, 150)), atol=1e-6
    )
    whole = np.floor(boxes)
    back = ops_boxes.denorm_boxes(ops_boxes.norm_boxes(whole, (97, 150)), (97, 150))
    np.testing.assert_array_equal(back, whole)


def test_overlaps_agree_with_numpy_per_image(boxes):
    batch = np.stack([boxes, boxes[::-1]])
    overlaps = keras.ops.convert_to_numpy(
        ops_boxes.compute_overlaps(
            keras.ops.convert_to_tensor(batch),
            keras.ops.convert_to_tensor(batch[:, :7]),
        )
    )
    assert overlaps.shape == (2, 20, 7)
    for image in range(2):
        np.testing.assert_allclose(
            overlaps[image],
            geometry.compute_overlaps(batch[image], batch[image, :7]),
            atol=1e-6,
        )


def test_deltas_that_overflow_make_a_box_that_can_be_clipped():
    box = np.array([[0.2, 0.2, 0.4, 0.4]], np.float32)
    deltas = np.array([[0.0, 0.0, 200.0, 0.0]], np.float32)
    window = np.array([0, 0, 1, 1], np.float32)
    moved = ops_boxes.apply_box_deltas(*map(keras.ops.convert_to_tensor, (box, deltas)))
    clipped = ops_boxes.clip_boxes(moved, keras.ops.convert_to_tensor(window))
    np.testing.assert_allclose(clipped, [[0, 0.2, 1, 0.4]], atol=1e-6)
    with np.errstate(over="ignore"):
        moved = geometry.apply_box_deltas(box, deltas)
    np.testing.assert_allclose(geometry.clip_boxes(moved, window), clipped, atol=1e-6)


def test_boxes_without_area_overlap_nothing():
    point = keras.ops.zeros((1, 4))
    assert float(ops_boxes.compute_overlaps(point, point)[0, 0]) == 0.0
