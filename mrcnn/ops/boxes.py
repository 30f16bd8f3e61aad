"""Box arithmetic on `keras.ops`, under the names of `geometry.boxes`.

Boxes are float32 [..., (y1, x1, y2, x2)] with the bottom and right edge
outside; leading axes are free. Axis letters as in `structures`.
"""

from keras import ops


def box_refinement(box, gt_box):
    """Return the deltas float32 [..., (dy, dx, log dh, log dw)] from `box` to `gt_box`.

    Args:
        box: float32 [..., (y1, x1, y2, x2)], of positive height and width.
        gt_box: float32, the same shape and unit.
    """
    center, size = _center_size(box)
    gt_center, gt_size = _center_size(gt_box)
    return ops.concatenate(
        [(gt_center - center) / size, ops.log(gt_size / size)], axis=-1
    )


def apply_box_deltas(boxes, deltas):
    """Return the boxes moved and scaled by deltas; the inverse of `box_refinement`.

    Args:
        boxes: float32 [..., (y1, x1, y2, x2)].
        deltas: float32 [..., (dy, dx, log dh, log dw)], the same shape.
    """
    center, size = _center_size(boxes)
    center = center + deltas[..., :2] * size
    size = size * ops.exp(deltas[..., 2:])
    # Both corners from the centre: a size that overflows to inf makes no NaN.
    return ops.concatenate([center - 0.5 * size, center + 0.5 * size], axis=-1)


def clip_boxes(boxes, window):
    """Return the boxes cut to a window.

    Args:
        boxes: float32 [..., (y1, x1, y2, x2)].
        window: float32 [..., (y1, x1, y2, x2)], broadcast over the boxes.
    """
    low = ops.concatenate([window[..., :2], window[..., :2]], axis=-1)
    high = ops.concatenate([window[..., 2:], window[..., 2:]], axis=-1)
    return ops.maximum(ops.minimum(boxes, high), low)


def norm_boxes(boxes, image_hw):
    """Return pixel boxes in normalised coordinates, see `geometry.boxes.norm_boxes`.

    Args:
        boxes: [..., (y1, x1, y2, x2)], pixels.
        image_hw: (height, width) of the image, pixels; numbers or scalars.
    """
    scale, shift = _norm_scale_shift(image_hw)
    return (ops.cast(boxes, "float32") - shift) / scale


def denorm_boxes(boxes, image_hw):
    """Return normalised boxes in whole pixels, int32; the inverse of `norm_boxes`.

    Args:
        boxes: float32 [..., (y1, x1, y2, x2)], normalised.
        image_hw: (height, width) of the image, pixels; numbers or scalars.
    """
    scale, shift = _norm_scale_shift(image_hw)
    return ops.cast(ops.round(boxes * scale + shift), "int32")


def compute_overlaps(boxes1, boxes2):
    """Return the overlap (intersection over union) of every pair of boxes.

    Args:
        boxes1: float32 [..., N1, (y1, x1, y2, x2)].
        boxes2: float32 [..., N2, (y1, x1, y2, x2)], in the same unit.

    Returns:
        float32 [..., N1, N2], 0 where both areas are 0.
    """
    boxes1 = ops.expand_dims(boxes1, -2)
    boxes2 = ops.expand_dims(boxes2, -3)
    height = ops.minimum(boxes1[..., 2], boxes2[..., 2]) - ops.maximum(
        boxes1[..., 0], boxes2[..., 0]
    )
    width = ops.minimum(boxes1[..., 3], boxes2[..., 3]) - ops.maximum(
        boxes1[..., 1], boxes2[..., 1]
    )
    intersection = ops.maximum(height, 0.0) * ops.maximum(width, 0.0)
    union = box_areas(boxes1) + box_areas(boxes2) - intersection
    return intersection / ops.where(union > 0, union, 1.0)


def box_areas(boxes):
    """Return the areas [...] of boxes [..., (y1, x1, y2, x2)]."""
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])


def _center_size(boxes):
    size = boxes[..., 2:] - boxes[..., :2]
    return boxes[..., :2] + 0.5 * size, size


def _norm_scale_shift(image_hw):
    height, width = (ops.cast(side, "float32") for side in image_hw)
    scale = ops.stack([height, width, height, width]) - 1.0
    return scale, ops.convert_to_tensor([0.0, 0.0, 1.0, 1.0])
