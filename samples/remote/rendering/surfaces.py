"""Table tops: wood, tiles, cloth, stone, carpet and plain paint, as uint8 RGB squares.

`draw_surface` picks one. Each drawer takes `rng`, the side of the picture in
pixels and the number of pixels per mm, so that patterns keep their real size.
"""

import cv2
import numpy as np

from .shapes import Color

WOODS = (
    (196, 154, 108),
    (222, 190, 150),
    (150, 104, 66),
    (112, 74, 48),
    (205, 180, 150),
)
PAINTS = (
    (238, 238, 234),
    (214, 206, 190),
    (180, 196, 206),
    (96, 120, 140),
    (150, 172, 148),
    (206, 172, 160),
    (62, 64, 70),
    (188, 186, 190),
)
CLOTHS = (
    (178, 60, 58),
    (52, 82, 130),
    (88, 122, 88),
    (208, 196, 172),
    (120, 112, 128),
    (214, 166, 72),
    (70, 72, 78),
)


def draw_surface(rng: np.random.Generator, side: int, scale: float) -> np.ndarray:
    """Return a random table top.

    Args:
        rng: decides kind, colours and pattern.
        side: width and height of the picture, pixels.
        scale: pixels per mm.

    Returns:
        uint8 [side, side, 3], RGB.
    """
    kinds = (wood, wood, tiles, cloth, stone, carpet, paint, paint)
    surface = kinds[rng.integers(len(kinds))](rng, side, scale)
    return np.clip(surface, 0, 255).astype(np.uint8)


def fractal_noise(
    rng: np.random.Generator, side: int, cell_yx: tuple[float, float], octaves: int = 4
) -> np.ndarray:
    """Return smooth noise of several sizes.

    Args:
        rng: source of the values.
        side: pixels.
        cell_yx: size of the largest blobs, pixels.
        octaves: each adds blobs of half the size and half the strength.

    Returns:
        float32 [side, side], mean about 0, mostly within -1 to 1.
    """
    total = np.zeros((side, side), np.float32)
    for octave in range(octaves):
        rows, columns = (
            int(np.clip(side * 2**octave / cell, 2, side)) for cell in cell_yx
        )
        grid = rng.normal(0, 0.5, (rows, columns)).astype(np.float32)
        layer = cv2.resize(grid, (side, side), interpolation=cv2.INTER_CUBIC)
        total += layer * 0.5**octave
    return total


def wood(rng: np.random.Generator, side: int, scale: float) -> np.ndarray:
    """Return planks with grain along x; float32 [side, side, 3]."""
    color = _near(rng, WOODS, 12)
    plank = rng.uniform(70, 160) * scale
    rows = np.arange(side)
    number = ((rows + rng.uniform(0, plank)) / plank).astype(int)
    tone = rng.normal(1, 0.06, number.max() + 1)[number].astype(np.float32)
    shift = rng.uniform(0, 40, number.max() + 1)[number].astype(np.float32)

    bend = fractal_noise(rng, side, (60 * scale, 400 * scale), 2)
    across = rows[:, None] / (rng.uniform(5, 11) * scale)
    rings = np.sin(2 * np.pi * (across + 2.2 * bend + shift[:, None]))
    fibre = fractal_noise(rng, side, (2.5 * scale, 70 * scale), 3)
    light = tone[:, None] * (1 + 0.05 * rings + 0.06 * fibre)
    if rng.random() < 0.7:
        seam = np.flatnonzero(np.diff(number))
        width = max(1, round(0.8 * scale))
        for row in seam:
            light[row : row + width] *= 0.55
    return color * light[..., None]


def tiles(rng: np.random.Generator, side: int, scale: float) -> np.ndarray:
    """Return square ceramic tiles with grout between; float32 [side, side, 3]."""
    color, grout = _near(rng, PAINTS, 8), np.float32(rng.uniform(120, 215))
    tile, gap = rng.uniform(55, 130) * scale, rng.uniform(1.5, 3) * scale
    place = np.arange(side) + rng.uniform(0, tile)
    number = (place / tile).astype(int)
    inside = np.minimum(place % tile, tile - place % tile)
    edge = np.minimum(inside[:, None], inside[None, :])
    count = number.max() + 1
    tone = rng.normal(1, 0.04, (count, count))[number[:, None], number[None, :]]
    if rng.random() < 0.4:
        chess = (number[:, None] + number[None, :]) % 2
        tone = tone * np.where(chess == 1, rng.uniform(0.55, 0.9), 1)
    cloud = fractal_noise(rng, side, (40 * scale, 40 * scale))
    body = color * (tone * (1 + 0.05 * cloud))[..., None].astype(np.float32)
    # The glaze bends down to the grout: a narrow dark rim.
    rim = 1 - 0.18 * np.exp(-np.maximum(edge - gap / 2, 0) / scale)
    grain = grout + 12 * fractal_noise(rng, side, (2 * scale, 2 * scale), 2)
    is_grout = (edge < gap / 2)[..., None]
    return np.where(is_grout, grain[..., None], body * rim[..., None])


def cloth(rng: np.random.Generator, side: int, scale: float) -> np.ndarray:
    """Return woven cloth, plain, striped or checked; float32 [side, side, 3]."""
    color, second = _near(rng, CLOTHS, 15), _near(rng, CLOTHS, 15)
    y, x = np.mgrid[:side, :side].astype(np.float32)
    period = rng.uniform(24, 70) * scale
    share = rng.uniform(0.25, 0.6)
    stripes_x, stripes_y = (x % period < share * period), (y % period < share * period)
    pattern = rng.integers(3)
    amount = (np.zeros_like(x), stripes_x * 0.8, (stripes_x * 0.4 + stripes_y * 0.4))
    blend = amount[pattern].astype(np.float32)[..., None]
    thread = 2 * np.pi / max(rng.uniform(1.2, 2.2) * scale, 5)
    weave = 0.07 * np.sin(thread * x) * np.sin(thread * y)
    folds = 0.09 * fractal_noise(rng, side, (150 * scale, 220 * scale), 2)
    fuzz = 0.05 * fractal_noise(rng, side, (1.5 * scale, 1.5 * scale), 1)
    return (color * (1 - blend) + second * blend) * (1 + weave + folds + fuzz)[
        ..., None
    ]


def stone(rng: np.random.Generator, side: int, scale: float) -> np.ndarray:
    """Return marble with veins or speckled granite; float32 [side, side, 3]."""
    color = _near(rng, PAINTS, 10)
    if rng.random() < 0.5:
        cloud = fractal_noise(rng, side, (140 * scale, 140 * scale), 5)
        vein = np.exp(-np.abs(cloud + 0.2) * 14) * rng.uniform(0.15, 0.4)
        return color * (1 + 0.06 * cloud - vein)[..., None]
    coarse = fractal_noise(rng, side, (2.5 * scale, 2.5 * scale), 2)
    fine = fractal_noise(rng, side, (1.2 * scale, 1.2 * scale), 1)
    speckle = 0.07 * np.tanh(3 * coarse) + 0.1 * fine
    return color * (1 + speckle)[..., None]


def carpet(rng: np.random.Generator, side: int, scale: float) -> np.ndarray:
    """Return short pile with broad stains of light; float32 [side, side, 3]."""
    color = _near(rng, CLOTHS + PAINTS[:3], 15)
    pile = 0.14 * fractal_noise(rng, side, (1.6 * scale, 1.6 * scale), 2)
    broad = 0.07 * fractal_noise(rng, side, (120 * scale, 120 * scale), 2)
    return color * (1 + pile + broad)[..., None]


def paint(rng: np.random.Generator, side: int, scale: float) -> np.ndarray:
    """Return a painted board that fades to one side; float32 [side, side, 3]."""
    color, second = _near(rng, PAINTS, 12), _near(rng, PAINTS, 12)
    second = color + 0.35 * (second - color)
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j].astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    blend = (0.5 + 0.5 * np.clip(x * np.cos(angle) + y * np.sin(angle), -1, 1))[
        ..., None
    ]
    bumps = 0.012 * fractal_noise(rng, side, (6 * scale, 6 * scale), 3)
    broad = 0.03 * fractal_noise(rng, side, (150 * scale, 150 * scale), 2)
    return (color * (1 - blend) + second * blend) * (1 + bumps + broad)[..., None]


def _near(rng: np.random.Generator, colors: tuple[Color, ...], spread: float):
    """Return one of the colours, moved a little; float32 [3]."""
    color = np.array(colors[rng.integers(len(colors))], np.float32)
    return np.clip(color + rng.normal(0, spread, 3), 12, 248).astype(np.float32)
