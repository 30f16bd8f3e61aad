"""The network that detects with the layers of one that trains."""

import gc

import keras
import numpy as np
import pytest
from keras import layers

from mrcnn.config import Config
from mrcnn.errors import ConfigError
from mrcnn.geometry.boxes import norm_boxes
from mrcnn.network.build import build_network, inference_network, pyramid_anchors
from mrcnn.network.layers import BatchNorm


def tiny_backbone(image):
    """One convolution with batch norm for each stage."""
    stages, x = [], image
    for number, stride in ((2, 4), (3, 2), (4, 2), (5, 2)):
        x = layers.Conv2D(8, stride, strides=stride, name=f"res{number}a")(x)
        x = BatchNorm(train_bn=None, name=f"bn{number}a")(x)
        stages.append(x)
    return stages


class TinyConfig(Config):
    """The smallest network that has every part."""

    NAME = "tiny"
    BACKBONE = staticmethod(tiny_backbone)
    NUM_CLASSES = 3
    IMAGES_PER_GPU = 1
    IMAGE_MIN_DIM = 64
    IMAGE_MAX_DIM = 64
    TOP_DOWN_PYRAMID_SIZE = 16
    FPN_CLASSIF_FC_LAYERS_SIZE = 16
    RPN_ANCHOR_SCALES = (8, 16, 32, 48, 64)
    POST_NMS_ROIS_TRAINING = 20
    POST_NMS_ROIS_INFERENCE = 10
    TRAIN_ROIS_PER_IMAGE = 6
    MAX_GT_INSTANCES = 4
    DETECTION_MAX_INSTANCES = 5
    DETECTION_MIN_CONFIDENCE = 0.0


def num_variables() -> int:
    """Variables of Keras that are alive anywhere."""
    gc.collect()
    # By its type: some objects of PyTorch warn when they are asked for their class.
    return sum(issubclass(type(thing), keras.Variable) for thing in gc.get_objects())


def shake(network, seed):
    """Give every weight another value, moving statistics of batch norm too."""
    rng = np.random.default_rng(seed)
    for variable in network.weights:
        factor = rng.uniform(0.8, 1.2, variable.shape)
        variable.assign(np.array(variable, np.float32) * factor + 0.01)
    # Enough for class 1 to be found.
    network.get_layer("mrcnn_class_logits").bias.assign([0, 2, 0])


def outputs(network, config, side):
    rng = np.random.default_rng(0)
    meta = np.zeros((2, config.IMAGE_META_SIZE), np.float32)
    meta[:, 4:11] = side, side, 3, 0, 0, side, side
    anchors = norm_boxes(pyramid_anchors(config, (side, side)), (side, side))
    image = rng.normal(0, 60, (2, side, side, 3)).astype(np.float32)
    batch = {"image": image, "image_meta": meta, "anchors": np.stack([anchors] * 2)}
    found = network(batch, training=False)
    return {name: keras.ops.convert_to_numpy(value) for name, value in found.items()}


@pytest.mark.parametrize(
    ("settings", "policy", "side"),
    [
        ({"TRAIN_BN": None}, "float32", 64),
        ({"TRAIN_BN": True}, "mixed_bfloat16", 64),
        # Trains on crops of 64 pixels, detects on pictures of 128.
        ({"IMAGE_RESIZE_MODE": "crop", "IMAGE_MAX_DIM": 128}, "float32", 128),
    ],
)
def test_shared_network_gives_the_numbers_of_a_separate_one(settings, policy, side):
    config = TinyConfig(**settings)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        training = build_network("training", config)
        shared = inference_network(training, config)
        separate = build_network("inference", config)
    finally:
        keras.config.set_dtype_policy(before)
    names = [layer.name for layer in separate.layers]
    assert [layer.name for layer in shared.layers] == names
    first = outputs(shared, config, side)
    for seed in (1, 2):  # it follows the weights of the training network
        shake(training, seed)
        values = {variable.path: np.array(variable) for variable in training.weights}
        for variable in separate.weights:
            variable.assign(values[variable.path])
        ours = outputs(shared, config, side)
        for name, value in outputs(separate, config, side).items():
            np.testing.assert_array_equal(ours[name], value, err_msg=name)
    assert not np.array_equal(ours["mrcnn_class"], first["mrcnn_class"])
    assert ours["mrcnn_detection"].any()


def test_no_variable_exists_twice():
    config = TinyConfig()
    training = build_network("training", config)
    ours = {id(variable) for variable in training.weights}
    alive = num_variables()
    shared = inference_network(training, config)
    assert {id(variable) for variable in shared.weights} == ours
    # Those of the graph that was built in between are gone as well.
    assert num_variables() == alive
    # The training network's layers still tell its own outputs first.
    assert training.get_layer("fpn_p2").output.shape == (None, 16, 16, 16)


def unnamed_backbone(image):
    """A layer whose name Keras counts up from network to network."""
    *_, c5 = stages = tiny_backbone(image)
    stages[-1] = layers.Conv2D(8, 1)(c5)
    return stages


def test_layers_without_names_of_their_own():
    config = TinyConfig(BACKBONE=unnamed_backbone)
    training = build_network("training", config)
    message = r"Expected layer 'conv2d_\d+' in the training network.*Name the layers"
    with pytest.raises(ConfigError, match=message):
        inference_network(training, config)
