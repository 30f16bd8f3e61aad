"""A camera over a table: what it sees, and the outline of what stays visible.

`render` paints the table, then every solid from the lowest and farthest to the
highest and nearest, each with its shadow. `visible_polygon` draws the same
solids as flat silhouettes and follows the edge of one of them, which is how a
person would outline it. Axis letters: H, W of the image, N points.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from .camera import Camera, plane, project
from .shapes import PIXELS_PER_MM, Solid, inset, normals

MASK_SCALE = 4


@dataclass(frozen=True, eq=False)
class Placed:
    """A solid on the table.

    Attributes:
        solid: what lies there.
        center: (x, y), mm.
        turn: radians, counter-clockwise seen from above.
        base: height of its underside above the table, mm.
    """

    solid: Solid
    center: tuple[float, float]
    turn: float
    base: float = 0.0

    def pose(self) -> np.ndarray:
        """Return the matrix from the solid's (x, y, 1) to the table's, [3, 3]."""
        c, s = np.cos(self.turn), np.sin(self.turn)
        # The solid's y points down its face, the table's points up.
        return np.array([[c, s, self.center[0]], [s, -c, self.center[1]], [0, 0, 1]])

    def to_table(self, points: np.ndarray) -> np.ndarray:
        """Return points of the solid's own plane, [N, (x, y)], on the table's."""
        return (np.column_stack([points, np.ones(len(points))]) @ self.pose().T)[:, :2]

    def footprint(self) -> np.ndarray:
        """Return the outline on the table, float64 [N, (x, y)], mm."""
        return self.to_table(self.solid.outline)


@dataclass(frozen=True, eq=False)
class Scene:
    """A table, what lies on it, and the light.

    Attributes:
        table: uint8 [S, S, 3], RGB, around the world's origin.
        extent: side of the table, mm.
        things: the solids, in any order.
        light: unit vector towards the lamp (x, y, z).
        shadow: darkness of shadows, 0 to 1.
    """

    table: np.ndarray
    extent: float
    things: tuple[Placed, ...]
    light: tuple[float, float, float]
    shadow: float = 0.5


def render(scene: Scene, camera: Camera, supersample: int = 3) -> np.ndarray:
    """Return what the camera sees.

    Args:
        scene: table and things.
        camera: where from.
        supersample: pixels rendered per pixel of the image, along each side.

    Returns:
        uint8 [H, W, 3], RGB.
    """
    height, width = camera.image_hw
    matrix = camera.matrix(supersample)
    size_wh = (width * supersample, height * supersample)
    texel = scene.extent / len(scene.table)
    to_table = np.array(
        [[texel, 0, -scene.extent / 2], [0, -texel, scene.extent / 2], [0, 0, 1]]
    )
    canvas = cv2.warpPerspective(
        scene.table,
        plane(matrix, 0) @ to_table,
        size_wh,
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT,
    )
    for thing in paint_order(scene, camera):
        _paint_shadow(canvas, thing, scene, camera, supersample)
        _paint_walls(canvas, thing, matrix, scene.light, camera)
        _paint_top(canvas, thing, matrix)
    return cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA)


def paint_order(scene: Scene, camera: Camera) -> list[Placed]:
    """Return the things, the lowest first and of equal ones the farthest."""
    eye = camera.position()[:2]

    def key(thing: Placed) -> tuple[float, float]:
        return thing.base, -float(np.hypot(*(eye - np.array(thing.center))))

    return sorted(scene.things, key=key)


def silhouette(thing: Placed, matrix: np.ndarray) -> np.ndarray:
    """Return the outer edge of a solid in the image, float64 [N, (x, y)], pixels."""
    points = [
        project(matrix, _table_outline(thing, cut), thing.base + z)
        for z, cut in _levels(thing.solid)
    ]
    hull = cv2.convexHull(np.concatenate(points).astype(np.float32))
    return hull[:, 0].astype(np.float64)


def visible_mask(
    scene: Scene, camera: Camera, index: int, scale: int = MASK_SCALE
) -> np.ndarray:
    """Return where `scene.things[index]` is seen.

    Args:
        scene: table and things.
        camera: where from.
        index: which thing.
        scale: pixels of the mask per pixel of the image, along each side.

    Returns:
        uint8 [H * scale, W * scale], 1 where seen.
    """
    height, width = camera.image_hw
    mask = np.zeros((height * scale, width * scale), np.uint8)
    matrix = camera.matrix(scale)
    wanted = scene.things[index]
    for thing in paint_order(scene, camera):
        edge = np.round(silhouette(thing, matrix)).astype(np.int32)
        cv2.fillPoly(mask, [edge], int(thing is wanted))
    return mask


def visible_polygon(
    scene: Scene, camera: Camera, index: int, max_points: int = 36
) -> np.ndarray:
    """Return the outline of what is seen of `scene.things[index]`.

    Only the largest part is followed, if something lies across the middle.

    Args:
        scene: table and things.
        camera: where from.
        index: which thing.
        max_points: at most so many points.

    Returns:
        int64 [12 to max_points, (x, y)], pixels; [0, 2] when nothing is seen.
    """
    mask = visible_mask(scene, camera, index)
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not contours:
        return np.zeros((0, 2), np.int64)
    outline = max(contours, key=cv2.contourArea)
    tolerance = 0.2 * MASK_SCALE
    points = cv2.approxPolyDP(outline, tolerance, True)
    while len(points) > max_points:
        tolerance *= 1.15
        points = cv2.approxPolyDP(outline, tolerance, True)
    pixels = np.round((points[:, 0] + 0.5) / MASK_SCALE - 0.5).astype(np.int64)
    height, width = camera.image_hw
    pixels = np.clip(pixels, 0, (width - 1, height - 1))
    keep = np.any(pixels != np.roll(pixels, 1, axis=0), axis=1)
    return _with_points(pixels[keep], 12)


def _levels(solid: Solid) -> list[tuple[float, float]]:
    """Return (height, inset) of the rings of points that make the wall, mm."""
    angle = _bevel_angles(solid)
    rise = solid.height - solid.bevel * (1 - np.sin(angle))
    cut = solid.bevel * (1 - np.cos(angle))
    return [(0.0, 0.0), *zip(rise.tolist(), cut.tolist(), strict=True)]


def _bevel_angles(solid: Solid) -> np.ndarray:
    """Return the slopes of the rounded edge, from upright to flat, radians."""
    steps = int(np.clip(1.5 * solid.bevel, 6, 30))
    return np.linspace(0, np.pi / 2, steps)


def _table_outline(thing: Placed, cut: float) -> np.ndarray:
    return thing.to_table(inset(thing.solid.outline, cut))


def _paint_shadow(
    canvas: np.ndarray, thing: Placed, scene: Scene, camera: Camera, supersample: int
) -> None:
    """Darken the plane a solid lies on: a cast shadow, and a soft line of contact."""
    matrix = camera.matrix()
    x, y, z = scene.light
    foot = thing.footprint()
    cast = foot - thing.solid.height * np.array([x, y]) / z
    hull = cv2.convexHull(np.concatenate([foot, cast]).astype(np.float32))[:, 0]
    per_mm = camera.focal / camera.distance
    softness = (1 + 0.1 * thing.solid.height) * per_mm
    edge = project(matrix, hull, thing.base)
    margin = int(3 * softness) + 3
    height, width = camera.image_hw
    x1, y1 = np.maximum(np.floor(edge.min(axis=0)).astype(int) - margin, 0)
    x2, y2 = np.ceil(edge.max(axis=0)).astype(int) + margin
    x2, y2 = min(x2, width), min(y2, height)
    if x1 >= x2 or y1 >= y2:
        return
    dark = np.zeros((y2 - y1, x2 - x1), np.float32)
    for outline, strength, sigma in (
        (edge, scene.shadow, softness),
        (project(matrix, foot, thing.base), 0.35, 1.2 * per_mm),
    ):
        layer = np.zeros_like(dark)
        cv2.fillPoly(layer, [np.round(outline - (x1, y1)).astype(np.int32)], 1.0)
        layer = cv2.GaussianBlur(layer, (0, 0), max(sigma, 0.5))
        dark = 1 - (1 - dark) * (1 - strength * layer)
    size_wh = ((x2 - x1) * supersample, (y2 - y1) * supersample)
    light = 1 - cv2.resize(dark, size_wh, interpolation=cv2.INTER_LINEAR)
    part = canvas[
        y1 * supersample : y2 * supersample, x1 * supersample : x2 * supersample
    ]
    part[:] = part * light[..., None]


def _paint_walls(
    canvas: np.ndarray, thing: Placed, matrix: np.ndarray, light: tuple, camera: Camera
) -> None:
    """Paint the side and the rounded edge, facet by facet, lit by their slope."""
    solid = thing.solid
    turn = thing.pose()[:2, :2]
    flat = normals(solid.outline) @ turn.T
    levels = _levels(solid)
    rings = [
        project(matrix, _table_outline(thing, cut), thing.base + z) for z, cut in levels
    ]
    view = camera.position() - np.array([*thing.center, thing.base])
    view /= np.linalg.norm(view)
    tilts = [0.0, *_bevel_angles(solid)]
    for k in range(len(levels) - 1):
        tilt = (tilts[k] + tilts[k + 1]) / 2
        slope = np.column_stack([flat * np.cos(tilt), np.full(len(flat), np.sin(tilt))])
        colors = _lit(solid, slope, np.array(light), view)
        quads = np.stack(
            [
                rings[k],
                np.roll(rings[k], -1, axis=0),
                np.roll(rings[k + 1], -1, axis=0),
                rings[k + 1],
            ],
            axis=1,
        )
        for i in np.flatnonzero(slope @ view > -0.05):
            cv2.fillConvexPoly(
                canvas, np.round(quads[i]).astype(np.int32), colors[i].tolist()
            )


def _lit(
    solid: Solid, slope: np.ndarray, light: np.ndarray, view: np.ndarray
) -> np.ndarray:
    """Return the colours of facets with normals [N, 3]; float64 [N, (r, g, b)].

    A facet that faces up gets the solid's own colour, so walls meet the face
    without a step.
    """
    ambient = 0.55
    diffuse = np.maximum(slope @ light, 0) / light[2]
    # Light from the room reaches a wall from half the directions.
    room = ambient * (0.75 + 0.25 * slope[:, 2])
    half = (light + view) / np.linalg.norm(light + view)
    shine = solid.gloss * np.maximum(slope @ half, 0) ** 40
    share = np.minimum(room + (1 - ambient) * diffuse, 1.15)[:, None]
    return np.clip(np.array(solid.side) * share + 90 * shine[:, None], 0, 255)


def _paint_top(canvas: np.ndarray, thing: Placed, matrix: np.ndarray) -> None:
    """Lay the drawn face on the top of a solid."""
    solid = thing.solid
    edge = project(
        matrix, _table_outline(thing, solid.bevel), thing.base + solid.height
    )
    height, width = canvas.shape[:2]
    x1, y1 = np.maximum(np.floor(edge.min(axis=0)).astype(int) - 1, 0)
    x2, y2 = np.ceil(edge.max(axis=0)).astype(int) + 2
    x2, y2 = min(x2, width), min(y2, height)
    if x1 >= x2 or y1 >= y2:
        return
    face = _face_for(solid, edge)
    left, top = solid.outline.min(axis=0)
    dx, dy = np.ptp(solid.outline, axis=0) / face.shape[1::-1]  # mm per texel
    to_solid = np.array([[dx, 0, left + dx / 2], [0, dy, top + dy / 2], [0, 0, 1]])
    shift = np.array([[1, 0, -x1], [0, 1, -y1], [0, 0, 1.0]])
    homography = shift @ plane(matrix, thing.base + solid.height)
    warped = cv2.warpPerspective(
        face,
        homography @ thing.pose() @ to_solid,
        (int(x2 - x1), int(y2 - y1)),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    inside = np.zeros(warped.shape[:2], np.uint8)
    cv2.fillPoly(inside, [np.round(edge - (x1, y1)).astype(np.int32)], 1)
    part = canvas[y1:y2, x1:x2]
    part[inside == 1] = warped[inside == 1]


def _face_for(solid: Solid, edge: np.ndarray) -> np.ndarray:
    """Return the face at about the resolution of the image, uint8 [H, W, 3]."""
    area = cv2.contourArea(edge.astype(np.float32))
    full = cv2.contourArea(solid.outline.astype(np.float32)) * PIXELS_PER_MM**2
    halvings = max(int(np.log2(np.sqrt(full / max(area, 1.0)))), 0)
    face = solid.face
    for _ in range(halvings):
        face = cv2.resize(
            face,
            (max(face.shape[1] // 2, 1), max(face.shape[0] // 2, 1)),
            interpolation=cv2.INTER_AREA,
        )
    return face


def _with_points(polygon: np.ndarray, at_least: int) -> np.ndarray:
    """Return a polygon with its longest edges halved until it has enough points."""
    while len(polygon) < at_least:
        edges = np.linalg.norm(np.roll(polygon, -1, axis=0) - polygon, axis=1)
        i = int(edges.argmax())
        middle = (polygon[i] + polygon[(i + 1) % len(polygon)]) // 2
        polygon = np.insert(polygon, i + 1, middle, axis=0)
    return polygon
