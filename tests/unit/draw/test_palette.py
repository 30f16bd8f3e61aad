"""Colours are stable, distinct, and told apart by the colour-blind where it is few."""

import colorsys

import numpy as np
import pytest

from mrcnn.draw.palette import class_color, random_colors


@pytest.mark.parametrize(("bright", "value"), [(True, 1.0), (False, 0.7)])
def test_random_colors_are_even_in_hue(bright, value):
    colors = random_colors(8, bright)
    hues = sorted(colorsys.rgb_to_hsv(*c)[0] for c in colors)
    np.testing.assert_allclose(hues, np.arange(8) / 8, atol=1e-9)
    assert {max(c) for c in colors} == {value}


def test_random_colors_are_the_same_each_time_unless_asked():
    assert random_colors(9) == random_colors(9)
    other = random_colors(9, rng=np.random.default_rng(5))
    assert other != random_colors(9) and sorted(other) == sorted(random_colors(9))


def test_random_colors_are_mixed():
    hues = [colorsys.rgb_to_hsv(*c)[0] for c in random_colors(20)]
    assert hues != sorted(hues)


def test_no_and_one_color():
    assert random_colors(0) == []
    assert random_colors(1) == [(1.0, 0.0, 0.0)]


def test_class_color_is_stable():
    # Orange and sky blue of Okabe and Ito; videos and READMEs show them.
    assert class_color(1) == (230, 159, 0)
    assert class_color(np.int32(2)) == (86, 180, 233)
    assert class_color(0) == (128, 128, 128)
    assert class_color(-3) == class_color(3)


def test_class_colors_differ_for_all_of_coco():
    colors = np.array([class_color(i) for i in range(81)])
    assert colors.min() >= 0 and colors.max() <= 255
    distance = np.abs(colors[:, None] - colors[None]).sum(-1)
    distance[np.diag_indices(81)] = 999
    assert distance.min() >= 8
    # The few classes that most people have differ clearly.
    assert distance[:8, :8].min() >= 60


def test_class_colors_are_plain_integers():
    assert all(type(v) is int for i in range(40) for v in class_color(i))
