import numpy as np
import pytest

from mrcnn.data.shapes import (
    BoxMask,
    Compound,
    Ellipse,
    Polygon,
    Rectangle,
    covers_nothing,
    tighten,
)

SHAPES = [
    Polygon((2, 12, 12, 2), (3, 3, 9, 9)),
    Polygon((-5, 40, 10), (-5, 10, 40)),
    Rectangle(4, 5, 10, 3),
    Rectangle(-4, -5, 100, 10.5),
    Ellipse(15, 10, 6, 6),
    Ellipse(15.5, 9.2, 9, 3, 0.7),
    Ellipse(0, 0, 9, 30, -2),
    BoxMask.from_mask(np.eye(15, dtype=bool), 3, 10),
    BoxMask.from_mask(np.eye(40, dtype=bool), -7, -4),
    Compound((Rectangle(2, 3, 5, 4), Ellipse(20, 12, 14, 3))),
    Compound(
        (Rectangle(2, 3, 25, 14),), (Ellipse(20, 12, 5, 3), Rectangle(0, 0, 4, 4))
    ),
]


def full(shape, image_hw=(20, 30)):
    (y1, x1, y2, x2), box_mask = shape.rasterise(image_hw)
    mask = np.zeros(image_hw, bool)
    mask[y1:y2, x1:x2] = box_mask
    return mask


@pytest.mark.parametrize("shape", SHAPES)
def test_box_is_tight_and_within_extent(shape):
    (y1, x1, y2, x2), mask = shape.rasterise((20, 30))
    assert mask.shape == (y2 - y1, x2 - x1)
    assert mask[0].any() and mask[-1].any()
    assert mask[:, 0].any() and mask[:, -1].any()
    top, left, bottom, right = shape.extent
    assert (top <= y1 and left <= x1) or y1 == 0 or x1 == 0
    assert y2 - 1 <= bottom and x2 - 1 <= right


@pytest.mark.parametrize("shape", SHAPES)
def test_cutting_to_the_image_equals_drawing_on_a_larger_one(shape):
    large = full(shape, (60, 70))
    np.testing.assert_array_equal(full(shape, (20, 30)), large[:20, :30])


def test_rectangle_covers_width_times_height():
    mask = full(Rectangle(4, 5, 10, 3))
    assert mask.sum() == 30
    assert mask[5:8, 4:14].all()


@pytest.mark.parametrize("theta", [0, 0.4, np.pi / 2, -1.1])
def test_ellipse_area_and_symmetry(theta):
    shape = Ellipse(100, 100, 80, 30, theta)
    mask = full(shape, (201, 201))
    assert mask.sum() == pytest.approx(np.pi * 80 * 30, rel=0.01)
    np.testing.assert_array_equal(mask, mask[::-1, ::-1])


def test_ellipse_turns_clockwise_on_the_screen():
    # The end of the first axis is (cx + rx cos, cy + rx sin): right and down.
    mask = full(Ellipse(50, 50, 40, 5, np.pi / 4), (101, 101))
    assert mask[50 + 27, 50 + 27]
    assert not mask[50 - 27, 50 + 27]


def test_turned_extent():
    # A quarter turn swaps the radii.
    assert Ellipse(10, 20, 8, 3, np.pi / 2).extent == pytest.approx((12, 7, 28, 13))


def test_circle_equals_the_distance_to_its_centre():
    y, x = np.ogrid[:20, :30]
    expected = (x - 15) ** 2 + (y - 10) ** 2 <= 36
    np.testing.assert_array_equal(full(Ellipse(15, 10, 6, 6)), expected)


def test_covers_nothing():
    assert covers_nothing(Ellipse(5.5, 5.5, 0.2, 0.2), (20, 30))
    assert not covers_nothing(Ellipse(5, 5, 0.2, 0.2), (20, 30))
    # Its extent meets the image in a corner; the triangle does not.
    assert covers_nothing(Polygon((-9, 9, -9), (8, -9, -9)), (20, 30))
    assert covers_nothing(Rectangle(40, 0, 9, 9), (20, 30))


def test_tighten_of_nothing():
    box, mask = tighten(np.zeros((4, 5), bool), 7, 8)
    assert box.tolist() == [0, 0, 0, 0]
    assert mask.shape == (0, 0)


def test_box_mask_gives_back_its_mask(rng):
    mask = rng.random((20, 30)) > 0.8
    shape = BoxMask.from_mask(mask)
    np.testing.assert_array_equal(full(shape), mask)
    assert shape.area == mask.sum()
    # Moved up and left, its part inside the image is left.
    moved = full(BoxMask.from_mask(mask, -5, -8))
    np.testing.assert_array_equal(moved[:15, :22], mask[5:, 8:])
    assert moved.sum() == mask[5:, 8:].sum()
    for top, left in ((-20, 0), (0, -30), (20, 0), (0, 30)):
        assert not full(BoxMask.from_mask(mask, top, left)).any()


def test_box_mask_of_nothing():
    assert covers_nothing(BoxMask.from_mask(np.zeros((4, 5), bool)), (20, 30))


def test_compound_is_union_without_holes():
    parts = (Rectangle(2, 3, 9, 9), Ellipse(14, 8, 6, 6), Rectangle(25, 15, 20, 20))
    holes = (Rectangle(4, 5, 2, 2), Ellipse(0, 0, 4, 4))
    expected = np.any([full(part) for part in parts], axis=0)
    expected &= ~np.any([full(hole) for hole in holes], axis=0)
    np.testing.assert_array_equal(full(Compound(parts, holes)), expected)
    assert Compound(parts[:1], holes[:1]).area == 81 - 4
    assert Compound((parts[0], parts[2])).extent == (3, 2, 35, 45)


def test_compound_that_is_all_hole():
    hollow = Compound((Rectangle(2, 3, 9, 9),), (Rectangle(0, 0, 30, 20),))
    assert covers_nothing(hollow, (20, 30))


def test_ellipse_of_next_to_no_radius():
    assert full(Ellipse(5, 6, 1e-300, 1e-300)).nonzero() == (6, 5)
    assert covers_nothing(Ellipse(5.5, 6, 1e-300, 1), (20, 30))
