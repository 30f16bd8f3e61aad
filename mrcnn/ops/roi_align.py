"""Bilinear crops of feature pyramids and masks at boxes.

The sampling is that of TensorFlow's ``crop_and_resize``, as in the original:
the first and last sample of a crop lie on the edges of its box, one sample a
cell (RoIAlign, He et al. 2017, section 3, averages four). Samples outside the
image are 0.
"""

import math

from keras import ops

from mrcnn.ops import backend
from mrcnn.ops.boxes import box_areas
from mrcnn.ops.turns import add_rows

# A ROI of this many pixels squared at the size of ImageNet pictures belongs to
# pyramid level 4 (Feature Pyramid Networks, Lin et al. 2017, equation 1).
_CANONICAL_SIDE = 224.0
# Cells that the last sample of a box on the image's edge may round to outside.
_ROUNDING = 1e-3


def roi_levels(boxes, image_hw):
    """Return the pyramid level of each ROI, int32 [B, R] from 2 to 5.

    Lin et al. 2017, equation 1, with the canonical side relative to the image:
    the original's change for normalised boxes.

    Args:
        boxes: float32 [B, R, (y1, x1, y2, x2)], normalised.
        image_hw: (height, width) of the network's input, pixels.
    """
    height, width = (ops.cast(side, "float32") for side in image_hw)
    side = ops.sqrt(ops.maximum(box_areas(boxes), 0.0))
    canonical = _CANONICAL_SIDE / ops.sqrt(height * width)
    # A box without area has no logarithm; it goes to the finest level.
    level = 4.0 + ops.round(ops.log(ops.maximum(side / canonical, 1e-9)) / math.log(2))
    # Clipped as whole numbers: a NaN of a network that diverged is a level too.
    return ops.clip(ops.cast(level, "int32"), 2, 5)


def pyramid_roi_align(boxes, feature_maps, *, image_hw, pool_size):
    """Return the features of each ROI, taken from the level of its size.

    Args:
        boxes: float32 [B, R, (y1, x1, y2, x2)], normalised.
        feature_maps: [P2, P3, P4, P5], each float [B, H, W, C].
        image_hw: (height, width) of the network's input, pixels.
        pool_size: side of the crops, cells.

    Returns:
        pooled: float [B, R, pool_size, pool_size, C], of the features' dtype.
        feature_maps: the same, for whatever reads them next (`mrcnn.ops.turns`). On
            TensorFlow they are float32, in which their gradients add up.
    """
    tf = backend.tensorflow()
    if tf is None:
        return portable_pyramid_roi_align(
            boxes, feature_maps, image_hw=image_hw, pool_size=pool_size
        )
    batch_size, num_rois = tf.unstack(tf.shape(boxes)[:2])
    # [B, R] -> [B * R]
    levels = tf.reshape(roi_levels(boxes, image_hw), [-1])
    flat_boxes = tf.reshape(boxes, [-1, 4])
    image_index = tf.repeat(tf.range(batch_size), num_rois)
    crops, order, handed_on = [], [], []
    for level, features in enumerate(feature_maps, start=2):
        picked = tf.where(levels == level)[:, 0]
        of_level, features = _crops(
            tf.cast(features, tf.float32),  # the kernel has no bfloat16
            tf.gather(flat_boxes, picked),
            tf.gather(image_index, picked),
            pool_size,
        )
        crops.append(of_level)
        order.append(picked)
        handed_on.append(features)
    # Back from the order of levels to the order of ROIs.
    back = tf.math.invert_permutation(tf.concat(order, axis=0))
    pooled = tf.gather(tf.concat(crops, axis=0), back)
    shape = [batch_size, num_rois, *pooled.shape[1:]]
    return tf.cast(tf.reshape(pooled, shape), feature_maps[0].dtype), handed_on


def _crops(features, boxes, image_index, size):
    """Return a crop of each box by TensorFlow's kernel, and the features for the next.

    Args:
        features: float32 [B, H, W, C].
        boxes: float32 [N, (y1, x1, y2, x2)], normalised.
        image_index: int32 [N] into B.
        size: side of the crops, cells.

    Returns:
        crops: float32 [N, size, size, C].
        features: the same.
    """
    tf = backend.tensorflow()

    def crops(features):
        return tf.image.crop_and_resize(features, boxes, image_index, [size, size])

    if not backend.is_tensorflow_on_cpu():
        return crops(features), features

    # On a processor the threads of the kernel for the gradient add to the same cells
    # without waiting for each other, and what one of them adds is lost now and then.
    @tf.custom_gradient
    def crops_in_turn(features):
        def gradient(by_crops, by_features):
            shape = tf.shape(features)
            sides = [tf.fill(tf.shape(image_index), shape[axis]) for axis in (1, 2)]
            corners, inside = _corners(boxes, sides, size)
            first = image_index[:, None, None] * shape[1]
            for y, x, weight in corners:
                cells = (first + y) * shape[2] + x
                weight = tf.where(inside, weight, 0.0)[..., None]
                # One corner after the other: each is as large as all crops.
                with backend.after(by_features):
                    by_corner = by_crops * weight
                by_features = add_rows(by_features, cells, by_corner)
            return by_features

        return (crops(features), tf.identity(features)), gradient

    return crops_in_turn(features)


def portable_pyramid_roi_align(boxes, feature_maps, *, image_hw, pool_size):
    """Do what `pyramid_roi_align` does, on `keras.ops` alone.

    All levels are laid out behind each other as one list of cells, so that the
    four neighbours of a sample are four rows of one table.
    """
    levels = roi_levels(boxes, image_hw) - 2  # [B, R] from 0
    channels = feature_maps[0].shape[-1]
    # [B, H, W, C] of each level -> [B, cells of all levels, C]
    cells = ops.concatenate(
        [
            ops.reshape(
                features,
                (-1, features.shape[1] * features.shape[2], channels),
            )
            for features in feature_maps
        ],
        axis=1,
    )
    sides = [(features.shape[1], features.shape[2]) for features in feature_maps]
    starts = [0]
    for height, width in sides[:-1]:
        starts.append(starts[-1] + height * width)

    def of_level(values):
        return ops.take(ops.convert_to_tensor(values, "int32"), levels)

    height = of_level([side[0] for side in sides])
    width = of_level([side[1] for side in sides])
    corners, inside = _corners(boxes, (height, width), pool_size)
    start = of_level(starts)[..., None, None]
    samples = 0.0
    for y, x, weight in corners:
        # [B, R, s, s] -> [B, R * s * s] rows of the table -> [B, R, s, s, C]
        index = start + y * width[..., None, None] + x
        rows = ops.take_along_axis(
            cells, ops.reshape(index, (ops.shape(boxes)[0], -1))[..., None], axis=1
        )
        shape = (-1, boxes.shape[1], pool_size, pool_size, channels)
        weight = ops.cast(weight, cells.dtype)[..., None]
        samples = samples + ops.reshape(rows, shape) * weight
    pooled = ops.where(inside[..., None], samples, ops.zeros_like(samples))
    return pooled, feature_maps


def crop_masks(masks, mask_index, boxes, *, size):
    """Return the part of one mask that lies in each box, resized.

    Args:
        masks: uint8 or float [B, H, W, N].
        mask_index: int32 [B, R] into N, the mask each box looks at.
        boxes: float32 [B, R, (y1, x1, y2, x2)], normalised to the masks.
        size: side of the crops, pixels.

    Returns:
        float32 [B, R, size, size], interpolated, not rounded.
    """
    batch_size, height, width, num_masks = ops.shape(masks)
    sides = (ops.full_like(mask_index, height), ops.full_like(mask_index, width))
    corners, inside = _corners(boxes, sides, size)
    # [B, H, W, N] -> [B, H * W * N]
    flat = ops.reshape(masks, (batch_size, -1))
    samples = 0.0
    for y, x, weight in corners:
        index = (y * width + x) * num_masks + mask_index[..., None, None]
        values = ops.take_along_axis(flat, ops.reshape(index, (batch_size, -1)), axis=1)
        values = ops.reshape(values, (-1, boxes.shape[1], size, size))
        samples = samples + ops.cast(values, "float32") * weight
    return ops.where(inside, samples, 0.0)


def _corners(boxes, sides, size):
    """Return the four neighbours of every sample, and which samples lie inside.

    Args:
        boxes: float32 [B, R, (y1, x1, y2, x2)], normalised.
        sides: (height, width), each int32 [B, R], cells of the sampled map.
        size: side of the crops, at least 2.

    Returns:
        Four times (y int32, x int32, weight float32), each [B, R, size, size],
        and bool [B, R, size, size].
    """
    y_low, y_high, y_weight, y_inside = _axis(
        boxes[..., 0], boxes[..., 2], sides[0], size
    )
    x_low, x_high, x_weight, x_inside = _axis(
        boxes[..., 1], boxes[..., 3], sides[1], size
    )
    # Rows [B, R, size, 1], columns [B, R, 1, size]
    y_low, y_high, y_weight, y_inside = (
        value[..., :, None] for value in (y_low, y_high, y_weight, y_inside)
    )
    x_low, x_high, x_weight, x_inside = (
        value[..., None, :] for value in (x_low, x_high, x_weight, x_inside)
    )
    corners = [
        (y_low, x_low, (1 - y_weight) * (1 - x_weight)),
        (y_low, x_high, (1 - y_weight) * x_weight),
        (y_high, x_low, y_weight * (1 - x_weight)),
        (y_high, x_high, y_weight * x_weight),
    ]
    return corners, y_inside & x_inside


def _axis(start, end, side, size):
    """Return low cell, high cell, weight of the high one, inside; [B, R, size] each."""
    last = ops.cast(side, "float32") - 1.0
    step = (end - start) * last / (size - 1)
    steps = ops.arange(size, dtype="float32")
    position = (start * last)[..., None] + steps * step[..., None]
    last = last[..., None]
    inside = (position >= -_ROUNDING) & (position <= last + _ROUNDING)
    position = ops.clip(position, 0.0, last)
    low = ops.floor(position)
    high = ops.minimum(low + 1.0, last)
    return ops.cast(low, "int32"), ops.cast(high, "int32"), position - low, inside
