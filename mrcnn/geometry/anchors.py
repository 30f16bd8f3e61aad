"""Anchors: the boxes of fixed sizes from which the RPN starts, at every cell.

Order: pyramid levels from fine to coarse; in a level the cells row by row; in
a cell the ratios. The outputs of the RPN are in the same order. Called by
training (targets), detection and the network's build. Axis letters as in
`structures`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def feature_shapes(image_hw: tuple[int, int], strides: Sequence[int]) -> np.ndarray:
    """Return the size of each pyramid level for an image.

    Args:
        image_hw: (height, width, ...) of the image, pixels.
        strides: pixels of the image per cell of each level.

    Returns:
        int [L, (height, width)], cells; rounded up.

    Example:
        >>> feature_shapes((128, 100), [4, 64]).tolist()
        [[32, 25], [2, 2]]
    """
    sides = np.asarray(image_hw[:2])
    return -(-sides // np.asarray(strides)[:, None])


def generate_anchors(
    scales, ratios, shape, feature_stride: int, anchor_stride: int
) -> np.ndarray:
    """Return the anchors of one pyramid level.

    Args:
        scales: side of the square anchor, or several, pixels.
        ratios: width over height, one or several.
        shape: [(height, width)] of the level, cells.
        feature_stride: pixels of the image per cell.
        anchor_stride: 1 for anchors at each cell, 2 at every other one.

    Returns:
        float64 [cells * ratios * scales, (y1, x1, y2, x2)], pixels. They may reach
        outside the image.
    """
    scales, ratios = np.meshgrid(scales, ratios)
    heights = (scales / np.sqrt(ratios)).ravel()
    widths = (scales * np.sqrt(ratios)).ravel()
    centers_y, centers_x = (
        np.arange(0, cells, anchor_stride) * feature_stride for cells in shape
    )
    # [rows, columns, anchors of a cell], two coordinates each -> [A, 2]
    grid = (len(centers_y), len(centers_x), len(heights))
    centers = np.stack(
        [
            np.broadcast_to(centers_y[:, None, None], grid),
            np.broadcast_to(centers_x[None, :, None], grid),
        ],
        axis=-1,
    ).reshape(-1, 2)
    sizes = np.tile(np.stack([heights, widths], axis=1), (grid[0] * grid[1], 1))
    return np.concatenate([centers - 0.5 * sizes, centers + 0.5 * sizes], axis=1)


def generate_pyramid_anchors(
    scales, ratios, feature_shapes, feature_strides, anchor_stride: int
) -> np.ndarray:
    """Return the anchors of all pyramid levels, one scale per level.

    Args:
        scales: side of the square anchors of each level, pixels.
        ratios: width over height, used at every level.
        feature_shapes: int [L, (height, width)], cells.
        feature_strides: pixels of the image per cell, of each level.
        anchor_stride: 1 for anchors at each cell, 2 at every other one.

    Returns:
        float64 [A, (y1, x1, y2, x2)], pixels, in the order of the RPN's outputs.
    """
    levels = zip(scales, feature_shapes, feature_strides, strict=True)
    return np.concatenate(
        [
            generate_anchors(scale, ratios, shape, stride, anchor_stride)
            for scale, shape, stride in levels
        ]
    )
