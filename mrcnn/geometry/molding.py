"""What the network is fed besides boxes: mean-subtracted images and image metas.

A meta is a row of numbers that travels with its image: id, original shape,
shape, window, scale, active classes, at the offsets that `structures` names.
Called by training and detection. Axis letters as in `structures`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mrcnn.structures import (
    META_ACTIVE_CLASS_IDS,
    META_IMAGE_ID,
    META_ORIGINAL_SHAPE,
    META_SCALE,
    META_SHAPE,
    META_WINDOW,
)


def mold_image(image: np.ndarray, mean_pixel) -> np.ndarray:
    """Return the image as the network takes it.

    Args:
        image: [H, W, C] or [B, H, W, C], RGB, 0 to 255.
        mean_pixel: [C], mean of each channel.

    Returns:
        float32, the shape of `image`, mean subtracted.
    """
    # Subtracted in float64 and rounded once, to the original's last bit. Whole rows
    # [W * C] at a time: a loop over the three channels takes twice as long.
    image = np.asarray(image)
    row = np.tile(np.asarray(mean_pixel, np.float64), image.shape[-2])
    molded = np.empty(image.shape, np.float32)
    np.subtract(
        image.reshape(-1, row.size),
        row,
        out=molded.reshape(-1, row.size),
        casting="same_kind",
    )
    return molded


def unmold_image(image: np.ndarray, mean_pixel) -> np.ndarray:
    """Return a molded image as a picture again; the inverse of `mold_image`.

    Args:
        image: float [..., C], mean subtracted.
        mean_pixel: [C], mean of each channel.

    Returns:
        uint8, the shape of `image`, rounded and clipped to 0 to 255.
    """
    return np.clip(np.around(image + np.asarray(mean_pixel)), 0, 255).astype(np.uint8)


def compose_image_meta(
    image_id: int,
    original_image_shape: Sequence[int],
    image_shape: Sequence[int],
    window: Sequence[int],
    scale: float,
    active_class_ids: Sequence[int],
) -> np.ndarray:
    """Return the meta of one image.

    Args:
        image_id: its number in the data set; 0 in detection.
        original_image_shape: (H, W, C) before resizing.
        image_shape: (H, W, C) after resizing and padding.
        window: (y1, x1, y2, x2) of the picture in the padded image, pixels.
        scale: factor from the original to the picture.
        active_class_ids: int [K], 1 for each class that the image's source labels.

    Returns:
        float64 [12 + K]
    """
    return np.concatenate(
        [
            [image_id],
            original_image_shape,
            image_shape,
            window,
            [scale],
            active_class_ids,
        ]
    ).astype(np.float64)


def parse_image_meta(meta: np.ndarray) -> dict[str, np.ndarray]:
    """Return the parts of a batch of metas by name.

    Args:
        meta: [B, 12 + K], from `compose_image_meta`.

    Returns:
        image_id int32 [B], original_image_shape int32 [B, 3], image_shape int32
        [B, 3], window int32 [B, 4], scale float32 [B], active_class_ids int32
        [B, K].
    """
    meta = np.asarray(meta)
    return {
        "image_id": meta[:, META_IMAGE_ID][:, 0].astype(np.int32),
        "original_image_shape": meta[:, META_ORIGINAL_SHAPE].astype(np.int32),
        "image_shape": meta[:, META_SHAPE].astype(np.int32),
        "window": meta[:, META_WINDOW].astype(np.int32),
        "scale": meta[:, META_SCALE][:, 0].astype(np.float32),
        "active_class_ids": meta[:, META_ACTIVE_CLASS_IDS].astype(np.int32),
    }
