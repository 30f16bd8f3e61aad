"""The losses against plain NumPy, with cases worked out by hand."""

import keras
import numpy as np
import pytest
from keras import ops

from mrcnn.network import losses


def softmax_entropy(logits, label):
    shifted = logits - logits.max()
    return np.log(np.exp(shifted).sum()) - shifted[label]


def test_smooth_l1():
    # 0.5 * 0.5^2 = 0.125 below 1; 3 - 0.5 = 2.5 above.
    loss = losses.smooth_l1(ops.array([0.0, 0.0]), ops.array([0.5, -3.0]))
    np.testing.assert_allclose(loss, [0.125, 2.5])


def test_rpn_class_loss_is_the_mean_over_anchors_that_count(rng):
    match = np.array([[1, 0, -1, -1], [0, 0, 1, 0]])[..., None].astype(np.int32)
    logits = rng.normal(size=(2, 4, 2)).astype(np.float32)
    expected = np.mean(
        [
            softmax_entropy(logits[0, 0], 1),
            softmax_entropy(logits[0, 2], 0),
            softmax_entropy(logits[0, 3], 0),
            softmax_entropy(logits[1, 2], 1),
        ]
    )
    loss = losses.rpn_class_loss(ops.array(match), ops.array(logits))
    assert float(loss) == pytest.approx(expected, abs=1e-6)


def test_rpn_bbox_loss_takes_positive_anchors_in_order(rng):
    match = np.array([[0, 1, -1, 1, 1], [1, 0, 0, 0, -1]])[..., None].astype(np.int32)
    predicted = rng.normal(size=(2, 5, 4)).astype(np.float32)
    target = np.zeros((2, 3, 4), np.float32)
    target[0, 0], target[0, 1], target[0, 2] = 1, 2, 3
    target[1, 0] = 4
    pairs = [(0, 1, 1), (0, 3, 2), (0, 4, 3), (1, 0, 4)]
    diff = np.abs([predicted[b, a] - value for b, a, value in pairs])
    expected = np.where(diff < 1, 0.5 * diff**2, diff - 0.5).mean()
    loss = losses.rpn_bbox_loss(
        ops.array(target), ops.array(match), ops.array(predicted)
    )
    assert float(loss) == pytest.approx(expected, abs=1e-6)


def test_class_loss_leaves_out_classes_of_other_sources_image_by_image():
    # Two images, three classes; the second knows classes 0 and 1 alone.
    logits = np.array([[[0, 0, 5.0]], [[0, 0, 5.0]]], np.float32)
    ids = np.array([[2], [0]], np.int32)
    active = np.array([[1, 1, 1], [1, 1, 0]], np.float32)
    expected = softmax_entropy(logits[0, 0], 2)
    loss = losses.mrcnn_class_loss(ops.array(ids), ops.array(logits), ops.array(active))
    assert float(loss) == pytest.approx(expected, abs=1e-6)


def class_loss(ids, logits, active, class_weights=None):
    return float(
        losses.mrcnn_class_loss(
            *map(ops.array, (ids, logits, active)), class_weights=class_weights
        )
    )


def test_class_weights_make_a_weighted_mean(rng):
    # Two images; the last ROI of the second predicts class 2, which it cannot have.
    ids = np.array([[0, 1], [2, 0]], np.int32)
    logits = rng.normal(size=(2, 2, 3)).astype(np.float32)
    logits[1] = [[5, 0, 1], [0, 0, 5]]
    active = np.array([[1, 1, 1], [1, 1, 0]], np.float32)
    entropies = [
        softmax_entropy(logits[b, r], ids[b, r]) for b, r in ((0, 0), (0, 1), (1, 0))
    ]
    # Weights of the targets 0, 1 and 2: 0.1, 3 and 0.5.
    expected = np.dot(entropies, [0.1, 3, 0.5]) / 3.6
    found = class_loss(ids, logits, active, (0.1, 3, 0.5))
    assert found == pytest.approx(expected, rel=1e-6)
    # Only their proportions count, and equal ones are none.
    halved = class_loss(ids, logits, active, (0.05, 1.5, 0.25))
    assert halved == pytest.approx(expected, rel=1e-6)
    plain = class_loss(ids, logits, active)
    assert plain == pytest.approx(np.mean(entropies), rel=1e-6)
    assert class_loss(ids, logits, active, (2, 2, 2)) == pytest.approx(plain, rel=1e-6)
    assert class_loss(ids, logits, active, (0, 0, 0)) == 0


def test_bbox_and_mask_losses_read_the_class_of_positive_slots(rng):
    ids = np.array([[2, 1, 0]], np.int32)
    positive = np.array([[1, 1, 0]], np.uint8)
    target = rng.normal(size=(1, 3, 4)).astype(np.float32)
    deltas = rng.normal(size=(1, 3, 4, 4)).astype(np.float32)
    diff = np.abs(
        np.stack([target[0, 0] - deltas[0, 0, 2], target[0, 1] - deltas[0, 1, 1]])
    )
    expected = np.where(diff < 1, 0.5 * diff**2, diff - 0.5).mean()
    loss = losses.mrcnn_bbox_loss(*map(ops.array, (target, ids, positive, deltas)))
    assert float(loss) == pytest.approx(expected, abs=1e-6)

    masks = rng.integers(0, 2, (1, 3, 5, 5)).astype(np.float32)
    logits = rng.normal(size=(1, 3, 5, 5, 4)).astype(np.float32) * 3
    entropies = []
    for slot, class_id in ((0, 2), (1, 1)):
        p = 1 / (1 + np.exp(-logits[0, slot, ..., class_id].astype(float)))
        t = masks[0, slot]
        entropies.append(-(t * np.log(p) + (1 - t) * np.log(1 - p)))
    loss = losses.mrcnn_mask_loss(*map(ops.array, (masks, ids, positive, logits)))
    assert float(loss) == pytest.approx(np.mean(entropies), abs=1e-5)


def test_nothing_to_learn_from_is_zero():
    none = ops.zeros((1, 3), "uint8")
    ids = ops.zeros((1, 3), "int32")
    match = ops.zeros((1, 4, 1), "int32")
    assert float(losses.rpn_class_loss(match, ops.ones((1, 4, 2)))) == 0
    assert (
        float(losses.rpn_bbox_loss(ops.ones((1, 2, 4)), match, ops.ones((1, 4, 4))))
        == 0
    )
    assert (
        float(
            losses.mrcnn_bbox_loss(
                ops.ones((1, 3, 4)), ids, none, ops.ones((1, 3, 2, 4))
            )
        )
        == 0
    )
    assert (
        float(
            losses.mrcnn_mask_loss(
                ops.ones((1, 3, 5, 5)), ids, none, ops.ones((1, 3, 5, 5, 2))
            )
        )
        == 0
    )


def test_confident_masks_stay_finite():
    logits = ops.array(np.array([[[[[80.0]]]], [[[[-80.0]]]]], np.float32))
    masks = ops.array(np.array([[[[0.0]]], [[[0.0]]]], np.float32))
    ids, positive = ops.zeros((2, 1), "int32"), ops.ones((2, 1), "uint8")
    loss = losses.mrcnn_mask_loss(masks, ids, positive, logits)
    assert float(loss) == pytest.approx(40.0)  # (80 + 0) / 2


def test_weight_decay_and_its_gradient(rng):
    class Decays(keras.Model):
        def compute_loss(self, *args, **kwargs):
            return losses.weight_decay_loss(self.trainable_variables, 0.5)

    inputs = keras.Input((3,))
    network = Decays(inputs, keras.layers.Dense(2)(inputs))
    network.compile(keras.optimizers.SGD(learning_rate=1.0))
    kernel, bias = rng.normal(size=(3, 2)), rng.normal(size=2)
    network.set_weights([kernel, bias])

    loss = network.train_on_batch(np.ones((4, 3), np.float32))

    # 0.5 * mean(w^2) of each, whose gradient is 0.5 * 2 * w / size.
    assert float(loss) == pytest.approx(0.5 * ((kernel**2).mean() + (bias**2).mean()))
    expected = [kernel - kernel / 6, bias - bias / 2]
    for found, value in zip(network.get_weights(), expected, strict=True):
        np.testing.assert_allclose(found, value, rtol=1e-5)
