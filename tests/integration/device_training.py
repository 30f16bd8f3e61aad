"""A training of a few steps, for tests to start in processes of their own.

``python device_training.py FOLDER NUM_DEVICES [STEPS]`` writes the losses and the
weights to ``result.npz`` in the folder. Whatever the number of devices, the batches
and the first weights are the same, and so are all ROIs: they come from the batches,
and there are slots for all of them, so that none are drawn at random. Draws differ:
each replica makes its own.
"""

import os
import sys
from pathlib import Path

import keras
import numpy as np
from keras import layers, ops

from mrcnn.config import Config
from mrcnn.data.dataset import Dataset
from mrcnn.model import MaskRCNN


def backbone(image):
    """Return pyramid stages of 4 to 32 pixels a cell, from one convolution each."""
    stages, features = [], image / 128
    for stage, stride in enumerate((4, 2, 2, 2), 2):
        features = layers.Conv2D(
            16, stride, strides=stride, activation="tanh", name=f"stage{stage}"
        )(features)
        stages.append(features)
    return stages


class TinyConfig(Config):
    NAME = "devices"
    BACKBONE = staticmethod(backbone)
    BACKBONE_STRIDES = [4, 8, 16, 32, 64]
    COMPUTE_BACKBONE_SHAPE = staticmethod(
        lambda shape: [
            [-(-side // stride) for side in shape[:2]] for stride in (4, 8, 16, 32, 64)
        ]
    )
    NUM_CLASSES = 3
    IMAGE_MIN_DIM = IMAGE_MAX_DIM = 64
    TOP_DOWN_PYRAMID_SIZE = 16
    FPN_CLASSIF_FC_LAYERS_SIZE = 16
    RPN_ANCHOR_SCALES = (8, 16, 32, 48, 64)
    RPN_TRAIN_ANCHORS_PER_IMAGE = 32
    USE_RPN_ROIS = False
    # No ROI of these batches overlaps an object by between 0.49 and 0.51.
    SEED = 1
    # Of 30 ROIs of an image up to 10 on objects are taken, and of the others 49 for
    # each of them: all.
    POST_NMS_ROIS_TRAINING = 30
    TRAIN_ROIS_PER_IMAGE = 500
    ROI_POSITIVE_RATIO = 0.02
    MAX_GT_INSTANCES = 4
    MINI_MASK_SHAPE = (28, 28)
    VALIDATION_STEPS = None
    # The gradients of these steps have norms of 1 to 3: they are clipped.
    GRADIENT_CLIP_NORM = 0.5
    # Statistics of the whole batch in training; of all of them in validation.
    TRAIN_BN = None


class Rectangles(Dataset):
    """Drawn rectangles; images have different numbers of them, one has none."""

    counts = (1, 3, 2, 0, 4, 1)

    def __init__(self, num_images):
        super().__init__()
        self.add_class("shapes", 1, "wide")
        self.add_class("shapes", 2, "tall")
        for i in range(num_images):
            self.add_image("shapes", i, path=f"{i}.png")
        self.prepare()

    def load_image(self, image_id):
        masks, class_ids = self.load_mask(image_id)
        image = np.full((64, 64, 3), 40, np.uint8)
        for i, class_id in enumerate(class_ids):
            image[masks[..., i]] = (200, 90 * class_id, 20 * i)
        return image

    def load_mask(self, image_id):
        num = self.counts[image_id]
        masks = np.zeros((64, 64, num), bool)
        for i in range(num):
            high, wide = ((14, 24), (24, 14))[i % 2]
            y, x = divmod(i, 2)
            masks[4 + 30 * y : 4 + 30 * y + high, 4 + 30 * x : 4 + 30 * x + wide, i] = 1
        return masks, np.array([1 + i % 2 for i in range(num)], np.int32)


def set_weights(network):
    """Give a network weights that follow from their places alone."""
    for i, variable in enumerate(network.trainable_variables):
        rng = np.random.default_rng(i)
        fan_in = np.prod(variable.shape[:-1])
        if variable.path.endswith("kernel"):
            variable.assign(rng.normal(0, 1 / np.sqrt(fan_in), variable.shape))


def main(folder, num_devices, steps=3):
    num_devices = int(num_devices)
    config = TinyConfig(
        GPU_COUNT=num_devices,
        IMAGES_PER_GPU=4 // num_devices,
        STEPS_PER_EPOCH=int(steps),
    )
    model = MaskRCNN("training", config, Path(folder) / "logs")
    set_weights(model.keras_model)
    # Of five validation images the last is alone in its batch.
    history = model.train(Rectangles(6), Rectangles(5), 0.01, 1, "all", workers=1)
    arrays = {
        "/".join(v.path.split("/")[-2:]): ops.convert_to_numpy(v.value)
        for v in model.keras_model.trainable_variables
    }
    losses = {f"loss {name}": value for name, [value] in history.history.items()}
    np.savez(Path(folder) / "result.npz", **arrays, **losses)


if __name__ == "__main__":
    if keras.backend.backend() == "tensorflow" and "TF_CONFIG" not in os.environ:
        import tensorflow as tf

        # Two devices, of which a training may use one.
        tf.config.set_logical_device_configuration(
            tf.config.list_physical_devices("CPU")[0],
            [tf.config.LogicalDeviceConfiguration()] * 2,
        )
    main(*sys.argv[1:])
