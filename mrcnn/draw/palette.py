"""Colours: the palette of Okabe and Ito, by class or by object; the original's hues.

`class_color` gives frames their colours, 0 to 255, and `class_colors` and
`instance_colors` the figures theirs, 0 to 1. They depend on the number alone, so
that a class, or the i-th object, looks the same in every picture.
"""

from __future__ import annotations

import colorsys
from collections.abc import Iterable

import numpy as np

_BACKGROUND = (128, 128, 128)
# Okabe and Ito (2008), without black: told apart with any colour vision.
_FIRST = (
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (240, 228, 66),
    (0, 114, 178),
    (213, 94, 0),
    (204, 121, 167),
)
# Then their shades and their tints, which differ in brightness.
_SHADE, _TINT = 0.55, 0.5
# Of later ones, of which no palette can be told apart with any colour vision, each
# steps round the hues by the golden ratio, which never comes back to the same place,
# and alternates in saturation and brightness.
_HUE_STEP = (5**0.5 - 1) / 2
_SATURATION_VALUE = ((0.85, 1.0), (0.5, 1.0), (0.9, 0.65))

Rgb = tuple[float, float, float]


def random_colors(
    N: int, bright: bool = True, *, rng: np.random.Generator | None = None
) -> list[Rgb]:
    """Return N colours evenly spaced in hue, in an order that is mixed.

    Args:
        N: number of colours.
        bright: full brightness, else 0.7 of it.
        rng: mixes the order; None gives the same order every time.

    Returns:
        N tuples (red, green, blue) of floats from 0 to 1.

    Example:
        >>> sorted(random_colors(2))
        [(0.0, 1.0, 1.0), (1.0, 0.0, 0.0)]
    """
    rng = np.random.default_rng(0) if rng is None else rng
    brightness = 1.0 if bright else 0.7
    order = rng.permutation(N).tolist()
    return [colorsys.hsv_to_rgb(i / N, 1.0, brightness) for i in order]


def class_color(class_id: int) -> tuple[int, int, int]:
    """Return the colour of a class; it depends on the number alone.

    Args:
        class_id: 0 is background, grey; a negative number, which marks a crowd, has
            its class's colour.

    Returns:
        (red, green, blue), each from 0 to 255.

    Example:
        >>> class_color(1)
        (230, 159, 0)
    """
    number = abs(int(class_id)) - 1
    if number < 0:
        return _BACKGROUND
    level, index = divmod(number, len(_FIRST))
    if level == 0:
        return _FIRST[index]
    if level == 1:
        return tuple(round(_SHADE * channel) for channel in _FIRST[index])
    if level == 2:
        return tuple(round(255 - _TINT * (255 - channel)) for channel in _FIRST[index])
    index = number - 3 * len(_FIRST)
    saturation, value = _SATURATION_VALUE[index % len(_SATURATION_VALUE)]
    rgb = colorsys.hsv_to_rgb(index * _HUE_STEP % 1, saturation, value)
    return tuple(round(255 * channel) for channel in rgb)


def class_colors(class_ids: Iterable[int]) -> list[Rgb]:
    """Return the colours of classes as `visualize` takes them.

    Args:
        class_ids: N numbers, as in `class_color`.

    Returns:
        N tuples (red, green, blue) of floats from 0 to 1.

    Example:
        >>> class_colors([2, 2, 0])[1:]
        [(0.337..., 0.705..., 0.913...), (0.501..., 0.501..., 0.501...)]
    """
    return [
        tuple(channel / 255 for channel in class_color(class_id))
        for class_id in class_ids
    ]


def instance_colors(N: int) -> list[Rgb]:
    """Return N colours, the i-th always the same: one for each object of a picture.

    Args:
        N: number of colours.

    Returns:
        N tuples (red, green, blue) of floats from 0 to 1.

    Example:
        >>> instance_colors(2) == class_colors([1, 2])
        True
    """
    return class_colors(range(1, N + 1))
