"""Blocks of residual networks before they have learnt anything."""

import keras
import numpy as np
import pytest
from keras import ops

from mrcnn.network.resnet import bottleneck_block


@pytest.mark.parametrize(
    ("train_bn", "is_shortcut"), [(None, True), (True, True), (False, False)]
)
def test_a_block_that_can_learn_begins_as_its_shortcut(rng, train_bn, is_shortcut):
    inputs = keras.Input((5, 4, 16))
    block = bottleneck_block(
        inputs, 4, name="2b", strides=1, has_shortcut_conv=False, train_bn=train_bn
    )
    features = rng.uniform(size=(2, 5, 4, 16)).astype(np.float32)

    found = ops.convert_to_numpy(keras.Model(inputs, block)(features))

    # The ReLU at the end leaves features above 0 as they are.
    assert np.array_equal(found, features) == is_shortcut
