"""Colours are stable, distinct, and told apart by the colour-blind where it is few."""

import colorsys

import numpy as np
import pytest

from mrcnn.draw.palette import (
    class_color,
    class_colors,
    instance_colors,
    random_colors,
)


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


def test_shades_and_tints_of_the_first_seven():
    # Orange (230, 159, 0): 0.55 of it, and half way to white.
    assert class_color(8) == (127, 87, 0)
    assert class_color(15) == (242, 207, 128)
    luminance = np.array([class_color(i) for i in range(1, 22)]) @ (0.21, 0.72, 0.07)
    base, shade, tint = luminance.reshape(3, 7)
    assert (shade < 0.6 * base).all() and (tint > base + 5).all()


def deuteranope(color):
    """How red and green are seen as one (Vienot et al. 1999, linear RGB)."""
    matrix = [[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]]
    return 255 * np.clip(matrix @ (np.array(color) / 255) ** 2.2, 0, 1) ** (1 / 2.2)


def test_the_first_classes_are_told_apart_without_green_cones():
    seen = np.array([deuteranope(class_color(i)) for i in range(1, 8)])
    distance = np.linalg.norm(seen[:, None] - seen, axis=-1)
    distance[np.diag_indices(7)] = 999
    assert distance.min() > 25
    # Red and green of the same brightness would not be.
    alike = deuteranope((200, 0, 60)) - deuteranope((0, 134, 60))
    assert np.linalg.norm(alike) < 25


def test_colours_of_figures_are_those_of_frames():
    assert class_colors([1, 0]) == [
        (230 / 255, 159 / 255, 0.0),
        (128 / 255, 128 / 255, 128 / 255),
    ]
    assert instance_colors(30)[:5] == instance_colors(5) == class_colors(range(1, 6))
    assert class_colors([]) == instance_colors(0) == []
