"""The RPN at the anchors that count, against the RPN at all of them."""

import keras
import numpy as np
import pytest
from keras import ops

from mrcnn.network.rpn import CountedAnchors, apply_rpn, build_rpn_model

DEPTH, RATIOS = 6, 3
# Odd sides, where padding differs between strides.
SIDES = ((9, 12), (5, 6), (1, 2))


def levels_and_match(rng, stride):
    """Two images: one with many anchors that count, one with few."""
    levels = [rng.normal(size=(2, *side, DEPTH)).astype(np.float32) for side in SIDES]
    cells = sum(-(-h // stride) * -(-w // stride) for h, w in SIDES)
    match = np.zeros((2, cells * RATIOS, 1), np.int32)
    for image, count in enumerate((20, 3)):
        index = rng.permutation(match.shape[1])[:count]
        match[image, index, 0] = rng.choice([-1, 1], count)
    return levels, match


def counted_order(match, slots):
    """Positive anchors in order, then negative, then neutral ones."""
    order = [np.flatnonzero(match == value) for value in (1, -1, 0)]
    return np.concatenate(order)[:slots]


def build(stride, slots=24):
    rpn_model = build_rpn_model(stride, RATIOS, DEPTH)
    for variable in rpn_model.weights:
        variable.assign(np.random.default_rng(3).normal(0, 0.1, variable.shape))
    return rpn_model, CountedAnchors(rpn_model, anchor_stride=stride, num_anchors=slots)


@pytest.mark.parametrize("stride", [1, 2])
def test_numbers_are_those_of_all_anchors(rng, stride):
    rpn_model, layer = build(stride)
    levels, match = levels_and_match(rng, stride)
    logits, _, deltas = (
        ops.convert_to_numpy(x)
        for x in apply_rpn(rpn_model, [ops.convert_to_tensor(x) for x in levels])
    )
    *counted, handed_on = layer([match, logits, *levels])
    counted = [ops.convert_to_numpy(x) for x in counted]
    for given, level in zip(handed_on, levels, strict=True):
        np.testing.assert_array_equal(given, level)
    for image in range(2):
        order = counted_order(match[image, :, 0], 24)
        for found, expected in zip(counted, (match, logits, deltas), strict=True):
            np.testing.assert_allclose(
                found[image], expected[image, order], rtol=1e-5, atol=1e-5
            )


def test_fewer_anchors_than_slots(rng):
    _, layer = build(2, slots=1000)
    levels, match = levels_and_match(rng, 2)
    logits = np.zeros((2, match.shape[1], 2), np.float32)
    found, *_ = layer([match, logits, *levels])
    assert found.shape == match.shape
    assert np.sum(ops.convert_to_numpy(found) == 1) == np.sum(match == 1)


def test_weights_stay_those_of_the_rpn():
    _, layer = build(1)
    assert layer.weights == []


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="takes TensorFlow's gradients"
)
@pytest.mark.parametrize("stride", [1, 2])
def test_gradient_is_that_of_all_anchors(rng, stride):
    import tensorflow as tf

    rpn_model, layer = build(stride)
    levels, match = levels_and_match(rng, stride)
    levels = [tf.convert_to_tensor(x) for x in levels]
    sources = [*levels, *rpn_model.trainable_variables]
    sources = [getattr(x, "value", x) for x in sources]

    def loss(match, logits, deltas):
        counts = tf.cast(match != 0, tf.float32)
        return tf.reduce_sum(counts * (logits[..., :1] ** 2 + deltas[..., 1:2] ** 3))

    with tf.GradientTape(persistent=True) as tape:
        tape.watch(levels)
        logits, _, deltas = apply_rpn(rpn_model, levels)
        *counted, _ = layer([match, logits, *levels])
        ours = loss(*counted)
        theirs = loss(match, logits, deltas)
    for found, expected in zip(
        tape.gradient(ours, sources), tape.gradient(theirs, sources), strict=True
    ):
        found, expected = tf.convert_to_tensor(found), tf.convert_to_tensor(expected)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
