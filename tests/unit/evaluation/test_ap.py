"""The original's average precision, worked out by hand."""

import logging

import numpy as np
import pytest

from mrcnn.evaluation.ap import (
    compute_ap,
    compute_ap_range,
    compute_matches,
    compute_recall,
)

IMAGE_HW = (40, 40)


def objects(*boxes):
    """Return boxes and their filled masks."""
    boxes = np.array(boxes, np.int32).reshape(-1, 4)
    masks = np.zeros((*IMAGE_HW, len(boxes)), bool)
    for i, (y1, x1, y2, x2) in enumerate(boxes):
        masks[y1:y2, x1:x2, i] = True
    boxes.flags.writeable = masks.flags.writeable = False
    return boxes, masks


def arguments(truth, predictions):
    """Return the seven arguments from (box, class) and (box, class, score) rows."""
    gt_boxes, gt_masks = objects(*(box for box, _ in truth))
    pred_boxes, pred_masks = objects(*(box for box, _, _ in predictions))
    return (
        gt_boxes,
        np.array([class_id for _, class_id in truth], int),
        gt_masks,
        pred_boxes,
        np.array([class_id for _, class_id, _ in predictions], int),
        np.array([score for _, _, score in predictions], float),
        pred_masks,
    )


A, B, C = (0, 0, 10, 10), (0, 20, 10, 30), (20, 0, 30, 10)
A_LOW = (0, 0, 10, 6)  # overlaps A by 60 / 100


def test_matches_go_by_score():
    # Counted by score: A_LOW (0.9) takes A, B (0.8) takes B, A (0.1) comes too late.
    gt_match, pred_match, overlaps = compute_matches(
        *arguments([(A, 1), (B, 1)], [(A, 1, 0.1), (A_LOW, 1, 0.9), (B, 1, 0.8)])
    )
    assert gt_match.tolist() == [0, 1]
    assert pred_match.tolist() == [0, 1, -1]
    np.testing.assert_allclose(overlaps, [[0.6, 0], [0, 1], [1, 0]], rtol=1e-6)


def test_matches_need_the_class_and_the_overlap():
    truth = [(A, 1), (B, 2)]
    wrong_class = arguments(truth, [(A, 2, 0.9), (B, 1, 0.8)])
    assert compute_matches(*wrong_class)[1].tolist() == [-1, -1]
    low = arguments(truth, [(A_LOW, 1, 0.9)])
    assert compute_matches(*low, iou_threshold=0.6)[1].tolist() == [0]
    assert compute_matches(*low, iou_threshold=0.61)[1].tolist() == [-1]
    # the original's score_threshold is one of overlaps, too
    assert compute_matches(*low, score_threshold=0.61)[1].tolist() == [-1]


def test_matches_pass_over_a_better_overlap_of_another_class():
    # A (class 2) covers the prediction wholly, A_LOW (class 1) by 60 / 100.
    args = arguments([(A, 2), (A_LOW, 1)], [(A, 1, 0.9)])
    gt_match, pred_match, _ = compute_matches(*args)
    assert gt_match.tolist() == [-1, 0] and pred_match.tolist() == [1]


def test_padding_does_not_count():
    truth, predictions = [(A, 1), (B, 1)], [(B, 1, 0.5), (A, 1, 0.9)]
    args = arguments(truth, predictions)
    padded = arguments(
        [*truth, ((0,) * 4, 0)], [((0,) * 4, 0, 0.0), *predictions, ((0,) * 4, 0, 0.0)]
    )
    for plain, with_padding in zip(compute_ap(*args), compute_ap(*padded), strict=True):
        np.testing.assert_array_equal(plain, with_padding)


def test_ap_by_hand():
    # By score: hit (A), miss, hit (B), of three objects.
    # recall 1/3, 1/3, 2/3; precision 1, 1/2, 2/3, falling only: 1, 2/3, 2/3.
    # Area: 1/3 * 1 + 1/3 * 2/3 = 5/9, and the third object is never found.
    ap, precisions, recalls, overlaps = compute_ap(
        *arguments(
            [(A, 1), (B, 1), (C, 1)],
            [(A, 1, 0.9), ((30, 30, 40, 40), 1, 0.8), (B, 1, 0.7)],
        )
    )
    assert ap == pytest.approx(5 / 9)
    np.testing.assert_allclose(precisions, [1, 1, 2 / 3, 2 / 3, 0])
    np.testing.assert_allclose(recalls, [0, 1 / 3, 1 / 3, 2 / 3, 1], rtol=1e-6)
    assert overlaps.shape == (3, 3)


@pytest.mark.parametrize(
    ("truth", "predictions", "expected"),
    [
        ([(A, 1), (B, 2)], [(A, 1, 0.9), (B, 2, 0.8)], 1.0),
        ([(A, 1)], [], 0.0),
        ([], [(A, 1, 0.9)], 0.0),
        ([], [], 1.0),  # nothing to find, nothing found
    ],
)
def test_ap_at_the_ends(truth, predictions, expected):
    ap, precisions, recalls, overlaps = compute_ap(*arguments(truth, predictions))
    assert ap == expected
    assert np.isfinite(precisions).all() and np.isfinite(recalls).all()
    assert overlaps.shape == (len(predictions), len(truth))


def test_ap_does_not_depend_on_the_order_of_objects():
    truth = [(A, 1), (B, 2), (C, 1)]
    predictions = [(C, 1, 0.9), (A_LOW, 1, 0.8), (B, 1, 0.7)]
    expected = compute_ap(*arguments(truth, predictions))[0]
    assert compute_ap(*arguments(truth[::-1], predictions[::-1]))[0] == expected


def test_ap_range_by_hand(caplog):
    # The overlap is 170 / 250 = 0.68: found at 0.5, 0.55, 0.6 and 0.65, and not at
    # the six thresholds from 0.7 on.
    args = arguments([((0, 0, 10, 25), 1)], [((0, 0, 10, 17), 1, 0.9)])
    with caplog.at_level(logging.INFO, logger="mrcnn.evaluation.ap"):
        assert compute_ap_range(*args) == pytest.approx(4 / 10)
    assert caplog.messages[0] == "AP @0.50: 1.000"
    assert caplog.messages[-1] == "AP @0.50-0.95: 0.400"
    assert len(caplog.messages) == 11


def test_ap_range_is_quiet_and_takes_thresholds_as_an_array(caplog, capsys):
    args = arguments([((0, 0, 10, 25), 1)], [((0, 0, 10, 17), 1, 0.9)])
    with caplog.at_level(logging.INFO):
        value = compute_ap_range(*args, iou_thresholds=np.array([0.5, 0.75]), verbose=0)
    assert value == 0.5
    assert not caplog.messages and not capsys.readouterr().out


def test_recall_by_hand():
    # A is found twice, B not: A_LOW overlaps it by 0.6.
    gt_boxes, _ = objects(A, B)
    pred_boxes, _ = objects(C, A_LOW, A)
    recall, positive_ids = compute_recall(pred_boxes, gt_boxes, 0.5)
    assert recall == 0.5 and positive_ids.tolist() == [1, 2]
    assert compute_recall(pred_boxes, gt_boxes, 0.7)[1].tolist() == [2]


def test_recall_at_the_ends():
    some, none = objects(A)[0], objects()[0]
    assert compute_recall(none, some, 0.5)[0] == 0
    recall, positive_ids = compute_recall(some, none, 0.5)
    assert recall == 1 and not len(positive_ids)
