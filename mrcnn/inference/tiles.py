"""Objects in large images, found tile by tile, each of them once.

`detect_tiled` cuts an image into tiles that overlap, hands them to any `detect`, and
joins what it finds: an image and a callable in, `Detections` of the whole image out.
``mrcnn predict --tile`` calls it.

Two finds are the same object when they have one class and agree where both their
tiles look. What the edge of a tile cuts shows only a part, or several parts, of its
object, so that it agrees when most of the smaller one is in the larger; two finds
that are whole have to agree as a whole (intersection over union).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from mrcnn.errors import ConfigError
from mrcnn.geometry.boxes import compute_overlaps
from mrcnn.geometry.masks import common_pixels
from mrcnn.structures import Detections

OVERLAP = 0.2
# From this share of pixels in common on, two finds are one object.
_LEAST_AGREEMENT = 0.5
# A network's boxes end a few pixels before the edge that cuts their object: so near
# to it, as a share of the tile, they count as cut.
_EDGE_SHARE = 1 / 64

Window = tuple[int, int, int, int]


def detect_tiled(
    image: np.ndarray,
    detect: Callable[[list[np.ndarray]], list[Detections]],
    *,
    tile: int,
    overlap: float = OVERLAP,
    whole: bool = True,
) -> Detections:
    """Return the objects of an image, found in tiles of it.

    An object up to the size of the overlap is whole in some tile. A larger one is
    found in parts, which are joined.

    Args:
        image: uint8 [H, W, C].
        detect: list of images -> list of `Detections`, such as
            `MaskRCNN.detect_images`.
        tile: side of a tile, pixels. An image not larger than that is one tile.
        overlap: share of a tile that its neighbour sees as well; at least.
        whole: whether to look at the whole image too, for objects larger than a tile.

    Returns:
        `Detections` of the image, by descending score.

    Raises:
        ConfigError: tile or overlap are out of range.

    Example:
        >>> image = np.zeros((300, 400, 3), np.uint8)
        >>> found = detect_tiled(
        ...     image,
        ...     lambda tiles: [Detections.empty(tile.shape[:2]) for tile in tiles],
        ...     tile=128,
        ... )
        >>> len(found), found.image_hw
        (0, (300, 400))
    """
    image_hw = image.shape[:2]
    windows = tile_windows(image_hw, tile, overlap)
    if whole and len(windows) > 1:
        windows.append((0, 0, *image_hw))
    # Views: a tile costs no memory until the network takes it.
    tiles = [image[y1:y2, x1:x2] for y1, x1, y2, x2 in windows]
    return join_tiles(detect(tiles), windows, image_hw)


def tile_windows(
    image_hw: tuple[int, int], tile: int, overlap: float = OVERLAP
) -> list[Window]:
    """Return where the tiles of an image lie, evenly spaced, row by row.

    Args:
        image_hw: height and width of the image.
        tile: side of a tile, pixels; on a side that is shorter, tiles are so, too.
        overlap: least share of a tile that its neighbour covers as well.

    Returns:
        (y1, x1, y2, x2) each, pixels.

    Raises:
        ConfigError: tile or overlap are out of range.

    Example:
        >>> tile_windows((100, 180), 100, 0.2)
        [(0, 0, 100, 100), (0, 80, 100, 180)]
    """
    if not 0 < overlap < 1 or tile <= math.ceil(tile * overlap):
        raise ConfigError(
            "Expected tiles of at least 2 pixels, and an overlap between 0 and 1 that "
            f"leaves some of a tile. Received: tile={tile}, overlap={overlap}. Try a "
            "tile of 1024 and an overlap of 0.2."
        )
    shared = math.ceil(tile * overlap)
    rows, columns = (_spans(side, tile, shared) for side in image_hw)
    return [(y1, x1, y2, x2) for y1, y2 in rows for x1, x2 in columns]


def join_tiles(
    found: Sequence[Detections],
    windows: Sequence[Window],
    image_hw: tuple[int, int],
) -> Detections:
    """Return what was found in windows of an image as the objects of the image.

    An object that several windows show has the pixels that any of them shows, and
    the best score. Where a smaller window shows it whole, what the window of the
    whole image shows, which is coarse, does not count.

    Args:
        found: the detections of each window, in its pixels.
        windows: (y1, x1, y2, x2) of each, pixels of the image.
        image_hw: height and width of the image.

    Returns:
        `Detections`, by descending score.
    """
    parts = [
        part
        for detections, window in zip(found, windows, strict=True)
        for part in _parts(detections, window, image_hw)
    ]
    if not parts:
        return Detections.empty(image_hw)
    pairs = [pair for pair in _candidates(parts) if _is_same(*(parts[i] for i in pair))]
    rows, columns = np.array(pairs, int).reshape(-1, 2).T
    links = coo_array((np.ones(len(rows)), (rows, columns)), (len(parts),) * 2)
    num_objects, labels = connected_components(links, directed=False)
    groups = [[] for _ in range(num_objects)]
    for part, label in zip(parts, labels, strict=True):
        groups[label].append(part)
    joined = sorted(map(_joined, groups), key=lambda part: -part.score)
    return Detections(
        image_hw=tuple(image_hw),
        boxes=np.array([part.box for part in joined], np.int32),
        class_ids=np.array([part.class_id for part in joined], np.int32),
        scores=np.array([part.score for part in joined], np.float32),
        box_masks=tuple(part.mask for part in joined),
    )


@dataclass(frozen=True)
class _Part:
    """What one window shows of an object, in pixels of the image.

    Attributes:
        box: int [(y1, x1, y2, x2)].
        mask: bool [y2 - y1, x2 - x1].
        class_id: as in `Detections`.
        score: likewise.
        window: where it was looked for.
        is_cut: whether it ends at an edge of the window behind which there is more.
        is_coarse: whether the window is the whole image.
    """

    box: np.ndarray
    mask: np.ndarray
    class_id: int
    score: float
    window: Window
    is_cut: bool
    is_coarse: bool


def _spans(side: int, tile: int, shared: int) -> list[tuple[int, int]]:
    if side <= tile:
        return [(0, side)]
    count = math.ceil((side - shared) / (tile - shared))
    starts = np.linspace(0, side - tile, count).astype(int).tolist()
    return [(start, start + tile) for start in starts]


def _parts(detections: Detections, window: Window, image_hw) -> list[_Part]:
    top, left, bottom, right = window
    margin = math.ceil(max(bottom - top, right - left) * _EDGE_SHARE)
    # Nothing is behind the edges of the image.
    near = np.where([top > 0, left > 0], [top + margin, left + margin], -1)
    far = np.where(
        [bottom < image_hw[0], right < image_hw[1]],
        [bottom - margin, right - margin],
        np.array(image_hw) + 1,
    )
    boxes = detections.boxes + np.array([top, left, top, left])
    return [
        _Part(
            box=box,
            mask=detections.box_masks[i],
            class_id=int(detections.class_ids[i]),
            score=float(detections.scores[i]),
            window=window,
            is_cut=bool((box[:2] <= near).any() or (box[2:] >= far).any()),
            is_coarse=tuple(window) == (0, 0, *image_hw),
        )
        for i, box in enumerate(boxes)
    ]


def _candidates(parts: list[_Part]) -> np.ndarray:
    """Return int [P, 2], the pairs of parts that could be the same object."""
    boxes = np.array([part.box for part in parts], np.float32)
    class_ids = np.array([part.class_id for part in parts])
    windows = np.array([part.window for part in parts])
    meet = compute_overlaps(boxes, boxes) > 0
    meet &= class_ids[:, None] == class_ids
    # Two finds of one window are two objects to the network.
    meet &= (windows[:, None] != windows).any(axis=-1)
    return np.argwhere(np.triu(meet))


def _is_same(one: _Part, other: _Part) -> bool:
    common = common_pixels(one.box, one.mask, other.box, other.mask)
    # What each shows where the other's window looks.
    sizes = [
        common_pixels(part.box, part.mask, window, _everywhere(window))
        for part, window in ((one, other.window), (other, one.window))
    ]
    least, most = min(sizes), max(sizes)
    if not one.is_cut and not other.is_cut:
        return common > 0 and common >= _LEAST_AGREEMENT * (least + most - common)
    return common > 0 and common >= _LEAST_AGREEMENT * least


def _everywhere(window: Window) -> np.ndarray:
    y1, x1, y2, x2 = window
    return np.broadcast_to(True, (y2 - y1, x2 - x1))


def _joined(group: list[_Part]) -> _Part:
    """Return the parts of one object as one part."""
    best = max(group, key=lambda part: part.score)
    if any(not part.is_cut and not part.is_coarse for part in group):
        group = [part for part in group if not part.is_coarse]
    boxes = np.array([part.box for part in group])
    (y1, x1), (y2, x2) = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    mask = np.zeros((y2 - y1, x2 - x1), bool)
    for part, (top, left, bottom, right) in zip(group, boxes, strict=True):
        mask[top - y1 : bottom - y1, left - x1 : right - x1] |= part.mask
    return _Part(
        box=np.array([y1, x1, y2, x2]),
        mask=mask,
        class_id=best.class_id,
        score=best.score,
        window=best.window,
        is_cut=False,
        is_coarse=False,
    )
