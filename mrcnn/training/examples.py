"""One batch of training data, from the numbers of its images to arrays.

`BatchMaker` holds what all batches of a data set have in common and makes any of
them. It knows nothing of Keras, so that a worker process starts without it.
Called by `batches`, in threads and in processes; keys of a batch are in `Batches`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mrcnn.errors import DatasetError
from mrcnn.training.random_rois import generate_random_rois
from mrcnn.training.rpn_targets import AnchorTable, build_rpn_targets
from mrcnn.training.samples import TrainingImage, image_name


@dataclass(frozen=True, eq=False)
class BatchMaker:
    """Makes batches, of which the images are not molded yet.

    Attributes:
        dataset: a prepared `data.dataset.Dataset`.
        load: (image id, rng=) -> `TrainingImage`.
        anchors: those of the resized image.
        num_rpn_anchors: anchors per image that count in the RPN losses.
        rpn_bbox_std_dev: float [4], RPN deltas are divided by it.
        max_gt_instances: objects per image; of more, some are picked at random.
        num_random_rois: ROIs per image to draw for training without the RPN.
    """

    dataset: object
    load: Callable[..., TrainingImage]
    anchors: AnchorTable
    num_rpn_anchors: int
    rpn_bbox_std_dev: np.ndarray
    max_gt_instances: int
    num_random_rois: int = 0

    def __call__(
        self,
        image_ids: Sequence[int],
        seed: Sequence[int],
        first_place: int = 0,
        on_image: Callable[[int], None] = lambda image_id: None,
    ) -> dict[str, np.ndarray]:
        """Return a batch.

        Args:
            image_ids: B images.
            seed: of everything random in it; three numbers at most.
            first_place: place of the first image where these are part of a batch. An
                image comes out the same whoever makes the others.
            on_image: told of each image before work on it begins.

        Returns:
            The arrays of `Batches` by key; image as loaded, uint8 [B, H, W, C].

        Raises:
            DatasetError: an image cannot be used, or has another size than the
                others; names it.
        """
        examples = []
        for place, image_id in enumerate(map(int, image_ids), first_place):
            on_image(image_id)
            rng = np.random.default_rng((*seed, place))
            examples.append(self._example(image_id, rng))
        self._check_shapes(image_ids, examples)
        return {key: np.stack([e[key] for e in examples]) for key in examples[0]}

    def _example(self, image_id: int, rng) -> dict[str, np.ndarray]:
        loaded = self.load(image_id, rng=rng)
        rpn_match, rpn_bbox = build_rpn_targets(
            self.anchors,
            loaded.class_ids,
            loaded.boxes,
            num_anchors=self.num_rpn_anchors,
            bbox_std_dev=self.rpn_bbox_std_dev,
            rng=rng,
        )
        example = {
            "image": loaded.image,
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

    def _check_shapes(self, image_ids, examples) -> None:
        shapes = [example["image"].shape for example in examples]
        for image_id, shape in zip(image_ids, shapes, strict=True):
            if shape != shapes[0]:
                raise DatasetError(
                    f"Expected images of one size in a batch. Received: "
                    f"{list(shapes[0])} for {image_name(self.dataset, image_ids[0])} "
                    f"and {list(shape)} for {image_name(self.dataset, image_id)}. Set "
                    "IMAGE_RESIZE_MODE to square or crop."
                )


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
