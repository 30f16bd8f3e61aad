"""Networks of other kinds: mixed precision, own backbones, sizes that vary."""

import keras
import numpy as np
import pytest
from keras import layers

from mrcnn.config import Config
from mrcnn.data.dataset import Dataset
from mrcnn.errors import ConfigError
from mrcnn.model import MaskRCNN
from mrcnn.network.backbones import register_backbone
from mrcnn.network.build import build_network
from mrcnn.training.trainer import make_batches


class TinyConfig(Config):
    """The smallest network that has every part."""

    NAME = "tiny"
    BACKBONE = "resnet18"
    NUM_CLASSES = 2
    IMAGES_PER_GPU = 1
    IMAGE_MIN_DIM = 64
    IMAGE_MAX_DIM = 64
    TOP_DOWN_PYRAMID_SIZE = 16
    FPN_CLASSIF_FC_LAYERS_SIZE = 16
    RPN_ANCHOR_SCALES = (8, 16, 32, 48, 64)
    RPN_TRAIN_ANCHORS_PER_IMAGE = 32
    POST_NMS_ROIS_TRAINING = 20
    POST_NMS_ROIS_INFERENCE = 10
    TRAIN_ROIS_PER_IMAGE = 6
    MAX_GT_INSTANCES = 4
    DETECTION_MAX_INSTANCES = 5
    DETECTION_MIN_CONFIDENCE = 0.0
    TRAIN_BN = None


class OneSquare(Dataset):
    """One picture, in memory."""

    def load_image(self, image_id):
        image = np.full((64, 64, 3), 40, np.uint8)
        image[10:40, 20:50] = 220
        return image

    def load_mask(self, image_id):
        mask = np.zeros((64, 64, 1), bool)
        mask[10:40, 20:50] = True
        return mask, np.array([1], np.int32)


def batch(config):
    dataset = OneSquare()
    dataset.add_class("squares", 1, "square")
    dataset.add_image("squares", 0, "")
    dataset.prepare()
    return make_batches(dataset, config, shuffle=False)[0]


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision_leaves_boxes_in_float32(policy):
    config = TinyConfig(PRECISION=policy)
    network = build_network("training", config)
    assert network.get_layer("conv1").compute_dtype == policy.removeprefix("mixed_")
    for name in ("ROI", "proposal_targets", "mrcnn_class", "mrcnn_bbox"):
        assert network.get_layer(name).compute_dtype == "float32"
    # All that the losses read; what travels between the convolutions is not.
    for name, output in network(batch(config)).items():
        dtype = keras.backend.standardize_dtype(output.dtype)
        assert dtype in ("float32", "int32", "uint8"), name

    model = MaskRCNN("inference", config, "logs")
    molded, metas, _ = model.mold_inputs([np.zeros((64, 64, 3), np.uint8)])
    anchors = model.get_anchors(molded.shape[1:])[None]
    outputs = model.keras_model.predict_on_batch(
        {"image": molded, "image_meta": metas, "anchors": anchors}
    )
    assert {name: output.dtype.name for name, output in outputs.items()} == (
        dict.fromkeys(outputs, "float32")
    )
    found = model.detect([np.zeros((50, 64, 3), np.uint8)])[0]
    assert found["rois"].dtype == np.int32
    assert found["scores"].dtype == np.float32


def test_precision_is_that_of_the_configuration():
    """Whatever Keras is set to, and however building ends."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        network = build_network("training", TinyConfig())
        assert network.get_layer("conv1").compute_dtype == "float32"
        with pytest.raises(ConfigError, match="pad64"):
            build_network("training", TinyConfig(IMAGE_RESIZE_MODE="pad64"))
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
    finally:
        keras.config.set_dtype_policy(before)


def test_callable_backbone():
    def stages(image):
        x = image
        levels = []
        for i, filters in enumerate((8, 8, 16, 16, 16)):
            x = layers.Conv2D(filters, 3, strides=2, padding="same", name=f"own{i}")(x)
            levels.append(x)
        return levels  # C1 to C5, as the original's callables

    def shapes(image_shape):
        return [[image_shape[0] // s, image_shape[1] // s] for s in (4, 8, 16, 32, 64)]

    config = TinyConfig(BACKBONE=stages, COMPUTE_BACKBONE_SHAPE=shapes)
    network = build_network("training", config)
    network.compile(optimizer=keras.optimizers.SGD(0.001))
    losses = network.train_on_batch(batch(config), return_dict=True)
    assert np.isfinite(list(losses.values())).all()
    assert network.get_layer("own4").kernel.shape == (3, 3, 16, 16)


def test_backbone_registry_is_loud():
    known = "convnext_base, .*, mobilenet_v3_small, resnet101, "
    with pytest.raises(ConfigError, match=f"{known}.*'resnet100'.*mean 'resnet10"):
        build_network("inference", TinyConfig(BACKBONE="resnet100"))
    for name in ("resnet50", "convnext_tiny"):
        with pytest.raises(ConfigError, match="taken"):
            register_backbone(name, lambda image, train_bn: None)


def test_images_of_many_sizes_at_once_with_pad64():
    config = TinyConfig(IMAGE_RESIZE_MODE="pad64", IMAGE_MAX_DIM=256)
    model = MaskRCNN("inference", config, "logs")
    shapes = [(64, 64), (64, 130), (64, 64), (100, 70)]
    found = model.detect([np.zeros((*shape, 3), np.uint8) for shape in shapes])
    assert [result["masks"].shape[:2] for result in found] == shapes
    with pytest.raises(ConfigError, match="pad64.*detection"):
        build_network("training", config)


def test_four_channels():
    config = TinyConfig(IMAGE_CHANNEL_COUNT=4, MEAN_PIXEL=np.array([1.0, 2, 3, 4]))
    model = MaskRCNN("inference", config, "logs")
    assert model.keras_model.get_layer("conv1").kernel.shape == (7, 7, 4, 64)
    found = model.detect([np.zeros((40, 50, 4), np.uint8)])
    assert found[0]["masks"].shape[:2] == (40, 50)
    with pytest.raises(ValueError, match="IMAGE_CHANNEL_COUNT"):
        model.detect([np.zeros((40, 50, 3), np.uint8)])
