"""From a mask to the closed lines around it, its rings; what `polygons` does, undone.

A mask has one outer ring for each part and one for each hole. All rings of a mask
drawn as one polygon, where what is enclosed twice is out, give the mask again,
pixel by pixel. The writers ask for the rings that fit the rules of their format:

    centre_rings   through the middle of the pixels on the border, for the formats
                   in which a pixel is in when its whole-number coordinates are
                   inside the line or on it (VIA, LabelMe, YOLO)
    edge_rings     along the edges of the pixels, for COCO

A ring is float or int [P, (x, y)], pixels, not closed: the last point is not the first.
"""

from __future__ import annotations

import itertools
import math

import numpy as np


def centre_rings(mask: np.ndarray, *, holes: bool = True) -> list[np.ndarray]:
    """Return the rings through the centres of a mask's border pixels.

    Args:
        mask: bool [H, W].
        holes: whether rings of holes, and of what lies in them, are wanted.

    Returns:
        int32 [P, (x, y)] for each part and each hole, the largest first. A part that
        is one pixel or one line has one or two points.

    Example:
        >>> [ring.tolist() for ring in centre_rings(np.ones((2, 3), bool))]
        [[[0, 0], [0, 1], [2, 1], [2, 0]]]
    """
    import cv2

    found, _ = cv2.findContours(
        np.ascontiguousarray(mask, np.uint8),
        cv2.RETR_CCOMP if holes else cv2.RETR_EXTERNAL,
        cv2.CHAIN_APPROX_SIMPLE,
    )
    return sorted((ring[:, 0] for ring in found), key=len, reverse=True)


def edge_rings(mask: np.ndarray) -> list[np.ndarray]:
    """Return the rings along the pixel edges of a mask, with corners of 90 degrees.

    Parts and holes that meet at a corner only have rings of their own.

    Args:
        mask: bool [H, W].

    Returns:
        int [P, (x, y)] each, pixel edges; parts clockwise on screen, holes the other
        way, see `is_hole`.

    Example:
        >>> [ring.tolist() for ring in edge_rings(np.ones((2, 3), bool))]
        [[[0, 0], [3, 0], [3, 2], [0, 2]]]
    """
    # Each edge runs with the mask on its right, so that rings can be followed.
    padded = np.pad(np.asarray(mask, np.int8), 1)
    right, left = _runs(np.diff(padded, axis=0)[:, 1:-1])
    up, down = _runs(np.diff(padded, axis=1)[1:-1].T)
    edges = {((a, y), "right"): (b, y) for y, a, b in right}
    edges |= {((b, y), "left"): (a, y) for y, a, b in left}
    edges |= {((x, b), "up"): (x, a) for x, a, b in up}
    edges |= {((x, a), "down"): (x, b) for x, a, b in down}
    rings = []
    while edges:
        start, way = next(iter(edges))
        corner, ring = start, []
        while (corner, way) in edges:
            ring.append(corner)
            corner = edges.pop((corner, way))
            # Where two pixels meet at this corner only, stay with the same one.
            turns = _TURNS[way]
            way = turns[0] if (corner, turns[0]) in edges else turns[1]
        rings.append(np.array(ring))
    return rings


def is_hole(ring: np.ndarray) -> bool:
    """Tell whether a ring of `edge_rings` is the edge of a hole.

    Args:
        ring: [P, (x, y)].
    """
    x, y = np.asarray(ring, float).T
    return float(x @ np.roll(y, -1) - y @ np.roll(x, -1)) < 0


def join_rings(rings: list[np.ndarray]) -> np.ndarray:
    """Return one polygon that covers what all rings cover together.

    For formats with one polygon for each object. Rings are tied together at
    nearest points, by lines that are walked forth and back and pass no whole-number
    point, so that neither the parts nor the holes gain a pixel.

    Args:
        rings: int [P, (x, y)] each, of `centre_rings` or `edge_rings`; at least one.

    Returns:
        float [Q, (x, y)], with at least 3 points and an area.
    """
    joined = rings[0]
    limit = np.max(np.concatenate(rings), axis=0) + 0.5
    waiting = np.concatenate([np.zeros((0, 2), int), *rings[1:]])
    owner = np.repeat(np.arange(1, len(rings)), [len(ring) for ring in rings[1:]])
    nearest, distance = _nearest(waiting, joined)
    while len(waiting):
        at = int(distance.argmin())
        ring, there, here = rings[owner[at]], waiting[at], nearest[at]
        first = int((ring == there).all(axis=1).argmax())
        position = int((joined == here).all(axis=1).argmax())
        forth = _way(here, there, limit)
        path = [*forth, *np.roll(ring, -first, axis=0), there, *reversed(forth), here]
        joined = np.insert(np.asarray(joined, float), position + 1, path, axis=0)
        stays = owner != owner[at]
        waiting, owner = waiting[stays], owner[stays]
        nearest, distance = nearest[stays], distance[stays]
        new_nearest, new_distance = _nearest(waiting, ring)
        nearer = new_distance < distance
        nearest = np.where(nearer[:, None], new_nearest, nearest)
        distance = np.minimum(distance, new_distance)
    return with_area(joined)


def with_area(ring: np.ndarray) -> np.ndarray:
    """Return a ring as a polygon with an area, also one that is a point or a line.

    Args:
        ring: [P, (x, y)], whole numbers.

    Returns:
        float [Q, (x, y)]; covers the same pixels.
    """
    ring = np.asarray(ring, float)
    if np.linalg.matrix_rank(ring - ring[0]) == 2:
        return ring
    # A triangle of a quarter of a pixel at the first point.
    return np.concatenate([ring, ring[0] + [(0, 0), (0.25, 0), (0, 0.25)]])


_TURNS = {
    "right": ("down", "up"),
    "down": ("left", "right"),
    "left": ("up", "down"),
    "up": ("right", "left"),
}


def _runs(steps: np.ndarray) -> tuple[list, list]:
    """Return the runs of 1 and those of -1 along each row, as (row, first, behind)."""
    found = []
    for sign in (1, -1):
        ends = np.diff(np.pad(steps == sign, ((0, 0), (1, 1))).astype(np.int8), axis=1)
        rows, first = np.nonzero(ends == 1)
        _, behind = np.nonzero(ends == -1)
        lists = (array.tolist() for array in (rows, first, behind))
        found.append(list(zip(*lists, strict=True)))
    return found[0], found[1]


def _nearest(points: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return for each point the nearest of the others, and the distance to it."""
    from scipy.spatial import cKDTree

    distance, at = cKDTree(others).query(points)
    return others[at], distance


def _way(
    start: np.ndarray, end: np.ndarray, limit: np.ndarray
) -> list[tuple[float, float]]:
    """Return where the line between two points bends to pass no whole-number point.

    The bend lies between 0 and `limit`, (x, y).
    """
    (x0, y0), (x1, y1) = start.tolist(), end.tolist()
    width, height = x1 - x0, y1 - y0
    if math.gcd(width, height) <= 1:
        return []
    # In half pixels from the start, the point near the middle with odd coordinates; a
    # line to it passes a whole-number point only if these have a common factor.
    bends = (
        (width + i, height + j)
        for reach in itertools.count(1)
        for i in range(-reach, reach + 1)
        for j in range(-reach, reach + 1)
        if (width + i) % 2 and (height + j) % 2
        if 0 <= 2 * x0 + width + i <= 2 * limit[0]
        if 0 <= 2 * y0 + height + j <= 2 * limit[1]
    )
    x, y = next(
        (x, y)
        for x, y in bends
        if math.gcd(x, y) == 1 == math.gcd(2 * width - x, 2 * height - y)
    )
    return [(x0 + x / 2, y0 + y / 2)]
