"""Things that are not remotes: what else lies on the table, and what covers it.

Each drawer returns one `Solid`; `draw_hand` returns several with their places,
because a hand is no convex prism but a forearm, a palm and fingers are.
"""

import cv2
import numpy as np

from .shapes import (
    PIXELS_PER_MM,
    Color,
    Face,
    Solid,
    box,
    centered_box,
    ellipse,
    graded,
    mixed,
    shaded,
)

COVERS = (
    (168, 44, 48),
    (36, 74, 128),
    (42, 110, 86),
    (224, 176, 64),
    (92, 60, 110),
    (232, 226, 212),
    (44, 46, 52),
    (204, 108, 62),
)
NOTES = ((250, 232, 110), (248, 170, 190), (164, 222, 160), (154, 204, 240))
METALS = ((196, 198, 202), (206, 176, 96), (186, 120, 80))
SKINS = ((238, 196, 166), (214, 162, 124), (164, 112, 80), (110, 74, 54))


def draw_clutter(rng: np.random.Generator) -> Solid:
    """Return a random small thing that is not a remote."""
    drawers = (phone, phone, book, pen, pen, carton, mug, notes, card, coin, tray)
    return drawers[rng.integers(len(drawers))](rng)


def draw_cover(rng: np.random.Generator) -> Solid:
    """Return a thing that may lie across a remote."""
    drawers = (book, card, notes, carton, phone, pen)
    return drawers[rng.integers(len(drawers))](rng)


def phone(rng: np.random.Generator) -> Solid:
    """Return a telephone, its screen dark or showing a picture and the time."""
    width, length = rng.uniform(66, 76), rng.uniform(138, 158)
    frame = (30, 31, 34) if rng.random() < 0.7 else (196, 198, 204)
    face = Face(width, length, (18, 19, 22))
    if rng.random() < 0.55:
        top, bottom = _pick(rng, COVERS), _pick(rng, COVERS)
        share = np.linspace(0, 1, face.image.shape[0])[:, None, None]
        blend = np.array(top) * (1 - share) + np.array(bottom) * share
        margin = 3 * PIXELS_PER_MM
        inner = np.broadcast_to(blend * 0.8, face.image.shape)
        face.image[margin:-margin, margin:-margin] = inner[
            margin:-margin, margin:-margin
        ]
        face.text("9:41", (width / 2, length * 0.22), 7, (250, 250, 250))
    else:
        corners = [(width * 0.5, 0), (width, 0), (width, length * 0.5), (0, length)]
        face.fill(np.array(corners), (30, 32, 37))
    face.fill(ellipse(width / 2, 6, 1.6, 1.6), (8, 8, 10))
    return Solid(
        "phone", centered_box(width, length, 9), rng.uniform(7, 9), face.image, frame
    )


def book(rng: np.random.Generator) -> Solid:
    """Return a closed book with a title, lines or a picture on the cover."""
    width, length = rng.uniform(95, 140), rng.uniform(140, 200)
    cover = _pick(rng, COVERS)
    face = Face(width, length, cover)
    ink = mixed(cover, (250, 246, 235) if sum(cover) < 420 else (30, 30, 36), 0.85)
    face.fill(box(0, 0, 7, length, 0.1), shaded(cover, 0.75))
    words = rng.permutation(("SUMMER", "ATLAS", "GARDEN", "NOTES", "RIVER", "STORIES"))
    face.text(words[0], (width / 2 + 4, length * 0.2), 9, ink)
    face.text(words[1], (width / 2 + 4, length * 0.31), 6, ink)
    if rng.random() < 0.6:
        color = _pick(rng, COVERS)
        rx, ry = width * rng.uniform(0.15, 0.3), length * rng.uniform(0.1, 0.22)
        face.fill(ellipse(width / 2 + 4, length * 0.62, rx, ry), color)
    else:
        face.stroke([(16, length * 0.8), (width - 10, length * 0.8)], 1.2, ink)
        face.stroke([(16, length * 0.84), (width - 30, length * 0.84)], 1.2, ink)
    image = graded(face.image, rng, slope=0.06, grain=3)
    pages = (226, 220, 204)
    outline = centered_box(width, length, 1.5)
    return Solid("book", outline, rng.uniform(9, 26), image, pages, 0.5, 0.0)


def pen(rng: np.random.Generator) -> Solid:
    """Return a pen with cap and metal tip."""
    width, length = rng.uniform(8, 11), rng.uniform(125, 150)
    color = _pick(rng, COVERS)
    face = Face(width, length, color)
    face.fill(box(0, 0, width, length * 0.36, 0.1), shaded(color, 0.7))
    face.fill(box(0, length * 0.36, width, length * 0.38, 0.1), (206, 208, 212))
    face.fill(box(0, length * 0.93, width, length, 0.1), (190, 192, 196))
    face.fill(box(width * 0.4, 3, width * 0.6, length * 0.3, 0.6), (214, 216, 220))
    outline = centered_box(width, length, width * 0.5)
    return Solid("pen", outline, width, face.image, color, width * 0.42, 0.8)


def carton(rng: np.random.Generator) -> Solid:
    """Return a small box, of cardboard or printed, with a strip of tape or a label."""
    width, length = rng.uniform(60, 110), rng.uniform(70, 130)
    color = (190, 150, 104) if rng.random() < 0.4 else _pick(rng, COVERS)
    face = Face(width, length, color)
    if rng.random() < 0.5:
        x1, x2 = width * 0.42, width * 0.58
        face.fill(box(x1, 0, x2, length, 0.1), mixed(color, (235, 220, 180), 0.5))
    else:
        label = box(width * 0.15, length * 0.2, width * 0.85, length * 0.6, 2)
        face.fill(label, (240, 238, 230))
        face.text("FRAGILE", (width / 2, length * 0.4), width * 0.07, (60, 60, 66))
    image = graded(face.image, rng, slope=0.05, grain=4)
    outline = centered_box(width, length, 1.2)
    return Solid("carton", outline, rng.uniform(22, 60), image, color, 0.6, 0.0)


def mug(rng: np.random.Generator) -> Solid:
    """Return a full mug seen from above."""
    radius = rng.uniform(36, 44)
    color = _pick(rng, COVERS)
    face = Face(2 * radius, 2 * radius, shaded(color, 1.08))
    drink = _pick(rng, ((58, 34, 22), (150, 104, 66), (176, 120, 40)))
    inner = radius - 4
    face.fill(ellipse(radius, radius, inner, inner), shaded(color, 0.6))
    face.fill(ellipse(radius, radius + 2, inner - 2, inner - 3), drink)
    shine = ellipse(radius * 0.75, radius * 0.8, 9, 4)
    face.fill(shine, mixed(drink, (255, 255, 255), 0.25))
    outline = ellipse(0, 0, radius, radius, 56)
    return Solid("mug", outline, rng.uniform(60, 85), face.image, color, 1.5, 0.7)


def notes(rng: np.random.Generator) -> Solid:
    """Return a block of sticky notes with some writing."""
    side = rng.uniform(70, 80)
    color = _pick(rng, NOTES)
    face = Face(side, side, color)
    for i in range(int(rng.integers(2, 6))):
        x = np.linspace(8, side - rng.uniform(10, 35), 40)
        y = 14 + 10 * i + 1.5 * np.sin(x * rng.uniform(0.8, 1.6) + i)
        face.stroke(np.stack([x, y], axis=1), 0.6, (50, 60, 120))
    outline = centered_box(side, side, 0.8)
    image = graded(face.image, rng, slope=0.05, grain=2)
    return Solid("notes", outline, rng.uniform(2, 9), image, color, 0.3, 0.0)


def card(rng: np.random.Generator) -> Solid:
    """Return a bank card with a chip."""
    color = _pick(rng, COVERS)
    face = Face(86, 54, color)
    face.fill(ellipse(70, 10, 46, 34), mixed(color, (255, 255, 255), 0.15))
    face.fill(box(9, 18, 21, 28, 2), (214, 184, 104))
    ink = (240, 240, 240) if sum(color) < 420 else (50, 52, 60)
    face.text("4000 1234 5678 9010", (43, 36), 3.4, ink)
    face.text("A. N. OTHER", (24, 46), 2.4, ink)
    return Solid("card", centered_box(86, 54, 3.5), 1.4, face.image, color, 0.2, 0.3)


def coin(rng: np.random.Generator) -> Solid:
    """Return a coin."""
    radius = rng.uniform(10, 14)
    color = _pick(rng, METALS)
    face = Face(2 * radius, 2 * radius, shaded(color, 1.05))
    inner = radius * 0.84
    face.fill(ellipse(radius, radius, inner, inner), shaded(color, 0.9))
    number = str(_pick(rng, (1, 2, 5, 10, 20)))
    face.text(number, (radius, radius), radius * 0.8, shaded(color, 1.2))
    return Solid(
        "coin", ellipse(0, 0, radius, radius), 2.2, face.image, color, 0.4, 1.0
    )


def tray(rng: np.random.Generator) -> Solid:
    """Return a flat dish or a coaster with rings."""
    radius = rng.uniform(42, 60)
    color = _pick(rng, COVERS)
    face = Face(2 * radius, 2 * radius, color)
    for share, factor in ((0.88, 0.86), (0.84, 1.05), (0.5, 0.92), (0.46, 1.08)):
        ring = ellipse(radius, radius, radius * share, radius * share, 64)
        face.fill(ring, shaded(color, factor))
    image = graded(face.image, rng, slope=0.08, grain=2)
    return Solid("tray", ellipse(0, 0, radius, radius, 56), 5, image, color, 1.2, 0.4)


def draw_hand(rng: np.random.Generator) -> list[tuple[Solid, np.ndarray, float, float]]:
    """Return the parts of a hand that reaches along +y with its middle at (0, 0).

    Args:
        rng: decides skin, spread and proportions.

    Returns:
        For each part, lowest first: solid, its centre float64 [(x, y)] in mm,
        its turn in radians, and how far it lies above the hand's base in mm.
    """
    skin = tuple(c + rng.normal(0, 5) for c in _pick(rng, SKINS))
    sleeve = _pick(rng, COVERS)
    mirror = 1 if rng.random() < 0.5 else -1
    parts = [
        (_limb(rng, "sleeve", sleeve, 84, 260, 44), (0, -215), 0.0, 0.0),
        (_limb(rng, "hand", skin, 62, 150, 32), (0, -75), 0.0, 0.0),
        (_limb(rng, "hand", skin, 84, 96, 34), (0, -4), 0.0, 0.0),
        (_limb(rng, "hand", skin, 23, 74, 22), (mirror * 49, 2), -0.55 * mirror, 0.0),
    ]
    lengths = (66, 76, 80, 68)
    for i, length in enumerate(lengths):
        x = mirror * (-30 + 20 * i)
        turn = -mirror * (-0.16 + 0.1 * i) + rng.normal(0, 0.03)
        finger = _limb(rng, "finger", skin, 19.5, length, 18)
        place = (x - np.sin(turn) * length * 0.5, 40 + length * 0.33)
        parts.append((finger, place, turn, 4.0))
    return [(solid, np.array(place), turn, up) for solid, place, turn, up in parts]


def _limb(rng, name: str, color: Color, width: float, length: float, height: float):
    """Return a rounded capsule of one colour; a finger gets a nail."""
    face = Face(width, length, color)
    if name == "finger":
        nail = ellipse(width / 2, 8, width * 0.26, 6.5)
        face.fill(nail, mixed(color, (255, 236, 228), 0.45))
        for y in (length * 0.4, length * 0.43):
            face.stroke([(width * 0.3, y), (width * 0.7, y)], 0.5, shaded(color, 0.86))
    face.image[:] = cv2.GaussianBlur(face.image, (0, 0), 4)
    image = graded(face.image, rng, slope=0.04, grain=2.5)
    outline = centered_box(width, length, width / 2)
    return Solid(
        name, outline, height, image, color, min(height, width / 2) * 0.85, 0.15
    )


def _pick(rng: np.random.Generator, choices: tuple):
    return choices[rng.integers(len(choices))]
