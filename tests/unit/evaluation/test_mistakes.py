"""Which mistakes come first."""

import pytest

from mrcnn.evaluation.mistakes import KINDS, Mistake, worst_mistakes
from tests.unit.evaluation.scenes import overlaps

A, B, C, D = (0, 0, 50, 50), (60, 60, 110, 110), (0, 100, 20, 120), (80, 0, 110, 30)
IMAGES = overlaps(
    (
        [(A, 1), (B, 2), (C, 1), (D, -1)],
        # A well, B as a remote, something on nothing, D's crowd, an unsure one.
        [
            ((0, 0, 50, 45), 1, 0.8),
            (B, 1, 0.7),
            ((0, 60, 40, 90), 2, 0.9),
            (D, 1, 0.95),
            (C, 1, 0.1),
        ],
    ),
    # A by its left 60 %, B missed: larger than C.
    ([(A, 1), (B, 2)], [((0, 0, 50, 30), 1, 0.6)]),
)


def test_by_hand():
    worst = worst_mistakes(IMAGES)
    assert tuple(worst) == KINDS
    # The surest first: one on nothing, then the wrong class.
    assert worst["false_positive"] == [
        Mistake("false_positive", 0, found=2, object=None, overlap=0.0),
        Mistake("false_positive", 0, found=1, object=1, overlap=1.0),
    ]
    # The largest first; B of the first image was found, as another class.
    assert worst["false_negative"] == [
        Mistake("false_negative", 1, found=None, object=1, overlap=0.0),
        Mistake("false_negative", 0, found=None, object=2, overlap=0.0),
    ]
    assert worst["mask_error"] == [
        Mistake("mask_error", 1, found=0, object=0, overlap=pytest.approx(0.6)),
        Mistake("mask_error", 0, found=0, object=0, overlap=pytest.approx(0.9)),
    ]


def test_overlap_of_what_fits_no_object_that_is_left():
    # Found twice; the second lies on A by 50 * 45 of 50 * 50 pixels.
    twice = overlaps(([(A, 1)], [(A, 1, 0.9), ((0, 0, 50, 45), 1, 0.8)]))
    (mistake,) = worst_mistakes(twice)["false_positive"]
    assert (mistake.found, mistake.object) == (1, None)
    assert mistake.overlap == pytest.approx(0.9)


def test_limit():
    worst = worst_mistakes(IMAGES, limit=1)
    assert [len(of_kind) for of_kind in worst.values()] == [1, 1, 1]
    assert worst["mask_error"][0].position == 1


def test_without_mistakes():
    assert worst_mistakes([]) == {kind: [] for kind in KINDS}
    perfect = worst_mistakes(overlaps(([(A, 1)], [(A, 1, 0.9)])))
    assert [len(of_kind) for of_kind in perfect.values()] == [0, 0, 1]
