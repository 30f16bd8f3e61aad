"""Which layers learn: the original's named sets, or a regular expression."""

import logging
import re

import keras

from mrcnn.errors import ConfigError

logger = logging.getLogger(__name__)

_HEADS = r"(mrcnn\_.*)|(rpn\_.*)|(fpn\_.*)"
LAYER_SETS = {
    "heads": _HEADS,
    "3+": rf"(res3.*)|(bn3.*)|(res4.*)|(bn4.*)|(res5.*)|(bn5.*)|{_HEADS}",
    "4+": rf"(res4.*)|(bn4.*)|(res5.*)|(bn5.*)|{_HEADS}",
    "5+": rf"(res5.*)|(bn5.*)|{_HEADS}",
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
    try:
        pattern = re.compile(LAYER_SETS.get(layers, layers))
    except re.error as error:
        raise ConfigError(
            f"Expected layers to be one of {', '.join(LAYER_SETS)} or a regular "
            f"expression. Received: {layers!r}, which is neither: {error}."
        ) from error
    chosen = _set_trainable(model, pattern)
    if not chosen:
        raise ConfigError(
            f"Expected layers to match at least one layer. Received: {layers!r}. Use "
            f"one of {', '.join(LAYER_SETS)} or a regular expression of whole names, "
            "such as 'res5.*|mrcnn_.*'."
        )
    logger.info("Layers that learn: %s", ", ".join(chosen))
    return chosen


def _set_trainable(model: keras.Model, pattern: re.Pattern) -> list[str]:
    chosen = []
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            chosen += _set_trainable(layer, pattern)
        elif layer.weights:
            layer.trainable = bool(pattern.fullmatch(layer.name))
            if layer.trainable:
                chosen.append(layer.name)
    return chosen
