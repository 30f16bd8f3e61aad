"""ROI align: kernel and portable form against a loop over samples."""

import keras
import numpy as np
import pytest
from keras import ops

from mrcnn.ops.roi_align import (
    crop_masks,
    portable_pyramid_roi_align,
    pyramid_roi_align,
    roi_levels,
)

FORMS = [pyramid_roi_align, portable_pyramid_roi_align]


def sample(array, box, size):
    """Sample [H, W, C] on a grid from edge to edge of a normalised box, by loops."""
    height, width = array.shape[:2]
    crop = np.zeros((size, size, array.shape[2]))
    for i in range(size):
        for j in range(size):
            y = (box[0] + (box[2] - box[0]) * i / (size - 1)) * (height - 1)
            x = (box[1] + (box[3] - box[1]) * j / (size - 1)) * (width - 1)
            y0, x0 = min(int(y), height - 2), min(int(x), width - 2)
            dy, dx = y - y0, x - x0
            crop[i, j] = (
                array[y0, x0] * (1 - dy) * (1 - dx)
                + array[y0, x0 + 1] * (1 - dy) * dx
                + array[y0 + 1, x0] * dy * (1 - dx)
                + array[y0 + 1, x0 + 1] * dy * dx
            )
    return crop


def pyramid(rng, batch_size=2, side=64, channels=3):
    return [
        rng.normal(size=(batch_size, side // stride, side // stride, channels)).astype(
            np.float32
        )
        for stride in (4, 8, 16, 32)
    ]


def test_levels():
    # At 448 px the canonical side is 224 / 448 = 0.5: a ROI of that side is level
    # 4, of half of it level 3, and so on; 0.36 is 2 ** -0.47 of it, nearer to 4.
    sides = np.array([1.0, 0.5, 0.36, 0.25, 0.125, 0.01, 0.0, np.nan], np.float32)
    boxes = np.stack([0 * sides, 0 * sides, sides, sides], 1)[None]
    assert np.asarray(roi_levels(boxes, (448, 448))).tolist() == [
        [5, 4, 4, 3, 2, 2, 2, 2]
    ]


@pytest.mark.parametrize("form", FORMS)
def test_agrees_with_loops(form, rng):
    levels = pyramid(rng)
    low = rng.uniform(0, 0.5, (2, 12, 2))
    high = low + rng.uniform(0.02, 0.49, (2, 12, 2))
    boxes = np.concatenate([low, high], 2).astype(np.float32)
    # A small image, so that ROIs of these sides reach several levels.
    image_hw = (512, 512)
    pooled, _ = form(
        ops.convert_to_tensor(boxes),
        [ops.convert_to_tensor(level) for level in levels],
        image_hw=image_hw,
        pool_size=7,
    )
    assert pooled.shape == (2, 12, 7, 7, 3)
    chosen = np.asarray(roi_levels(boxes, image_hw))
    assert len(np.unique(chosen)) > 2
    for image in range(2):
        for roi in range(12):
            features = levels[chosen[image, roi] - 2][image]
            expected = sample(features, boxes[image, roi], 7)
            np.testing.assert_allclose(pooled[image, roi], expected, atol=1e-4)


@pytest.mark.parametrize("form", FORMS)
def test_outside_is_zero_and_no_area_is_one_point(form, rng):
    levels = pyramid(rng, batch_size=1)
    boxes = np.array([[[-2, -2, -1, -1], [0, 0, 0, 0]]], np.float32)
    pooled, _ = form(
        ops.convert_to_tensor(boxes),
        [ops.convert_to_tensor(level) for level in levels],
        image_hw=(64, 64),
        pool_size=7,
    )
    assert not np.any(np.asarray(pooled[0, 0]))
    np.testing.assert_allclose(
        pooled[0, 1], np.broadcast_to(levels[0][0, 0, 0], (7, 7, 3)), atol=1e-6
    )


def test_crop_masks_agrees_with_loops(rng):
    masks = rng.integers(0, 2, (2, 20, 30, 4)).astype(np.uint8)
    low = rng.uniform(0, 0.5, (2, 6, 2))
    boxes = np.concatenate([low, low + 0.4], 2).astype(np.float32)
    index = rng.integers(0, 4, (2, 6)).astype(np.int32)
    crops = crop_masks(
        ops.convert_to_tensor(masks),
        ops.convert_to_tensor(index),
        ops.convert_to_tensor(boxes),
        size=14,
    )
    for image in range(2):
        for roi in range(6):
            mask = masks[image, :, :, index[image, roi], None].astype(float)
            expected = sample(mask, boxes[image, roi], 14)[..., 0]
            np.testing.assert_allclose(crops[image, roi], expected, atol=1e-4)


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="takes TensorFlow's gradients"
)
def test_gradient_is_that_of_the_portable_form(rng):
    import tensorflow as tf

    # Many ROIs on the same cells, of which TensorFlow's own threads lose some.
    levels = pyramid(rng, batch_size=1, side=128, channels=256)
    levels = [tf.convert_to_tensor(level) for level in levels]
    corner = rng.uniform(0, 0.8, (1, 300, 2))
    side = rng.uniform(0.02, 0.2, (1, 300, 2))
    boxes = np.concatenate([corner, corner + side], 2).astype(np.float32)
    upstream = tf.convert_to_tensor(rng.normal(size=(1, 300, 14, 14, 256)), tf.float32)

    @tf.function
    def gradients(form):
        with tf.GradientTape() as tape:
            tape.watch(levels)
            pooled, _ = form(boxes, levels, image_hw=(128, 128), pool_size=14)
        return tape.gradient(pooled, levels, output_gradients=upstream)

    expected = gradients(portable_pyramid_roi_align)
    for _ in range(3):
        for ours, theirs in zip(gradients(pyramid_roi_align), expected, strict=True):
            np.testing.assert_allclose(ours, theirs, atol=1e-3)


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="takes TensorFlow's gradients"
)
def test_gradients_of_readers_in_turn_add_up(rng):
    import tensorflow as tf

    levels = [tf.convert_to_tensor(level) for level in pyramid(rng)]
    corner = rng.uniform(0, 0.5, (2, 20, 2))
    boxes = np.concatenate([corner, corner + 0.4], 2).astype(np.float32)
    reads = [(boxes, 7), (boxes[:, :5], 14)]
    upstream = [
        rng.normal(size=(2, boxes.shape[1], size, size, 3)).astype(np.float32)
        for boxes, size in reads
    ]

    def in_turn(levels):
        handed_on, pooled = levels, []
        for boxes, size in reads:
            crops, handed_on = pyramid_roi_align(
                boxes, handed_on, image_hw=(256, 256), pool_size=size
            )
            pooled.append(crops)
        return pooled, handed_on

    def apart(levels):
        pooled = [
            portable_pyramid_roi_align(
                boxes, levels, image_hw=(256, 256), pool_size=size
            )[0]
            for boxes, size in reads
        ]
        return pooled, levels

    def gradients(read):
        with tf.GradientTape() as tape:
            tape.watch(levels)
            pooled, handed_on = read(levels)
            products = [
                tf.reduce_sum(x * u) for x, u in zip(pooled, upstream, strict=True)
            ]
            # What comes after all of them has a gradient, too.
            loss = tf.add_n(products) + sum(tf.reduce_sum(x**2) for x in handed_on)
        return tape.gradient(loss, levels)

    for ours, theirs in zip(gradients(in_turn), gradients(apart), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)
