"""The confusion matrix: by hand, and what holds for every one."""

import numpy as np
import pytest

from mrcnn.evaluation.annotations import annotate_images
from mrcnn.evaluation.confusion import confusion_matrix
from mrcnn.evaluation.curves import score_curves
from mrcnn.evaluation.matching import overlaps_by_image
from tests.unit.evaluation.scenes import overlaps, random_scene

A, B, C, D = (0, 0, 50, 50), (60, 60, 110, 110), (0, 100, 20, 120), (80, 0, 110, 30)


def test_by_hand():
    # First image: two remotes (A, B) and a battery (C).
    #   A: found as a remote (0.9) and once more as a battery (0.8). The first is
    #      right; the second finds nothing that is left: a battery on background.
    #   B: found as a battery (0.85), half as large (overlap 1/2): remote -> battery.
    #   C: found as a battery, but with 0.3, under 0.5: battery -> background.
    # Second image: nothing there but a crowd of batteries (D); found in it a
    #   battery, which does not count, and a remote, on background, as is a "never".
    images = overlaps(
        (
            [(A, 1), (B, 1), (C, 2)],
            [
                (A, 1, 0.9),
                (A, 2, 0.8),
                ((60, 60, 110, 85), 2, 0.85),
                (C, 2, 0.3),
            ],
        ),
        (
            [(D, -2)],
            [((85, 5, 95, 15), 2, 0.9), ((85, 5, 95, 15), 1, 0.9), (A, 3, 0.5)],
        ),
    )
    assert confusion_matrix(images, 4).tolist() == [
        # found as BG, remote, battery, never; the object is
        [0, 1, 1, 1],  # nothing
        [0, 1, 1, 0],  # a remote
        [1, 0, 0, 0],  # a battery
        [0, 0, 0, 0],  # never
    ]
    # With a least score of 0.3 the battery C is found ...
    assert confusion_matrix(images, 4, min_score=0.3)[2].tolist() == [0, 0, 1, 0]
    # ... and with a least overlap of 0.6 B is missed, and its battery false.
    strict = confusion_matrix(images, 4, iou_threshold=0.6)
    assert strict[:3].tolist() == [[0, 1, 2, 1], [1, 1, 0, 0], [1, 0, 0, 0]]


def test_without_anything():
    assert confusion_matrix([], 2).tolist() == [[0, 0], [0, 0]]
    assert confusion_matrix(overlaps(([], [])), 2).tolist() == [[0, 0], [0, 0]]
    assert confusion_matrix(overlaps(([(A, 1)], [])), 2).tolist() == [[0, 0], [1, 0]]


@pytest.mark.parametrize("seed", range(8))
def test_sums_are_the_objects_the_detections_and_the_curves(seed):
    rng = np.random.default_rng(seed)
    dataset, found = random_scene(rng)
    images = overlaps_by_image(annotate_images(dataset, dataset.image_ids, found))
    matrix = confusion_matrix(images, 4, min_score=0.4)
    true_classes = [class_id for rows in dataset.images for _, class_id in rows]
    assert matrix[1:].sum(axis=1).tolist() == [true_classes.count(k) for k in (1, 2, 3)]
    for class_id, curve in enumerate(score_curves(images, 4)):
        if class_id:
            point = curve.at(0.4)
            right, of_column = matrix[class_id, class_id], matrix[:, class_id].sum()
            assert point.precision == (right / of_column if of_column else None)
            assert point.recall == (
                right / curve.num_objects if curve.num_objects else None
            )
    order = rng.permutation(len(images))
    again = confusion_matrix([images[i] for i in order], 4, min_score=0.4)
    assert (again == matrix).all()
