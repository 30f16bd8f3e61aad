"""Captions: what they say, and places that are inside and free where there are any."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrcnn.draw.captions import caption_texts, ink_on, place_captions, shortened

NAMES = ["BG", "remote", "cup"]


def test_names_and_scores():
    assert caption_texts([1, 2], NAMES, None, digits=2) == ["remote", "cup"]
    assert caption_texts([2, -1], NAMES, [0.456, 1], 1) == ["cup 0.5", "remote 1.0"]
    assert caption_texts([], [], [], 2) == []


@pytest.mark.parametrize("class_id", [3, -3])
def test_a_class_without_a_name(class_id):
    with pytest.raises(ValueError, match="class id 3. Received: 3 class_names"):
        caption_texts([1, class_id], NAMES, None, digits=2)


@given(st.text(), st.integers(1, 60))
def test_shortened_to_at_most(text, most):
    short = shortened(text, most)
    assert len(short) == min(len(text), most)
    if most >= 12:
        assert short[-5:] == text[-5:]


def test_order_of_the_places():
    area, size = (100, 100), (20, 10)

    def place(box):
        return place_captions([box], lambda i, scale: size, area)[0][:2]

    assert place((30, 40, 60, 60)) == (30, 30)  # above
    assert place((30, 5, 60, 20)) == (30, 20)  # below, where above is no room
    assert place((30, 5, 60, 90)) == (30, 5)  # in it, where it is tall
    assert place((90, 40, 100, 60)) == (80, 30)  # moved to the left
    assert place((-20, 40, 5, 60)) == (0, 30)


def test_a_smaller_one_where_there_is_no_room_at_full_size():
    # The first fills the lower row, the second the left half of the upper one.
    boxes = [(0, 0, 10, 5), (0, 5, 10, 10), (10, 5, 20, 10)]
    sizes = [(20, 5), (10, 5), (14, 5)]

    def size_of(i, scale):
        return sizes[i][0] * scale, sizes[i][1] * scale

    places = place_captions(boxes, size_of, (20, 10))
    assert [place.scale for place in places] == [1.0, 1.0, 0.7]
    # 0.7 of 14 x 5, above its box.
    assert places[2][:2] == pytest.approx((10, 1.5))


def test_where_all_is_taken_the_least_is_hidden():
    # The first takes the whole lower row, the second three quarters of the upper one.
    boxes = [(0, 0, 20, 5), (0, 5, 15, 10), (0, 5, 20, 10)]
    sizes = [(20, 5), (15, 5), (20, 10)]
    places = place_captions(
        boxes, lambda i, scale: sizes[i] if i < 2 else (10, 5), (20, 10)
    )
    assert places[2] == (10, 0, 0.5)


RECTANGLE = st.tuples(*[st.integers(-50, 250)] * 4).map(
    lambda c: (*np.minimum(c[:2], c[2:]), *np.maximum(c[:2], c[2:]))
)


@given(
    st.lists(RECTANGLE, max_size=12), st.tuples(st.integers(1, 200), st.integers(1, 99))
)
def test_always_inside(boxes, size_wh):
    def size_of(i, scale):
        return size_wh[0] * scale, size_wh[1] * scale

    places = place_captions(boxes, size_of, (200, 99))
    assert len(places) == len(boxes)
    for i, (x, y, scale) in enumerate(places):
        width, height = size_of(i, scale)
        assert 0 <= x <= 200 - width and 0 <= y <= 99 - height


def test_ink_by_contrast():
    assert ink_on((255, 255, 255)) == ink_on((240, 228, 66)) == (0, 0, 0)
    assert ink_on((0, 0, 0)) == ink_on((0, 114, 178)) == (255, 255, 255)
