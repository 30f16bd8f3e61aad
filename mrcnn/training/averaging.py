"""The moving average of the weights, which the optimizer keeps with EMA_MOMENTUM.

Training goes on with the raw weights; what is measured and kept are the averaged
ones. When `fit` ends, Keras leaves the averaged weights in the network.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import keras
import numpy as np
from keras import ops


@contextmanager
def averaged_weights(model: keras.Model) -> Iterator[None]:
    """Put the averaged weights into a model for a while, then the raw ones back.

    For use between steps. Without a moving average, or before the first step, it
    does nothing. The raw weights come back bit for bit.

    Args:
        model: a compiled model whose layers learn as when it was compiled.

    Example:
        with averaged_weights(model):
            save_weights(model, path)
    """
    if not has_average(model):
        yield
        return
    variables = model.trainable_variables
    raw = [np.array(variable) for variable in variables]
    # What Keras does at the end of a training: the averages become the weights.
    model.optimizer.finalize_variable_values(variables)
    try:
        for variable in variables:
            # On JAX weight and average are one buffer now, which a step would free.
            variable.assign(ops.copy(variable))
        yield
    finally:
        for variable, value in zip(variables, raw, strict=True):
            variable.assign(value)


def has_average(model: keras.Model) -> bool:
    """Return whether the optimizer of a model holds averaged weights."""
    optimizer = getattr(model, "optimizer", None)
    # A LossScaleOptimizer, of mixed_float16, wraps the one that averages.
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    return bool(
        optimizer is not None
        and optimizer.use_ema
        and optimizer.built
        and int(ops.convert_to_numpy(optimizer.iterations)) > 0
    )


class ValidateAverages(keras.callbacks.Callback):
    """Lets the validation losses of `fit` be those of the averaged weights."""

    def __init__(self):
        super().__init__()
        self._swapped = ExitStack()

    def on_test_begin(self, logs=None):
        self._swapped.enter_context(averaged_weights(self.model))

    def on_test_end(self, logs=None):
        self._swapped.close()
