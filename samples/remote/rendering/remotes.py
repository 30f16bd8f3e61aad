"""Remotes of air conditioners: body, display with digits, brand and buttons.

`draw_remote` makes one; the order of drawing is that of the parts from the
upper end of the face down. No two are alike: body, palette, display, header
and button grid are chosen separately.
"""

from dataclasses import dataclass

import numpy as np

from .shapes import (
    Color,
    Face,
    Solid,
    box,
    ellipse,
    graded,
    inset,
    mixed,
    rounded,
    shaded,
)

LABEL = "AC Remote"
LIGHT_BODIES = ((242, 242, 238), (234, 226, 204), (208, 210, 213), (180, 183, 190))
DARK_BODIES = ((84, 86, 92), (36, 37, 41), (58, 62, 74))
LIGHT_BUTTONS = ((246, 246, 244), (206, 208, 210), (150, 153, 158))
COLORED_BUTTONS = ((58, 120, 196), (72, 150, 160), (70, 74, 82))
ACCENTS = ((232, 112, 40), (206, 48, 44), (70, 164, 78), (238, 188, 48), (52, 110, 206))
BRANDS = ("BREEZE", "AIR+", "CLIMA", "COOL", "INVERTER", "POLAR", "COMFORT")
LABELS = ("MODE", "FAN", "SWING", "TIMER", "SLEEP", "TURBO", "ECO", "DRY", "CLOCK")
SEGMENTS = {
    "top": ((0, 0), (1, 0)),
    "middle": ((0, 1), (1, 1)),
    "bottom": ((0, 2), (1, 2)),
    "upper left": ((0, 0), (0, 1)),
    "upper right": ((1, 0), (1, 1)),
    "lower left": ((0, 1), (0, 2)),
    "lower right": ((1, 1), (1, 2)),
}
DIGITS = {
    "0": "top bottom upper left upper right lower left lower right",
    "1": "upper right lower right",
    "2": "top middle bottom upper right lower left",
    "3": "top middle bottom upper right lower right",
    "4": "middle upper left upper right lower right",
    "5": "top middle bottom upper left lower right",
    "6": "top middle bottom upper left lower left lower right",
    "7": "top upper right lower right",
    "8": "top middle bottom upper left upper right lower left lower right",
    "9": "top middle bottom upper left upper right lower right",
}


@dataclass(frozen=True)
class Palette:
    """The colours of one remote, RGB."""

    body: Color
    panel: Color
    button: Color
    accent: Color
    lcd: Color
    ink: Color
    lettering: Color


def draw_remote(rng: np.random.Generator) -> Solid:
    """Return a remote control, 140 to 185 mm long."""
    length, width = rng.uniform(140, 185), rng.uniform(44, 58)
    outline = _body_outline(rng, width, length)
    palette = _choose_palette(rng)
    face = Face(width, length, palette.body)
    display_end = _draw_display(face, rng, palette, outline + (width / 2, length / 2))
    grid_start = _draw_header(face, rng, palette, display_end)
    _draw_grid(face, rng, palette, grid_start, length - rng.uniform(10, 34))
    if rng.random() < 0.5:
        _draw_grip(face, palette)
    return Solid(
        name=LABEL,
        outline=outline,
        height=rng.uniform(13, 20),
        face=graded(face.image, rng, slope=rng.uniform(0.02, 0.09), grain=1.2),
        side=shaded(palette.body, 0.97),
        bevel=rng.uniform(2.5, 5),
        gloss=rng.uniform(0.2, 0.8),
    )


def draw_digits(
    face: Face,
    digits: str,
    *,
    center: tuple[float, float],
    height: float,
    color: Color,
) -> None:
    """Draw a number in seven-segment digits.

    Args:
        face: what to draw on.
        digits: characters 0 to 9.
        center: middle of the number (x, y), mm.
        height: of the digits, mm.
        color: RGB.
    """
    step = height / 2
    advance = step * 1.75
    left = center[0] - (advance * (len(digits) - 1) + step) / 2
    for i, digit in enumerate(digits):
        origin = np.array([left + i * advance, center[1] - step])
        for name, ends in SEGMENTS.items():
            if name in DIGITS[digit]:
                first, last = (origin + step * np.array(end) for end in ends)
                gap = 0.12 * (last - first)
                face.stroke([first + gap, last - gap], height * 0.12, color)


def _body_outline(rng: np.random.Generator, width: float, length: float) -> np.ndarray:
    """Return a rounded, slightly tapered body, float64 [36, (x, y)]."""
    half = width / 2
    taper = rng.uniform(0.84, 1) if rng.random() < 0.6 else 1.0
    top, bottom = (half, half * taper) if rng.random() < 0.7 else (half * taper, half)
    cut_top = rng.uniform(5, 0.55 * top)
    cut_bottom = rng.uniform(5, (0.95 if rng.random() < 0.4 else 0.5) * bottom)
    y = length / 2
    corners = [(-top, -y), (top, -y), (bottom, y), (-bottom, y)]
    return rounded(corners, [cut_top, cut_top, cut_bottom, cut_bottom])


def _choose_palette(rng: np.random.Generator) -> Palette:
    is_light = rng.random() < 0.72
    body = _pick(rng, LIGHT_BODIES if is_light else DARK_BODIES)
    body = tuple(c + rng.normal(0, 4) for c in body)
    has_colored = rng.random() < 0.45
    button = _pick(rng, COLORED_BUTTONS if is_light and has_colored else LIGHT_BUTTONS)
    dark_panel = _pick(rng, ((34, 35, 40), (48, 54, 66), (88, 92, 98)))
    panel = dark_panel if rng.random() < 0.6 else shaded(body, rng.uniform(0.8, 0.92))
    lcd, ink = _pick(
        rng,
        (
            ((172, 186, 164), (28, 34, 30)),
            ((194, 202, 196), (34, 38, 40)),
            ((158, 174, 170), (22, 30, 32)),
            ((74, 146, 214), (238, 246, 250)),
            ((26, 34, 36), (190, 226, 216)),
        ),
    )
    lettering = (70, 72, 78) if is_light else (206, 208, 210)
    return Palette(body, panel, button, _pick(rng, ACCENTS), lcd, ink, lettering)


def _draw_display(
    face: Face, rng: np.random.Generator, palette: Palette, outline: np.ndarray
) -> float:
    """Draw panel, glass and digits; return where they end, mm."""
    width, length = face.width, face.height
    side, top = width * rng.uniform(0.14, 0.2), rng.uniform(8, 13)
    bottom = top + length * rng.uniform(0.2, 0.28)
    style = rng.integers(3)
    if style == 0:  # the panel fills the upper end of the body
        head = inset(outline, width * 0.06)
        face.fill(np.minimum(head, (width, bottom + 5)), palette.panel)
    elif style == 1:
        frame = box(side - 3, top - 3, width - side + 3, bottom + 3, 4)
        face.fill(frame, palette.panel)
    else:
        face.fill(
            box(side - 1, top - 1, width - side + 1, bottom + 1, 2.5),
            shaded(palette.body, 0.6),
        )
    face.fill(box(side, top, width - side, bottom, 2), palette.lcd)
    face.fill(box(side, top, width - side, top + 1.2, 0.6), shaded(palette.lcd, 0.75))
    _draw_readout(face, rng, palette, (side, top, width - side, bottom))
    if rng.random() < 0.5:
        _draw_glare(face, palette, (side, top, width - side, bottom))
    return bottom + 6


def _draw_readout(
    face: Face, rng: np.random.Generator, palette: Palette, window: tuple
) -> None:
    """Draw temperature, mode words and fan bars in a window (x1, y1, x2, y2)."""
    x1, y1, x2, y2 = window
    width, height = x2 - x1, y2 - y1
    size = min(height * 0.4, width * 0.42)
    center = (x1 + width * 0.46, y1 + height * 0.5)
    number = str(rng.integers(16, 31))
    draw_digits(face, number, center=center, height=size, color=palette.ink)
    degree = (center[0] + size * 0.95, center[1] - size * 0.3)
    face.text("C", (degree[0] + 2, degree[1]), 2.6, palette.ink)
    face.stroke(ellipse(degree[0] - 0.6, degree[1] - 1, 0.6, 0.6), 0.25, palette.ink)
    words = rng.permutation(("COOL", "AUTO", "DRY", "HEAT", "FAN"))
    face.text(words[0], (x1 + width * 0.28, y1 + 4), 2, palette.ink)
    face.text(words[1], (x1 + width * 0.74, y1 + 4), 2, palette.ink)
    for i in range(int(rng.integers(2, 6))):
        x = x1 + width * 0.2 + 2.6 * i
        face.fill(box(x, y2 - 3 - 0.7 * i, x + 1.6, y2 - 2, 0.1), palette.ink)
    face.text("12:30", (x2 - width * 0.22, y2 - 3.4), 1.8, palette.ink)


def _draw_glare(face: Face, palette: Palette, window: tuple) -> None:
    """Lay a slanted band of reflected light over a window (x1, y1, x2, y2)."""
    x1, y1, x2, y2 = window
    before = face.image.copy()
    width = x2 - x1
    band = [(x1 + width * 0.55, y1), (x2, y1), (x2, y1 + width * 0.6), (x1, y2)]
    face.fill(np.array(band), mixed(palette.lcd, (255, 255, 255), 0.8))
    face.image[:] = (0.8 * before + 0.2 * face.image).astype(np.uint8)


def _draw_header(
    face: Face, rng: np.random.Generator, palette: Palette, top: float
) -> float:
    """Draw brand and main buttons; return where the grid begins, mm."""
    middle = face.width / 2
    face.text(
        BRANDS[rng.integers(len(BRANDS))], (middle, top + 2), 2.4, palette.lettering
    )
    top += 8
    style = rng.integers(3)
    if style == 0:  # a round power key between two temperature keys
        radius = face.width * 0.13
        y = top + radius
        _draw_button(face, ellipse(middle, y, radius, radius), palette.accent)
        for x, sign in ((face.width * 0.2, -1), (face.width * 0.8, 1)):
            _draw_button(face, ellipse(x, y, radius * 0.75, radius), palette.button)
            _draw_arrow(face, (x, y), sign * radius * 0.4, _ink_on(palette.button))
        return y + radius + 5
    if style == 1:  # a wide power key and a rocker
        x1, x2 = face.width * 0.14, face.width * 0.86
        _draw_button(face, box(x1, top, middle - 2, top + 9, 4.5), palette.accent)
        _draw_button(face, box(middle + 2, top, x2, top + 20, 7), palette.button)
        x = (middle + 2 + x2) / 2
        _draw_arrow(face, (x, top + 5), -2.2, _ink_on(palette.button))
        _draw_arrow(face, (x, top + 15), 2.2, _ink_on(palette.button))
        _draw_button(face, box(x1, top + 12, middle - 2, top + 20, 4), palette.button)
        return top + 25
    radius = face.width * 0.24  # a dial with the power key inside
    y = top + radius
    _draw_button(face, ellipse(middle, y, radius, radius), palette.button)
    for sign in (-1, 1):
        place = (middle, y + sign * radius * 0.72)
        _draw_arrow(face, place, sign * radius * 0.22, _ink_on(palette.button))
    _draw_button(face, ellipse(middle, y, radius * 0.42, radius * 0.42), palette.accent)
    return y + radius + 5


def _draw_grid(
    face: Face, rng: np.random.Generator, palette: Palette, top: float, bottom: float
) -> None:
    """Draw the rows of small buttons with their names."""
    columns = int(rng.integers(2, 4)) if face.width < 50 else 3
    pitch_x = face.width * 0.76 / columns
    rows = int(np.clip((bottom - top) / rng.uniform(10, 14), 2, 5))
    pitch_y = min((bottom - top) / rows, 15)
    width, height = pitch_x * rng.uniform(0.68, 0.84), pitch_y * rng.uniform(0.42, 0.58)
    cut = height * rng.uniform(0.15, 0.5)
    names_outside = rng.random() < 0.6
    accent_row = rng.integers(-2, rows)
    for row in range(rows):
        for column in range(columns):
            x = face.width * 0.12 + pitch_x * (column + 0.5)
            y = top + pitch_y * (row + 0.5)
            color = palette.accent if row == accent_row else palette.button
            outline = box(
                x - width / 2, y - height / 2, x + width / 2, y + height / 2, cut
            )
            _draw_button(face, outline, color)
            name = LABELS[(row * columns + column) % len(LABELS)]
            ink = palette.lettering if names_outside else _ink_on(color)
            place = (x, y + height / 2 + 2.0) if names_outside else (x, y)
            face.text(name, place, 1.4, ink)


def _draw_button(face: Face, outline: np.ndarray, color: Color) -> None:
    """Draw a raised key: its shadow, its rim, its lit face."""
    face.fill(outline + (0.4, 0.7), shaded(_ground(face, outline), 0.62))
    face.fill(outline, shaded(color, 0.74))
    face.fill(inset(outline, 0.35) - (0.1, 0.15), shaded(color, 1.12))
    face.fill(inset(outline, 0.6), color)


def _draw_arrow(face: Face, center: tuple, size: float, color: Color) -> None:
    """Draw a triangle pointing down, or up for a negative size."""
    corners = np.array([(-1.0, -0.8), (1.0, -0.8), (0.0, 0.9)]) * size
    face.fill(corners + center, color)


def _draw_grip(face: Face, palette: Palette) -> None:
    """Draw the seam of the battery lid across the lower end."""
    y, width = face.height - 8, face.width
    x = np.linspace(0.2, 0.8, 15)
    arc = np.stack([x * width, y - 3 * np.sin(np.pi * (x - 0.2) / 0.6)], axis=1)
    face.stroke(arc, 0.4, shaded(palette.body, 0.72))
    face.stroke(arc + (0, 0.45), 0.3, shaded(palette.body, 1.1))


def _ground(face: Face, outline: np.ndarray) -> Color:
    """Return the colour beside a key, on which its shadow falls."""
    x, y = (outline.min(axis=0) - 1) * (face.image.shape[0] / face.height)
    return tuple(face.image[max(int(y), 0), max(int(x), 0)].tolist())


def _ink_on(color: Color) -> Color:
    return (40, 42, 46) if sum(color) > 380 else (240, 242, 244)


def _pick(rng: np.random.Generator, choices: tuple):
    return choices[rng.integers(len(choices))]
