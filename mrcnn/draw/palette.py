"""Colours: one for each class, the same in every picture, or N that differ.

`annotate` and the samples use `class_color`; the figures, as the original,
`random_colors`.
"""

import colorsys

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
# Later classes step round the hues by the golden ratio, which never comes back to
# the same place, and alternate in saturation and brightness.
_HUE_STEP = (5**0.5 - 1) / 2
_SATURATION_VALUE = ((0.85, 1.0), (0.5, 1.0), (0.9, 0.65))


def random_colors(
    N: int, bright: bool = True, *, rng: np.random.Generator | None = None
) -> list[tuple[float, float, float]]:
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
    index = abs(int(class_id)) - 1
    if index < 0:
        return _BACKGROUND
    if index < len(_FIRST):
        return _FIRST[index]
    index -= len(_FIRST)
    saturation, value = _SATURATION_VALUE[index % len(_SATURATION_VALUE)]
    rgb = colorsys.hsv_to_rgb(index * _HUE_STEP % 1, saturation, value)
    return tuple(round(255 * channel) for channel in rgb)
