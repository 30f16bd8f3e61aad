"""Captions: what they say, where they stand and in which ink.

The rules that frames (`annotate`) and figures (`canvas`) share. A caption stays
inside the picture and takes the first place at its object where no earlier caption
is, smaller where there is none at full size. Rectangles are (x1, y1, x2, y2) with
the far edge outside, in pixels of whatever is drawn on, y downwards.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

# Of the full size; tried one after the other.
_SCALES = (1.0, 0.7, 0.5)


class Place(NamedTuple):
    """Where a caption stands: its top left corner, and its size of the full one."""

    x: float
    y: float
    scale: float


def caption_texts(
    class_ids: Sequence[int],
    class_names: Sequence[str],
    scores: Sequence[float] | None,
    digits: int,
    track_ids: Sequence[int] | None = None,
) -> list[str]:
    """Return the name of each object, and its number and score where there are any.

    Args:
        class_ids: int [N]; a negative one, which marks a crowd, has its class's name.
        class_names: names by class id, the background first.
        scores: float [N] or None.
        digits: after the point of a score.
        track_ids: int [N], the objects' numbers in a video, or None.

    Raises:
        ValueError: a class has no name.

    Example:
        >>> caption_texts([1], ["BG", "remote"], [0.9], digits=2)
        ['remote 0.90']
        >>> caption_texts([1], ["BG", "remote"], None, digits=2, track_ids=[7])
        ['remote #7']
    """
    ids = [abs(int(class_id)) for class_id in class_ids]
    if max(ids, default=-1) >= len(class_names):
        raise ValueError(
            f"Expected a name for class id {max(ids)}. Received: {len(class_names)} "
            "class_names. Pass the names of the data set, the background's first."
        )
    names = [str(class_names[class_id]) for class_id in ids]
    if track_ids is not None:
        names = [f"{name} #{i}" for name, i in zip(names, track_ids, strict=True)]
    if scores is None:
        return names
    return [
        f"{name} {score:.{digits}f}" for name, score in zip(names, scores, strict=True)
    ]


def shortened(text: str, most: int) -> str:
    """Return a text of at most so many letters, its last five, the score, kept.

    Args:
        text: a caption.
        most: letters, at least 1.

    Example:
        >>> shortened("remote control 0.98", 14), shortened("remote control", 8)
        ('remote .. 0.98', 'remote..')
    """
    if len(text) <= most:
        return text
    if most < 12:
        return text[: max(most - 2, 1)] + ".." if most > 2 else text[:most]
    return text[: most - 7] + ".." + text[-5:]


def place_captions(
    boxes: Sequence[tuple[float, float, float, float]],
    size_of: Callable[[int, float], tuple[float, float]],
    area_wh: tuple[float, float],
) -> list[Place]:
    """Return where the captions of objects stand, the most important object first.

    Above the box, in it or below it; where no place is free, at the smallest size
    where it hides least of the others.

    Args:
        boxes: N rectangles of objects.
        size_of: (i, scale) -> (width, height) of caption i at that scale, at most
            `area_wh`.
        area_wh: width and height of the picture.

    Returns:
        N places; the whole caption is inside the picture.

    Example:
        >>> place_captions([(5, 9, 9, 12)] * 2, lambda i, scale: (6, 4), (20, 20))
        [Place(x=5, y=5, scale=1.0), Place(x=5, y=12, scale=1.0)]
    """
    places: list[Place] = []
    taken = np.zeros((0, 4))
    for i, box in enumerate(boxes):
        for scale in _SCALES:
            size_wh = size_of(i, scale)
            spots = _spots(box, size_wh, area_wh)
            hidden = [_hidden_area(spot, size_wh, taken) for spot in spots]
            if not min(hidden):
                break
        x, y = spots[int(np.argmin(hidden))]
        places.append(Place(x, y, scale))
        taken = np.append(taken, [[x, y, x + size_wh[0], y + size_wh[1]]], axis=0)
    return places


def _spots(box, size_wh, area_wh) -> list[tuple[float, float]]:
    """Return the corners (x, y) a caption of a size may have, the best first."""
    x1, y1, x2, y2 = box
    width, height = size_wh
    most_x, most_y = area_wh[0] - width, area_wh[1] - height
    above = [y1 - height] if y1 >= height else []
    below = [y2] if y2 <= most_y else []
    inside = [y1, y2 - height]
    # Inside before below, unless that hides much of the object.
    is_tall = y2 - y1 > 6 * height
    rows = [*above, *inside, *below] if is_tall else [*above, *below, *inside]
    return [
        (min(max(x, 0), most_x), min(max(y, 0), most_y))
        for y in rows
        for x in (x1, x2 - width)
    ]


def _hidden_area(corner, size_wh, taken) -> float:
    """Return how much of the rectangles `taken` [N, 4] a caption would hide."""
    near = np.maximum(taken[:, :2], corner)
    far = np.minimum(taken[:, 2:], np.add(corner, size_wh))
    return float(np.maximum(far - near, 0).prod(axis=1).sum())


def ink_on(color: Sequence[float]) -> tuple[int, int, int]:
    """Return black or white, whichever contrasts more by WCAG's relative luminance.

    Args:
        color: (red, green, blue) of the ground, each from 0 to 255.

    Returns:
        (red, green, blue), each 0 or 255.
    """
    channels = np.array(color[:3]) / 255
    linear = np.where(
        channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4
    )
    luminance = linear @ (0.2126, 0.7152, 0.0722)
    # (L + 0.05) / 0.05 = 1.05 / (L + 0.05) at L = 0.179.
    return (0, 0, 0) if luminance > 0.179 else (255, 255, 255)
