"""Tensors inside of a network that is built: finding them by name, computing them.

A Keras network has tensors between its layers. What a layer computes inside, as the
original's notebooks asked for by names such as "ROI/pre_nms_anchors:0", is not there.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import keras
import numpy as np
from keras import ops

from mrcnn.errors import ConfigError, nearest


def layer_outputs(network: keras.Model) -> dict[str, list]:
    """Return the symbolic outputs of every layer of a network, by the layer's name.

    A layer may be called several times, as ``rpn_model`` is for every level, and in
    other networks as well; the list has the outputs of its calls in this one.

    Args:
        network: a functional model.
    """
    found = {}
    for node in _nodes(network.outputs):
        found.setdefault(node.operation.name, []).extend(node.outputs)
    return found


def find_layer_outputs(network: keras.Model, name: str) -> list:
    """Return the symbolic outputs of one layer of a network.

    Args:
        network: a functional model.
        name: of the layer.

    Raises:
        ConfigError: there is no such layer.
    """
    known = layer_outputs(network)
    if name not in known:
        raise ConfigError(
            f"Expected the name of a layer of the network. Received: {name!r}."
            f"{nearest(name, known)} network.summary() lists them."
        )
    return known[name]


def ancestor(tensor, name: str | re.Pattern):
    """Return the nearest tensor of a name that another one is computed from.

    Args:
        tensor: symbolic tensor of a network.
        name: a layer's name, or a regular expression that matches the whole of it.

    Returns:
        The first output of that layer, or None where `tensor` does not depend on it.

    Raises:
        ConfigError: the name is that of a tensor inside of a layer.
    """
    if isinstance(name, str) and re.search(r"/|:\d+$", name):
        raise ConfigError(
            f"Expected the name of a layer. Received: {name!r}, a tensor inside of "
            "one, which Keras 3 does not have. MaskRCNN.inspect(image) has what "
            "layers compute inside, such as top_anchors and refined_anchors."
        )
    for node in _nodes(_node(tensor).input_tensors):
        if re.fullmatch(name, node.operation.name):
            return node.outputs[0]
    return None


def compute(tensors: Sequence, arrays: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """Return the values of symbolic tensors.

    Each layer computes by itself: nothing is compiled, and no value is kept longer than
    the layers need that take it.

    Args:
        tensors: of one network.
        arrays: what the network's inputs are, by name; more may be given.

    Raises:
        ConfigError: a tensor depends on an input that is not given.
    """
    inputs = {
        node.operation.name: node.outputs[0]
        for node in _nodes(tensors)
        if isinstance(node.operation, keras.layers.InputLayer)
    }
    missing = sorted(set(inputs) - set(arrays))
    if missing:
        raise ConfigError(
            f"Expected tensors that depend on {', '.join(sorted(arrays))} alone. "
            f"Received: one that needs {', '.join(missing)}. Build MaskRCNN("
            "'inference', config, model_dir) to compute it without ground truth."
        )
    function = keras.Function(list(inputs.values()), list(tensors))
    calls = calls_in_order(function)
    values = {
        id(tensor): ops.convert_to_tensor(arrays[name])
        for name, tensor in inputs.items()
    }
    uses = Counter(id(tensor) for call in calls for tensor in call.input_tensors)
    uses.update(map(id, tensors))
    for call in calls:
        if call.is_input:
            continue
        args, kwargs = call.arguments.fill_in(values)
        found = keras.tree.flatten(call.operation(*args, **kwargs))
        values.update(zip(map(id, call.outputs), found, strict=True))
        uses.subtract(map(id, call.input_tensors))
        for tensor in (*call.input_tensors, *call.outputs):
            if not uses[id(tensor)]:
                values.pop(id(tensor), None)
    return [ops.convert_to_numpy(values[id(tensor)]) for tensor in tensors]


def calls_in_order(network) -> list:
    """Return the calls of the layers, from the inputs on, each after those it needs.

    Args:
        network: a functional model, or a `keras.Function`.
    """
    by_depth = network._nodes_by_depth
    return [call for depth in sorted(by_depth)[::-1] for call in by_depth[depth]]


def _node(tensor):
    # Where Keras notes what a symbolic tensor comes from.
    operation, index, _ = tensor._keras_history
    return operation._inbound_nodes[index]


def _nodes(tensors: Sequence) -> Iterator:
    """Yield the calls that tensors come from, the nearest first, each once."""
    seen, waiting = set(), list(tensors)
    while waiting:
        following = []
        for node in map(_node, waiting):
            if id(node) not in seen:
                seen.add(id(node))
                yield node
                following += node.input_tensors
        waiting = following
