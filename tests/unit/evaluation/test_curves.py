"""Precision and recall against the score: by hand, and against COCO's AP50."""

import numpy as np
import pytest

from mrcnn.evaluation.annotations import annotate_images
from mrcnn.evaluation.coco import coco_numbers
from mrcnn.evaluation.curves import Point, score_curves
from mrcnn.evaluation.matching import overlaps_by_image
from tests.unit.evaluation.scenes import overlaps, random_scene

A, B, C = (0, 0, 50, 50), (60, 60, 110, 110), (0, 100, 20, 120)


def test_by_hand():
    # Three remotes. At 0.9: A, right. At 0.8: B, right, and one beside, wrong.
    # At 0.2: one more wrong. C is never found.
    beside = (80, 0, 110, 30)
    images = overlaps(
        (
            [(A, 1), (B, 1), (C, 1)],
            [(A, 1, 0.9), (B, 1, 0.8), (beside, 1, 0.8), (beside, 1, 0.2)],
        )
    )
    _, curve, battery = score_curves(images, 3)
    assert curve.num_objects == 3
    np.testing.assert_allclose(curve.thresholds, [0.9, 0.8, 0.2])
    np.testing.assert_allclose(curve.precisions, [1 / 1, 2 / 3, 2 / 4])
    np.testing.assert_allclose(curve.recalls, [1 / 3, 2 / 3, 2 / 3])
    # 2 * right / (found + objects)
    np.testing.assert_allclose(curve.f1s, [2 / 4, 4 / 6, 4 / 7])
    assert curve.best == Point(pytest.approx(0.8), 2 / 3, 2 / 3, 2 / 3)
    assert curve.at(0.9).recall == 1 / 3
    assert curve.at(0.85) == Point(0.85, 1.0, 1 / 3, 0.5)
    assert curve.at(0.0).precision == 0.5
    # Above every score nothing is found, which has no precision.
    assert curve.at(0.95) == Point(0.95, None, 0.0, 0.0)
    assert battery.num_objects == len(battery.thresholds) == 0
    assert battery.best is None
    assert battery.at(0.5) == Point(0.5, None, None, None)


def test_the_highest_of_equally_good_thresholds_is_best():
    # One object of two at 0.9: F1 = 2 / 3. Both, and two wrong, at 0.5: 4 / 6.
    wrong = (80, 0, 110, 30)
    rows = [(A, 1, 0.9), (B, 1, 0.5), (wrong, 1, 0.5), (wrong, 1, 0.5)]
    curve = score_curves(overlaps(([(A, 1), (B, 1)], rows)), 2)[1]
    np.testing.assert_allclose(curve.f1s, [2 / 3, 2 / 3])
    assert curve.best.threshold == pytest.approx(0.9)


def test_a_class_that_is_found_and_not_there():
    curve = score_curves(overlaps(([], [(A, 1, 0.9)])), 2)[1]
    assert curve.best is None
    assert curve.at(0.5) == Point(0.5, 0.0, None, 0.0)
    assert curve.recalls.tolist() == [0]


def test_all_classes_together_add_up():
    images = overlaps(([(A, 1), (B, 2)], [(A, 1, 0.9), (B, 1, 0.8), (C, 2, 0.7)]))
    together, *classes = score_curves(images, 4)
    assert together.num_objects == 2
    assert together.num_found.tolist() == [1, 2, 3]
    assert together.num_right.tolist() == [1, 1, 1]
    assert sum(curve.num_objects for curve in classes) == 2


def test_without_images():
    assert [curve.num_objects for curve in score_curves([], 3)] == [0, 0, 0]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(("name", "iou_threshold"), [("AP50", 0.5), ("AP75", 0.75)])
def test_area_under_the_curve_is_cocos(seed, name, iou_threshold):
    rng = np.random.default_rng(seed)
    # Different scores: COCO counts equal ones one after another.
    dataset, found = random_scene(rng, score=rng.random)
    annotations = annotate_images(dataset, dataset.image_ids, found)
    numbers = coco_numbers(annotations)["per_class"]
    curves = score_curves(
        overlaps_by_image(annotations), 4, iou_threshold=iou_threshold
    )
    for curve, of_class in zip(curves[1:], numbers.values(), strict=True):
        # COCO: the mean over recalls 0, 0.01 ... 1 of the best precision there or on.
        best = [
            max(curve.precisions[curve.recalls >= recall], default=0)
            for recall in np.linspace(0, 1, 101)
        ]
        expected = np.mean(best) if curve.num_objects else None
        assert of_class["segm"][name] == pytest.approx(expected, abs=1e-9)
