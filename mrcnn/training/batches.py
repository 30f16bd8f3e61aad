"""Batches of training data for Keras, the same for the same seed.

`Batches` is what the trainer hands to `fit` and `evaluate`: batch i of an epoch
depends on the seed, the epoch and i alone, so that neither the number of
workers nor a restart changes what is learnt from. Axis letters as in
`structures`; keys and dtypes of a batch are in `Batches`.
"""

from __future__ import annotations

import functools
from collections.abc import Collection

import keras
import numpy as np

from mrcnn.errors import DatasetError
from mrcnn.geometry.molding import mold_image
from mrcnn.training.augment import check_augmenter
from mrcnn.training.copy_paste import images_by_source, pick_partner
from mrcnn.training.random_rois import generate_random_rois
from mrcnn.training.rpn_targets import build_rpn_targets
from mrcnn.training.samples import (
    TrainingImage,
    check_num_classes,
    load_training_image,
)
from mrcnn.training.sampling import Rounds, rounds_of_dataset


class Batches(keras.utils.PyDataset):
    """The images of a data set with all that training compares the network to.

    With `shuffle`, epochs cut an endless stream of batches: one random order of
    all images after the other. Where `steps` batches are not all images once, the
    next epoch goes on where this one ends, and batches are always full. Without
    `steps` an epoch is every image once, and the last batch may be smaller. With
    `repeat_threshold` or `negative_ratio`, for every image once read one round of
    `sampling`.
    Without `shuffle` every epoch is the same, random numbers included, so that
    validation losses compare; it takes no image twice, however many the `steps`.

    A batch is a dict:
        image: float32 [B, H, W, C], mean subtracted.
        image_meta: float32 [B, 12 + K].
        rpn_match: int32 [B, A, 1], 1 positive, -1 negative, 0 neutral.
        rpn_bbox: float32 [B, num_rpn_anchors, 4], deltas of the positive anchors.
        gt_class_ids: int32 [B, max_gt_instances], 0 pads, negative is crowd.
        gt_boxes: int32 [B, max_gt_instances, 4], pixels of the resized image.
        gt_masks: uint8 [B, h, w, max_gt_instances], mini-masks or full size.
        rois: int32 [B, num_random_rois, 4], pixels; only where that is above 0.

    Args:
        dataset: a prepared `data.dataset.Dataset`.
        batch_size: images in a batch.
        num_classes: classes of the network, with the background.
        anchors: float [A, 4], pixels of the resized image.
        num_rpn_anchors: anchors per image that count in the RPN losses.
        rpn_bbox_std_dev: float [4], RPN deltas are divided by it.
        max_gt_instances: objects per image; of more, some are picked at random.
        mean_pixel: float [C].
        min_dim: shorter side of the image, as in `plan_resize`.
        max_dim: longer side of the image, as in `plan_resize`.
        min_scale: least factor, as in `plan_resize`.
        mode: "square", "crop" or "none", as in `plan_resize`.
        mini_mask_shape: (h, w) of mini-masks; None keeps masks at the image's size.
        augmenter: an imgaug augmenter, or None.
        no_augmentation_sources: sources whose images are not augmented, in scale
            and by pasting neither.
        num_random_rois: ROIs per image to draw for training without the RPN.
        repeat_threshold: with `shuffle`, as in `sampling.plan_rounds`.
        negative_ratio: with `shuffle`, as in `sampling.plan_rounds`.
        scale_jitter: least and greatest factor of `jitter_plan`, or None.
        copy_paste: share of the images that objects of another one are pasted into;
            of any other one of its source, which may have none.
        shuffle: whether images come in random order.
        seed: of everything random.
        steps: batches in an epoch; None for every image once.
        share: (number of a machine from 0, how many): the part of each batch that is
            made here. Every batch is then full: after the last images come arrays of
            zeros, which count in no loss. None makes whole batches.
        initial_epoch: the epoch to start with, from 0.
        workers: threads or processes that make batches, as in `keras.utils.PyDataset`.
        use_multiprocessing: processes instead of threads, likewise.
        max_queue_size: batches made ahead, likewise.

    Attributes:
        epoch: the epoch of the batches to come; Keras counts it up.

    Raises:
        DatasetError: the data set has no images, or `sampling` cannot use them.
        ConfigError: it has more classes than `num_classes`, or the augmenter
            cannot move masks.
    """

    def __init__(
        self,
        dataset,
        *,
        batch_size: int,
        num_classes: int,
        anchors: np.ndarray,
        num_rpn_anchors: int,
        rpn_bbox_std_dev: np.ndarray,
        max_gt_instances: int,
        mean_pixel: np.ndarray,
        min_dim: int | None = None,
        max_dim: int | None = None,
        min_scale: float | None = None,
        mode: str = "square",
        mini_mask_shape: tuple[int, int] | None = None,
        augmenter=None,
        no_augmentation_sources: Collection[str] | None = (),
        num_random_rois: int = 0,
        repeat_threshold: float = 0.0,
        negative_ratio: float | None = None,
        scale_jitter: tuple[float, float] | None = None,
        copy_paste: float = 0.0,
        shuffle: bool = True,
        seed: int = 0,
        steps: int | None = None,
        share: tuple[int, int] | None = None,
        initial_epoch: int = 0,
        workers: int = 1,
        use_multiprocessing: bool = False,
        max_queue_size: int = 10,
    ):
        super().__init__(
            workers=workers,
            use_multiprocessing=use_multiprocessing,
            max_queue_size=max_queue_size,
        )
        if dataset.num_images == 0:
            raise DatasetError(
                "Expected a data set with at least one image. Received: num_images=0. "
                "Check the folder, and that images have regions."
            )
        check_num_classes(dataset, num_classes)
        if augmenter is not None:
            check_augmenter(augmenter)
        self.dataset = dataset
        self.batch_size = batch_size
        self.anchors = anchors
        self.num_rpn_anchors = num_rpn_anchors
        self.rpn_bbox_std_dev = rpn_bbox_std_dev
        self.max_gt_instances = max_gt_instances
        self.mean_pixel = mean_pixel
        self.num_random_rois = num_random_rois
        self.shuffle = shuffle
        self.seed = seed
        self.steps = steps
        self.share = share
        self.epoch = initial_epoch
        self._in_epoch = False
        self._rounds = rounds_of_dataset(
            dataset, repeat_threshold=repeat_threshold, negative_ratio=negative_ratio
        )
        partner_of = functools.partial(
            pick_partner,
            dataset,
            peers=images_by_source(dataset, no_augmentation_sources or ()),
            share=copy_paste,
        )
        self._load = functools.partial(
            load_training_image,
            dataset,
            num_classes=num_classes,
            min_dim=min_dim,
            max_dim=max_dim,
            min_scale=min_scale,
            mode=mode,
            augmenter=augmenter,
            no_augmentation_sources=frozenset(no_augmentation_sources or ()),
            mini_mask_shape=mini_mask_shape,
            scale_jitter=scale_jitter,
            partner_of=partner_of if copy_paste else None,
        )

    def __len__(self) -> int:
        num_images = len(self._rounds) if self.shuffle else self.dataset.num_images
        once = -(-num_images // self.batch_size)
        if self.steps is None:
            return once
        return self.steps if self.shuffle else min(self.steps, once)

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        if not 0 <= index < len(self):
            raise IndexError(f"Expected a batch from 0 to {len(self) - 1}: {index}.")
        epoch = self.epoch if self.shuffle else 0
        image_ids = self.image_ids(epoch, index)
        first, stop = self._places(len(image_ids))
        examples = [
            # An image depends on its place, not on who makes the others.
            self._example(
                image_ids[place], np.random.default_rng((self.seed, epoch, index, place))
            )
            # One at least: it tells the shapes.
            for place in range(len(image_ids))[first:stop] or [0]
        ]
        batch = {key: np.stack([e[key] for e in examples]) for key in examples[0]}
        missing = stop - max(first, len(image_ids))
        return _filled_up(batch, stop - first, missing) if missing > 0 else batch

    def on_epoch_begin(self) -> None:
        """Note that an epoch has begun; Keras calls it."""
        self._in_epoch = True

    def on_epoch_end(self) -> None:
        """Go on to the next epoch; Keras calls it."""
        # Keras also ends an epoch that never began, at the start of each fit.
        if self._in_epoch:
            self.epoch += 1
        self._in_epoch = False

    def image_ids(self, epoch: int, index: int) -> np.ndarray:
        """Return which images are in a batch, int [B].

        Args:
            epoch: from 0.
            index: of the batch in its epoch, from 0.
        """
        start = index * self.batch_size
        stop = start + self.batch_size
        if not self.shuffle:
            return np.arange(start, min(stop, self.dataset.num_images))
        if self.steps is None:
            return _order(self._rounds, self.seed, epoch)[start:stop]
        begin = epoch * self.steps * self.batch_size
        length = len(self._rounds)
        places = [divmod(begin + place, length) for place in range(start, stop)]
        return np.array(
            [_order(self._rounds, self.seed, r)[place] for r, place in places]
        )

    def _places(self, num_images: int) -> tuple[int, int]:
        """Return the first and the last place + 1, of a batch, that are made here."""
        if self.share is None:
            return 0, num_images
        number, num_shares = self.share
        size = self.batch_size // num_shares
        return number * size, (number + 1) * size

    def _example(self, image_id: int, rng) -> dict[str, np.ndarray]:
        loaded = self._load(int(image_id), rng=rng)
        rpn_match, rpn_bbox = build_rpn_targets(
            self.anchors,
            loaded.class_ids,
            loaded.boxes,
            num_anchors=self.num_rpn_anchors,
            bbox_std_dev=self.rpn_bbox_std_dev,
            rng=rng,
        )
        example = {
            "image": mold_image(loaded.image, self.mean_pixel),
            "image_meta": loaded.image_meta.astype(np.float32),
            "rpn_match": rpn_match[:, None],
            "rpn_bbox": rpn_bbox,
            **_padded(loaded, self.max_gt_instances, rng),
        }
        if self.num_random_rois:
            example["rois"] = generate_random_rois(
                loaded.image.shape,
                self.num_random_rois,
                loaded.class_ids,
                loaded.boxes,
                rng,
            )
        return example


@functools.lru_cache(maxsize=8)
def _order(rounds: Rounds, seed: int, round_: int) -> np.ndarray:
    """Return the images of one round of the stream in order, int [len(rounds)]."""
    # The last number keeps this apart from the generators of the batches.
    return rounds.order(np.random.default_rng((seed, round_, 0, 0, 1)))


def _filled_up(
    batch: dict[str, np.ndarray], size: int, num_blank: int
) -> dict[str, np.ndarray]:
    """Return a batch of `size` images whose last `num_blank` are arrays of zeros.

    No anchor of a blank image counts, no class of it is active and no object is in
    it: it adds nothing to any loss.
    """
    kept = size - num_blank
    return {
        key: np.concatenate(
            [array[:kept], np.zeros((num_blank, *array.shape[1:]), array.dtype)]
        )
        for key, array in batch.items()
    }


def _padded(
    loaded: TrainingImage, max_instances: int, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Return class ids, boxes and masks, brought to `max_instances` with zeros."""
    num = len(loaded.class_ids)
    chosen = np.arange(num)
    if num > max_instances:
        chosen = np.sort(rng.choice(num, max_instances, replace=False))
        num = max_instances
    class_ids = np.zeros(max_instances, np.int32)
    boxes = np.zeros((max_instances, 4), np.int32)
    masks = np.zeros((*loaded.masks.shape[:2], max_instances), np.uint8)
    class_ids[:num] = loaded.class_ids[chosen]
    boxes[:num] = loaded.boxes[chosen]
    masks[..., :num] = loaded.masks[..., chosen]
    return {"gt_class_ids": class_ids, "gt_boxes": boxes, "gt_masks": masks}
