"""A data set of drawn rectangles, in memory, and the smallest network."""

import time

import keras
import numpy as np
import pytest

from mrcnn.data.dataset import Dataset


class Rectangles(Dataset):
    """Images of 40 x 60 pixels; image i holds `counts[i]` rectangles of class 1 or 2.

    The red channel of an image is its number times ten, so that a picture tells
    which one it is. Image i takes `delays[i]` seconds to load, if that is set.
    """

    def __init__(self, counts, source="shapes"):
        super().__init__()
        self.counts = counts
        self.delays = {}
        self.add_class("shapes", 1, "wide")
        self.add_class("other", 1, "tall")
        for i in range(len(counts)):
            self.add_image(source, f"no{i}", path=f"folder/{i}.png")
        self.prepare()

    def load_image(self, image_id):
        time.sleep(self.delays.get(image_id, 0))
        image = np.full((40, 60, 3), 100, np.uint8)
        image[..., 0] = image_id * 10
        return image

    def load_mask(self, image_id):
        num = self.counts[image_id]
        masks = np.zeros((40, 60, num), bool)
        for i in range(num):
            masks[2 + i : 20 + i, 3 * i + 1 : 3 * i + 15, i] = True
        return masks, np.array([1 + i % 2 for i in range(num)], np.int32)


@pytest.fixture
def rectangles():
    """Return the class, to make data sets with."""
    return Rectangles


class LeastSquares(keras.Model):
    """A model whose loss is its own affair, as that of the network."""

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        difference = keras.ops.subtract(keras.ops.cast(y_pred, "float32"), y)
        return keras.ops.mean(keras.ops.square(difference))


@pytest.fixture
def linear():
    """Return a function that makes x -> x w, w float32 [3, 1] = 0.5, -1, 2."""

    def make(precision="float32"):
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy(precision)
        inputs = keras.Input((3,))
        outputs = keras.layers.Dense(1, use_bias=False)(inputs)
        model = LeastSquares(inputs, outputs)
        keras.config.set_dtype_policy(before)
        model.set_weights([np.array([[0.5], [-1], [2]], np.float32)])
        return model

    return make
