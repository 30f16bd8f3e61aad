import numpy as np
import pytest

from mrcnn.inference.suppression import suppress_across_classes
from mrcnn.structures import Detections


def found_of(masks, scores, class_ids=None):
    """Detections whose boxes are the whole image of each mask."""
    masks = np.asarray(masks, bool)
    return Detections(
        masks.shape[1:],
        np.tile(np.array([0, 0, *masks.shape[1:]], np.int32), (len(masks), 1)),
        np.arange(1, len(masks) + 1, dtype=np.int32)
        if class_ids is None
        else np.array(class_ids, np.int32),
        np.array(scores, np.float32),
        tuple(masks),
    )


def rows(*spans):
    masks = np.zeros((len(spans), 10, 4), bool)
    for mask, (start, end) in zip(masks, spans, strict=True):
        mask[start:end] = True
    return masks


def test_surer_of_two_alike_stays_in_place():
    # Overlap of 0-6 with 0-5: 5 of 6 rows; with 5-10: 1 of 10.
    found = found_of(rows((0, 6), (5, 10), (0, 5)), [0.7, 0.8, 0.9])
    kept = suppress_across_classes(found)
    assert kept.class_ids.tolist() == [2, 3]


def test_crossing_objects_share_their_box_and_stay():
    one = np.eye(10, dtype=bool)
    found = found_of([one, one[::-1]], [0.9, 0.8])
    assert len(suppress_across_classes(found)) == 2


@pytest.mark.parametrize(("most", "left"), [(0.6, 2), (0.49, 1)])
def test_overlap_above_the_limit(most, left):
    # 0-6 and 2-8: 4 common rows of 8.
    found = found_of(rows((0, 6), (2, 8)), [0.9, 0.8])
    assert len(suppress_across_classes(found, most)) == left


def test_what_was_suppressed_suppresses_nothing():
    # 2 yields to 1; 3 overlaps 2 alone by more than half.
    found = found_of(rows((0, 6), (1, 8), (3, 9)), [0.9, 0.8, 0.7])
    assert suppress_across_classes(found).class_ids.tolist() == [1, 3]


def test_nothing_and_no_pixels():
    assert len(suppress_across_classes(Detections.empty((4, 4)))) == 0
    found = found_of(np.zeros((2, 4, 4)), [0.9, 0.8])
    assert len(suppress_across_classes(found)) == 2
