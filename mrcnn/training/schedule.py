"""How the learning rate goes over the steps of a training.

A step is a batch, as in STEPS_PER_EPOCH: Keras hands a schedule the number of
batches the optimizer has seen, also where it averages the gradients of several.
That number is a variable of the optimizer, so a training that is resumed with its
optimizer goes on where it was.
"""

import math

import keras
from keras import ops

from mrcnn.errors import ConfigError

KINDS = ("constant", "step", "cosine")


@keras.saving.register_keras_serializable("mrcnn")
class LearningRate(keras.optimizers.schedules.LearningRateSchedule):
    """A rate that rises from 0 along a line, and then stays or falls.

    Calling it with a step, a number or int tensor, gives the rate, float32. The line
    is the warm-up of Goyal et al. 2017, Accurate, Large Minibatch SGD, section 2.2;
    the cosine is Loshchilov and Hutter 2017, SGDR, equation 5, without restarts.

    Args:
        kind: "constant"; "step", a tenth after each of `drops`; or "cosine", down to 0
            at the last step.
        learning_rate: the highest, reached when the warm-up ends.
        num_steps: steps altogether, those of the warm-up included.
        warmup_steps: steps in which the rate rises.
        drops: shares of `num_steps`, for "step".
    """

    def __init__(
        self, kind, *, learning_rate, num_steps, warmup_steps=0, drops=(0.67, 0.89)
    ):
        self.kind = kind
        self.learning_rate = float(learning_rate)
        self.num_steps = int(num_steps)
        self.warmup_steps = int(warmup_steps)
        self.drops = [float(share) for share in drops]

    def __call__(self, step):
        step = ops.cast(step, "float32")
        rate = self.learning_rate * self._decay(step)
        if self.warmup_steps:
            rate = rate * ops.minimum(step / self.warmup_steps, 1.0)
        return rate

    def _decay(self, step):
        """Return what is left of the rate at a float32 step, from 1 down."""
        if self.kind == "step":
            # Whole steps, lest a share such as 0.67 falls between two float32.
            drops = [math.ceil(share * self.num_steps) for share in self.drops]
            passed = [ops.where(step >= drop, 0.1, 1.0) for drop in drops]
            return math.prod(passed)
        if self.kind == "cosine":
            falling = max(self.num_steps - self.warmup_steps, 1)
            share = ops.clip((step - self.warmup_steps) / falling, 0.0, 1.0)
            return 0.5 * (1.0 + ops.cos(math.pi * share))
        return ops.ones_like(step)

    def get_config(self):
        return {
            "kind": self.kind,
            "learning_rate": self.learning_rate,
            "num_steps": self.num_steps,
            "warmup_steps": self.warmup_steps,
            "drops": self.drops,
        }


def learning_rate_schedule(
    kind: str,
    learning_rate: float,
    num_steps: int,
    *,
    warmup_steps: int | None,
    drops=(0.67, 0.89),
) -> float | LearningRate:
    """Return the learning rate of an optimizer.

    Args:
        kind: one of `KINDS`.
        learning_rate: the highest.
        num_steps: batches of the whole training.
        warmup_steps: steps in which the rate rises from 0; None is a tenth of all
            with "cosine" and none otherwise.
        drops: see `LearningRate`.

    Returns:
        A number where the rate never changes, which callbacks can then set.

    Raises:
        ConfigError: the warm-up is not over when the training is.
    """
    if warmup_steps is None:
        warmup_steps = num_steps // 10 if kind == "cosine" else 0
    if warmup_steps >= num_steps:
        raise ConfigError(
            f"Expected WARMUP_STEPS below the {num_steps} steps of this training. "
            f"Received: WARMUP_STEPS={warmup_steps}. Lower it, or train more epochs."
        )
    if kind == "constant" and not warmup_steps:
        return float(learning_rate)
    return LearningRate(
        kind,
        learning_rate=learning_rate,
        num_steps=num_steps,
        warmup_steps=warmup_steps,
        drops=drops,
    )
