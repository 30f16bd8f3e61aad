"""Missed objects come back where they must have been, and in every frame."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mrcnn.structures import Detections
from mrcnn.video.holding import hold_missed
from mrcnn.video.tracking import track

IMAGE_HW = (60, 100)
EMPTY = replace(Detections.empty(IMAGE_HW), track_ids=np.zeros(0, np.int32))


def square(x, y=20, side=10, track_id=1):
    return Detections(
        image_hw=IMAGE_HW,
        boxes=np.array([[y, x, y + side, x + side]], np.int32),
        class_ids=np.array([1], np.int32),
        scores=np.array([0.9], np.float32),
        box_masks=(np.ones((side, side), bool),),
        track_ids=np.array([track_id], np.int32),
    )


def boxes(frames, reach):
    return [found.boxes.tolist() for found in hold_missed(frames, reach)]


def test_gap_is_closed_in_the_middle():
    held = boxes([square(10), EMPTY, EMPTY, EMPTY, square(30)], 4)
    # A quarter, half and three quarters of the way from 10 to 30.
    assert held == [[[20, x, 30, x + 10]] for x in (10, 15, 20, 25, 30)]


def test_both_masks_count_in_a_gap():
    upper = np.triu(np.ones((10, 10), bool))
    frames = [
        replace(square(10), box_masks=(upper,)),
        EMPTY,
        replace(square(10), box_masks=(upper.T,)),
    ]
    held = list(hold_missed(frames, 1))[1]
    assert held.box_masks[0].all()
    assert (held.scores[0], held.track_ids[0]) == (np.float32(0.9), 1)


def test_masks_follow_a_size_that_changes():
    held = list(hold_missed([square(10), EMPTY, square(10, 20, 20)], 1))[1]
    assert held.boxes.tolist() == [[20, 10, 35, 25]]  # 15 is between 10 and 20
    assert held.box_masks[0].shape == (15, 15) and held.box_masks[0].all()


def test_moves_on_behind_the_last_and_before_the_first():
    frames = [EMPTY, EMPTY, EMPTY, square(40), square(44), EMPTY, EMPTY, EMPTY]
    held = boxes(frames, 2)
    # 4 pixels a frame, two frames in either direction and not three. Frame 1 is the
    # exception: it sees two frames ahead one place and no movement.
    expected = [40, 36, 40, 44, 48, 52]
    assert held == [[], *[[[20, x, 30, x + 10]] for x in expected], []]


def test_leaves_the_picture():
    held = boxes([square(80), square(90), EMPTY, EMPTY], 3)
    assert held[2:] == [[], []]  # at 100 it is outside
    held = list(hold_missed([square(70), square(82), EMPTY], 3))[2]
    assert held.boxes.tolist() == [[20, 94, 30, 100]]  # at 94, 6 of 10 columns inside
    assert held.box_masks[0].shape == (10, 6)


def test_what_was_found_is_not_touched():
    frames = [square(10), square(12)]
    assert list(hold_missed(frames, 3)) == frames


def test_held_stand_behind_the_found():
    frames = [square(10), square(50, track_id=2), square(10)]
    held = list(hold_missed(frames, 1))[1]
    assert held.track_ids.tolist() == [2, 1]
    assert held.boxes.tolist() == [[20, 50, 30, 60], [20, 10, 30, 20]]
    assert held.masks.shape == (*IMAGE_HW, 2)


def test_beyond_its_reach():
    frames = [square(10), EMPTY, EMPTY, EMPTY, square(10)]
    assert (
        boxes(frames, 1) == [[[20, 10, 30, 20]]] * 2 + [[]] + [[[20, 10, 30, 20]]] * 2
    )


def test_detections_come_late_by_the_reach_and_no_later():
    given_frames = []

    def frames():
        for i in range(6):
            given_frames.append(i)
            yield square(i)

    late = hold_missed(frames(), 2)
    for i in range(6):
        next(late)
        assert given_frames[-1] == min(i + 2, 5)


def test_frames_before_an_error_still_come():
    def frames():
        yield square(1)
        yield square(2)
        raise KeyError("theirs")

    held, received = hold_missed(frames(), 5), []
    with pytest.raises(KeyError, match="theirs"):
        for found in held:
            received.append(found)
    assert len(received) == 2


@settings(max_examples=60, deadline=None)
@given(
    # As many frames as the object is inside of the image at any speed: nothing that is
    # seen has a box outside.
    seen=st.lists(st.booleans(), max_size=22),
    reach=st.integers(1, 6),
    speed=st.integers(-2, 2),
)
def test_every_frame_near_a_seen_one_has_the_object(seen, reach, speed):
    frames = [
        square(45 + speed * i) if there else EMPTY for i, there in enumerate(seen)
    ]
    held = list(hold_missed(frames, reach))
    assert len(held) == len(frames)
    for i, found in enumerate(held):
        near = any(seen[max(i - reach, 0) : i + reach + 1])
        inside = -10 < 45 + speed * i < 100
        assert len(found) == (near and inside)
        if near and inside:
            # The speed is the same all the time, so that the place is exact, but for
            # an object that was seen once and stays where it was.
            once = sum(seen[max(i - reach, 0) : i + reach + 1]) == 1
            x = np.clip(45 + speed * i, 0, 100)
            assert once or abs(found.boxes[0, 1] - x) <= 1


def test_with_the_tracker_one_frame_in_five_missed():
    whole = [square(5 + 2 * i) for i in range(40)]
    untracked = [replace(found, track_ids=None) for found in whole]
    nothing = Detections.empty(IMAGE_HW)
    frames = [nothing if i % 5 == 0 else untracked[i] for i in range(40)]
    for expected, found in zip(whole, track(frames, hold=3), strict=True):
        np.testing.assert_allclose(found.boxes, expected.boxes, atol=1)
        assert found.track_ids.tolist() == [1]
