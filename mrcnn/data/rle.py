"""Masks as COCO's run lengths.

Run lengths count pixels down the columns, background first. COCO's files hold
them as a list of numbers or packed in a string.
"""

from __future__ import annotations

import numpy as np

from mrcnn.data.annotations import short
from mrcnn.errors import DatasetError

# Of pixels in a run: far beyond any image, and safe to compute with.
_MOST = 1 << 31


def mask_to_rle(mask: np.ndarray) -> dict:
    """Return a mask in packed run lengths, ready for JSON.

    Args:
        mask: [H, W], bool or 0 and 1.

    Returns:
        {"size": [H, W], "counts": str}.

    Example:
        >>> mask_to_rle(np.array([[0, 1], [0, 1]], bool))
        {'size': [2, 2], 'counts': '22'}
    """
    from pycocotools import mask as coco_mask

    rle = coco_mask.encode(np.asfortranarray(mask, dtype=np.uint8))
    return {
        "size": [int(side) for side in rle["size"]],
        "counts": rle["counts"].decode("ascii"),
    }


def box_mask_to_rle(
    mask: np.ndarray, box: tuple[int, int, int, int], image_hw: tuple[int, int]
) -> dict:
    """Return a mask that is known inside its box in packed run lengths of the image.

    The same as `mask_to_rle` of the whole, but the columns beside the box are never
    looked at.

    Args:
        mask: bool [y2 - y1, x2 - x1].
        box: (y1, x1, y2, x2), pixels, inside the image.
        image_hw: height and width of the image.

    Returns:
        {"size": [H, W], "counts": str}.

    Example:
        >>> box_mask_to_rle(np.ones((2, 1), bool), (0, 1, 2, 2), (2, 2))
        {'size': [2, 2], 'counts': '22'}
    """
    from pycocotools import mask as coco_mask

    height, width = (int(side) for side in image_hw)
    y1, x1, y2, x2 = (int(side) for side in box)
    columns = np.zeros((x2 - x1, height), bool)
    columns[:, y1:y2] = mask.T
    # Where background and object change, counted down the columns of the image.
    edges = np.flatnonzero(np.diff(columns.ravel(), prepend=False, append=False))
    edges = [0, *(edges + x1 * height).tolist(), height * width]
    runs = [end - start for start, end in zip(edges, edges[1:], strict=False)]
    if runs[-1] == 0:
        runs.pop()
    rle = coco_mask.frPyObjects({"size": [height, width], "counts": runs}, 0, 0)
    return {"size": [height, width], "counts": rle["counts"].decode("ascii")}


def rle_to_mask(rle: dict) -> np.ndarray:
    """Return the mask in run lengths, packed or as a list of numbers.

    Args:
        rle: {"size": [H, W], "counts": list of int, str or bytes}.

    Returns:
        bool [H, W].

    Raises:
        DatasetError: the run lengths do not add up to H x W.

    Example:
        >>> rle_to_mask({"size": [2, 2], "counts": [2, 2]})
        array([[False,  True],
               [False,  True]])
    """
    return unpacked_mask(packed(rle))


def unpacked_mask(rle: dict) -> np.ndarray:
    """Return the mask in packed run lengths that are known to be right.

    pycocotools packs; unpacking is done here, because its own warns under NumPy 2.

    Args:
        rle: {"size": [H, W], "counts": bytes}, from `packed` or from pycocotools.

    Returns:
        bool [H, W].
    """
    height, width = rle["size"]
    runs = run_lengths(rle["counts"])
    # Background and object in turn, down the columns: [W * H] -> [H, W]
    return np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(width, height).T


def packed(rle: dict) -> dict:
    """Return run lengths of either form in the packed form, checked.

    pycocotools reads past its memory when the runs do not fill the image, so
    every run-length mask from a file goes through here first.

    Args:
        rle: {"size": [H, W], "counts": list of int, str or bytes}.

    Returns:
        {"size": [H, W], "counts": bytes}, as pycocotools wants it.

    Raises:
        DatasetError: size or counts are of the wrong kind, or do not fit together.
    """
    from pycocotools import mask as coco_mask

    size, counts = rle.get("size"), rle.get("counts")
    if not _is_counts(size) or len(size) != 2:
        raise DatasetError(
            f"Expected run lengths with a size [height, width]. "
            f"Received: size={short(size)}. Export the annotations again."
        )
    if isinstance(counts, str):
        counts = counts.encode("ascii", "replace")
    runs = run_lengths(counts) if isinstance(counts, bytes) else counts
    if not _is_counts(runs) or sum(runs) != size[0] * size[1]:
        found = sum(runs) if _is_counts(runs) else short(counts)
        raise DatasetError(
            f"Expected run lengths of {size[0]} x {size[1]} pixels in total. "
            f"Received: {found}. Export the annotations again."
        )
    if isinstance(counts, bytes):
        return {"size": list(size), "counts": counts}
    return coco_mask.frPyObjects({"size": size, "counts": counts}, *size)


def run_lengths(counts: bytes) -> list[int]:
    """Return the run lengths in a packed string.

    Each number is written in groups of 5 bits, lowest first, as a character from
    "0" on; bit 5 says that more follow, bit 4 of the last one is the sign. From
    the fourth number on only the difference to the last but one is written.

    Args:
        counts: the string, as bytes.

    Raises:
        DatasetError: a number has no end.

    Example:
        >>> run_lengths(b"22")
        [2, 2]
    """
    runs, value, shift = [], 0, 0
    for byte in counts:
        group = byte - 48
        value |= (group & 0x1F) << shift
        shift += 5
        if shift > 60:
            raise DatasetError(
                "Expected run lengths of at most 60 bits. Received: a longer one in "
                f"{short(counts)}. Export the annotations again."
            )
        if group & 0x20:
            continue
        if group & 0x10:
            value -= 1 << shift
        if len(runs) > 2:
            value += runs[-2]
        runs.append(value)
        value, shift = 0, 0
    return runs


def _is_counts(values) -> bool:
    if not isinstance(values, (list, tuple)) or not {int} >= set(map(type, values)):
        return False
    return min(values, default=0) >= 0 and max(values, default=0) < _MOST
