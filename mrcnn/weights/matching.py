"""Which arrays of a weights file belong to which layer and which variable.

Pure functions of names and arrays. `matterport` asks `find_arrays` for the
arrays of a layer, then `pair_arrays` for the array of each of its variables.
Names come in many spellings, all of these the kernel of one layer:

    conv1 / conv1/kernel:0       Keras 2
    conv1 / conv1_1/kernel:0     Keras 2, network built twice in one session
    conv1 / conv1_W_1:0          Keras 1
    conv1 / conv1/kernel         Keras 3, legacy .h5
"""

import re

import numpy as np

from mrcnn.weights.layout import LayerArrays

Arrays = list[tuple[str, np.ndarray]]

# Names of Keras 1. Its running_std holds the variance, whatever the name says.
_ALIASES = {
    "W": "kernel",
    "b": "bias",
    "running_mean": "moving_mean",
    "running_std": "moving_variance",
}
# "res2a_branch2a_W_1:0" ends in the layer-prefixed variable and a counter.
_KERAS1_NAME = re.compile(
    r"(?:^|_)(kernel|bias|gamma|beta|moving_mean|moving_variance"
    r"|running_mean|running_std|W|b)(?:_\d+)?$"
)


def find_arrays(weights: LayerArrays, path: tuple[str, ...]) -> tuple[str, Arrays]:
    """Return the group that holds a layer of the network, and the layer's arrays.

    Args:
        weights: {group name: [(weight name, array), ...]}.
        path: names of the nested models around the layer, then its own.

    Returns:
        (group name, its entries that belong to the layer); ("", []) when no
        group has it, or several nested ones do.
    """
    # 1. Inside the group of the nested model it belongs to.
    if len(path) > 1 and (arrays := _inside(weights.get(path[0], []), path[1:])):
        return path[0], arrays
    # 2. A group of its own name.
    if arrays := weights.get(path[-1]):
        return path[-1], arrays
    # 3. Inside the group of some nested model, when only one has it.
    found = [
        (group, arrays)
        for group, entries in weights.items()
        if (arrays := _inside(entries, path[-1:]))
    ]
    return found[0] if len(found) == 1 else ("", [])


def pair_arrays(
    layer: str, names: list[str], arrays: Arrays
) -> tuple[list[np.ndarray | None], Arrays]:
    """Return the array of each variable of a layer: by name, else by order.

    Args:
        layer: name of the layer.
        names: names of its variables, in Keras's order.
        arrays: [(weight name, array), ...] that `find_arrays` gave for it.

    Returns:
        An array or None for each of `names`, and [(name, array), ...] of what no
        variable takes. Shapes are not compared.

    Example:
        >>> bias, kernel = np.zeros(2), np.zeros((3, 2))
        >>> found, surplus = pair_arrays(
        ...     "fc", ["kernel", "bias"], [("fc_b:0", bias), ("fc_W:0", kernel)]
        ... )
        >>> found[0] is kernel, found[1] is bias, surplus
        (True, True, [])
    """
    for spell in (_relative_name, _variable_name):
        stored = {spell(name, layer): array for name, array in arrays}
        if len(stored) == len(arrays) and not stored.keys().isdisjoint(names):
            found = [stored.pop(name, None) for name in names]
            return found, list(stored.items())
    # No name is known. Keras 1 to 3 all write the variables in the same order.
    found = [array for _, array in arrays[: len(names)]]
    return found + [None] * (len(names) - len(found)), arrays[len(names) :]


def _inside(entries: Arrays, path: tuple[str, ...]) -> Arrays:
    """Return the entries named "<path>/<variable>", among whatever other scopes."""
    exact, counted = [], []
    for name, array in entries:
        scopes = tuple(name.split("/")[:-1])
        starts = range(len(scopes) - len(path) + 1)
        if any(scopes[i : i + len(path)] == path for i in starts):
            exact.append((name, array))
        # A network built twice in one session: "rpn_conv_shared_1/kernel:0".
        elif scopes and re.sub(r"_\d+$", "", scopes[-1]) == path[-1]:
            counted.append((name, array))
    return exact or counted


def _relative_name(weight_name: str, layer: str) -> str:
    """Return "conv_a/kernel" for "composite/conv_a/kernel:0" of layer "composite"."""
    return weight_name.split(":")[0].split(f"{layer}/")[-1]


def _variable_name(weight_name: str, layer: str) -> str:
    """Return "kernel" for "conv1_1/kernel:0" and for Keras 1's "conv1_W_1:0"."""
    name = weight_name.split("/")[-1].split(":")[0].removeprefix(f"{layer}_")
    found = _KERAS1_NAME.search(name)
    name = found[1] if found else name
    return _ALIASES.get(name, name)
