"""Anchors: counts, order, sizes."""

import numpy as np
import pytest

from mrcnn.geometry.anchors import (
    feature_shapes,
    generate_anchors,
    generate_pyramid_anchors,
)

STRIDES = [4, 8, 16, 32, 64]
SCALES = (32, 64, 128, 256, 512)
RATIOS = [0.5, 1, 2]


def test_feature_shapes_round_up():
    # 130 / 4 = 32.5, 130 / 64 = 2.03; 100 / 64 = 1.56
    np.testing.assert_array_equal(
        feature_shapes((130, 100, 3), [4, 64]), [[33, 25], [3, 2]]
    )


def test_one_level_by_hand():
    # Two cells 8 px apart, scale 4. Ratio 1: 4 x 4; ratio 4: height 4 / 2 = 2,
    # width 4 * 2 = 8. Per cell first, then ratios.
    anchors = generate_anchors(4, [1, 4], (1, 2), 8, 1)
    np.testing.assert_array_equal(
        anchors,
        [[-2, -2, 2, 2], [-1, -4, 1, 4], [-2, 6, 2, 10], [-1, 4, 1, 12]],
    )


def test_rows_come_before_columns():
    anchors = generate_anchors([2], [1], (2, 3), 10, 1)
    centers = (anchors[:, :2] + anchors[:, 2:]) / 2
    np.testing.assert_array_equal(
        centers, [[0, 0], [0, 10], [0, 20], [10, 0], [10, 10], [10, 20]]
    )


def test_anchor_stride_skips_cells():
    every = generate_anchors(8, RATIOS, (5, 4), 4, 1).reshape(5, 4, 3, 4)
    other = generate_anchors(8, RATIOS, (5, 4), 4, 2)
    np.testing.assert_array_equal(other, every[::2, ::2].reshape(-1, 4))


def test_every_ratio_has_the_area_of_its_scale():
    anchors = generate_anchors(32, RATIOS, (1, 1), 4, 1)
    height, width = (anchors[:, 2:] - anchors[:, :2]).T
    np.testing.assert_allclose(height * width, 32**2)
    np.testing.assert_allclose(width / height, RATIOS)


def test_several_scales_in_a_cell_go_inside_the_ratios():
    anchors = generate_anchors([2, 4], [1, 4], (1, 1), 4, 1)
    heights = anchors[:, 2] - anchors[:, 0]
    np.testing.assert_array_equal(heights, [2, 4, 1, 2])


@pytest.mark.parametrize(
    ("side", "count"), [(128, 4_092), (320, 25_575), (448, 50_127), (1024, 261_888)]
)
def test_counts_of_the_pyramid(side, count):
    shapes = feature_shapes((side, side), STRIDES)
    anchors = generate_pyramid_anchors(SCALES, RATIOS, shapes, STRIDES, 1)
    assert anchors.shape == (count, 4)


def test_levels_follow_each_other():
    shapes = [(2, 2), (1, 1)]
    anchors = generate_pyramid_anchors((8, 16), RATIOS, shapes, [4, 8], 1)
    np.testing.assert_array_equal(
        anchors[:12], generate_anchors(8, RATIOS, (2, 2), 4, 1)
    )
    np.testing.assert_array_equal(
        anchors[12:], generate_anchors(16, RATIOS, (1, 1), 8, 1)
    )


def test_one_scale_per_level():
    with pytest.raises(ValueError, match="shorter"):
        generate_pyramid_anchors((8, 16), RATIOS, [(2, 2)], [4, 8], 1)
