import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mrcnn.data.polygons import fill_polygon, polygon_area

CORNERS = st.lists(
    st.tuples(st.integers(-4, 14), st.integers(-4, 14)), min_size=3, max_size=9
)


def inside_or_on(corners, x, y) -> bool:
    """Even-odd rule in whole numbers, edges and corners included."""
    inside = False
    for (xa, ya), (xb, yb) in zip(corners, corners[1:] + corners[:1], strict=True):
        # Twice the area of the triangle (a, b, pixel), with its sign.
        cross = (xb - xa) * (y - ya) - (yb - ya) * (x - xa)
        if (
            cross == 0
            and min(xa, xb) <= x <= max(xa, xb)
            and min(ya, yb) <= y <= max(ya, yb)
        ):
            return True
        if (ya <= y) != (yb <= y) and (cross > 0) == (yb > ya):
            inside = not inside
    return inside


@settings(max_examples=150, deadline=None)
@given(CORNERS)
def test_equals_the_rule_pixel_by_pixel(corners):
    xs, ys = zip(*corners, strict=True)
    expected = [[inside_or_on(corners, x, y) for x in range(11)] for y in range(10)]
    np.testing.assert_array_equal(fill_polygon(xs, ys, (10, 11)), expected)


@settings(max_examples=50, deadline=None)
@given(CORNERS, st.integers(0, 8), st.booleans())
def test_start_and_direction_do_not_matter(corners, start, backwards):
    turned = corners[start % len(corners) :] + corners[: start % len(corners)]
    turned = turned[::-1] if backwards else turned
    masks = [
        fill_polygon(*zip(*points, strict=True), (10, 11))
        for points in (corners, turned)
    ]
    np.testing.assert_array_equal(*masks)


def test_equals_skimage_on_fractions():
    from skimage.draw import polygon

    rng = np.random.default_rng(0)
    for _ in range(100):
        xs, ys = rng.uniform(-5, 25, (2, rng.integers(3, 12)))
        expected = np.zeros((20, 18), bool)
        expected[polygon(ys, xs, shape=expected.shape)] = True
        np.testing.assert_array_equal(fill_polygon(xs, ys, (20, 18)), expected)


@pytest.mark.parametrize("count", [3, 4, 5, 8])
def test_area_is_near_the_shoelace_area(count):
    angles = np.arange(count) * 2 * np.pi / count
    xs, ys = 100 + 80.3 * np.cos(angles), 100 + 80.3 * np.sin(angles)
    area = polygon_area(xs, ys)
    # Regular polygon: n / 2 r^2 sin(2 pi / n)
    assert area == pytest.approx(count / 2 * 80.3**2 * np.sin(2 * np.pi / count))
    assert fill_polygon(xs, ys, (200, 200)).sum() == pytest.approx(area, rel=0.01)


def test_degenerate():
    assert not fill_polygon([0, 5, 2], [0, 0, 5], (0, 0)).size
    assert not fill_polygon([50, 60, 55], [50, 50, 60], (9, 9)).any()
    assert fill_polygon([-99, 99, 99, -99], [-99, -99, 99, 99], (9, 9)).all()
    assert fill_polygon([3, 3, 3], [4, 4, 4], (9, 9)).sum() == 1
