"""batch_slice against a function of the whole batch."""

import keras
import numpy as np
import pytest

from mrcnn import utils
from mrcnn.ops.boxes import apply_box_deltas, box_refinement, compute_overlaps


@pytest.fixture
def boxes(rng):
    corner = rng.uniform(0, 50, (3, 5, 2))
    return np.concatenate([corner, corner + rng.uniform(1, 40, (3, 5, 2))], 2).astype(
        np.float32
    )


def test_one_output(boxes):
    tensors = [keras.ops.convert_to_tensor(boxes), keras.ops.convert_to_tensor(boxes)]
    sliced = utils.batch_slice(tensors, compute_overlaps, 3, names=["overlaps"])
    np.testing.assert_allclose(sliced, compute_overlaps(*tensors), atol=1e-6)


def test_a_single_input_and_two_outputs(boxes):
    tensor = keras.ops.convert_to_tensor(boxes)
    twice, half = utils.batch_slice(tensor, lambda x: (x * 2, x[0] / 2), 3)
    np.testing.assert_array_equal(twice, boxes * 2)
    np.testing.assert_array_equal(half, boxes[:, 0] / 2)


def test_box_refinement_graph_is_inverted_by_apply_box_deltas(boxes):
    deltas = utils.box_refinement_graph(boxes[0], boxes[1])
    assert utils.box_refinement_graph is box_refinement
    back = apply_box_deltas(keras.ops.convert_to_tensor(boxes[0]), deltas)
    np.testing.assert_allclose(back, boxes[1], atol=1e-3)


def test_unknown_names_are_errors():
    with pytest.raises(AttributeError, match="no attribute 'batch_slices'"):
        _ = utils.batch_slices
