import numpy as np
import pytest
from hypothesis import given, settings

from mrcnn.data.contours import (
    centre_rings,
    edge_rings,
    is_hole,
    join_rings,
    with_area,
)
from mrcnn.data.polygons import fill_polygon, polygon_area
from tests.unit.data.masks import masks

RING = np.array(
    [
        [1, 1, 1],
        [1, 0, 1],
        [1, 1, 1],
    ],
    bool,
)


def filled(polygon, mask):
    return fill_polygon(*np.asarray(polygon).T, mask.shape)


def test_rings_of_a_ring():
    outer, inner = centre_rings(RING)
    # The hole's line goes through its four neighbours, corner to corner.
    assert {tuple(p) for p in outer.tolist()} == {(0, 0), (2, 0), (2, 2), (0, 2)}
    assert {tuple(p) for p in inner.tolist()} == {(1, 0), (2, 1), (1, 2), (0, 1)}
    outer, inner = sorted(edge_rings(RING), key=is_hole)
    assert outer.tolist() == [[0, 0], [3, 0], [3, 3], [0, 3]]
    assert sorted(inner.tolist()) == [[1, 1], [1, 2], [2, 1], [2, 2]]
    assert [is_hole(ring) for ring in (outer, inner)] == [False, True]


def test_centre_rings_without_holes():
    (outer,) = centre_rings(RING, holes=False)
    assert filled(outer, RING).all()


def test_diagonal_neighbours():
    mask = np.eye(2, dtype=bool)
    (line,) = centre_rings(mask)
    assert sorted(line.tolist()) == [[0, 0], [1, 1]]
    # Each pixel has edges of its own, so that no tool fills between them.
    assert [polygon_area(*ring.T) for ring in edge_rings(mask)] == [1, 1]


def test_point_gets_an_area():
    polygon = with_area(np.array([[3, 2]]))
    assert polygon_area(*polygon.T) == pytest.approx(1 / 32)  # half of 1/4 by 1/4
    mask = np.zeros((5, 6), bool)
    mask[2, 3] = True
    assert np.array_equal(filled(polygon, mask), mask)
    square = np.array([[0, 0], [2, 0], [2, 2]])
    assert np.array_equal(with_area(square), square)


@pytest.mark.parametrize("gap", [(0, 4), (4, 0), (4, 6), (6, 6), (5, 10), (7, 11)])
def test_tie_passes_no_pixel(gap):
    """Whatever the way from one part to the other, nothing between them is in."""
    dx, dy = gap
    mask = np.zeros((dy + 1, dx + 1), bool)
    mask[0, 0] = mask[dy, dx] = True
    polygon = join_rings(centre_rings(mask))
    assert np.array_equal(filled(polygon, mask), mask)
    assert polygon.min() >= 0  # in the image: YOLO has no shares below 0


@settings(max_examples=300, deadline=None)
@given(masks())
def test_joined_rings_are_the_mask(mask):
    """Pixels of parts, lines, holes and islands in holes, by our reader's rule."""
    mask.flags.writeable = False
    polygon = join_rings(centre_rings(mask))
    assert len(np.unique(polygon, axis=0)) >= 3
    assert np.array_equal(filled(polygon, mask), mask)
    assert polygon.min() >= 0 and (polygon < mask.shape[::-1]).all()


@settings(max_examples=300, deadline=None)
@given(masks())
def test_edges_are_closed_and_enclose_the_mask(mask):
    total = 0
    for ring in edge_rings(mask):
        steps = np.roll(ring, -1, axis=0) - ring
        # Right angles only: level and upright edges in turn.
        assert ((steps == 0).sum(axis=1) == 1).all()
        assert ((steps[:, 0] == 0) != (np.roll(steps[:, 0], -1) == 0)).all()
        total += polygon_area(*ring.T) * (-1 if is_hole(ring) else 1)
    assert total == mask.sum()
