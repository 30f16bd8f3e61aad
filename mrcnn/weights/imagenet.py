"""Backbone weights trained on ImageNet, for training without COCO weights.

ResNet-50 is the original's file, read as the original read it. ResNet-101, for
which the original had none, is the file of keras.applications with three
differences taken out: the layer names, the epsilon of batch normalisation, and
the order of the colours (it was trained on BGR pictures, this network sees RGB).
The files of `network.applications` are read by keras.applications itself.
"""

import re
from pathlib import Path

import keras
import numpy as np

from mrcnn.errors import WeightsError
from mrcnn.network.applications import (
    APPLICATIONS,
    inner_layers,
    is_depthwise,
    keras_application,
    layer_names,
)
from mrcnn.weights.download import KNOWN_FILES, fetch
from mrcnn.weights.layout import LayerArrays, read_weights
from mrcnn.weights.matterport import WeightsReport, assign_weights

_PREFIX = "imagenet-"
_BACKBONE_LAYER = re.compile(
    r"conv1|bn_conv1|(res|bn)[2-5][a-z]_branch(1|2[abc])|stage[1-5]_.*"
)

# Epsilon of batch normalisation in keras.applications, and in this network.
_APPLICATIONS_EPSILON = 1.001e-5
_EPSILON = 1e-3

_STEM = {"conv1_conv": "conv1", "conv1_bn": "bn_conv1"}
_BLOCK = re.compile(r"conv([2-5])_block(\d+)_([0-3])_(conv|bn)")
_BRANCHES = ("branch1", "branch2a", "branch2b", "branch2c")


def load_imagenet(
    model: keras.Model, backbone_name: object, cache_dir: str | Path | None = None
) -> WeightsReport:
    """Download the ImageNet weights of a backbone and load them.

    Args:
        model: the network.
        backbone_name: the configuration's BACKBONE.
        cache_dir: folder of downloaded files; see `download.cache_folder`.

    Returns:
        The report; the layers after the backbone are among its missing ones.

    Raises:
        WeightsError: there are none for this backbone, they cannot be
            downloaded, or they do not fill it.
    """
    known = [key[len(_PREFIX) :] for key in KNOWN_FILES if key.startswith(_PREFIX)]
    if backbone_name not in known:
        raise WeightsError(
            f"Expected a backbone with ImageNet weights: {', '.join(known)}. "
            f"Received: BACKBONE={backbone_name!r}. Type --weights=none to train from "
            "random values, --backbone=resnet50, or --weights=PATH."
        )
    path = fetch(_PREFIX + backbone_name, cache_dir)
    if backbone_name in APPLICATIONS:
        weights = read_application(backbone_name, path)
    else:
        weights = read_weights(path)
    if backbone_name == "resnet101":
        weights = from_applications(weights)
    return assign_backbone(model, weights, path=path)


def assign_backbone(
    model: keras.Model, weights: LayerArrays, *, path: str | Path
) -> WeightsReport:
    """Put weights into the backbone of a network, into every layer of it.

    Args:
        model: the network.
        weights: {layer name of the original: [(weight name, array), ...]}; layers
            that are not the backbone's are left out.
        path: where they came from, for the report and the errors.

    Returns:
        The report of `matterport.assign_weights`.

    Raises:
        WeightsError: they do not fit, or not every layer got its own.
    """
    backbone = {
        layer: arrays
        for layer, arrays in weights.items()
        if _BACKBONE_LAYER.fullmatch(layer)
    }
    wanted = {
        layer.name
        for layer in model.layers
        if layer.weights and _BACKBONE_LAYER.fullmatch(layer.name)
    }
    lacking = sorted(layer for layer in wanted if not backbone.get(layer))
    if lacking:
        raise WeightsError(
            f"Expected weights for the whole backbone. Received: {str(path)!r} without "
            f"{', '.join(lacking)}. Delete the file, so that it is downloaded again."
        )
    return assign_weights(model, backbone, path=path, for_training=True)


def read_application(name: str, path: str | Path) -> LayerArrays:
    """Return the weights of a network of keras.applications under our names.

    Keras goes by the order of the layers: in its files most have other names, and some
    were counted up in the session that wrote them.

    Args:
        name: a key of `APPLICATIONS`.
        path: a file that keras.applications downloads, without the classifier.

    Returns:
        {"stage1_conv": [("stage1_conv/kernel:0", array), ...]}, float32.

    Raises:
        WeightsError: the file is damaged, or another network's.
    """
    try:
        model = keras_application(name, keras.Input((None, None, 3)), str(path))
    except (OSError, LookupError, ValueError) as error:
        raise WeightsError(
            f"Expected the ImageNet weights of {name}. Received: {str(path)!r} "
            f"({' '.join(str(error).split())}). Delete the file, so that it is "
            "downloaded again."
        ) from error
    names = layer_names(name, model)
    weights: LayerArrays = {}
    for layer in inner_layers(model):
        if not getattr(layer, "weights", None):
            continue
        ours, arrays = names[layer.name], []
        for variable in layer.weights:
            array = np.asarray(variable)
            if is_depthwise(layer) and array.ndim == 4:
                array = array.swapaxes(2, 3)  # [k, k, 1, C] -> [k, k, C, 1]
            arrays.append((f"{ours}/{variable.name}:0", array))
        weights[ours] = arrays
    return weights


def from_applications(weights: LayerArrays) -> LayerArrays:
    """Return the weights of keras.applications' ResNet under the original's names.

    The network that gets them computes the same features from RGB pictures as
    keras.applications computes from the same pictures in BGR.

    Args:
        weights: {"conv2_block1_0_conv": [("conv2_block1_0_conv/kernel:0", array),
            ...]}, float arrays.

    Returns:
        {"res2a_branch1": [("res2a_branch1/kernel:0", array), ...]}, float32, the
        convolutions and batch normalisations alone.

    Raises:
        WeightsError: a layer with weights has a name that is none of theirs.
    """
    converted = {}
    for layer, arrays in weights.items():
        if not arrays:
            continue
        variables = {
            name.split("/")[-1].split(":")[0]: np.asarray(array)
            for name, array in arrays
        }
        if layer == "conv1_conv":
            variables["kernel"] = variables["kernel"][:, :, ::-1]
        if layer.endswith("_bn"):
            variables["gamma"] = _for_our_epsilon(
                variables["gamma"], variables["moving_variance"]
            )
        name = original_layer_name(layer)
        converted[name] = [
            (f"{name}/{variable}:0", array.astype(np.float32))
            for variable, array in variables.items()
        ]
    return converted


def original_layer_name(layer: str) -> str:
    """Return the original's name for a layer of keras.applications' ResNet.

    Raises:
        WeightsError: the name is none of theirs.

    Example:
        >>> original_layer_name("conv4_block23_3_bn")
        'bn4w_branch2c'
    """
    if layer in _STEM:
        return _STEM[layer]
    found = _BLOCK.fullmatch(layer)
    if not found:
        raise WeightsError(
            "Expected a layer of keras.applications' ResNet, 'conv2_block1_0_conv' for "
            f"example. Received: {layer!r}. Delete the file, so that it is downloaded "
            "again."
        )
    stage, block, branch, kind = found.groups()
    prefix = "res" if kind == "conv" else "bn"
    letter = chr(ord("a") + int(block) - 1)
    return f"{prefix}{stage}{letter}_{_BRANCHES[int(branch)]}"


def _for_our_epsilon(gamma: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Return the gamma that gives the same output with the other epsilon.

    gamma' / sqrt(var + ours) = gamma / sqrt(var + theirs); the variance stays the
    true one, so that training can go on from it.
    """
    variance = np.asarray(variance, np.float64)
    return gamma * np.sqrt((variance + _EPSILON) / (variance + _APPLICATIONS_EPSILON))
