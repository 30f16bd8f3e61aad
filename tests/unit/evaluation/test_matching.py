"""Which detection found which object: by hand, and against COCOeval's decisions."""

import contextlib
import io

import numpy as np
import pytest
from pycocotools.cocoeval import COCOeval

from mrcnn.evaluation import coco
from mrcnn.evaluation.annotations import annotate_images
from mrcnn.evaluation.matching import match, overlaps_by_image, pair
from tests.unit.evaluation.scenes import overlaps, random_scene

A, B = (0, 0, 50, 50), (60, 60, 110, 110)


def test_overlaps_by_hand():
    # 50 x 25 of A's 50 x 50: 1/2. A and the left half of it moved down by 25:
    # intersection 25 x 25 = 625, union 2500 + 1250 - 625 = 3125: 1/5.
    # B is a crowd: of the 20 x 20 detection, all lies in it.
    (image,) = overlaps(
        (
            [(A, 1), (B, -2)],
            [
                ((0, 0, 50, 25), 1, 0.9),
                ((25, 0, 75, 25), 1, 0.8),
                ((70, 70, 90, 90), 2, 0.7),
            ],
        )
    )
    np.testing.assert_allclose(image.overlaps, [[0.5, 0], [0.2, 0], [0, 1]])
    assert image.gt_class_ids.tolist() == [1, 2]
    assert image.gt_crowd.tolist() == [False, True]
    assert image.gt_areas.tolist() == [2500, 2500]


def test_the_surest_choose_first_and_take_the_nearest():
    near_a = (0, 0, 50, 45)
    (image,) = overlaps(
        ([(A, 1), (B, 1)], [(near_a, 1, 0.5), (A, 1, 0.6), (A, 1, 0.6), (B, 2, 0.9)])
    )
    assert match(image).object_of.tolist() == [-1, 0, -1, -1]
    assert match(image).missed.tolist() == [False, True]
    assert match(image, min_score=0.7).missed.tolist() == [True, True]
    # As another class, B is found as well.
    assert pair(image).object_of.tolist() == [-1, 0, -1, 1]
    assert not pair(image).missed.any()


def test_overlap_of_exactly_the_threshold_counts():
    (image,) = overlaps(([(A, 1)], [((0, 0, 50, 25), 1, 0.9)]))
    assert match(image, 0.5).object_of.tolist() == [0]
    assert match(image, 0.501).object_of.tolist() == [-1]


def test_crowds():
    inside = (70, 70, 90, 90)
    (image,) = overlaps(
        ([(B, -1)], [(inside, 1, 0.9), (inside, 2, 0.9), (inside, 1, 0.1)])
    )
    for decide in (match, pair):
        pairs = decide(image, min_score=0.2)
        assert pairs.object_of.tolist() == [-1, -1, -1]
        # Of its class it does not count, of another it is wrong.
        assert pairs.counts.tolist() == [False, True, False]
        assert pairs.missed.tolist() == [False]


@pytest.mark.parametrize("sides", [([], []), ([(A, 1)], []), ([], [(A, 1, 0.9)])])
def test_nothing_on_a_side(sides):
    (image,) = overlaps(sides)
    for decide in (match, pair):
        pairs = decide(image)
        assert (pairs.object_of == -1).all()
        assert pairs.counts.tolist() == [True] * len(sides[1])
        assert pairs.missed.tolist() == [True] * len(sides[0])
    assert overlaps() == []


def cocoeval_decisions(annotations, iou_threshold):
    """{(image, score, class): (found something, ignored)} of COCOeval itself."""
    with contextlib.redirect_stdout(io.StringIO()):
        evaluation = COCOeval(
            coco._index(annotations, annotations.truth),
            coco._index(annotations, annotations.found),
            "segm",
        )
        evaluation.params.iouThrs = np.array([iou_threshold])
        evaluation.params.areaRng = evaluation.params.areaRng[:1]
        evaluation.params.areaRngLbl = evaluation.params.areaRngLbl[:1]
        evaluation.evaluate()
    decisions = {}
    for of_class in filter(None, evaluation.evalImgs):
        for found_id, match_id, ignored in zip(
            of_class["dtIds"],
            of_class["dtMatches"][0],
            of_class["dtIgnore"][0],
            strict=True,
        ):
            decisions[found_id] = (match_id > 0 and not ignored, bool(ignored))
    return [decisions[i] for i in range(1, len(annotations.found) + 1)]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("iou_threshold", [0.5, 0.75])
def test_decides_as_cocoeval(seed, iou_threshold):
    dataset, found = random_scene(np.random.default_rng(seed))
    annotations = annotate_images(dataset, dataset.image_ids, found)
    decided = []
    for image in overlaps_by_image(annotations):
        pairs = match(image, iou_threshold)
        decided += zip(pairs.object_of >= 0, ~pairs.counts, strict=True)
    assert decided == cocoeval_decisions(annotations, iou_threshold)


@pytest.mark.parametrize("seed", range(4))
def test_less_sure_detections_change_nothing(seed):
    dataset, found = random_scene(np.random.default_rng(seed))
    for image in overlaps_by_image(annotate_images(dataset, dataset.image_ids, found)):
        every, sure = match(image), match(image, min_score=0.5)
        is_sure = image.scores >= 0.5
        assert (sure.object_of[is_sure] == every.object_of[is_sure]).all()
        assert (sure.counts == every.counts & is_sure).all()
