"""Objects of one training image pasted into another, masks and all.

Ghiasi et al. 2021, Simple Copy-Paste is a Strong Data Augmentation Method for
Instance Segmentation, section 3. `samples` asks `pick_partner` whose objects an
image gets and pastes them. Axis letters as in `structures`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

import numpy as np

from mrcnn.errors import DatasetError

# Of an object that was cut, the least share of its area to learn it from.
_LEAST_VISIBLE = 0.1


class Picture(NamedTuple):
    """An image with its objects.

    Attributes:
        image: uint8 [H, W, C].
        masks: bool [H, W, N].
        class_ids: int32 [N], negative for a crowd.
    """

    image: np.ndarray
    masks: np.ndarray
    class_ids: np.ndarray


def copy_paste(target: Picture, source: Picture, rng: np.random.Generator) -> Picture:
    """Return an image with some objects of another one in it, where they were there.

    A random number of random objects is pasted, crowds never. What they cover is
    cut from the masks beneath; objects left with less than a tenth of their area
    are no longer listed.

    Args:
        target: the image to paste into.
        source: the image to paste from, of the same size.
        rng: which objects.

    Returns:
        The new picture, pasted objects last; `target` where there is nothing to paste.

    Raises:
        DatasetError: the images are not of one size.

    Example:
        >>> one = np.ones((1, 2, 1), np.uint8), np.ones((1, 2, 1), bool), np.array([1])
        >>> left = np.array([[[True], [False]]])
        >>> two = Picture(np.full((1, 2, 1), 9, np.uint8), left, np.array([2]))
        >>> pasted = copy_paste(Picture(*one), two, np.random.default_rng())
        >>> pasted.image.ravel(), pasted.class_ids, pasted.masks[0, :, 0]
        (array([9, 1], dtype=uint8), array([1, 2]), array([False,  True]))
    """
    if target.image.shape != source.image.shape:
        raise DatasetError(
            "Expected images of one size to paste between. Received: "
            f"{list(target.image.shape)} and {list(source.image.shape)}. Set "
            "IMAGE_RESIZE_MODE to square, or COPY_PASTE to 0."
        )
    is_object = (source.class_ids > 0) & source.masks.any(axis=(0, 1))
    candidates = np.flatnonzero(is_object)
    if not len(candidates):
        return target
    num_pasted = rng.integers(1, len(candidates), endpoint=True)
    chosen = np.sort(rng.choice(candidates, num_pasted, replace=False))
    pasted = source.masks[..., chosen]
    is_covered = pasted.any(axis=2, keepdims=True)
    masks = target.masks & ~is_covered
    kept = visible_enough(masks, mask_areas(target.masks))
    return Picture(
        np.where(is_covered, source.image, target.image),
        np.concatenate([masks[..., kept], pasted], axis=2),
        np.concatenate([target.class_ids[kept], source.class_ids[chosen]]),
    )


def mask_areas(masks: np.ndarray) -> np.ndarray:
    """Return how many pixels each mask has, int [N].

    Args:
        masks: bool [H, W, N].
    """
    return np.count_nonzero(masks, axis=(0, 1))


def visible_enough(masks: np.ndarray, whole_areas: np.ndarray) -> np.ndarray:
    """Return which objects are left with a tenth of their area or more, bool [N].

    Args:
        masks: bool [H, W, N], what is left of the objects.
        whole_areas: [N], pixels that each would have uncut.
    """
    areas = mask_areas(masks)
    return (areas > 0) & (areas >= _LEAST_VISIBLE * whole_areas)


def images_by_source(dataset, left_out: Collection[str] = ()) -> dict[str, np.ndarray]:
    """Return the images of each source, int [n], ascending.

    Args:
        dataset: a prepared `data.dataset.Dataset`.
        left_out: sources that are not wanted.
    """
    sources = np.array([info["source"] for info in dataset.image_info])
    return {
        str(source): np.flatnonzero(sources == source)
        for source in np.unique(sources)
        if source not in left_out
    }


def pick_partner(
    dataset,
    image_id: int,
    *,
    peers: Mapping[str, np.ndarray],
    share: float,
    rng: np.random.Generator,
) -> int | None:
    """Return the image whose objects are pasted into this one; None for none.

    Args:
        dataset: a prepared `data.dataset.Dataset`.
        image_id: the image to paste into.
        peers: from `images_by_source`; the partner is of the image's source.
        share: how often there is one, from 0 to 1.
        rng: whether, and which.
    """
    ids = peers.get(dataset.image_info[image_id]["source"], ())
    if len(ids) < 2 or rng.random() >= share:
        return None
    place = rng.integers(len(ids) - 1)
    # Itself is stepped over: from there on, the next one.
    return int(ids[place + (ids[place] >= image_id)])
