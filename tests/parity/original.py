"""The original network's reference numbers, and networks that carry its weights."""

import json
from pathlib import Path

import keras
import numpy as np

from mrcnn.config import Config
from mrcnn.network.build import build_network
from mrcnn.weights.layout import write_weights
from mrcnn.weights.matterport import load_weights

GOLDEN = Path(__file__).resolve().parent.parent / "golden"
_DERIVED = ("BATCH_SIZE", "IMAGE_META_SIZE", "IMAGE_SHAPE")


def golden(case):
    """Return the arrays of a case by name."""
    # The names of the gradients are an array of objects.
    with np.load(GOLDEN / f"{case}.npz", allow_pickle=True) as file:
        return {key: file[key] for key in file.files}


def config_of(arrays):
    """Return the configuration a case was computed with."""
    values = json.loads(str(arrays["config"]))
    return Config(**{k: v for k, v in values.items() if k not in _DERIVED})


def recipe_weight(name, shape):
    """Return the array of `recipe.py` for a weight's name."""
    scope = {}
    exec((GOLDEN / "recipe.py").read_text(), scope)
    return scope["weight"](name, shape)


def write_recipe_file(path, groups):
    """Write a weights file: groups is [(layer, [(array name, shape), ...]), ...]."""
    scope = {}
    exec((GOLDEN / "recipe.py").read_text(), scope)
    arrays = {
        layer: [
            (name, scope["weight"](name.removesuffix(":0"), shape))
            for name, shape in entries
        ]
        for layer, entries in groups
    }
    write_weights(path, arrays, {"backend": "tensorflow", "keras_version": "2.15.0"})


def groups_of(network):
    """Return the weights of a network as groups of a file, nested models as one."""
    groups = []
    for layer in network.layers:
        inner = layer.layers if isinstance(layer, keras.Model) else [layer]
        groups.append(
            (
                layer.name,
                [
                    (f"{part.name}/{variable.name}:0", tuple(variable.shape))
                    for part in inner
                    for variable in part.weights
                    if "seed" not in variable.name
                ],
            )
        )
    return groups


def network_with_recipe_weights(mode, config, folder):
    """Return a network whose weights came through an HDF5 file."""
    network = build_network(mode, config)
    path = folder / "recipe.h5"
    write_recipe_file(path, groups_of(network))
    load_weights(network, path, for_training=mode == "training")
    return network


def relative_error(found, expected):
    """Return the largest difference over the largest magnitude."""
    found, expected = np.asarray(found, float), np.asarray(expected, float)
    assert found.shape == expected.shape
    return np.abs(found - expected).max() / np.abs(expected).max()
