"""Pictures of mistakes: what is shown, and in which colours."""

import numpy as np
import pytest

from mrcnn.draw.mistakes import FOUND_COLOR, TRUE_COLOR, draw_mistake

IMAGE = np.full((200, 300, 3), 200, np.uint8)
IMAGE.flags.writeable = False


def box_mask(y1, x1, y2, x2):
    mask = np.zeros((200, 300), bool)
    mask[y1:y2, x1:x2] = True
    mask.flags.writeable = False
    return mask


def has(picture, color):
    return (np.abs(picture.astype(int) - color).sum(axis=2) < 12).any()


@pytest.mark.parametrize("true", [None, box_mask(60, 60, 120, 120)])
@pytest.mark.parametrize("found", [None, box_mask(50, 50, 100, 100)])
def test_colours(true, found):
    if true is None and found is None:
        return
    picture = draw_mistake(IMAGE, true, found)
    assert picture.dtype == np.uint8
    assert has(picture, TRUE_COLOR) == (true is not None)
    assert has(picture, FOUND_COLOR) == (found is not None)


def test_view_is_around_what_was_found():
    # 50 pixels with 1.6 times that around: 80 of them, four to each.
    picture = draw_mistake(IMAGE, None, box_mask(50, 100, 100, 150), side=320)
    assert picture.shape == (320, 320, 3)
    # The grounds of 15 pixels at each side stay as they are, the middle does not.
    assert (picture[:50] == 200).all() and (picture[-50:] == 200).all()
    assert (picture[160, 160] != 200).any()


@pytest.mark.parametrize(
    "box", [(0, 0, 1, 1), (199, 299, 200, 300), (0, 0, 200, 300), (0, 250, 200, 300)]
)
def test_objects_at_the_border(box):
    picture = draw_mistake(IMAGE, box_mask(*box), None, side=100)
    assert max(picture.shape[:2]) == 100
    assert has(picture, TRUE_COLOR)


def test_a_mask_without_pixels_shows_the_image():
    assert draw_mistake(IMAGE, box_mask(0, 0, 0, 0), None, side=300).shape == (
        200,
        300,
        3,
    )
