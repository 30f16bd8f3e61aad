"""The five losses and the weight decay, as the original computes them.

He et al. 2017, Mask R-CNN, section 3: classification, box and mask loss of the
ROIs; Ren et al. 2015, Faster R-CNN, equation 1: those of the anchors. A mean
over nothing is 0.
"""

import math

from keras import ops

from mrcnn.ops import backend
from mrcnn.ops.replicas import sum_over_replicas
from mrcnn.structures import META_ACTIVE_CLASS_IDS

# What of a batch the losses read.
LOSS_INPUTS = ("rpn_bbox", "image_meta")


def smooth_l1(target, predicted):
    """Return the element-wise loss of Fast R-CNN, Girshick 2015, equation 3."""
    diff = ops.abs(target - predicted)
    return ops.where(diff < 1.0, 0.5 * diff**2, diff - 0.5)


def rpn_class_loss(rpn_match, rpn_class_logits):
    """Return the cross-entropy of the anchors that count.

    Args:
        rpn_match: int32 [B, A, 1], 1 positive, -1 negative, 0 neutral.
        rpn_class_logits: float32 [B, A, (background, object)].
    """
    match = rpn_match[..., 0]
    entropy = ops.sparse_categorical_crossentropy(
        ops.cast(match == 1, "int32"), rpn_class_logits, from_logits=True
    )
    return _masked_mean(entropy, match != 0)


def rpn_bbox_loss(target_bbox, rpn_match, rpn_bbox):
    """Return the smooth L1 loss of the positive anchors' deltas.

    Args:
        target_bbox: float32 [B, T, 4], of the positive anchors in order.
        rpn_match: int32 [B, A, 1], see `rpn_class_loss`.
        rpn_bbox: float32 [B, A, (dy, dx, log dh, log dw)].
    """
    positive = rpn_match[..., 0] == 1
    num_anchors, num_slots = positive.shape[1], target_bbox.shape[1]
    # The positive anchors in order: the first has the highest rank.
    rank = ops.arange(num_anchors, 0, -1, dtype="int32")
    rank = ops.where(positive, rank, 0)
    _, index = ops.top_k(rank, min(num_slots, num_anchors))
    index = ops.cast(index, "int32")
    predicted = ops.take_along_axis(rpn_bbox, index[..., None], axis=1)
    counts = ops.take_along_axis(positive, index, axis=1)
    target_bbox = target_bbox[:, : index.shape[1]]
    return _masked_mean(smooth_l1(target_bbox, predicted), counts[..., None])


def mrcnn_class_loss(
    target_class_ids, class_logits, active_class_ids, class_weights=None
):
    """Return the cross-entropy of the ROIs, without classes the image cannot have.

    Empty slots count as background, as in the original.

    Args:
        target_class_ids: int32 [B, R].
        class_logits: float32 [B, R, K].
        active_class_ids: float32 [B, K], 1 for the classes of the image's data set.
        class_weights: K numbers, how much a ROI counts by its target class, in a
            weighted mean; None for all alike.
    """
    entropy = ops.sparse_categorical_crossentropy(
        target_class_ids, class_logits, from_logits=True
    )
    predicted = ops.cast(ops.argmax(class_logits, axis=2), "int32")
    active = ops.take_along_axis(active_class_ids, predicted, axis=1)
    weights = ops.cast(active > 0, "float32")
    if class_weights is not None:
        factors = ops.convert_to_tensor(class_weights, "float32")
        weights = weights * ops.take(factors, target_class_ids, axis=0)
    return _weighted_mean(entropy, weights)


def mrcnn_bbox_loss(target_bbox, target_class_ids, positive, bbox_deltas):
    """Return the smooth L1 loss of the positive ROIs' deltas for their class.

    Args:
        target_bbox: float32 [B, P, (dy, dx, log dh, log dw)].
        target_class_ids: int32 [B, P].
        positive: uint8 [B, P], which slots hold a positive ROI.
        bbox_deltas: float32 [B, P, K, 4].
    """
    index = target_class_ids[..., None, None]
    predicted = ops.take_along_axis(bbox_deltas, index, axis=2)[:, :, 0]
    loss = smooth_l1(target_bbox, predicted)
    return _masked_mean(loss, (positive > 0)[..., None])


def mrcnn_mask_loss(target_masks, target_class_ids, positive, mask_logits):
    """Return the binary cross-entropy of the positive ROIs' masks for their class.

    Args:
        target_masks: float32 [B, P, h, w], 0 or 1.
        target_class_ids: int32 [B, P].
        positive: uint8 [B, P], which slots hold a positive ROI.
        mask_logits: float32 [B, P, h, w, K].
    """
    index = target_class_ids[..., None, None, None]
    logits = ops.take_along_axis(mask_logits, index, axis=4)[..., 0]
    # Cross-entropy of a sigmoid without computing either: stable at both ends.
    entropy = ops.relu(logits) - logits * target_masks + ops.softplus(-ops.abs(logits))
    return _masked_mean(entropy, (positive > 0)[..., None, None])


def weight_decay_loss(weights, rate):
    """Return the L2 penalty, each array's divided by its size; no batch norm.

    Args:
        weights: trainable variables.
        rate: WEIGHT_DECAY.
    """
    decayed = [w for w in weights if w.name not in ("gamma", "beta")]
    penalties = [_mean_square(ops.cast(w, "float32")) for w in decayed]
    return rate * sum(penalties, ops.zeros((), "float32"))


@ops.custom_gradient
def _mean_square(values):
    """Return the mean of the squares; its gradient is a single array as large."""

    def gradient(*args, upstream=None):
        # Keras on PyTorch names it, the others do not.
        if upstream is None:
            (upstream,) = args
        # Not before the loss is computed, although it needs the weights alone.
        with backend.after(mean):
            return upstream * (2 / math.prod(values.shape)) * values

    mean = ops.mean(ops.square(values))
    return mean, gradient


def _masked_mean(values, counts):
    """Return the mean of the values that count; `counts` broadcasts to them."""
    counts = ops.cast(ops.broadcast_to(counts, ops.shape(values)), "float32")
    return _weighted_mean(values, counts)


def _weighted_mean(values, weights):
    """Return the mean over the whole batch; of several replicas, this one's share."""
    total = sum_over_replicas(ops.sum(weights))
    return ops.sum(values * weights) / ops.where(total > 0, total, 1.0)


def detection_losses(batch, outputs, class_weights=None):
    """Return the five losses by the original's names.

    Args:
        batch: the training batch, see DESIGN's contract: rpn_bbox, and active class
            ids in image_meta.
        outputs: the training network's outputs, see `network.build`.
        class_weights: see `mrcnn_class_loss`.
    """
    positive = outputs["target_positive"]
    num_positive = positive.shape[1]
    class_ids = outputs["target_class_ids"]
    return {
        "rpn_class_loss": rpn_class_loss(
            outputs["rpn_counted_match"], outputs["rpn_counted_class_logits"]
        ),
        "rpn_bbox_loss": rpn_bbox_loss(
            batch["rpn_bbox"],
            outputs["rpn_counted_match"],
            outputs["rpn_counted_bbox"],
        ),
        "mrcnn_class_loss": mrcnn_class_loss(
            class_ids,
            outputs["mrcnn_class_logits"],
            batch["image_meta"][:, META_ACTIVE_CLASS_IDS],
            class_weights,
        ),
        "mrcnn_bbox_loss": mrcnn_bbox_loss(
            outputs["target_bbox"],
            class_ids[:, :num_positive],
            positive,
            outputs["mrcnn_bbox"][:, :num_positive],
        ),
        "mrcnn_mask_loss": mrcnn_mask_loss(
            outputs["target_mask"],
            class_ids[:, :num_positive],
            positive,
            outputs["mrcnn_mask_logits"],
        ),
    }
