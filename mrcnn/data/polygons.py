"""Polygons in NumPy: their area, and the pixels they cover."""

from __future__ import annotations

from operator import mul

import numpy as np

# Crossings of rows and edges held at a time: some 100 MB.
_BAND = 2_000_000


def polygon_area(xs, ys) -> float:
    """Return the area inside a closed polygon by the shoelace formula.

    Args:
        xs: [P], horizontal coordinates of the corners.
        ys: [P], vertical coordinates of the corners.

    Example:
        >>> polygon_area([0, 4, 4, 0], [0, 0, 3, 3])
        12.0
    """
    # Not by NumPy, which takes longer for the few corners that most polygons have.
    falling = sum(map(mul, xs, ys[1:])) + xs[-1] * ys[0]
    rising = sum(map(mul, ys, xs[1:])) + ys[-1] * xs[0]
    return float(abs(falling - rising)) / 2


def fill_polygon(xs, ys, shape: tuple[int, int]) -> np.ndarray:
    """Return the pixels inside or on a closed polygon.

    A pixel is in when its whole-number coordinates are: `skimage.draw.polygon`'s
    masks, which the original trained on, at a fraction of the time, because whole
    runs are filled instead of every pixel being tested against every edge. Where
    the polygon crosses itself, what is enclosed twice is out.

    Args:
        xs: [P], horizontal coordinates of the corners, pixels; may lie outside.
        ys: [P], vertical coordinates of the corners, pixels.
        shape: (height, width) of the mask.

    Returns:
        bool [H, W].

    Example:
        >>> fill_polygon([0, 2, 0], [0, 0, 2], (3, 3)).astype(int)
        array([[1, 1, 1],
               [1, 1, 0],
               [1, 0, 0]])
    """
    xs, ys = np.asarray(xs, float), np.asarray(ys, float)
    mask = np.zeros(shape, bool)
    # Each row is held against every edge: so many rows at a time that it fits.
    num_rows = max(_BAND // max(len(xs), 1), 1)
    for top in range(0, shape[0], num_rows):
        bottom = min(top + num_rows, shape[0])
        mask[top:bottom] = _fill_rows(xs, ys, top, bottom, shape[1])
    return mask


def _fill_rows(
    x0: np.ndarray, y0: np.ndarray, top: int, bottom: int, width: int
) -> np.ndarray:
    """Return the rows from `top` to `bottom`, bool [bottom - top, width]."""
    # Edges run from (x0, y0) to (x1, y1); P of them meet these rows.
    x1, y1 = np.roll(x0, -1), np.roll(y0, -1)
    low, high = np.minimum(y0, y1), np.maximum(y0, y1)
    near = (high >= top) & (low < bottom)
    x0, y0, x1, y1, low, high = (side[near] for side in (x0, y0, x1, y1, low, high))
    rows = np.arange(top, bottom)[:, None]
    drop = np.where(y1 == y0, 1, y1 - y0)
    x_crossing = x0 + (rows - y0) * (x1 - x0) / drop  # [H, P]

    # +1 where a run begins, -1 behind its end; the sum along a row is > 0 inside.
    steps = np.zeros((bottom - top, width + 1), np.int32)
    # Seen from just below and from just above a row, so that corners and edges
    # that only touch it are in as well.
    for crosses in ((low <= rows) & (rows < high), (low < rows) & (rows <= high)):
        crossings = np.sort(np.where(crosses, x_crossing, np.inf), axis=1)
        # Every second crossing leaves the polygon: runs are pairs, [H, P // 2].
        count = crossings.shape[1] // 2 * 2
        enter, leave = crossings[:, 0:count:2], crossings[:, 1:count:2]
        row, run = np.nonzero(np.isfinite(leave))
        _add_runs(steps, row, enter[row, run], leave[row, run])
    level = (y0 == y1) & (y0 == np.floor(y0)) & (top <= y0) & (y0 < bottom)
    _add_runs(
        steps,
        y0[level].astype(int) - top,
        np.minimum(x0, x1)[level],
        np.maximum(x0, x1)[level],
    )
    return np.cumsum(steps, axis=1)[:, :width] > 0


def _add_runs(steps: np.ndarray, rows, first, last) -> None:
    """Mark runs from `first` to `last`, both included, in the array `steps`."""
    width = steps.shape[1] - 1
    begin = np.clip(np.ceil(first), 0, width).astype(int)
    end = np.clip(np.floor(last) + 1, 0, width).astype(int)
    holds_pixel = begin < end
    np.add.at(steps, (rows[holds_pixel], begin[holds_pixel]), 1)
    np.add.at(steps, (rows[holds_pixel], end[holds_pixel]), -1)
