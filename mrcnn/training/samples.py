"""One image of a data set, made ready to learn from.

`load_training_image` reads image and masks, resizes and augments them together
and derives the boxes from what came of it. Called by `batches`, and by scripts
that look at training images. Axis letters as in `structures`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from mrcnn.errors import ConfigError, DatasetError, MrcnnError
from mrcnn.geometry.masks import extract_bboxes, minimize_mask
from mrcnn.geometry.molding import compose_image_meta
from mrcnn.geometry.resize import apply_to_image, apply_to_masks, plan_resize
from mrcnn.training.augment import augment


class TrainingImage(NamedTuple):
    """An image with its objects, at the size that the network is trained with.

    Attributes:
        image: uint8 [H, W, C], RGB.
        image_meta: float64 [12 + K].
        class_ids: int32 [N], negative for a crowd.
        boxes: int32 [N, (y1, x1, y2, x2)], pixels of `image`.
        masks: bool [H, W, N], or mini-masks [h, w, N].
    """

    image: np.ndarray
    image_meta: np.ndarray
    class_ids: np.ndarray
    boxes: np.ndarray
    masks: np.ndarray


def load_training_image(
    dataset,
    image_id: int,
    *,
    num_classes: int,
    min_dim: int | None = None,
    max_dim: int | None = None,
    min_scale: float | None = None,
    mode: str = "square",
    augmenter=None,
    no_augmentation_sources: Collection[str] = (),
    mini_mask_shape: tuple[int, int] | None = None,
    rng: np.random.Generator,
) -> TrainingImage:
    """Load an image and its objects, resized and augmented together.

    Args:
        dataset: a prepared `data.dataset.Dataset`.
        image_id: position of the image in it.
        num_classes: classes of the network, with the background.
        min_dim: shorter side of the image, as in `plan_resize`.
        max_dim: longer side of the image, as in `plan_resize`.
        min_scale: least factor, as in `plan_resize`.
        mode: "square", "pad64", "crop" or "none", as in `plan_resize`.
        augmenter: an imgaug augmenter, or None.
        no_augmentation_sources: sources whose images are not augmented.
        mini_mask_shape: (h, w) of mini-masks; None keeps masks at the image's size.
        rng: where to crop, and how to augment.

    Returns:
        The image. Objects of which nothing is left after cropping and augmenting
        are not in it; an image may have none at all.

    Raises:
        DatasetError: the image or its masks cannot be used; names the image.
        ConfigError: the augmenter, the resizing or `num_classes` cannot be used.
    """
    check_num_classes(dataset, num_classes)
    where = image_name(dataset, image_id)
    try:
        image = dataset.load_image(image_id)
        masks, class_ids = dataset.load_mask(image_id)
    except Exception as error:
        raise _not_loaded(dataset, image_id, error) from error
    original_shape = np.shape(image)
    class_ids = np.asarray(class_ids, np.int32).reshape(-1)
    _check(where, original_shape, np.shape(masks), class_ids, num_classes)

    plan = plan_resize(
        original_shape[:2],
        min_dim=min_dim,
        max_dim=max_dim,
        min_scale=min_scale,
        mode=mode,
        rng=rng,
    )
    image = apply_to_image(image, plan)
    masks = apply_to_masks(masks, plan)
    source = dataset.image_info[image_id]["source"]
    if augmenter is not None and source not in no_augmentation_sources:
        image, masks = augment(image, masks, augmenter, rng)

    boxes = extract_bboxes(masks)
    is_visible = boxes[:, 2] > boxes[:, 0]
    if not is_visible.all():
        masks = masks[..., is_visible]
        boxes, class_ids = boxes[is_visible], class_ids[is_visible]
    if mini_mask_shape is not None:
        masks = minimize_mask(boxes, masks, tuple(mini_mask_shape))

    active_class_ids = np.zeros(num_classes, np.int32)
    # Classes of other sources are not labelled in this image. The background is,
    # and alone where a source of empty images has no class.
    active_class_ids[dataset.source_class_ids.get(source, [0])] = 1
    image_meta = compose_image_meta(
        image_id, original_shape, image.shape, plan.window, plan.scale, active_class_ids
    )
    return TrainingImage(image, image_meta, class_ids, boxes, masks)


def check_num_classes(dataset, num_classes: int) -> None:
    """Refuse a network with fewer classes than the data set.

    Raises:
        ConfigError: names both numbers and the classes.
    """
    if dataset.num_classes > num_classes:
        raise ConfigError(
            f"Expected NUM_CLASSES of at least {dataset.num_classes}: the background "
            f"and {', '.join(dataset.class_names[1:])}. Received: "
            f"NUM_CLASSES={num_classes}. Raise it, or name the classes to keep."
        )


def check_has_objects(dataset) -> None:
    """Refuse a data set in which there is nothing to learn from.

    Asks for the masks of one image after the other, until one has an object.

    Raises:
        DatasetError: no image has an object, or the masks of one cannot be loaded.
    """
    # In random order: a data set may list its empty images first.
    order = np.random.default_rng(0).permutation(dataset.num_images)
    for image_id in map(int, order):
        try:
            _, class_ids = dataset.load_mask(image_id)
        except Exception as error:
            raise _not_loaded(dataset, image_id, error) from error
        if (np.asarray(class_ids) > 0).any():
            return
    raise DatasetError(
        "Expected a data set with an object to learn from. Received: "
        f"{dataset.num_images} images, none with an object that is not a crowd. "
        "Outline objects in some of them, or see whether load_mask finds them."
    )


def image_name(dataset, image_id: int) -> str:
    """Return an image in words, for messages: number, id in its source, path."""
    info = dataset.image_info[image_id]
    path = f", {info['path']}" if info.get("path") else ""
    return f"image {image_id} ({info['source']}.{info['id']}{path})"


def _not_loaded(dataset, image_id: int, error: Exception) -> DatasetError:
    known = isinstance(error, MrcnnError)
    reason = str(error) if known else f"{type(error).__name__}: {error}"
    return DatasetError(
        "Expected an image with masks. Received: "
        f"{image_name(dataset, image_id)}, which cannot be loaded. {reason}"
    )


def _check(where: str, image_shape, masks_shape, class_ids, num_classes: int) -> None:
    if len(image_shape) != 3 or masks_shape != (*image_shape[:2], len(class_ids)):
        raise DatasetError(
            "Expected an image [H, W, C], masks [H, W, N] and class_ids [N]. Received: "
            f"{list(image_shape)}, {list(masks_shape)} and [{len(class_ids)}] for "
            f"{where}. Correct load_image and load_mask."
        )
    wrong = class_ids[(class_ids == 0) | (np.abs(class_ids) >= num_classes)]
    if len(wrong):
        raise DatasetError(
            f"Expected class ids from 1 to {num_classes - 1}. Received: class id "
            f"{wrong[0]} in {where}. Set NUM_CLASSES to 1 + the number of classes, or "
            "correct the label."
        )
