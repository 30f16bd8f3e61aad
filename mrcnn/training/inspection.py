"""The original's functions that give what training sees, for notebooks to look at.

They take a `Config`, as the original's did, and hand over to the parts that training
itself uses. `mrcnn.model` has them under their names.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator

import numpy as np

from mrcnn.config import Config
from mrcnn.errors import ConfigError
from mrcnn.training.augment import import_imgaug
from mrcnn.training.rpn_targets import build_rpn_targets as make_rpn_targets
from mrcnn.training.samples import load_training_image
from mrcnn.training.trainer import make_batches


def load_image_gt(
    dataset,
    config: Config,
    image_id: int,
    augmentation=None,
    use_mini_mask: bool | None = None,
):
    """Return an image with its objects as training sees them.

    Args:
        dataset: prepared `Dataset`.
        config: sizes.
        image_id: position of the image in the data set.
        augmentation: an imgaug augmenter, or None.
        use_mini_mask: whether masks are mini-masks; None takes USE_MINI_MASK.

    Returns:
        image uint8 [H, W, 3], image_meta [12 + K], class_ids int32 [N], bbox int32
        [N, 4], masks bool [H, W, N] or [h, w, N].
    """
    if use_mini_mask is None:
        use_mini_mask = config.USE_MINI_MASK
    return load_training_image(
        dataset,
        image_id,
        num_classes=config.NUM_CLASSES,
        min_dim=config.IMAGE_MIN_DIM,
        max_dim=config.IMAGE_MAX_DIM,
        min_scale=config.IMAGE_MIN_SCALE,
        mode=config.IMAGE_RESIZE_MODE,
        augmenter=augmentation,
        mini_mask_shape=config.MINI_MASK_SHAPE if use_mini_mask else None,
        rng=np.random.default_rng(),
    )


def data_generator(
    dataset,
    config: Config,
    shuffle: bool = True,
    augment: bool = False,
    augmentation=None,
    random_rois: int = 0,
    batch_size: int = 1,
    detection_targets: bool = False,
    no_augmentation_sources=None,
) -> Iterator[tuple[list[np.ndarray], list[np.ndarray]]]:
    """Give the batches of a data set for ever, as the original's inputs and outputs.

    `train` does not need it; it is for looking at what the network is trained with.

    Args:
        dataset: prepared data set.
        config: sizes, anchors and target settings.
        shuffle: random order, all batches full; without it each epoch is the same
            and its last batch may be smaller.
        augment: whether to flip half of the images; `augmentation` comes before it.
        augmentation: an imgaug augmenter, or None.
        random_rois: ROIs per image to draw at random, as with USE_RPN_ROIS = False.
        batch_size: images in a batch.
        detection_targets: must be False.
        no_augmentation_sources: sources whose images are not augmented.

    Yields:
        The arrays of `Batches` in its order, those of random ROIs at the end where
        there are any, and an empty list.

    Raises:
        ConfigError: `detection_targets` is True, or as in `Batches`.
        DatasetError: as in `Batches`.
    """
    if detection_targets:
        raise ConfigError(
            "Expected detection_targets=False: the network draws them itself. "
            "Received: True. Take them from network.targets.detection_targets."
        )
    if augment and augmentation is None:
        augmentation = import_imgaug().augmenters.Fliplr(0.5)
    config = copy.copy(config)
    config.update(IMAGES_PER_GPU=batch_size, GPU_COUNT=1, USE_RPN_ROIS=not random_rois)
    if random_rois:
        config.update(POST_NMS_ROIS_TRAINING=random_rois)
    batches = make_batches(
        dataset,
        config,
        shuffle=shuffle,
        steps=-(-dataset.num_images // batch_size) if shuffle else None,
        augmenter=augmentation,
        no_augmentation_sources=no_augmentation_sources,
    )
    return _for_ever(batches)


def _for_ever(batches) -> Iterator[tuple[list, list]]:
    while True:
        for i in range(len(batches)):
            yield list(batches[i].values()), []
        batches.epoch += 1


def build_rpn_targets(image_shape, anchors, gt_class_ids, gt_boxes, config: Config):
    """Return what the RPN shall say of each anchor of an image.

    Args:
        image_shape: as in the original; anchors say all that is needed.
        anchors: float [A, (y1, x1, y2, x2)], pixels.
        gt_class_ids: int32 [N], negative for a crowd.
        gt_boxes: int32 [N, (y1, x1, y2, x2)], pixels.
        config: RPN_TRAIN_ANCHORS_PER_IMAGE and RPN_BBOX_STD_DEV.

    Returns:
        rpn_match int32 [A] and rpn_bbox float32 [RPN_TRAIN_ANCHORS_PER_IMAGE, 4].
    """
    return make_rpn_targets(
        anchors,
        gt_class_ids,
        gt_boxes,
        num_anchors=config.RPN_TRAIN_ANCHORS_PER_IMAGE,
        bbox_std_dev=config.RPN_BBOX_STD_DEV,
        rng=np.random.default_rng(),
    )
