"""One image of a data set, made ready to learn from.

`load_training_image` reads image and masks, resizes and augments them together
and derives the boxes from what came of it. Called by `batches`, and by scripts
that look at training images. Axis letters as in `structures`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection
from typing import NamedTuple

import numpy as np

from mrcnn.errors import ConfigError, DatasetError, MrcnnError
from mrcnn.geometry.masks import extract_bboxes, minimize_mask
from mrcnn.geometry.molding import compose_image_meta
from mrcnn.geometry.resize import (
    apply_to_image,
    apply_to_masks,
    jitter_plan,
    plan_resize,
)
from mrcnn.structures import ResizePlan
from mrcnn.training.augment import augment
from mrcnn.training.copy_paste import Picture, copy_paste, mask_areas, visible_enough


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
    scale_jitter: tuple[float, float] | None = None,
    partner_of: Callable[..., int | None] | None = None,
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
        no_augmentation_sources: sources whose images are not augmented, in scale
            and by pasting neither.
        mini_mask_shape: (h, w) of mini-masks; None keeps masks at the image's size.
        scale_jitter: least and greatest factor of `jitter_plan`, or None. Objects of
            which it leaves less than a tenth are not in the result.
        partner_of: given an image and `rng`, the image whose objects are pasted in,
            changed likewise, or None; see `copy_paste.pick_partner`.
        rng: where to crop, how to augment, and what to paste.

    Returns:
        The image. Objects of which nothing is left after cropping and augmenting
        are not in it; an image may have none at all.

    Raises:
        DatasetError: the image or its masks cannot be used; names the image.
        ConfigError: the augmenter, the resizing or `num_classes` cannot be used.
    """
    check_num_classes(dataset, num_classes)
    source = dataset.image_info[image_id]["source"]
    is_changed = source not in no_augmentation_sources
    view = functools.partial(
        _view,
        dataset,
        num_classes=num_classes,
        plan_for=functools.partial(
            plan_resize,
            min_dim=min_dim,
            max_dim=max_dim,
            min_scale=min_scale,
            mode=mode,
            rng=rng,
        ),
        scale_jitter=scale_jitter if is_changed else None,
        augmenter=augmenter if is_changed else None,
        rng=rng,
    )
    partner = partner_of(image_id, rng=rng) if partner_of else None
    picture, plan = view(image_id)
    if partner is not None:
        picture = copy_paste(picture, view(partner)[0], rng)
    image, masks, class_ids = picture

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
        image_id,
        (*plan.image_hw, image.shape[2]),
        image.shape,
        plan.window,
        plan.scale,
        active_class_ids,
    )
    return TrainingImage(image, image_meta, class_ids, boxes, masks)


def _view(
    dataset,
    image_id: int,
    *,
    num_classes: int,
    plan_for: Callable[[tuple[int, int]], ResizePlan],
    scale_jitter: tuple[float, float] | None,
    augmenter,
    rng: np.random.Generator,
) -> tuple[Picture, ResizePlan]:
    """Return an image with its objects at the network's size, and how it got there."""
    where = image_name(dataset, image_id)
    try:
        image = dataset.load_image(image_id)
        masks, class_ids = dataset.load_mask(image_id)
    except Exception as error:
        raise _not_loaded(dataset, image_id, error) from error
    class_ids = np.asarray(class_ids, np.int32).reshape(-1)
    _check(where, np.shape(image), np.shape(masks), class_ids, num_classes)

    plan = plan_for(np.shape(image)[:2])
    if scale_jitter is not None:
        plan = jitter_plan(plan, scale_jitter, rng)
    image = apply_to_image(image, plan)
    resized_masks = apply_to_masks(masks, plan)
    if scale_jitter is not None:
        whole_areas = mask_areas(masks) * plan.scale**2
        kept = visible_enough(resized_masks, whole_areas)
        resized_masks, class_ids = resized_masks[..., kept], class_ids[kept]
    if augmenter is not None:
        image, resized_masks = augment(image, resized_masks, augmenter, rng)
    return Picture(image, resized_masks, class_ids), plan


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

    Asks for the classes of one image after the other, until one has an object.

    Raises:
        DatasetError: no image has an object, or the masks of one cannot be loaded.
    """
    # In random order: a data set may list its empty images first.
    order = np.random.default_rng(0).permutation(dataset.num_images)
    for image_id in map(int, order):
        try:
            class_ids = dataset.image_class_ids(image_id)
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
