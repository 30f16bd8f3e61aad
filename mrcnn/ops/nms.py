"""Non-maximum suppression with a fixed number of results.

TensorFlow's own kernel where it runs; elsewhere a loop on `keras.ops` that
keeps the same boxes.
"""

from keras import ops

from mrcnn.ops import backend
from mrcnn.ops.boxes import compute_overlaps


def non_max_suppression(boxes, scores, *, max_output_size, iou_threshold, groups=None):
    """Return which boxes stay when each yields to a better one that overlaps it.

    Args:
        boxes: float32 [B, N, (y1, x1, y2, x2)].
        scores: float32 [B, N]; boxes scored -inf are padding and never kept.
        max_output_size: M, how many boxes to keep at most.
        iou_threshold: overlap above which the lower score is dropped.
        groups: int32 [B, N]; only boxes of one group suppress each other
            (classes in detection). None puts all in one group.

    Returns:
        indices: int32 [B, M] into N, best score first.
        valid: bool [B, M], False in the slots that padding fills.
    """
    tf = backend.tensorflow()
    if tf is None:
        return portable_non_max_suppression(
            boxes,
            scores,
            max_output_size=max_output_size,
            iou_threshold=iou_threshold,
            groups=groups,
        )

    def keep_of_one(image):
        if groups is None:
            kept, num_kept = tf.raw_ops.NonMaxSuppressionV4(
                boxes=image[0],
                scores=image[1],
                max_output_size=max_output_size,
                iou_threshold=iou_threshold,
                score_threshold=_LOWEST,
                pad_to_max_output_size=True,
            )
            return kept, num_kept
        same_group = image[2][:, None] == image[2][None]
        overlaps = tf.where(same_group, compute_overlaps(image[0], image[0]), 0.0)
        kept = tf.raw_ops.NonMaxSuppressionWithOverlaps(
            overlaps=overlaps,
            scores=image[1],
            max_output_size=max_output_size,
            overlap_threshold=iou_threshold,
            score_threshold=_LOWEST,
        )
        num_kept = tf.shape(kept)[0]
        kept = tf.pad(kept, [[0, max_output_size - num_kept]])
        return tf.ensure_shape(kept, [max_output_size]), num_kept

    images = (boxes, scores) if groups is None else (boxes, scores, groups)
    indices, num_kept = tf.map_fn(
        keep_of_one, images, fn_output_signature=(tf.int32, tf.int32)
    )
    indices = tf.ensure_shape(indices, [None, max_output_size])
    return indices, tf.range(max_output_size)[None] < num_kept[:, None]


# Below every real score, above the -inf of padding.
_LOWEST = -3e38


def portable_non_max_suppression(
    boxes, scores, *, max_output_size, iou_threshold, groups=None
):
    """Do what `non_max_suppression` does, on `keras.ops` alone."""
    batch_size = ops.shape(boxes)[0]
    slots = ops.arange(max_output_size, dtype="int32")

    def keep_best(i, state):
        remaining, indices, num_kept = state
        best = ops.cast(ops.argmax(remaining, axis=1), "int32")[:, None]  # [B, 1]
        found = ops.take_along_axis(remaining, best, axis=1) > _LOWEST  # [B, 1]
        # [B, N, 4] picked at [B, 1, 1] -> [B, 1, 4]; overlaps [B, 1, N] -> [B, N]
        best_box = ops.take_along_axis(boxes, best[..., None], axis=1)
        dropped = compute_overlaps(best_box, boxes)[:, 0] > iou_threshold
        if groups is not None:
            dropped = dropped & (ops.take_along_axis(groups, best, axis=1) == groups)
        is_best = ops.arange(ops.shape(boxes)[1], dtype="int32")[None] == best
        remaining = ops.where(dropped | is_best, -float("inf"), remaining)
        indices = ops.where((slots[None] == i) & found, best, indices)
        return remaining, indices, num_kept + ops.cast(found, "int32")

    state = (
        ops.cast(scores, "float32"),
        ops.zeros((batch_size, max_output_size), "int32"),
        ops.zeros((batch_size, 1), "int32"),
    )
    _, indices, num_kept = ops.fori_loop(0, max_output_size, keep_best, state)
    return indices, slots[None] < num_kept
