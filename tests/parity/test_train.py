"""Training gives the losses and gradients of the original network."""

import keras
import numpy as np
import pytest

from mrcnn.geometry.boxes import norm_boxes
from mrcnn.network.build import pyramid_anchors
from mrcnn.network.losses import weight_decay_loss
from mrcnn.structures import LOSS_NAMES
from tests.parity.original import config_of, golden, network_with_recipe_weights


@pytest.fixture(scope="module")
def arrays():
    return golden("train_tiny")


@pytest.fixture(scope="module")
def network(arrays, tmp_path_factory):
    network = network_with_recipe_weights(
        "training", config_of(arrays), tmp_path_factory.mktemp("train")
    )
    network.compile()
    return network


@pytest.fixture(scope="module")
def batch(arrays):
    batch = {
        key.removeprefix("input_"): array
        for key, array in arrays.items()
        if key.startswith("input_")
    }
    batch["image"] = batch.pop("images")
    batch["gt_masks"] = batch["gt_masks"].astype(np.uint8)
    for key in ("image_meta", "rpn_bbox"):
        batch[key] = batch[key].astype(np.float32)
    return batch


def test_losses(arrays, network, batch):
    losses = network.test_on_batch(batch, return_dict=True)
    assert set(losses) == {"loss", *LOSS_NAMES}
    for name in LOSS_NAMES:
        assert losses[name] == pytest.approx(float(arrays[name]), rel=1e-4)
    assert losses["loss"] == pytest.approx(float(arrays["total_loss"]), rel=1e-4)


def test_weight_decay(arrays, network):
    loss = weight_decay_loss(network.trainable_variables, network.weight_decay)
    # The port that the reference was computed with kept its anchors in a trainable
    # variable (the gradient without a name), which its penalty counts as a weight.
    config = config_of(arrays)
    side = config.IMAGE_SHAPE[0]
    anchors = norm_boxes(pyramid_anchors(config, (side, side)), (side, side))
    of_anchors = config.WEIGHT_DECAY * np.mean(anchors.astype(float) ** 2)
    expected = float(arrays["weight_decay_loss"]) - of_anchors
    assert float(keras.ops.convert_to_numpy(loss)) == pytest.approx(expected, rel=1e-4)


def test_gradient_norms(arrays, network, batch):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("gradients are taken by TensorFlow's tape here")
    import tensorflow as tf

    variables = network.trainable_variables
    with tf.GradientTape() as tape:
        inputs = {key: tf.convert_to_tensor(value) for key, value in batch.items()}
        loss = network.compute_loss(x=inputs, y_pred=network(inputs, training=True))
    found = {
        "/".join(variable.path.split("/")[-2:]): float(tf.norm(gradient))
        for variable, gradient in zip(
            variables, tape.gradient(loss, variables), strict=True
        )
    }
    expected = {
        "/".join(name.removesuffix(":0").split("/")[-2:]): norm
        for name, norm in zip(
            arrays["gradient_names"], arrays["gradient_norms"], strict=True
        )
        if name is not None  # the anchors, see test_weight_decay
    }
    assert found.keys() == expected.keys()
    largest = max(expected.values())

    # Biases before batch norm have gradients of rounding errors alone.
    far = [
        name
        for name in expected
        if found[name] != pytest.approx(expected[name], rel=1e-3, abs=1e-6 * largest)
    ]
    assert far == []
