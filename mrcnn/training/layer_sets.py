"""Which layers learn: the original's named sets, or a regular expression."""

import logging
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

import keras

from mrcnn.errors import ConfigError
from mrcnn.structures import Stage

logger = logging.getLogger(__name__)

_HEADS = r"(mrcnn\_.*)|(rpn\_.*)|(fpn\_.*)"
# Stages are ResNet's res and bn, and stage of `network.applications`.
LAYER_SETS = {
    "heads": _HEADS,
    "3+": rf"((res|bn|stage)[345].*)|{_HEADS}",
    "4+": rf"((res|bn|stage)[45].*)|{_HEADS}",
    "5+": rf"((res|bn|stage)5.*)|{_HEADS}",
    "all": ".*",
}


def set_trainable(model: keras.Model, layers: str) -> list[str]:
    """Make the chosen layers learn and freeze the others.

    Args:
        model: its layers, and those of models nested in it, are matched by name.
        layers: "heads", "3+", "4+", "5+", "all", or a regular expression that
            matches whole layer names.

    Returns:
        Names of the layers with weights that learn, in the model's order.

    Raises:
        ConfigError: the expression is malformed, or matches no layer.
    """
    chosen = chosen_layers(model, layers)
    pattern = _pattern(layers)
    # Those without weights too: some drop paths while they learn.
    for layer in _layers(model):
        layer.trainable = bool(pattern.fullmatch(layer.name))
    logger.info("Layers that learn: %s", ", ".join(chosen))
    return chosen


def chosen_layers(model: keras.Model, layers: str) -> list[str]:
    """Return the names that `set_trainable` returns, and change nothing."""
    pattern = _pattern(layers)
    chosen = [
        layer.name
        for layer in layers_with_weights(model)
        if pattern.fullmatch(layer.name)
    ]
    if not chosen:
        raise ConfigError(
            f"Expected layers to match at least one layer. Received: {layers!r}. Use "
            f"one of {', '.join(LAYER_SETS)} or a regular expression of whole names, "
            "such as 'res5.*|mrcnn_.*'."
        )
    return chosen


def check_stages(model: keras.Model, stages: Sequence[Stage]) -> None:
    """Check the stages of a training before the first of them takes hours.

    Args:
        model: the network they train.
        stages: in the order they are trained.

    Raises:
        ConfigError: there is none, their epochs do not rise, or their layers match
            nothing.
    """
    epochs = [stage.epochs for stage in stages]
    if not epochs or any(b <= a for a, b in pairwise([0, *epochs])):
        raise ConfigError(
            "Expected stages whose epochs rise, since each says up to which epoch of "
            f"the run it trains. Received: epochs={epochs}."
        )
    for stage in stages:
        chosen_layers(model, stage.layers)


def layers_with_weights(model: keras.Model) -> Iterator[keras.layers.Layer]:
    """Yield the layers that have weights, those of models nested in it too."""
    return (layer for layer in _layers(model) if layer.weights)


def _pattern(layers: str) -> re.Pattern:
    try:
        return re.compile(LAYER_SETS.get(layers, layers))
    except re.error as error:
        raise ConfigError(
            f"Expected layers to be one of {', '.join(LAYER_SETS)} or a regular "
            f"expression. Received: {layers!r}, which is neither: {error}."
        ) from error


def _layers(model: keras.Model) -> Iterator[keras.layers.Layer]:
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _layers(layer)
        else:
            yield layer
