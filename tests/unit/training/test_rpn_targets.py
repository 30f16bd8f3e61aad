"""RPN targets against the rules written out anchor by anchor."""

import numpy as np
import pytest

from mrcnn.training.rpn_targets import AnchorTable, build_rpn_targets

STD_DEV = np.array([0.1, 0.1, 0.2, 0.2])


def targets(anchors, class_ids, boxes, num_anchors=256, std_dev=STD_DEV, seed=0):
    return build_rpn_targets(
        np.asarray(anchors, np.float64),
        np.asarray(class_ids, np.int32),
        np.asarray(boxes, np.int32).reshape(-1, 4),
        num_anchors=num_anchors,
        bbox_std_dev=std_dev,
        rng=np.random.default_rng(seed),
    )


def iou(a, b):
    height = max(min(a[2], b[2]) - max(a[0], b[0]), 0)
    width = max(min(a[3], b[3]) - max(a[1], b[1]), 0)
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    shared = height * width
    return shared / (union - shared) if shared else 0.0


def plain_match(anchors, class_ids, boxes):
    """The original's rules before sampling, one pair at a time."""
    objects = [b for b, c in zip(boxes, class_ids, strict=True) if c > 0]
    crowds = [b for b, c in zip(boxes, class_ids, strict=True) if c < 0]
    table = np.array([[iou(a, b) for b in objects] for a in anchors])
    table = table.reshape(len(anchors), len(objects))
    match = np.zeros(len(anchors), int)
    for i, anchor in enumerate(anchors):
        in_crowd = any(iou(anchor, c) >= 0.001 for c in crowds)
        if all(v < 0.3 for v in table[i]) and not in_crowd:
            match[i] = -1
    for j in range(len(objects)):
        for i in range(len(anchors)):
            if table[i, j] == table[:, j].max() > 0:
                match[i] = 1
    match[(table >= 0.7).any(axis=1)] = 1
    return match, table, objects


def grid_anchors(side=96, step=8, sizes=(10.3, 23.7, 51.1)):
    centers = np.arange(0, side, step)
    y, x, size = (g.ravel() for g in np.meshgrid(centers, centers, sizes))
    return np.stack([y - size / 2, x - size / 3, y + size / 2, x + size / 3], axis=1)


def random_boxes(rng, num, side=96):
    corner = rng.integers(0, side - 4, (num, 2))
    return np.concatenate([corner, corner + rng.integers(2, 45, (num, 2))], axis=1)


@pytest.mark.parametrize("seed", range(6))
def test_rules_and_deltas_match_the_plain_version(seed):
    rng = np.random.default_rng(seed)
    anchors, boxes = grid_anchors(), random_boxes(rng, 5)
    class_ids = np.array([1, 2, -1, 1, 3]) if seed % 2 else np.ones(5, int)
    # Sampling cannot bite: there are fewer anchors than places.
    match, deltas = targets(anchors, class_ids, boxes, num_anchors=2 * len(anchors))
    expected, table, objects = plain_match(anchors, class_ids, boxes)
    np.testing.assert_array_equal(match, expected)

    for row, i in zip(deltas, np.flatnonzero(match == 1), strict=False):
        a, b = anchors[i], objects[table[i].argmax()]
        (ah, aw), (bh, bw) = (a[2:] - a[:2]), (b[2:] - b[:2])
        dy = (b[0] + bh / 2 - a[0] - ah / 2) / ah
        dx = (b[1] + bw / 2 - a[1] - aw / 2) / aw
        wanted = np.array([dy, dx, np.log(bh / ah), np.log(bw / aw)]) / STD_DEV
        np.testing.assert_allclose(row, wanted, rtol=1e-4, atol=1e-4)
    assert not deltas[np.count_nonzero(match == 1) :].any()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_table_gives_what_its_anchors_give(dtype):
    rng = np.random.default_rng(0)
    anchors = rng.permutation(grid_anchors()).astype(dtype)  # in no order of area
    table = AnchorTable.of(anchors)
    for num in (0, 1, 7):
        boxes, class_ids = random_boxes(rng, num), rng.choice([1, 2, -1], num)
        one, other = (
            build_rpn_targets(
                given,
                class_ids,
                boxes,
                num_anchors=40,
                bbox_std_dev=STD_DEV,
                rng=np.random.default_rng(num),
            )
            for given in (anchors, table)
        )
        for first, second in zip(one, other, strict=True):
            np.testing.assert_array_equal(first, second)
        assert np.count_nonzero(one[0]) == 40


def test_a_case_by_hand():
    anchors = [[0, 0, 10, 10], [0, 0, 10, 20], [50, 50, 60, 60], [0, 3, 10, 13]]
    # Overlaps with the object (0, 0, 10, 10): 1; 100 / 200 = 0.5; 0;
    # 70 / (100 + 100 - 70) = 0.54. Half is neither positive nor negative.
    match, deltas = targets(anchors, [1], [[0, 0, 10, 10]])
    np.testing.assert_array_equal(match, [1, 0, -1, 0])
    assert match.dtype == np.int32 and deltas.dtype == np.float32
    # The anchor is the object: no shift, log 1 = 0.
    assert not deltas.any()


def test_every_best_anchor_of_an_object_is_positive_even_below_a_third():
    # Both anchors cover the object's 4 of their 100 pixels: overlap 0.04.
    anchors = [[0, 0, 10, 10], [0, 0, 10, 10], [20, 20, 30, 30]]
    match, _ = targets(anchors, [1], [[4, 4, 6, 6]])
    np.testing.assert_array_equal(match, [1, 1, -1])


def test_anchors_in_a_crowd_are_not_negative():
    anchors = [[0, 0, 10, 10], [0, 40, 10, 50], [40, 40, 50, 50]]
    # 4 pixels shared of 3200 + 100 - 4: 0.0012 >= 0.001 for the second anchor.
    crowd = [9, 0, 41, 100]
    match, _ = targets(anchors, [1, -1], [[0, 0, 10, 10], crowd])
    np.testing.assert_array_equal(match, [1, 0, 0])


def test_without_objects_negatives_are_still_sampled():
    anchors = grid_anchors()
    match, deltas = targets(anchors, [], [], num_anchors=20)
    assert np.count_nonzero(match == -1) == 20
    assert np.count_nonzero(match == 0) == len(anchors) - 20
    assert deltas.shape == (20, 4) and not deltas.any()


@pytest.mark.parametrize(
    "box", [[500, 500, 520, 520], [30, 30, 30, 40]], ids=["outside", "no area"]
)
def test_an_object_that_no_anchor_overlaps_makes_none_positive(box):
    match, deltas = targets(grid_anchors(), [1], [box])
    assert not (match == 1).any()
    assert np.count_nonzero(match == -1) == 256
    assert np.isfinite(deltas).all()


def test_sampling_keeps_half_positive_and_fills_with_negatives():
    anchors = np.concatenate([np.tile([[0, 0, 10, 10]], (30, 1)), grid_anchors()])
    class_ids, boxes = [1], [[0, 0, 10, 10]]
    first, _ = targets(anchors, class_ids, boxes, num_anchors=20, seed=1)
    assert np.count_nonzero(first == 1) == 10
    assert np.count_nonzero(first == -1) == 10
    again, _ = targets(anchors, class_ids, boxes, num_anchors=20, seed=1)
    other, _ = targets(anchors, class_ids, boxes, num_anchors=20, seed=2)
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_the_order_of_objects_does_not_matter():
    rng = np.random.default_rng(3)
    anchors, boxes = grid_anchors(), random_boxes(rng, 4)
    num = 2 * len(anchors)
    match, deltas = targets(anchors, [1] * 4, boxes, num_anchors=num)
    turned, turned_deltas = targets(anchors, [1] * 4, boxes[::-1], num_anchors=num)
    np.testing.assert_array_equal(match, turned)
    np.testing.assert_array_equal(deltas, turned_deltas)


def test_arguments_may_be_read_only():
    arrays = [grid_anchors(), np.array([1]), np.array([[5, 5, 30, 30]]), STD_DEV.copy()]
    for array in arrays:
        array.flags.writeable = False
    anchors, class_ids, boxes, std_dev = arrays
    match, _ = build_rpn_targets(
        anchors, class_ids, boxes, bbox_std_dev=std_dev, rng=np.random.default_rng(0)
    )
    assert (match == 1).any()
