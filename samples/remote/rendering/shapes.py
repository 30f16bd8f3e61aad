"""Outlines, solids and the few strokes that all drawn faces are made of.

A `Face` is a uint8 RGB picture with a scale, drawn in millimetres from its top
left corner; a `Solid` is a convex outline raised to a height, with a face.
"""

from dataclasses import dataclass, field

import cv2
import numpy as np

PIXELS_PER_MM = 8
SUBPIXEL_BITS = 4
Color = tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class Solid:
    """A convex prism with a drawn top and a rounded upper edge.

    Attributes:
        name: what it shows, such as ``"AC Remote"``.
        outline: float64 [N, (x, y)], mm around the middle, N at least 3.
        height: mm.
        face: uint8 [H, W, 3], RGB, over the bounding box of the outline.
        side: RGB of the side walls.
        bevel: radius of the upper edge, mm, at most the height.
        gloss: strength of the highlight on the edge, 0 to 1.
    """

    name: str
    outline: np.ndarray
    height: float
    face: np.ndarray
    side: Color
    bevel: float = 1.0
    gloss: float = 0.4


@dataclass
class Face:
    """A picture to draw on, in millimetres.

    Attributes:
        width: mm.
        height: mm.
        color: RGB of the ground.
        image: uint8 [height * 8, width * 8, 3], RGB.
    """

    width: float
    height: float
    color: Color
    image: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        """Fill the picture with the ground."""
        size = (round(self.height * PIXELS_PER_MM), round(self.width * PIXELS_PER_MM))
        self.image = np.full((*size, 3), np.clip(self.color, 0, 255), np.uint8)

    def fill(self, points: np.ndarray, color: Color) -> None:
        """Fill a polygon, float [N, (x, y)] in mm, with a colour."""
        fixed = np.round(points * PIXELS_PER_MM * 2**SUBPIXEL_BITS).astype(np.int32)
        cv2.fillPoly(self.image, [fixed], rgb(color), cv2.LINE_AA, SUBPIXEL_BITS)

    def stroke(self, points: np.ndarray, width: float, color: Color) -> None:
        """Draw an open line through float [N, (x, y)] in mm, `width` mm wide."""
        fixed = np.round(np.asarray(points) * PIXELS_PER_MM * 2**SUBPIXEL_BITS)
        thickness = max(1, round(width * PIXELS_PER_MM))
        cv2.polylines(
            self.image,
            [fixed.astype(np.int32)],
            False,
            rgb(color),
            thickness,
            cv2.LINE_AA,
            SUBPIXEL_BITS,
        )

    def text(self, words: str, center: tuple, height: float, color: Color) -> None:
        """Write words around a centre (x, y) in mm, in capitals `height` mm high."""
        font, thickness = cv2.FONT_HERSHEY_SIMPLEX, max(1, round(height * 1.2))
        scale = height * PIXELS_PER_MM / 21  # capitals of this font are 21 px high
        width = cv2.getTextSize(words, font, scale, thickness)[0][0]
        x = round(center[0] * PIXELS_PER_MM - width / 2)
        y = round((center[1] + height / 2) * PIXELS_PER_MM)
        cv2.putText(
            self.image, words, (x, y), font, scale, rgb(color), thickness, cv2.LINE_AA
        )


def rgb(color: Color) -> tuple[int, int, int]:
    """Return a colour rounded into 0 to 255, as OpenCV takes it."""
    return tuple(int(round(min(max(float(c), 0), 255))) for c in color)


def shaded(color: Color, factor: float) -> Color:
    """Return a colour made darker (below 1) or lighter (above 1)."""
    return tuple(min(255.0, c * factor) for c in color)


def mixed(first: Color, second: Color, share: float) -> Color:
    """Return `first` with a share (0 to 1) of `second`."""
    return tuple(a + (b - a) * share for a, b in zip(first, second, strict=True))


def rounded(corners: np.ndarray, cuts, points_per_corner: int = 9) -> np.ndarray:
    """Return a convex polygon whose corners are replaced by arcs.

    Args:
        corners: float [N, (x, y)], mm.
        cuts: length cut from both edges at a corner, mm; one, or one per corner.
        points_per_corner: points of an arc.

    Returns:
        float64 [N * points_per_corner, (x, y)], mm.
    """
    corners = np.asarray(corners, np.float64)
    cuts = np.broadcast_to(cuts, len(corners))
    s = np.linspace(0, 1, points_per_corner)[:, None]
    # A rational Bezier curve with this weight is a circle at a right angle.
    weights = ((1 - s) ** 2, 2 * s * (1 - s) * np.sqrt(0.5), s**2)
    arcs = []
    for i, (corner, cut) in enumerate(zip(corners, cuts, strict=True)):
        before = _towards(corner, corners[i - 1], cut)
        after = _towards(corner, corners[(i + 1) % len(corners)], cut)
        arc = sum(w * p for w, p in zip(weights, (before, corner, after), strict=True))
        arcs.append(arc / sum(weights))
    return np.concatenate(arcs)


def box(x1: float, y1: float, x2: float, y2: float, cut: float) -> np.ndarray:
    """Return a rectangle with rounded corners, float64 [36, (x, y)]."""
    cut = min(cut, (x2 - x1) / 2, (y2 - y1) / 2)
    return rounded([(x1, y1), (x2, y1), (x2, y2), (x1, y2)], cut)


def centered_box(width: float, height: float, cut: float) -> np.ndarray:
    """Return a rounded rectangle around (0, 0), float64 [36, (x, y)]."""
    return box(-width / 2, -height / 2, width / 2, height / 2, cut)


def ellipse(x: float, y: float, rx: float, ry: float, points: int = 40) -> np.ndarray:
    """Return an ellipse, float64 [points, (x, y)]."""
    angle = np.arange(points) * (2 * np.pi / points)
    return np.stack([x + rx * np.cos(angle), y + ry * np.sin(angle)], axis=1)


def inset(outline: np.ndarray, distance: float) -> np.ndarray:
    """Return a convex outline moved inwards.

    Args:
        outline: float [N, (x, y)], mm.
        distance: mm, below the smallest radius of the outline.

    Returns:
        float64 [N, (x, y)], mm.
    """
    return outline - distance * normals(outline)


def normals(outline: np.ndarray) -> np.ndarray:
    """Return the outward unit normals of a convex outline, float64 [N, (x, y)]."""
    # Arcs that meet repeat a point; neighbours two away keep the tangent defined.
    tangent = np.roll(outline, -2, axis=0) - np.roll(outline, 2, axis=0)
    normal = np.stack([tangent[:, 1], -tangent[:, 0]], axis=1)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    outwards = np.sign(np.sum(normal * (outline - outline.mean(axis=0)), axis=1))
    return normal * np.where(outwards < 0, -1, 1)[:, None]


def graded(
    image: np.ndarray, rng: np.random.Generator, *, slope: float, grain: float
) -> np.ndarray:
    """Return a face under uneven light, with the fine grain of its material.

    Args:
        image: uint8 [H, W, 3].
        rng: decides direction and grain.
        slope: largest change of brightness from the middle, 0 to 1.
        grain: standard deviation of the grain, levels.

    Returns:
        uint8 [H, W, 3].
    """
    height, width = image.shape[:2]
    angle = rng.uniform(0, 2 * np.pi)
    y = np.linspace(-1, 1, height)[:, None] * np.sin(angle)
    x = np.linspace(-1, 1, width)[None, :] * np.cos(angle)
    light = 1 + slope * (x + y) / 1.4
    noise = rng.normal(0, grain, (height // 2 + 1, width // 2 + 1)).astype(np.float32)
    noise = cv2.resize(noise, (width, height))
    return np.clip(image * light[..., None] + noise[..., None], 0, 255).astype(np.uint8)


def _towards(start: np.ndarray, end: np.ndarray, distance: float) -> np.ndarray:
    return start + (end - start) * (distance / np.linalg.norm(end - start))
