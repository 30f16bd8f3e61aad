"""Random table tops with remotes: what lies where, seen from where, under what light.

`compose` draws until every remote of a scene can be seen well enough to be
outlined: most of it visible, in one piece, and not too small. `photograph`
adds what a camera does to a picture.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from .camera import Camera, plane
from .clutter import draw_clutter, draw_cover, draw_hand
from .remotes import LABEL, draw_remote
from .scene import Placed, Scene, silhouette, visible_mask
from .shapes import inset
from .surfaces import draw_surface

REMOTE_LENGTH = 165.0
MIN_VISIBLE = 0.55
MIN_LONG_SIDE = 0.25
# Share of the picture's long side that a remote fills, by number of remotes.
SHARES = {1: (0.4, 0.68), 2: (0.36, 0.54), 3: (0.33, 0.44), 4: (0.31, 0.38)}


@dataclass(frozen=True)
class View:
    """A scene, the camera on it, and which of its things are remotes."""

    scene: Scene
    camera: Camera

    def remotes(self) -> list[int]:
        """Return the indices of the remotes among the scene's things."""
        return [i for i, t in enumerate(self.scene.things) if t.solid.name == LABEL]


def compose(
    rng: np.random.Generator, image_hw: tuple[int, int], num_remotes: int
) -> View:
    """Return a random view in which every remote can be outlined.

    Args:
        rng: decides everything.
        image_hw: (height, width), pixels.
        num_remotes: 1 to 4.

    Returns:
        The view; its remotes are the first things of the scene.
    """
    while True:
        camera = _choose_camera(rng, image_hw, num_remotes)
        things = _lay_remotes(rng, camera, num_remotes)
        if things is None:
            continue
        things = _cover_one(rng, camera, things)
        things = _lay_clutter(rng, camera, things, int(rng.integers(2, 7)))
        scene = _light(rng, camera, things)
        if all(is_outlinable(scene, camera, i) for i in range(num_remotes)):
            return View(scene, camera)


def is_outlinable(scene: Scene, camera: Camera, index: int) -> bool:
    """Return whether enough of a thing is seen, in one piece and large enough."""
    mask = visible_mask(scene, camera, index, scale=1)
    whole = cv2.contourArea(
        silhouette(scene.things[index], camera.matrix()).astype(np.float32)
    )
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not contours or mask.sum() < MIN_VISIBLE * whole:
        return False
    largest = max(contours, key=cv2.contourArea)
    part = np.zeros_like(mask)
    cv2.drawContours(part, [largest], -1, 1, cv2.FILLED)
    # More ink in the filled outline than in the mask is a hole in the middle.
    if part.sum() > 1.01 * mask.sum() or (mask & part).sum() < 0.99 * mask.sum():
        return False
    long_side = max(cv2.minAreaRect(largest)[1])
    return long_side >= MIN_LONG_SIDE * max(camera.image_hw)


def photograph(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a rendered image as a camera would give it.

    Light that falls off, white balance, exposure, a little blur and noise.

    Args:
        image: uint8 [H, W, 3], RGB.
        rng: decides how much of each.

    Returns:
        uint8 [H, W, 3], RGB.
    """
    height, width = image.shape[:2]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    angle = rng.uniform(0, 2 * np.pi)
    slant = rng.uniform(0.03, 0.2) * (x * np.cos(angle) + y * np.sin(angle))
    corners = rng.uniform(0.02, 0.12) * (x**2 + y**2)
    light = (1 + slant - corners) * rng.uniform(0.94, 1.2)
    warmth = rng.normal(0, 0.045)
    balance = np.array([1 + warmth, 1 + rng.normal(0, 0.01), 1 - warmth], np.float32)

    linear = (image.astype(np.float32) / 255) ** 2.2 * balance * light[..., None] ** 2
    linear = linear / (1 + 0.15 * linear) * 1.08  # highlights roll off
    photo = np.clip(linear, 0, 1) ** (1 / 2.2) * 255
    photo = cv2.GaussianBlur(photo, (0, 0), rng.uniform(0.3, 0.8))
    noise = rng.normal(0, rng.uniform(0.8, 3), photo.shape).astype(np.float32)
    return np.clip(np.round(photo + noise), 0, 255).astype(np.uint8)


def _choose_camera(
    rng: np.random.Generator, image_hw: tuple[int, int], num_remotes: int
) -> Camera:
    """Return a camera from which a remote fills its share of the picture."""
    long_side = max(image_hw)
    focal = long_side * rng.uniform(1.0, 1.6)
    share = rng.uniform(*SHARES[num_remotes])
    return Camera(
        image_hw=image_hw,
        target=(0.0, 0.0),
        elevation=np.radians(rng.uniform(52, 88)),
        azimuth=rng.uniform(0, 2 * np.pi),
        roll=rng.normal(0, np.radians(6)),
        distance=focal * REMOTE_LENGTH / (share * long_side),
        focal=focal,
    )


def _lay_remotes(
    rng: np.random.Generator, camera: Camera, count: int
) -> list[Placed] | None:
    """Return remotes that lie apart and within the picture, or None."""
    things = []
    for _ in range(count):
        solid = draw_remote(rng)
        for _ in range(60):
            center = _somewhere(rng, camera, margin=0.05)
            thing = Placed(solid, center, rng.uniform(0, 2 * np.pi))
            if _is_apart(thing, things) and _share_inside(thing, camera) > 0.85:
                things.append(thing)
                break
        else:
            return None
    return things


def _cover_one(
    rng: np.random.Generator, camera: Camera, things: list[Placed]
) -> list[Placed]:
    """Return the things with, often, something across one end of a remote."""
    if rng.random() < 0.45:
        return things
    index = int(rng.integers(len(things)))
    target = things[index]
    end = rng.choice((-1, 1))
    for _ in range(40):
        covers = (
            _reach(rng, target, end)
            if rng.random() < 0.35
            else [_across(rng, target, end)]
        )
        candidate = [*things, *covers]
        scene = Scene(np.zeros((1, 1, 3), np.uint8), 1, tuple(candidate), (0, 0, 1))
        mask = visible_mask(scene, camera, index, scale=1)
        alone = Scene(scene.table, 1, tuple(things), (0, 0, 1))
        share = mask.sum() / max(visible_mask(alone, camera, index, scale=1).sum(), 1)
        others = range(len(things))
        if 0.62 < share < 0.93 and all(is_outlinable(scene, camera, i) for i in others):
            return candidate
    return things


def _across(rng: np.random.Generator, target: Placed, end: int) -> Placed:
    """Return something that lies across the end of a remote."""
    solid = draw_cover(rng)
    reach = target.solid.outline[:, 1].max()
    own = np.ptp(solid.outline, axis=0).min() / 2
    place = (rng.normal(0, 18), end * (reach + rng.uniform(-0.45, 0.6) * own))
    center = target.to_table(np.array([place]))[0]
    turn = rng.uniform(0, 2 * np.pi)
    return Placed(solid, tuple(center.tolist()), turn, target.solid.height)


def _reach(rng: np.random.Generator, target: Placed, end: int) -> list[Placed]:
    """Return a hand whose fingers lie on the end of a remote."""
    reach = target.solid.outline[:, 1].max() + rng.uniform(30, 62)
    middle = target.to_table(np.array([(rng.normal(0, 8), end * reach)]))[0]
    turn = target.turn + rng.normal(0, 0.25) + (np.pi if end < 0 else 0)
    hand = Placed(target.solid, tuple(middle.tolist()), turn)
    parts = []
    for solid, place, own_turn, lift in draw_hand(rng):
        # The hand's +y, towards the fingers, is -y of a solid's face.
        center = hand.to_table(np.array([(place[0], -place[1])]))[0]
        base = target.solid.height * 0.8 + lift
        parts.append(Placed(solid, tuple(center.tolist()), turn + own_turn, base))
    return parts


def _lay_clutter(
    rng: np.random.Generator, camera: Camera, things: list[Placed], count: int
) -> list[Placed]:
    """Return the things with others beside them, where there is room."""
    things = list(things)
    for _ in range(count):
        solid = draw_clutter(rng)
        for _ in range(25):
            center = _somewhere(rng, camera, margin=-0.12)
            thing = Placed(solid, center, rng.uniform(0, 2 * np.pi))
            if _is_apart(thing, things):
                things.append(thing)
                break
    return things


def _light(rng: np.random.Generator, camera: Camera, things: list[Placed]) -> Scene:
    """Return the things on a table as large as the camera can see."""
    height, width = camera.image_hw
    corners = np.array([(0, 0), (width, 0), (0, height), (width, height)], np.float64)
    extent = 2.05 * np.abs([_on_table(camera, corner) for corner in corners]).max()
    side = int(np.clip(extent * 1.6 * camera.focal / camera.distance, 600, 2400))
    direction, lean = rng.uniform(0, 2 * np.pi), rng.uniform(0.2, 0.8)
    light = np.array([lean * np.cos(direction), lean * np.sin(direction), 1.0])
    light /= np.linalg.norm(light)
    return Scene(
        table=draw_surface(rng, side, side / extent),
        extent=extent,
        things=tuple(things),
        light=tuple(light.tolist()),
        shadow=rng.uniform(0.25, 0.6),
    )


def _on_table(camera: Camera, pixel: np.ndarray) -> np.ndarray:
    """Return the point of the table seen at a pixel (x, y), mm."""
    point = np.linalg.solve(plane(camera.matrix(), 0), np.array([*pixel, 1.0]))
    return point[:2] / point[2]


def _somewhere(
    rng: np.random.Generator, camera: Camera, margin: float
) -> tuple[float, float]:
    """Return a point of the table seen within the picture less a margin."""
    height, width = camera.image_hw
    share = rng.uniform(margin, 1 - margin, 2)
    return tuple(_on_table(camera, share * (width, height)).tolist())


def _is_apart(thing: Placed, others: list[Placed], gap: float = 4.0) -> bool:
    """Return whether a thing touches none of the others; gap in mm."""
    grown = thing.to_table(inset(thing.solid.outline, -gap)).astype(np.float32)
    for other in others:
        foot = other.footprint().astype(np.float32)
        if (
            cv2.intersectConvexConvex(cv2.convexHull(grown), cv2.convexHull(foot))[0]
            > 0
        ):
            return False
    return True


def _share_inside(thing: Placed, camera: Camera) -> float:
    """Return which share of a thing's silhouette lies within the picture."""
    edge = silhouette(thing, camera.matrix()).astype(np.float32)
    height, width = camera.image_hw
    frame = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    inside = cv2.intersectConvexConvex(edge, frame)[0]
    return inside / max(cv2.contourArea(edge), 1e-6)
