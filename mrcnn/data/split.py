"""Dividing a data set into train, val and more: classes in proportion, without leaks.

`share_out` decides by counts alone which image goes where; `split` makes the data
sets. Images of one group, such as copies and frames of one scene, stay together.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mrcnn.data.dataset import Dataset
from mrcnn.errors import DatasetError


def split(
    dataset: Dataset,
    fractions: Sequence[float],
    seed: int = 0,
    groups: Sequence[int] | None = None,
) -> list[Dataset]:
    """Return data sets that share out the images, all prepared.

    Each has its share of the images of every class, as far as whole groups allow,
    and at least one image.

    Args:
        dataset: prepared.
        fractions: share of images of each part; they add up to 1.
        seed: the same seed gives the same division.
        groups: group of each image; those of one group stay together. None leaves
            every image on its own.

    Returns:
        The parts, images in their order in `dataset`, with all its classes.

    Raises:
        DatasetError: fewer groups than parts, or fractions out of range.
    """
    if not all(0 < share < 1 for share in fractions) or abs(sum(fractions) - 1) > 1e-6:
        raise DatasetError(
            "Expected shares between 0 and 1 that add up to 1. "
            f"Received: {', '.join(f'{share:g}' for share in fractions)}. Try 0.8, 0.2."
        )
    num_images = len(dataset.image_info)
    groups = np.arange(num_images) if groups is None else np.asarray(groups)
    found, group_of = np.unique(groups, return_inverse=True)
    if len(found) < len(fractions):
        alike = "" if len(found) == num_images else f" in {len(found)} groups of alike"
        raise DatasetError(
            f"Expected at least {len(fractions)} different images to divide into as "
            f"many parts. Received: {num_images}{alike}. Annotate more images."
        )
    labels = np.zeros((len(found), len(dataset.class_info)), int)
    for image_id in range(num_images):
        classes = np.unique(np.abs(dataset.image_class_ids(image_id)))
        # The background's place is free for the images without objects.
        labels[group_of[image_id], classes if len(classes) else 0] += 1
    parts = share_out(
        labels, np.bincount(group_of), fractions, np.random.default_rng(seed)
    )
    return [
        dataset.select(np.flatnonzero(parts[group_of] == part))
        for part in range(len(fractions))
    ]


def share_out(
    labels: np.ndarray,
    sizes: np.ndarray,
    fractions: Sequence[float],
    rng: np.random.Generator,
) -> np.ndarray:
    """Return the part that each group goes to, by iterative stratification.

    Sechidis et al. 2011, On the Stratification of Multi-Label Data: the rarest label
    first, each of its groups to the part that lacks most of that label.

    Args:
        labels: int [G, K], images of each group that have each label.
        sizes: int [G], images of each group.
        fractions: share of each part; they add up to 1.
        rng: the order in which groups are looked at.

    Returns:
        int [G], from 0 to the number of parts. No part stays empty, and the parts
        have their share to the image where all groups are of one image.
    """
    # The images themselves are the most frequent label, which all have.
    labels = np.concatenate([labels, np.asarray(sizes)[:, None]], axis=1)
    missing = np.asarray(fractions)[:, None] * labels.sum(axis=0)  # [parts, K + 1]
    missing[:, -1] = _whole_shares(fractions, int(np.sum(sizes)))
    part_of, num_groups = np.full(len(sizes), -1), np.zeros(len(missing), int)
    order = rng.permutation(len(sizes))
    # Large groups first: small ones can make up for them.
    left = order[np.argsort(-np.asarray(sizes)[order], kind="stable")]
    while len(left):
        counts = labels[left].sum(axis=0)
        rarest = np.where(counts > 0, counts, np.inf).argmin()
        has_it = labels[left, rarest] > 0
        for position, group in enumerate(left[has_it]):
            is_allowed = missing[:, -1] > 0
            if len(left) - position <= (num_groups == 0).sum():
                is_allowed = num_groups == 0
            need = np.where(is_allowed[:, None], missing[:, [-1, rarest]], -np.inf)
            part = np.lexsort(need.T)[-1]  # the last key decides, the first parts ties
            part_of[group] = part
            num_groups[part] += 1
            missing[part] -= labels[group]
        left = left[~has_it]
    return part_of


def _whole_shares(fractions: Sequence[float], total: int) -> np.ndarray:
    """Return shares in whole numbers that add up to the total, each at least 1."""
    exact = np.asarray(fractions) * total
    shares = np.floor(exact).astype(int)
    order = np.argsort(-(exact - shares), kind="stable")
    shares[order[: total - shares.sum()]] += 1
    while not shares.all():
        shares[shares.argmin()] += 1
        shares[shares.argmax()] -= 1
    return shares
