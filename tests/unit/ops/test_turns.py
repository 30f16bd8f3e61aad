"""Rows of a feature map, and their gradients, against sums by NumPy."""

import keras
import numpy as np
import pytest
from keras import ops

from mrcnn.ops.turns import add_rows, take_rows


def test_rows_and_the_map_itself(rng):
    features = rng.normal(size=(2, 3, 4, 5)).astype(np.float32)
    cells = np.array([[0, 23], [7, 7]], np.int32)
    rows, handed_on = take_rows(ops.convert_to_tensor(features), cells)
    expected = features.reshape(24, 5)[cells]
    np.testing.assert_array_equal(ops.convert_to_numpy(rows), expected)
    np.testing.assert_array_equal(ops.convert_to_numpy(handed_on), features)


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="takes TensorFlow's gradients"
)
def test_gradients_of_all_readers_add_up(rng):
    import tensorflow as tf

    features = tf.convert_to_tensor(rng.normal(size=(2, 30, 40, 5)), tf.float32)
    reads = [rng.integers(0, 2400, shape).astype(np.int32) for shape in (9000, (7, 3))]
    upstream = [
        rng.normal(size=(*cells.shape, 5)).astype(np.float32) for cells in reads
    ]

    @tf.function
    def gradient():
        with tf.GradientTape() as tape:
            tape.watch(features)
            handed_on, loss = features, 0.0
            for cells, by_rows in zip(reads, upstream, strict=True):
                rows, handed_on = take_rows(handed_on, cells)
                loss += tf.reduce_sum(rows * by_rows)
            loss += tf.reduce_sum(3.0 * handed_on)
        return tape.gradient(loss, features)

    expected = np.full((2400, 5), 3.0)
    for cells, by_rows in zip(reads, upstream, strict=True):
        np.add.at(expected, cells.ravel(), by_rows.reshape(-1, 5))
    np.testing.assert_allclose(
        gradient(), expected.reshape(features.shape), rtol=1e-4, atol=1e-4
    )


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="a function of TensorFlow's"
)
def test_add_rows_leaves_what_others_need(rng):
    import tensorflow as tf

    features = tf.ones((1, 2, 2, 3))
    added = add_rows(features, tf.constant([3]), tf.fill([1, 3], 4.0))
    np.testing.assert_array_equal(features, np.ones((1, 2, 2, 3)))
    np.testing.assert_array_equal(added[0, 1, 1], [5.0, 5.0, 5.0])
