"""Arrays at another size: bilinear for images, nearest for masks.

The numbers are those of scikit-image and SciPy, bit for bit, at a fraction of
the time: both work separably here, on rows and then on columns. Called by
`geometry.resize` and `geometry.masks`; axis letters as in `structures`.
"""

from __future__ import annotations

import numpy as np

# Values interpolated at once: their float64 copies stay in the processor's cache,
# which halves the time of a whole image at once.
_BLOCK_SIZE = 16 * 3 * 1024


def resize_linear(
    array: np.ndarray,
    output_hw: tuple[int, int],
    *,
    dtype=np.float64,
    crop: tuple[int, int, int, int] | None = None,
) -> np.ndarray:
    """Return the array at another size, bilinear, with zeros outside it.

    The numbers of ``resize(array, output_hw, preserve_range=True)`` to the last
    bit: half-pixel centres, no smoothing, borders that fade towards zero when
    scaled up, and values kept inside the range of `array`. To the last bit,
    because whole numbers truncate: 199.99999999999997 becomes 199.

    Args:
        array: [H, W] or [H, W, C].
        output_hw: height and width of the result.
        dtype: of the result; integers are truncated.
        crop: (y, x, h, w), the part of the result that is wanted; None for all.

    Returns:
        `dtype` [output_hw] or [output_hw, C]; [h, w] or [h, w, C] of a part.
    """
    array = np.asarray(array)
    y, x, output_h, output_w = crop or (0, 0, *output_hw)
    output = np.empty((output_h, output_w, *array.shape[2:]), dtype)
    if not output.size:
        return output
    height, width = array.shape[:2]
    channels = output.size // (output_h * output_w)
    rows = _part(_linear_taps(height, output_hw[0]), y, output_h)
    # Columns and channels lie beside each other: [H, W, C] -> [H, W * C]
    columns = [
        (tap[:, None] * channels + np.arange(channels)).ravel()
        if tap.dtype == np.intp
        else np.repeat(tap, channels)
        for tap in _part(_linear_taps(width, output_hw[1]), x, output_w)
    ]
    source = array.reshape(height, width * channels)
    target = output.reshape(output_h, output_w * channels)
    lowest, highest = source.min(), source.max()
    block_rows = max(_BLOCK_SIZE // max(source.shape[1], target.shape[1]), 1)
    for start in range(0, output_h, block_rows):
        block = slice(start, start + block_rows)
        mixed = _interpolate(source, [tap[block] for tap in rows], columns)
        target[block] = np.clip(mixed, lowest, highest, out=mixed)
    return output


def _part(taps, start: int, count: int) -> list[np.ndarray]:
    return [tap[start : start + count] for tap in taps]


def linear_matrix(size: int, output_size: int) -> np.ndarray:
    """Return the weights with which each output pixel mixes the pixels of a side.

    ``linear_matrix(H, h) @ array @ linear_matrix(W, w).T`` is
    ``resize_linear(array, (h, w))`` up to rounding and before its values are kept
    in range.

    Args:
        size: pixels of the source.
        output_size: pixels of the result.

    Returns:
        float64 [output_size, size]
    """
    index0, index1, weight0, weight1 = _linear_taps(size, output_size)
    matrix = np.zeros((output_size, size))
    pixels = np.arange(output_size)
    matrix[pixels, index0] = weight0
    matrix[pixels, index1] += weight1
    return matrix


def _interpolate(source, rows, columns) -> np.ndarray:
    # The order of products and sums is SciPy's: it decides the last bit.
    row0, row1, row_weight0, row_weight1 = rows
    column0, column1, column_weight0, column_weight1 = columns
    upper = source[row0] * row_weight0[:, None]
    lower = source[row1] * row_weight1[:, None]
    total = upper.take(column0, axis=1)
    total *= column_weight0
    for values, column, weight in (
        (upper, column1, column_weight1),
        (lower, column0, column_weight0),
        (lower, column1, column_weight1),
    ):
        part = values.take(column, axis=1)
        part *= weight
        total += part
    return total


def _linear_taps(size: int, output_size: int) -> tuple[np.ndarray, ...]:
    """Return the two source indices of each output pixel, and their weights.

    A neighbour outside the source has weight 0, as if it were a zero pixel.
    """
    center = (np.arange(output_size) + 0.5) * (size / output_size) - 0.5
    index = np.floor(center).astype(np.intp)
    weight0 = 1 - (center - index)
    weight1 = 1 - weight0
    weight0[index < 0] = 0
    weight1[index + 1 >= size] = 0
    return np.maximum(index, 0), np.minimum(index + 1, size - 1), weight0, weight1


def resize_nearest(array: np.ndarray, output_hw: tuple[int, int]) -> np.ndarray:
    """Return the array at another size, each pixel copied from the nearest one.

    The numbers of ``scipy.ndimage.zoom(array, zoom, order=0)``: the centres of
    the outer pixels lie on each other. Its rounding pushes the last row or column
    of some sizes outside by 1e-14, which leaves it zero; kept, so that masks are
    the original's.

    Args:
        array: [H, W] or [H, W, N].
        output_hw: height and width of the result.

    Returns:
        The dtype of `array`, [output_hw] or [output_hw, N]; `array` itself where
        it has that size.
    """
    if tuple(array.shape[:2]) == tuple(output_hw):
        return array
    (rows, rows_inside), (columns, columns_inside) = map(
        nearest_taps, array.shape[:2], output_hw
    )
    output = array[rows[:, None], columns]
    output[~rows_inside] = 0
    output[:, ~columns_inside] = 0
    return output


def nearest_taps(size: int, output_size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return which source pixel `resize_nearest` copies to each pixel of a side.

    Args:
        size: pixels of the source.
        output_size: pixels of the result.

    Returns:
        index: int [output_size], ascending.
        is_inside: bool [output_size], whether it is copied; False leaves a zero.
    """
    step = (size - 1) / (output_size - 1) if output_size > 1 else 1.0
    center = np.arange(output_size) * step
    index = np.floor(center + 0.5).astype(np.intp)
    return np.minimum(index, size - 1), center <= size - 1
