"""Masks of every kind for hypothesis: blobs, polygons, rings, lines, dust."""

import numpy as np
from hypothesis import strategies as st


@st.composite
def masks(draw, max_side=24):
    """Bool [H, W] with at least one pixel: unions and differences of simple shapes."""
    height, width = draw(st.integers(1, max_side)), draw(st.integers(1, max_side))
    mask = np.zeros((height, width), bool)
    for _ in range(draw(st.integers(1, 4))):
        shape = draw(st.sampled_from((_ellipse, _box, _line, _dust)))
        mask = np.where(shape(draw, height, width), draw(st.booleans()), mask)
    if not mask.any():
        mask[draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))] = True
    return mask


def _ellipse(draw, height, width):
    y, x = np.ogrid[:height, :width]
    cy, cx = draw(st.floats(0, height)), draw(st.floats(0, width))
    ry, rx = draw(st.floats(0.3, height)), draw(st.floats(0.3, width))
    return ((y - cy) / ry) ** 2 + ((x - cx) / rx) ** 2 <= 1


def _box(draw, height, width):
    y, x = np.ogrid[:height, :width]
    y1, x1 = draw(st.integers(0, height)), draw(st.integers(0, width))
    y2, x2 = draw(st.integers(y1, height)), draw(st.integers(x1, width))
    return (y1 <= y) & (y < y2) & (x1 <= x) & (x < x2)


def _line(draw, height, width):
    """One pixel wide, level, upright or diagonal."""
    y, x = np.ogrid[:height, :width]
    dy, dx = draw(st.sampled_from(((0, 1), (1, 0), (1, 1), (1, -1))))
    at = draw(st.integers(-width, height + width))
    return dx * y - dy * x == at


def _dust(draw, height, width):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return rng.random((height, width)) < draw(st.floats(0, 1))
