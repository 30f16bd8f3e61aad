"""Pictures whose pixels say which object they belong to, cut into its objects."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np
from scipy import ndimage

from mrcnn.data.images import read_labels
from mrcnn.data.shapes import BoxMask
from mrcnn.errors import DatasetError

# A photo taken for an instance map has more values than any image has objects.
_MOST_OBJECTS = 10_000


def labels_of_image(
    path: Path, image_hw: tuple[int, int], advice: str = "Replace the mask."
) -> np.ndarray:
    """Return the values of a picture of labels that belongs to an image.

    Args:
        path: of the picture.
        image_hw: height and width of the image.
        advice: what to do where the sizes differ.

    Returns:
        int32 [H, W].

    Raises:
        DatasetError: it cannot be read, or is not of the image's size.
    """
    labels = read_labels(path)
    if labels.shape != image_hw:
        raise DatasetError(
            f"{path}: expected the size of its image, {image_hw} (height, width). "
            f"Received: {labels.shape}. {advice}"
        )
    return labels


def instance_masks(
    labels: np.ndarray, background: Collection[int] = (0,)
) -> dict[int, BoxMask]:
    """Return the mask of each value of an instance map.

    Args:
        labels: int32 [H, W], from `images.read_labels`.
        background: values that are no object.

    Returns:
        {value: mask}, by ascending value.

    Raises:
        DatasetError: there are too many values for an instance map.

    Example:
        >>> masks = instance_masks(np.array([[0, 5], [0, 5], [9, 0]]))
        >>> {value: mask.box for value, mask in masks.items()}
        {5: (0, 1, 2, 2), 9: (2, 0, 3, 1)}
    """
    values, places = np.unique(labels, return_inverse=True)
    if len(values) > _MOST_OBJECTS:
        raise DatasetError(
            f"Expected a picture with a value for each object. Received: {len(values)} "
            "values, more than any image has objects. Is it a photo, or a JPEG?"
        )
    places = places.reshape(labels.shape)
    boxes = ndimage.find_objects(places + 1)
    masks = {}
    for place, (value, (rows, columns)) in enumerate(zip(values, boxes, strict=True)):
        if int(value) not in background:
            mask = places[rows, columns] == place
            masks[int(value)] = BoxMask.from_mask(mask, rows.start, columns.start)
    return masks
