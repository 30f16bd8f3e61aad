"""Random ROIs: where they lie, and that they never end in a loop."""

import numpy as np
import pytest

from mrcnn.training.random_rois import generate_random_rois

SHAPE = (60, 80, 3)


def rois_for(boxes, count=200, shape=SHAPE, seed=0):
    boxes = np.array(boxes, np.int32).reshape(-1, 4)
    boxes.flags.writeable = False
    class_ids = np.ones(len(boxes), np.int32)
    rng = np.random.default_rng(seed)
    return generate_random_rois(shape, count, class_ids, boxes, rng)


@pytest.mark.parametrize(
    "boxes",
    [
        [],
        [[10, 20, 20, 40]],
        [[10, 20, 20, 40], [0, 0, 60, 80]],
        [[59, 79, 60, 80]],
        [[0, 0, 1, 1]] * 300,
    ],
    ids=["none", "one", "two", "last pixel", "more than the count"],
)
def test_count_and_bounds(boxes):
    rois = rois_for(boxes)
    assert rois.shape == (200, 4) and rois.dtype == np.int32
    assert (rois[:, :2] >= 0).all() and (rois[:, 2:] <= (60, 80)).all()
    assert (rois[:, 2:] > rois[:, :2]).all()


def test_nine_in_ten_lie_around_the_object():
    # The box enlarged by its own height 10 and width 20 to all sides.
    rois = rois_for([[10, 20, 20, 40]])
    around = (rois[:, :2] >= (0, 0)).all(1) & (rois[:, 2:] <= (30, 60)).all(1)
    assert around[:180].all()
    assert not around[180:].all()
    # They reach every edge of it.
    assert rois[:180].min(axis=0)[:2].tolist() == [0, 0]
    assert rois[:180].max(axis=0)[2:].tolist() == [30, 60]


def test_an_image_of_one_pixel():
    assert (rois_for([[0, 0, 1, 1]], shape=(1, 1, 3)) == [0, 0, 1, 1]).all()


def test_the_generator_decides():
    box = [[10, 20, 20, 40]]
    np.testing.assert_array_equal(rois_for(box, seed=4), rois_for(box, seed=4))
    assert (rois_for(box, seed=4) != rois_for(box, seed=5)).any()
