"""A tiny network with the original's names, and files in every layout."""

import h5py
import keras
import numpy as np
import pytest
from keras import layers

WIDTH = 6


def _network(num_classes=2, width=WIDTH, channels=3, extra=()):
    """Every kind of layer of the original, three or four numbers wide."""
    image = layers.Input((8, 8, channels), name="input_image")
    x = layers.ZeroPadding2D(1, name="zero_padding2d")(image)
    x = layers.Conv2D(4, 3, name="conv1")(x)
    x = layers.BatchNormalization(name="bn_conv1")(x)
    x = layers.Conv2D(width, 1, name="res2a_branch2a")(x)
    x = layers.BatchNormalization(name="bn2a_branch2a")(x)
    for name in extra:
        x = layers.Conv2D(width, 1, name=name)(x)
    features = layers.Input((None, None, width), name="input_rpn_feature_map")
    shared = layers.Conv2D(5, 3, padding="same", name="rpn_conv_shared")(features)
    rpn = keras.Model(
        features,
        [
            layers.Conv2D(6, 1, name="rpn_class_raw")(shared),
            layers.Conv2D(12, 1, name="rpn_bbox_pred")(shared),
        ],
        name="rpn_model",
    )
    rpn_class, rpn_bbox = rpn(x)
    pooled = layers.GlobalAveragePooling2D(name="pool_squeeze")(x)
    logits = layers.Dense(num_classes, name="mrcnn_class_logits")(pooled)
    deltas = layers.Dense(4 * num_classes, name="mrcnn_bbox_fc")(pooled)
    bbox = layers.Reshape((num_classes, 4), name="mrcnn_bbox")(deltas)
    mask = layers.Conv2D(num_classes, 1, name="mrcnn_mask")(x)
    return keras.Model(image, [rpn_class, rpn_bbox, logits, bbox, mask])


def _fill(model, seed):
    """Give every weight random values, variances positive ones."""
    rng = np.random.default_rng(seed)
    for variable in model.weights:
        variable.assign(rng.uniform(0.5, 1.5, variable.shape).astype(np.float32))
    return model


@pytest.fixture
def network():
    """Build a tiny network: network(num_classes, ...), filled when given a seed."""

    def build(*args, seed=None, **kwargs):
        model = _network(*args, **kwargs)
        return model if seed is None else _fill(model, seed)

    return build


@pytest.fixture
def values():
    """Return every weight of a model by path, as arrays of their own."""

    def read(model):
        return {v.path: np.asarray(v).copy() for v in model.weights}

    return read


@pytest.fixture
def write_h5(tmp_path):
    """Write {layer: [(name, array), ...]} by hand, independently of the package."""

    def write(weights, name="weights.h5", group=None, pieces=1):
        path = tmp_path / name
        with h5py.File(path, "w") as file:
            root = file.create_group(group) if group else file
            names = [layer.encode() for layer in weights]
            if pieces == 1:
                root.attrs["layer_names"] = names
            else:
                for i, piece in enumerate(np.array_split(names, pieces)):
                    root.attrs[f"layer_names{i}"] = piece
            for layer, arrays in weights.items():
                layer_group = root.create_group(layer)
                layer_group.attrs["weight_names"] = [n.encode() for n, _ in arrays]
                for array_name, array in arrays:
                    layer_group[array_name] = array
        return path

    return write


@pytest.fixture
def keras2_weights():
    """The weights of a tiny network as Keras 2 names and groups them."""

    def collect(model):
        weights = {}
        for layer in model.layers:
            inner = getattr(layer, "layers", [layer])
            weights[layer.name] = [
                (f"{part.name}/{v.name}:0", np.asarray(v).copy())
                for part in inner
                for v in part.weights
            ]
        return weights

    return collect
