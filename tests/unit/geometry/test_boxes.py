"""Box arithmetic: hand-made cases, round trips, degenerate boxes."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mrcnn.geometry.boxes import (
    apply_box_deltas,
    box_refinement,
    clip_boxes,
    compute_iou,
    compute_overlaps,
    denorm_boxes,
    non_max_suppression,
    norm_boxes,
    trim_zeros,
)

COORDINATE = st.integers(0, 900)
SIDE = st.integers(1, 500)
BOX = st.tuples(COORDINATE, COORDINATE, SIDE, SIDE).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)
BOXES = st.lists(BOX, min_size=1, max_size=12)


def read_only(rows):
    array = np.array(rows, np.float32).reshape(-1, 4)
    array.flags.writeable = False
    return array


def test_deltas_by_hand():
    # Centre (5, 5) to (8, 15) of a 10 x 10 box: 0.3 and 1; sizes 10 -> 20 and 5.
    deltas = box_refinement(read_only([0, 0, 10, 10]), read_only([-2, 12.5, 18, 17.5]))
    np.testing.assert_allclose(deltas, [[0.3, 1, np.log(2), np.log(0.5)]], rtol=1e-6)
    assert deltas.dtype == np.float32


@given(BOXES, st.data())
def test_deltas_lead_to_the_other_box(boxes, data):
    targets = data.draw(st.lists(BOX, min_size=len(boxes), max_size=len(boxes)))
    boxes, targets = read_only(boxes), read_only(targets)
    moved = apply_box_deltas(boxes, box_refinement(boxes, targets))
    np.testing.assert_allclose(moved, targets, atol=0.05)


def test_zero_deltas_move_nothing():
    boxes = read_only([[1, 2, 30, 40], [0, 0, 1, 1]])
    np.testing.assert_array_equal(apply_box_deltas(boxes, np.zeros((2, 4))), boxes)


def test_no_boxes():
    none = read_only([])
    assert box_refinement(none, none).shape == (0, 4)
    assert apply_box_deltas(none, none).shape == (0, 4)
    assert compute_overlaps(none, read_only([[0, 0, 1, 1]])).shape == (0, 1)
    assert compute_overlaps(read_only([[0, 0, 1, 1]]), none).shape == (1, 0)
    assert non_max_suppression(none, np.zeros(0), 0.5).shape == (0,)
    assert norm_boxes(none, (10, 10)).shape == (0, 4)
    assert denorm_boxes(none, (10, 10)).shape == (0, 4)
    assert trim_zeros(none).shape == (0, 4)


def test_clip_boxes():
    boxes = np.array([[-5, -5, 5, 5], [2, 2, 50, 60], [90, 90, 95, 95]])
    boxes.flags.writeable = False
    clipped = clip_boxes(boxes, np.array([0, 1, 20, 30]))
    np.testing.assert_array_equal(
        clipped, [[0, 1, 5, 5], [2, 2, 20, 30], [20, 30, 20, 30]]
    )
    assert clipped.dtype == boxes.dtype


def test_the_whole_image_normalises_to_one():
    np.testing.assert_array_equal(
        norm_boxes(np.array([[0, 0, 97, 150]]), (97, 150, 3)), [[0, 0, 1, 1]]
    )
    # (10 - 0) / 96, (30 - 0) / 149, (49 - 1) / 96, (150 - 1) / 149
    np.testing.assert_allclose(
        norm_boxes(np.array([[10, 30, 49, 150]]), (97, 150)),
        [[10 / 96, 30 / 149, 48 / 96, 1]],
        rtol=1e-6,
    )


@given(BOXES, st.integers(2, 2000), st.integers(2, 2000))
def test_normalising_and_back(boxes, height, width):
    boxes = np.array(boxes)
    back = denorm_boxes(norm_boxes(boxes, (height, width)), (height, width))
    np.testing.assert_array_equal(back, boxes)
    assert back.dtype == np.int32


def test_denorm_rounds_half_to_even():
    # 0.05 * 10 = 0.5 -> 0 and 0.15 * 10 = 1.5 -> 2; the far corner a pixel more
    np.testing.assert_array_equal(
        denorm_boxes(np.array([[0.05, 0.15, 0.05, 0.15]]), (11, 11)), [[0, 2, 2, 2]]
    )


def test_overlaps_by_hand():
    # 10 x 10 and the same 5 to the right: 50 shared of 150. Touching edges: nothing.
    boxes = read_only([[0, 0, 10, 10], [0, 5, 10, 15], [0, 10, 10, 20]])
    expected = np.array([[1, 1 / 3, 0], [1 / 3, 1, 1 / 3], [0, 1 / 3, 1]])
    np.testing.assert_allclose(compute_overlaps(boxes, boxes), expected, rtol=1e-6)
    areas = np.full(3, 100.0)
    np.testing.assert_allclose(
        compute_iou(boxes[0], boxes, 100.0, areas), expected[0], rtol=1e-6
    )


def test_boxes_without_area_overlap_nothing():
    boxes = read_only([[5, 5, 5, 5], [0, 0, 10, 10], [3, 8, 9, 8]])
    overlaps = compute_overlaps(boxes, boxes)
    np.testing.assert_array_equal(overlaps, np.diag([0, 1, 0]))


@given(BOXES, BOXES)
def test_overlaps_are_symmetric_and_in_range(boxes1, boxes2):
    overlaps = compute_overlaps(boxes1, boxes2)
    np.testing.assert_array_equal(overlaps, compute_overlaps(boxes2, boxes1).T)
    assert (overlaps >= 0).all() and (overlaps <= 1).all()


@settings(max_examples=30)
@given(BOXES, BOXES)
def test_one_with_many_is_a_row_of_all_with_all(boxes1, boxes2):
    boxes1, boxes2 = read_only(boxes1), read_only(boxes2)
    area1, area2 = ((b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1]) for b in (boxes1, boxes2))
    for i, box in enumerate(boxes1):
        row = compute_iou(box, boxes2, area1[i], area2)
        np.testing.assert_allclose(row, compute_overlaps(boxes1, boxes2)[i], rtol=1e-6)


def test_suppression_by_hand():
    # 1 overlaps 0 by 90 / 110 = 0.82 and yields; 2 overlaps 0 by 1/3; 3 stands apart.
    boxes = read_only(
        [[0, 0, 10, 10], [0, 1, 10, 11], [0, 5, 10, 15], [50, 50, 60, 60]]
    )
    scores = np.array([0.9, 0.8, 0.7, 0.95])
    kept = non_max_suppression(boxes, scores, 0.5)
    assert kept.tolist() == [3, 0, 2] and kept.dtype == np.int32
    # 2 yields as well; at exactly the threshold a box stays
    assert non_max_suppression(boxes, scores, 0.3).tolist() == [3, 0]
    twins = read_only([[0, 0, 10, 10], [0, 0, 10, 5]])
    assert non_max_suppression(twins, np.array([1, 0.5]), 0.5).tolist() == [0, 1]


def test_suppression_of_equal_scores_keeps_the_first():
    boxes = read_only([[0, 0, 10, 10]] * 3)
    assert non_max_suppression(boxes, np.ones(3), 0.5).tolist() == [0]


@given(BOXES, st.floats(0.05, 0.95), st.randoms(use_true_random=False))
def test_what_suppression_keeps_and_drops(boxes, threshold, random):
    boxes = read_only(boxes)
    scores = np.array([random.random() for _ in boxes])
    kept = non_max_suppression(boxes, scores, threshold)
    overlaps = compute_overlaps(boxes, boxes)
    assert (np.diff(scores[kept]) <= 0).all()
    among_kept = overlaps[np.ix_(kept, kept)] - np.eye(len(kept))
    assert (among_kept <= threshold + 1e-6).all()
    for dropped in set(range(len(boxes))) - set(kept.tolist()):
        better = kept[scores[kept] >= scores[dropped]]
        assert (overlaps[dropped, better] > threshold - 1e-6).any()


def test_trim_zeros_keeps_the_order_of_what_is_left():
    boxes = read_only([[1, 2, 3, 4], [0, 0, 0, 0], [0, 0, 5, 5], [0, 0, 0, 0]])
    np.testing.assert_array_equal(trim_zeros(boxes), boxes[[0, 2]])
