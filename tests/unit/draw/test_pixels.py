"""Painting into arrays: the original's apply_mask and draw_box, and small masks."""

import numpy as np
import pytest

from mrcnn.draw.pixels import apply_mask, draw_box, paint_small_mask


def frozen(array):
    array = np.array(array)
    array.flags.writeable = False
    return array


def test_apply_mask_blends_into_a_copy():
    mask = frozen(np.eye(2, 3))
    image = frozen(np.full((2, 3, 3), 101, np.uint8))
    drawn = apply_mask(image, mask, (1.0, 0.5, 0.0), alpha=0.4)
    # 101 * 0.6 + 0.4 * 255 * (1, 0.5, 0) = 162.6, 111.6, 60.6, cut to whole numbers.
    np.testing.assert_array_equal(drawn[0, 0], [162, 111, 60])
    np.testing.assert_array_equal(drawn[0, 1], [101, 101, 101])
    assert drawn.dtype == np.uint8 and (image == 101).all()


def test_draw_box_is_two_pixels_wide_on_a_copy():
    image = frozen(np.zeros((20, 20, 3), np.uint8))
    drawn = draw_box(image, (4, 5, 10, 12), (9, 8, 7))
    # Rows 4, 5, 10, 11 from 5 to 11, columns 5, 6, 12, 13 from 4 to 9.
    expected = np.zeros((20, 20), bool)
    expected[[4, 5, 10, 11], 5:12] = True
    expected[4:10, [5, 6, 12, 13]] = True
    np.testing.assert_array_equal(drawn.any(axis=-1), expected)
    np.testing.assert_array_equal(drawn[4, 5], [9, 8, 7])
    assert not image.any()


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((2, 3, 6, 8), np.s_[2:6, 3:8]),
        ((-4, -4, 6, 8), np.s_[0:6, 0:8]),
        ((5, 5, 30, 40), np.s_[5:10, 5:12]),
        ((-4, -4, 30, 40), np.s_[:, :]),
        ((20, 20, 30, 30), np.s_[0:0, 0:0]),
        ((-9, -9, -2, -2), np.s_[0:0, 0:0]),
        ((4, 4, 4, 9), np.s_[0:0, 0:0]),
    ],
)
def test_small_mask_is_painted_inside_the_picture(box, expected):
    picture = np.zeros((10, 12, 3), np.uint8)
    covered = paint_small_mask(picture, np.ones((28, 28)), box, (1.0, 1.0, 1.0))
    inside = np.zeros((10, 12), bool)
    inside[expected] = True
    np.testing.assert_array_equal(covered, inside)
    np.testing.assert_array_equal(picture[..., 0], inside * 127)


def test_the_part_of_a_mask_outside_is_cut_off():
    # Its right half is at columns 2 to 5: the box begins two columns outside.
    mask = np.repeat([[0.0, 1.0]], 2, axis=0)
    picture = np.zeros((4, 8, 3), np.uint8)
    covered = paint_small_mask(picture, mask, (0, -2, 4, 6), (1.0, 0, 0))
    # Towards the corners the mask fades, as outside of it there is nothing.
    np.testing.assert_array_equal(covered[1:3], [[0, 0, 1, 1, 1, 1, 0, 0]] * 2)
