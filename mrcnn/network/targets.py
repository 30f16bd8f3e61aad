"""Second-stage targets: which ROIs the heads learn from, and what.

He et al. 2017, Mask R-CNN, section 3.1: a ROI is positive where it overlaps an
object by at least half; about a third of the ROIs of an image are positive.
"""

from typing import NamedTuple

import keras
from keras import layers, ops

from mrcnn.ops.boxes import box_areas, box_refinement, compute_overlaps
from mrcnn.ops.roi_align import crop_masks
from mrcnn.ops.sampling import sample

_POSITIVE_IOU = 0.5
# A ROI that overlaps a crowd by more is neither object nor background.
_CROWD_IOU = 0.001


class DetectionTargets(NamedTuple):
    """What the heads learn from; the first P of the R slots are for positive ROIs.

    Attributes:
        rois: float32 [B, R, (y1, x1, y2, x2)], normalised, zeros in empty slots.
        class_ids: int32 [B, R], 0 for background and empty slots.
        bbox: float32 [B, P, (dy, dx, log dh, log dw)], divided by the deviations.
        masks: float32 [B, P, h, w], 0 or 1.
        positive: uint8 [B, P], which of the first P slots hold a positive ROI.
    """

    rois: object
    class_ids: object
    bbox: object
    masks: object
    positive: object


def num_positive_slots(num_rois: int, positive_ratio: float) -> int:
    """Return how many of `num_rois` may be positive, at least 1."""
    return max(1, int(num_rois * positive_ratio))


def detection_targets(
    rois,
    rois_valid,
    gt_class_ids,
    gt_boxes,
    gt_masks,
    *,
    num_rois,
    positive_ratio,
    mask_size,
    use_mini_mask,
    std_dev,
    seed,
):
    """Return a sample of ROIs with class, box and mask targets.

    Args:
        rois: float32 [B, N, (y1, x1, y2, x2)], normalised proposals.
        rois_valid: uint8 [B, N].
        gt_class_ids: int32 [B, G], 0 pads, negative is a crowd.
        gt_boxes: float32 [B, G, (y1, x1, y2, x2)], normalised.
        gt_masks: uint8 [B, h, w, G], full size or mini-masks.
        num_rois: R, ROIs per image that the heads see.
        positive_ratio: share of them on objects.
        mask_size: side of the mask targets, pixels.
        use_mini_mask: whether `gt_masks` fill the boxes rather than the image.
        std_dev: four numbers the deltas are divided by.
        seed: `keras.random.SeedGenerator` of the sampling.

    Returns:
        `DetectionTargets`.
    """
    # 1. How much each ROI overlaps objects and crowds; padding overlaps nothing.
    overlaps = compute_overlaps(rois, gt_boxes)  # [B, N, G]
    object_iou = ops.where((gt_class_ids > 0)[:, None], overlaps, 0.0)
    crowd_iou = ops.where((gt_class_ids < 0)[:, None], overlaps, 0.0)
    best_iou = ops.max(object_iou, axis=2)
    valid = rois_valid > 0
    is_positive = valid & (best_iou >= _POSITIVE_IOU)
    is_negative = (
        valid & (best_iou < _POSITIVE_IOU) & (ops.max(crowd_iou, axis=2) < _CROWD_IOU)
    )

    # 2. Positive ROIs in the first slots, negative ones in the others.
    positive_slots = num_positive_slots(num_rois, positive_ratio)
    positive_index, num_positive = _sample_slots(is_positive, positive_slots, seed)
    negative_index, num_negative = _sample_slots(
        is_negative, num_rois - positive_slots, seed
    )
    wanted = ops.cast(
        ops.cast(num_positive, "float32") * (1.0 / positive_ratio), "int32"
    )
    # An image without a positive ROI gives its full share of negative ones.
    wanted = ops.where(num_positive > 0, wanted - num_positive, num_rois)
    num_negative = ops.minimum(num_negative, wanted)
    positive = ops.arange(positive_slots)[None] < num_positive[:, None]
    negative = ops.arange(num_rois - positive_slots)[None] < num_negative[:, None]

    # 3. The object of each positive ROI: the one it overlaps most.
    positive_rois = _take(rois, positive_index)
    assigned = ops.cast(ops.argmax(_take(object_iou, positive_index), axis=2), "int32")
    class_ids = ops.where(
        positive, ops.take_along_axis(gt_class_ids, assigned, axis=1), 0
    )
    # Unused slots get a box that deltas and crops can be computed for.
    whole = ops.convert_to_tensor([0.0, 0.0, 1.0, 1.0])
    positive_rois = ops.where(positive[..., None], positive_rois, whole)
    boxes = ops.where(positive[..., None], _take(gt_boxes, assigned), whole)

    # 4. Deltas to the object's box, and its mask inside the ROI.
    bbox = box_refinement(positive_rois, boxes) / ops.convert_to_tensor(
        std_dev, "float32"
    )
    mask_boxes = _within(positive_rois, boxes) if use_mini_mask else positive_rois
    masks = ops.round(crop_masks(gt_masks, assigned, mask_boxes, size=mask_size))

    rois = ops.concatenate(
        [
            ops.where(positive[..., None], positive_rois, 0.0),
            ops.where(negative[..., None], _take(rois, negative_index), 0.0),
        ],
        axis=1,
    )
    class_ids = ops.pad(class_ids, [[0, 0], [0, num_rois - positive_slots]])
    targets = DetectionTargets(
        rois, class_ids, bbox, masks, ops.cast(positive, "uint8")
    )
    return DetectionTargets(*map(ops.stop_gradient, targets))


def _sample_slots(candidates, num_slots, seed):
    """Return indices int32 [B, num_slots] and how many of them are candidates, [B]."""
    num_candidates = candidates.shape[1]
    index, num_found = sample(
        candidates, num_samples=min(num_slots, num_candidates), seed=seed
    )
    missing = max(0, num_slots - num_candidates)
    return ops.pad(index, [[0, 0], [0, missing]]), num_found


def _take(values, index):
    """Return rows of values [B, N, M] at index [B, S] -> [B, S, M]."""
    return ops.take_along_axis(values, index[..., None], axis=1)


def _within(rois, boxes):
    """Return ROIs in the coordinates of boxes: (0, 0, 1, 1) is the box itself."""
    origin = ops.concatenate([boxes[..., :2], boxes[..., :2]], axis=-1)
    size = boxes[..., 2:] - boxes[..., :2]
    return (rois - origin) / ops.concatenate([size, size], axis=-1)


@keras.saving.register_keras_serializable("mrcnn")
class DetectionTargetLayer(layers.Layer):
    """Samples ROIs and makes their targets, see `detection_targets`.

    `call` takes [rois, rois_valid, gt_class_ids, gt_boxes, gt_masks] and gives
    `DetectionTargets`.

    Args:
        num_rois: ROIs per image that the heads see.
        positive_ratio: share of them on objects.
        mask_size: side of the mask targets, pixels.
        use_mini_mask: whether the masks fill the boxes rather than the image.
        std_dev: four numbers the deltas are divided by.
        seed: of the sampling.
        **kwargs: those of `keras.layers.Layer`.
    """

    def __init__(
        self,
        *,
        num_rois,
        positive_ratio,
        mask_size,
        use_mini_mask,
        std_dev=(0.1, 0.1, 0.2, 0.2),
        seed=0,
        **kwargs,
    ):
        super().__init__(**{"dtype": "float32", **kwargs})
        self.num_rois = num_rois
        self.positive_ratio = positive_ratio
        self.mask_size = mask_size
        self.use_mini_mask = use_mini_mask
        self.std_dev = [float(value) for value in std_dev]
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, inputs):
        return detection_targets(
            *inputs,
            num_rois=self.num_rois,
            positive_ratio=self.positive_ratio,
            mask_size=self.mask_size,
            use_mini_mask=self.use_mini_mask,
            std_dev=self.std_dev,
            seed=self.seed_generator,
        )

    def compute_output_spec(self, inputs):
        batch_size = inputs[0].shape[0]
        slots = num_positive_slots(self.num_rois, self.positive_ratio)
        side = self.mask_size
        return DetectionTargets(
            rois=keras.KerasTensor((batch_size, self.num_rois, 4), "float32"),
            class_ids=keras.KerasTensor((batch_size, self.num_rois), "int32"),
            bbox=keras.KerasTensor((batch_size, slots, 4), "float32"),
            masks=keras.KerasTensor((batch_size, slots, side, side), "float32"),
            positive=keras.KerasTensor((batch_size, slots), "uint8"),
        )

    def get_config(self):
        return {
            **super().get_config(),
            "num_rois": self.num_rois,
            "positive_ratio": self.positive_ratio,
            "mask_size": self.mask_size,
            "use_mini_mask": self.use_mini_mask,
            "std_dev": self.std_dev,
            "seed": self.seed,
        }


def area_is_positive(rois):
    """Return uint8 [B, N], which of the ROIs [B, N, 4] given from outside are real."""
    return ops.cast(box_areas(rois) > 0, "uint8")
