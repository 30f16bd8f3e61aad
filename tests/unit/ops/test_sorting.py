"""The highest numbers of a row."""

import numpy as np
from keras import ops

from mrcnn.ops.sorting import top_k


def test_of_equal_ones_the_first_comes_first(rng):
    # Many rows of few different numbers, long enough that no sort is by insertion.
    values = rng.integers(0, 20, (3, 5000)).astype(np.float32)
    highest, indices = top_k(ops.convert_to_tensor(values), 1200)
    expected = np.argsort(-values, axis=1, kind="stable")[:, :1200]
    np.testing.assert_array_equal(ops.convert_to_numpy(indices), expected)
    np.testing.assert_array_equal(
        ops.convert_to_numpy(highest), np.take_along_axis(values, expected, axis=1)
    )
    assert ops.convert_to_numpy(indices).dtype == np.int32
