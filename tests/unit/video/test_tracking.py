"""Ids stay with their objects: crossing, missed for some frames, of two classes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mrcnn.structures import Detections
from mrcnn.video.tracking import Tracker, _mask_overlap, track

IMAGE_HW = (100, 200)


def squares(*corners, side=10, classes=None, image_hw=IMAGE_HW):
    """Squares with these (y, x) corners."""
    corners = np.array(corners, np.int32).reshape(-1, 2)
    masks = tuple(np.ones((side, side), bool) for _ in corners)
    for mask in masks:
        mask.flags.writeable = False
    return Detections(
        image_hw=image_hw,
        boxes=np.concatenate([corners, corners + side], axis=1),
        class_ids=np.array(classes or [1] * len(corners), np.int32),
        scores=np.linspace(0.9, 0.5, len(corners), dtype=np.float32),
        box_masks=masks,
    )


def ids(frames, **options):
    return [found.track_ids.tolist() for found in track(frames, **options)]


def test_ids_begin_at_one_and_stay():
    frames = [squares((10, 10 + 2 * i), (60, 100 - 3 * i)) for i in range(20)]
    assert ids(frames) == [[1, 2]] * 20


def test_ids_do_not_go_by_order():
    frames = [squares((10, 10), (60, 100)), squares((60, 98), (10, 12))]
    assert ids(frames) == [[1, 2], [2, 1]]


@pytest.mark.parametrize("num_missed", [1, 5, 30])
def test_id_holds_over_missed_frames_of_a_moving_object(num_missed):
    # In 30 frames of 3 pixels it moves nine times its width.
    seen = [squares((10, 10 + 3 * i)) for i in range(20)]
    later = squares((10, 10 + 3 * (19 + num_missed + 1)))
    frames = [*seen, *[Detections.empty(IMAGE_HW)] * num_missed, later]
    assert ids(frames)[-1] == [1]


def test_id_ends_when_missed_for_too_long():
    gone = [Detections.empty(IMAGE_HW)] * 4
    frames = [squares((10, 10)), *gone, squares((10, 10))]
    assert ids(frames, max_missed=4)[-1] == [1]
    assert ids(frames, max_missed=3)[-1] == [2]


def test_crossing_objects_keep_their_ids():
    # They meet in the middle at different heights; boxes overlap there.
    frames = [squares((40, 10 + 4 * i), (45, 170 - 4 * i)) for i in range(40)]
    result = list(track(frames))
    assert [found.track_ids.tolist() for found in result] == [[1, 2]] * 40


def test_masks_tell_apart_what_boxes_do_not():
    """Two triangles of one square: the boxes are the same, the masks never meet."""
    upper = np.triu(np.ones((10, 10), bool), 1)
    both = squares((10, 10), (10, 10))
    first = Detections(
        IMAGE_HW, both.boxes, both.class_ids, both.scores, (upper, upper.T)
    )
    swapped = Detections(
        IMAGE_HW, both.boxes, both.class_ids, both.scores, (upper.T, upper)
    )
    assert ids([first, swapped]) == [[1, 2], [2, 1]]


def test_classes_do_not_mix():
    frames = [squares((10, 10), classes=[1]), squares((10, 10), classes=[2])]
    assert ids(frames) == [[1], [2]]


def test_overlap_decides_what_is_the_same():
    # 10 wide, moved by 5: 5 / 15 = 0.33.
    frames = [squares((10, 10)), squares((10, 15))]
    assert ids(frames, min_overlap=0.3) == [[1], [1]]
    assert ids(frames, min_overlap=0.4) == [[1], [2]]


def test_nothing_and_something_by_turns():
    empty = Detections.empty(IMAGE_HW)
    assert ids([empty, squares((1, 1)), empty, empty]) == [[], [1], [], []]
    assert list(track([])) == []
    assert ids([empty])[0] == [] and next(track([empty])).track_ids.dtype == np.int32


def test_what_was_found_is_left_as_it_was():
    found = squares((10, 10))
    (result,) = track([found])
    assert found.track_ids is None
    for name in ("boxes", "class_ids", "scores", "box_masks"):
        assert getattr(result, name) is getattr(found, name)


def test_velocity_is_learned():
    """After some frames the next place is known to a pixel."""
    tracker = Tracker()
    for i in range(15):
        tracker.update(squares((20 + i, 10 + 4 * i)))
    (known,) = tracker._objects
    known.predict()
    assert known.box.tolist() == pytest.approx([35, 70, 45, 80], abs=1)


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_ids_are_distinct_and_never_come_again_as_something_else(data):
    corners = st.lists(st.tuples(st.integers(0, 80), st.integers(0, 180)), max_size=6)
    clip = data.draw(st.lists(corners, max_size=8))
    highest = 0
    for found in track([squares(*frame) for frame in clip]):
        numbers = found.track_ids.tolist()
        assert len(set(numbers)) == len(numbers) and all(n >= 1 for n in numbers)
        new = sorted(n for n in numbers if n > highest)
        assert new == list(range(highest + 1, highest + 1 + len(new)))
        highest += len(new)


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_mask_overlap_is_that_of_whole_images(data):
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    full, parts = np.zeros((2, 20, 30), bool), []
    for one in full:
        y1, x1 = rng.integers(0, 15, 2)
        y2, x2 = rng.integers((y1 + 1, x1 + 1), (21, 31))
        mask = rng.random((y2 - y1, x2 - x1)) < 0.6
        one[y1:y2, x1:x2] = mask
        parts.append((mask, np.array([y1, x1, y2, x2])))
    union = np.count_nonzero(full[0] | full[1])
    expected = np.count_nonzero(full[0] & full[1]) / union if union else 0
    (mask1, box1), (mask2, box2) = parts
    assert _mask_overlap(mask1, box1, mask2, box2) == pytest.approx(expected)
