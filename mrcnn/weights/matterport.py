"""Weights of the original, into a network and out of it.

`load_weights` matches layers by name, checks everything, and only then assigns:
a network is never half loaded. `save_weights` writes a file that the original,
its ports and stock Keras read. The file itself is read and written by `layout`.

A nested model (``rpn_model``) is one group of the file with the arrays of its
inner layers; a file that gives the inner layers groups of their own is read
too. The weights of a layer are the floating-point variables of
``layer.weights``: seeds, counters and metrics are not among them.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from mrcnn.errors import WeightsError, nearest
from mrcnn.weights.fit import CLASS_HEADS, check_fit, follows_class_count
from mrcnn.weights.inflation import FIRST_LAYERS, can_inflate, inflated_kernel
from mrcnn.weights.layout import LayerArrays, read_weights, write_weights
from mrcnn.weights.matching import Arrays, find_arrays, pair_arrays
from mrcnn.weights.report import ShapeClash, WeightsReport, shorten

__all__ = [
    "CLASS_HEADS",
    "WeightsReport",
    "assign_weights",
    "load_weights",
    "read_weights",
    "save_weights",
]

logger = logging.getLogger(__name__)


def load_weights(
    model: keras.Model,
    path: str | Path,
    *,
    exclude: Iterable[str] | None = (),
    for_training: bool,
) -> WeightsReport:
    """Load a weights file by layer name, and say what was and was not loaded.

    For training, the first layer's kernel for RGB is spread over the channels of a
    network that takes another number (`inflation`).

    Within a layer arrays are matched by variable name (also as Keras 1 spelt
    them); where no name is known, by order and shape.

    Args:
        model: the network; its layers carry the original's names.
        path: the file, in the layout of `layout`.
        exclude: names of layers to leave as they are.
        for_training: whether the network is to be trained. Then layers may be
            missing from the file, and the class heads are left as they are where
            their shapes clash because of the class count. For detection either
            is an error.

    Returns:
        The report, which is also logged at INFO.

    Raises:
        WeightsError: the file cannot be read, holds values that are not finite,
            matches nothing, or does not fit. The network is then as before.
    """
    return assign_weights(
        model,
        read_weights(path),
        path=path,
        exclude=exclude,
        for_training=for_training,
    )


def assign_weights(
    model: keras.Model,
    weights: LayerArrays,
    *,
    path: str | Path,
    exclude: Iterable[str] | None = (),
    for_training: bool,
) -> WeightsReport:
    """Put arrays into a network by layer name, as `load_weights` does with a file.

    Args:
        model: the network.
        weights: {layer name: [(weight name, array), ...]}.
        path: where the arrays came from, for the report and the errors.
        exclude: as in `load_weights`.
        for_training: as in `load_weights`.

    Returns:
        The report, which is also logged at INFO.

    Raises:
        WeightsError: as in `load_weights`.
    """
    plan = _Plan(path=Path(path), weights=weights, inflates=for_training)
    layers = _network_layers(model)
    exclude = frozenset([exclude] if isinstance(exclude, str) else exclude or ())
    _warn_of_unknown(exclude, model, weights)
    for layer in layers:
        plan.add(layer, exclude)
    report = plan.report()
    check_fit(
        report,
        plan.errors,
        in_file=[name for name, arrays in weights.items() if arrays],
        in_network=[layer.name for layer in layers],
        for_training=for_training,
    )
    _check_finite(plan, report)
    for _, variable, array in plan.assignments:
        variable.assign(array)
    logger.info("%s", report)
    return report


def save_weights(model: keras.Model, path: str | Path) -> None:
    """Write the weights of a network in the original's layout, as float32.

    The file is written under another name, then moved into place: one that is
    there is always whole.

    Args:
        model: the network.
        path: the file to make or replace; its folder is made when missing.

    Raises:
        WeightsError: the file cannot be written.
    """
    weights: LayerArrays = {layer.name: [] for layer in model.layers}
    for layer in _network_layers(model):
        inner = "/".join(layer.path[1:] or layer.path)
        weights[layer.path[0]] += [
            (f"{inner}/{name}:0", _float32(variable))
            for name, variable in layer.variables
        ]
    # Whatever backend runs: older Keras asks whose convolution the kernels are for.
    attributes = {"backend": "tensorflow", "keras_version": keras.__version__}
    write_weights(path, weights, attributes)


@dataclass(frozen=True)
class _Layer:
    """A layer of the network that has weights.

    Attributes:
        path: names of the nested models around it, then its own.
        variables: (name, variable) in Keras's order; names differ from each other.
    """

    path: tuple[str, ...]
    variables: tuple[tuple[str, keras.Variable], ...]

    @property
    def name(self) -> str:
        return self.path[-1]


def _network_layers(model: keras.Model) -> list[_Layer]:
    """Return the layers with weights; raise if the model has weights beside them."""
    layers = list(_weighted_layers(model))
    known = {id(variable) for layer in layers for _, variable in layer.variables}
    stray = [v.path for v in model.weights if _is_float(v) and id(v) not in known]
    if stray:
        raise WeightsError(
            "Expected every weight to belong to a layer. Received: "
            f"{shorten(stray)}, which belong to a model directly. Make them weights of "
            "a keras.Layer: a weights file has no place for them."
        )
    return layers


def _weighted_layers(
    model: keras.Model, outer: tuple[str, ...] = (), seen: set[int] | None = None
) -> Iterator[_Layer]:
    """Yield the layers with weights in model order, those of nested models included."""
    seen = set() if seen is None else seen
    for layer in model.layers:
        if id(layer) in seen:
            continue
        seen.add(id(layer))
        path = (*outer, layer.name)
        if isinstance(layer, keras.Model):
            yield from _weighted_layers(layer, path, seen)
        elif variables := _named_variables(layer):
            yield _Layer(path, variables)


def _named_variables(layer: keras.Layer) -> tuple[tuple[str, keras.Variable], ...]:
    """Return the layer's floating-point variables under names that differ.

    A composite layer may hold two kernels; they are told apart by the rest of
    their path, "conv_a/kernel".
    """
    variables = [variable for variable in layer.weights if _is_float(variable)]
    short = [variable.name for variable in variables]
    if len(set(short)) == len(short):
        return tuple(zip(short, variables, strict=True))
    paths = [variable.path.split(f"{layer.name}/")[-1] for variable in variables]
    counts: Counter[str] = Counter()
    names = []
    for path in paths:
        counts[path] += 1
        names.append(path if counts[path] == 1 else f"{path}_{counts[path]}")
    return tuple(zip(names, variables, strict=True))


def _is_float(variable: keras.Variable) -> bool:
    return "float" in str(variable.dtype)


def _float32(variable: keras.Variable) -> np.ndarray:
    # np.asarray, because keras.ops.convert_to_numpy of a variable warns on NumPy 2.
    return np.asarray(variable).astype(np.float32)


class _Plan:
    """What is to be assigned, found layer by layer before anything is changed."""

    def __init__(self, path: Path, weights: LayerArrays, *, inflates: bool):
        self.path = path
        self._inflates = inflates
        self.assignments: list[tuple[str, keras.Variable, np.ndarray]] = []
        self.errors: list[ShapeClash] = []
        self._weights = weights
        self._matched: list[str] = []
        self._excluded: list[str] = []
        self._inflated: list[str] = []
        self._clashed: list[ShapeClash] = []
        self._missing: list[str] = []
        self._used: set[tuple[str, str]] = set()

    def add(self, layer: _Layer, exclude: frozenset[str]) -> None:
        """Match one layer of the network with the file."""
        group, arrays = find_arrays(self._weights, layer.path)
        self._used |= {(group, name) for name, _ in arrays}
        if exclude & set(layer.path):
            self._excluded.append(layer.name)
        elif not arrays:
            self._missing.append(layer.name)
        else:
            self._pair(layer, arrays)

    def _pair(self, layer: _Layer, arrays: Arrays) -> None:
        names = [name for name, _ in layer.variables]
        found, surplus = pair_arrays(layer.name, names, arrays)
        if self._inflates and layer.name in FIRST_LAYERS:
            found = [
                self._fitting(layer.name, array, variable)
                for (_, variable), array in zip(layer.variables, found, strict=True)
            ]
        # 1. Shapes: one clash leaves the whole layer as it is.
        clashes = [
            ShapeClash(layer.name, name, array.shape, tuple(variable.shape))
            for (name, variable), array in zip(layer.variables, found, strict=True)
            if array is not None and array.shape != tuple(variable.shape)
        ]
        clashes += [
            ShapeClash(layer.name, name, array.shape, None) for name, array in surplus
        ]
        if clashes:
            follows = all(follows_class_count(clash) for clash in clashes)
            (self._clashed if follows else self.errors).extend(clashes)
            return
        # 2. Assignments.
        self._matched.append(layer.name)
        for (name, variable), array in zip(layer.variables, found, strict=True):
            label = f"{layer.name}/{name}"
            if array is None:
                self._missing.append(label)
            else:
                self.assignments.append((label, variable, array))

    def _fitting(self, layer: str, array: np.ndarray | None, variable: keras.Variable):
        """Return an array of the first layer, spread over the network's channels."""
        shape = tuple(variable.shape)
        if array is None or not can_inflate(array.shape, shape):
            return array
        self._inflated.append(f"{layer} (RGB to {shape[2]} channels)")
        return inflated_kernel(array, shape[2])

    def report(self) -> WeightsReport:
        """Return what the plan holds so far."""
        unused = [
            group
            for group, arrays in self._weights.items()
            if any((group, name) not in self._used for name, _ in arrays)
        ]
        return WeightsReport(
            path=self.path,
            matched=tuple(self._matched),
            num_arrays=len(self.assignments),
            num_parameters=sum(array.size for *_, array in self.assignments),
            excluded=tuple(self._excluded),
            inflated=tuple(self._inflated),
            clashed=tuple(self._clashed),
            missing=tuple(self._missing),
            unused=tuple(unused),
        )


def _warn_of_unknown(
    exclude: frozenset[str], model: keras.Model, weights: LayerArrays
) -> None:
    # Excluding a layer without weights, or one that only the file has, is no slip.
    inner = {name for layer in _weighted_layers(model) for name in layer.path}
    known = inner | {layer.name for layer in model.layers} | weights.keys()
    for name in sorted(exclude - known):
        logger.warning(
            "exclude names %r, which is no layer of the network.%s",
            name,
            nearest(name, known),
        )


def _check_finite(plan: _Plan, report: WeightsReport) -> None:
    for label, _, array in plan.assignments:
        num_wrong = array.size - int(np.isfinite(array).sum())
        if num_wrong:
            raise WeightsError(
                f"Expected finite weights. Received: {str(report.path)!r}, where "
                f"{num_wrong:,} of {array.size:,} values of {label} are NaN or "
                "infinite (a training that diverged?). Use an earlier checkpoint."
            )
