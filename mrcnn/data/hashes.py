"""Which images are the same or nearly: copies, and neighbouring frames of a video.

`fingerprint` says of a file what is needed to compare it with many others;
`similar_pairs` compares, `groups` puts together what hangs together. The doctor
reports such pairs, and a division into train and val does not part them.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from mrcnn.data.dataset import Dataset

# Of the 256 bits of a hash, two unrelated photos differ in about 128 (least of 8,600
# pairs: 96), a copy of another size, quality or brightness in at most 30.
_MOST_BITS = 50
# Mean difference of the small pictures, of 255: tells plain pictures apart, whose
# hashes say little.
_MOST_DIFFERENCE = 40
_SIDE = 16


@dataclass(frozen=True)
class Fingerprint:
    """What tells an image from others.

    Attributes:
        digest: SHA-256 of the file; equal for exact copies.
        bits: uint8 [32], the perceptual hash, 256 bits.
        small: uint8 [16, 16, 3], the picture in small.
    """

    digest: str
    bits: np.ndarray
    small: np.ndarray


def similar_groups(dataset: Dataset) -> np.ndarray:
    """Return the group of each image, int [images]; those that look the same share one.

    Args:
        dataset: prepared, of images in files. All are read.

    Raises:
        DatasetError: an image cannot be read.
    """
    with ThreadPoolExecutor() as pool:
        prints = list(pool.map(partial(image_fingerprint, dataset), dataset.image_ids))
    return groups(len(prints), similar_pairs(prints))


def image_fingerprint(dataset: Dataset, image_id: int) -> Fingerprint:
    """Return what tells an image of a data set from others.

    Raises:
        DatasetError: it cannot be read.
    """
    path = dataset.image_info[image_id]["path"]
    return fingerprint(path, dataset.load_image(image_id))


def fingerprint(path: str | os.PathLike, image: np.ndarray) -> Fingerprint:
    """Return what tells an image from others.

    Args:
        path: its file.
        image: uint8 [H, W, C], the picture in it; as grey where C is not 3.
    """
    if image.shape[2] != 3:
        grey = image.mean(axis=2, keepdims=True).astype(np.uint8)
        image = np.repeat(grey, 3, axis=2)
    digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    small = cv2.resize(image, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    return Fingerprint(digest, perceptual_hash(image), small)


def perceptual_hash(image: np.ndarray) -> np.ndarray:
    """Return a hash that hardly changes when a picture is scaled or compressed.

    The signs of the low frequencies: which of the first 16 x 16 coefficients of the
    cosine transform of the picture, at 64 x 64 and in grey, lie above their median.

    Args:
        image: uint8 [H, W, 3].

    Returns:
        uint8 [32], 256 bits.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (4 * _SIDE, 4 * _SIDE), interpolation=cv2.INTER_AREA)
    frequencies = cv2.dct(small.astype(np.float32))[:_SIDE, :_SIDE].ravel()
    # The first coefficient is the mean brightness, far above all others.
    return np.packbits(frequencies > np.median(frequencies[1:]))


def similar_pairs(fingerprints: Sequence[Fingerprint]) -> list[tuple[int, int]]:
    """Return the pairs (i, j), i < j, of images that look the same.

    Found are copies of another size, quality or brightness; not found are mirrored,
    turned or cut ones.
    """
    if not fingerprints:
        return []
    # 256 bits -> 4 words, to count differing bits quickly: [N, 4]
    words = np.stack([each.bits for each in fingerprints]).view(np.uint64)
    small = np.stack([each.small for each in fingerprints]).astype(np.int16)
    pairs = []
    for i in range(len(words) - 1):
        bits = np.bitwise_count(words[i + 1 :] ^ words[i]).sum(axis=1)
        for j in np.flatnonzero(bits <= _MOST_BITS) + i + 1:
            if np.abs(small[i] - small[j]).mean() <= _MOST_DIFFERENCE:
                pairs.append((i, int(j)))
    return pairs


def groups(num_images: int, pairs: Iterable[tuple[int, int]]) -> np.ndarray:
    """Return the group of each image, int [num_images]; those of a pair share one.

    Example:
        >>> groups(5, [(0, 3), (3, 4)]).tolist()
        [0, 1, 2, 0, 0]
    """
    rows, columns = np.array([*pairs], int).reshape(-1, 2).T
    links = coo_array((np.ones(len(rows)), (rows, columns)), (num_images, num_images))
    return connected_components(links, directed=False)[1]
