"""Batches of training data for Keras, the same for the same seed.

`Batches` is what the trainer hands to `fit` and `evaluate`: batch i of an epoch
depends on the seed, the epoch and i alone, so that neither the number of
workers nor a restart changes what is learnt from. Axis letters as in
`structures`; keys and dtypes of a batch are in `Batches`.
"""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Collection, Iterator

import keras
import numpy as np

from mrcnn.errors import DatasetError
from mrcnn.geometry.molding import mold_image
from mrcnn.training.augment import check_augmenter, import_imgaug
from mrcnn.training.copy_paste import images_by_source, pick_partner
from mrcnn.training.examples import BatchMaker
from mrcnn.training.processes import WorkerProcesses
from mrcnn.training.rpn_targets import AnchorTable
from mrcnn.training.samples import check_num_classes, image_name, load_training_image
from mrcnn.training.sampling import Rounds, rounds_of_dataset
from mrcnn.training.watchdog import WorkLog, watched


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
        workers: threads that make batches, as in `keras.utils.PyDataset`; two where
            there are fewer.
        use_multiprocessing: whether the batches are made in `workers` processes.
        max_queue_size: batches made ahead, likewise.

    Attributes:
        epoch: the epoch of the batches to come; Keras counts it up.
        first_step: batches of this epoch that come no more, because a training was
            interrupted after them; 0 again from the next epoch on.
        error: what went wrong in the first batch that could not be made, or None.
        work: which images are in work, for `watchdog.watched`.

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
        # Keras' own processes are forks, of a process full of threads. Here its
        # threads wait for processes instead. For a single thread it reads by way of
        # tf.data's autotuning, which TensorFlow may await for up to a minute when an
        # epoch ends.
        super().__init__(workers=max(workers, 2), max_queue_size=max_queue_size)
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
        self.mean_pixel = mean_pixel
        self.shuffle = shuffle
        self.seed = seed
        self.steps = steps
        self.share = share
        self.epoch = initial_epoch
        self.first_step = 0
        self.error = None
        self.work = WorkLog()
        self._in_epoch = False
        self._num_processes = workers if use_multiprocessing else 0
        self._processes = None
        # An augmenter cannot be loaded in a process before imgaug is.
        self._prepare = import_imgaug if augmenter is not None else None
        self._lock = threading.Lock()
        self._rounds = rounds_of_dataset(
            dataset, repeat_threshold=repeat_threshold, negative_ratio=negative_ratio
        )
        partner_of = functools.partial(
            pick_partner,
            dataset,
            peers=images_by_source(dataset, no_augmentation_sources or ()),
            share=copy_paste,
        )
        load = functools.partial(
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
        self._make = BatchMaker(
            dataset=dataset,
            load=load,
            anchors=AnchorTable.of(anchors),
            num_rpn_anchors=num_rpn_anchors,
            rpn_bbox_std_dev=rpn_bbox_std_dev,
            max_gt_instances=max_gt_instances,
            num_random_rois=num_random_rois,
        )

    def __len__(self) -> int:
        return self.steps_per_epoch - self.first_step

    @property
    def steps_per_epoch(self) -> int:
        """Batches in a whole epoch."""
        num_images = len(self._rounds) if self.shuffle else self.dataset.num_images
        once = -(-num_images // self.batch_size)
        if self.steps is None:
            return once
        return self.steps if self.shuffle else min(self.steps, once)

    def __getitem__(self, index: int) -> dict[str, np.ndarray]:
        if not 0 <= index < len(self):
            raise IndexError(f"Expected a batch from 0 to {len(self) - 1}: {index}.")
        index += self.first_step
        epoch = self.epoch if self.shuffle else 0
        image_ids = self.image_ids(epoch, index)
        try:
            with self.work.piece() as note:
                batch = self._make_batch(image_ids, (self.seed, epoch, index), note)
        except Exception as error:
            self.error = self.error or error
            raise
        return batch

    def on_epoch_begin(self) -> None:
        """Note that an epoch has begun; Keras calls it."""
        self._in_epoch = True

    def on_epoch_end(self) -> None:
        """Go on to the next epoch; Keras calls it."""
        # Keras also ends an epoch that never began, at the start of each fit.
        if self._in_epoch:
            self.epoch += 1
            self.first_step = 0
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
        """Return the first place in a batch that is made here, and that after it."""
        if self.share is None:
            return 0, num_images
        number, num_shares = self.share
        size = self.batch_size // num_shares
        return number * size, (number + 1) * size

    def close(self) -> None:
        """End the processes, if there are any."""
        with self._lock:
            if self._processes is not None:
                self._processes.close()

    def _make_batch(self, image_ids, seed, note) -> dict[str, np.ndarray]:
        first, stop = self._places(len(image_ids))
        size, missing = stop - first, stop - max(first, len(image_ids))
        # One at least: it tells the shapes.
        first = min(first, len(image_ids) - 1)
        image_ids = image_ids[first:stop]

        def on_image(image_id: int) -> None:
            note(image_name(self.dataset, image_id))

        on_image(int(image_ids[0]))
        batch = self._maker()(image_ids, seed, first, on_image=on_image)
        # Molded here and not there: of uint8 a quarter is copied.
        batch["image"] = _molded(batch["image"], self.mean_pixel)
        return _filled_up(batch, size, missing) if missing > 0 else batch

    def _maker(self) -> BatchMaker | WorkerProcesses:
        if not self._num_processes:
            return self._make
        with self._lock:
            if self._processes is None:
                self._processes = WorkerProcesses(
                    self._make, self._num_processes, self._prepare
                )
            return self._processes


@contextlib.contextmanager
def serving(*all_batches: Batches, patience: float = 0) -> Iterator[None]:
    """Enclose what uses batches: their errors come out as they are, nothing stays.

    TensorFlow's input pipeline wraps an error of a worker in one of its own.

    Args:
        *all_batches: those that are used; closed at the end.
        patience: see `watchdog.watched`.
    """
    try:
        with watched([batches.work for batches in all_batches], patience):
            yield
    except Exception as error:
        for batches in all_batches:
            if batches.error is not None and batches.error is not error:
                raise batches.error from error
        raise
    finally:
        for batches in all_batches:
            batches.close()


def _molded(images: np.ndarray, mean_pixel: np.ndarray) -> np.ndarray:
    """Return `mold_image` of the images [B, H, W, C], quicker where they are uint8."""
    if images.dtype != np.uint8:
        return mold_image(images, mean_pixel)
    import cv2

    # A channel has 256 values: subtracted once, and looked up for each pixel.
    values = np.arange(256, dtype=np.uint8)[None, :, None]
    table = mold_image(np.repeat(values, images.shape[3], axis=2), mean_pixel)
    rows = images.reshape(-1, *images.shape[2:])  # [B, H, W, C] -> [B * H, W, C]
    return cv2.LUT(rows, table).reshape(images.shape)


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
