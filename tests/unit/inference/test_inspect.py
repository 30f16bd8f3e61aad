"""Inspection of a tiny network: what `detect` does, and each step from the one before.

The steps are computed anew here in plain loops, from the raw outputs of the network.
"""

import math
from collections import OrderedDict

import keras
import numpy as np
import pytest
from keras import layers

from mrcnn.config import Config
from mrcnn.errors import ConfigError
from mrcnn.geometry.masks import mask_in_box
from mrcnn.inference.inspect import which_filter
from mrcnn.model import MaskRCNN
from mrcnn.network.layers import BatchNorm


def tiny_backbone(image):
    """One convolution with batch norm for each stage."""
    stages, x = [], image
    for number, stride in ((2, 4), (3, 2), (4, 2), (5, 2)):
        x = layers.Conv2D(8, 3, strides=stride, padding="same", name=f"res{number}a")(x)
        x = BatchNorm(train_bn=None, name=f"bn{number}a")(x)
        stages.append(x)
    return stages


class TinyConfig(Config):
    """Small, and with every filter at work on random weights."""

    NAME = "tiny"
    BACKBONE = staticmethod(tiny_backbone)
    NUM_CLASSES = 3
    IMAGES_PER_GPU = 1
    IMAGE_MIN_DIM = 128
    IMAGE_MAX_DIM = 128
    TOP_DOWN_PYRAMID_SIZE = 16
    FPN_CLASSIF_FC_LAYERS_SIZE = 16
    RPN_ANCHOR_SCALES = (8, 16, 32, 64, 128)
    PRE_NMS_LIMIT = 600
    POST_NMS_ROIS_INFERENCE = 60
    DETECTION_MAX_INSTANCES = 6
    DETECTION_MIN_CONFIDENCE = 0.5
    DETECTION_NMS_THRESHOLD = 0.1


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    keras.utils.set_random_seed(1)
    model = MaskRCNN("inference", TinyConfig(), tmp_path_factory.mktemp("logs"))
    # Boxes that stay near their anchors, and classes that differ between ROIs.
    network = model.keras_model
    rpn = network.get_layer("rpn_model")
    for layer, factor in (
        (rpn.get_layer("rpn_bbox_pred"), SHRINK),
        (rpn.get_layer("rpn_class_raw"), SHRINK),
        (network.get_layer("mrcnn_bbox_fc"), SHRINK),
        (network.get_layer("mrcnn_class_logits"), SHRINK),
    ):
        layer.kernel.assign(layer.kernel * factor)
    return model


SHRINK = 0.1
