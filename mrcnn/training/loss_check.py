"""The guard of a training: it ends when a loss is not a number any more."""

import math

import keras

from mrcnn.errors import TrainingError
from mrcnn.training.samples import image_name


class CheckLosses(keras.callbacks.Callback):
    """Ends a training at the first loss that is nan or infinite.

    Keras hands over the means of the epoch so far: the first bad loss makes its mean
    bad in the same step.

    Args:
        batches: the `Batches` trained on, which know the images of a step.

    Raises:
        TrainingError: names the losses, the step and its images.
    """

    def __init__(self, batches):
        super().__init__()
        self.batches = batches

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        wrong = [f"{k}={v}" for k, v in (logs or {}).items() if not math.isfinite(v)]
        if not wrong:
            return
        index = self.batches.first_step + batch
        image_ids = self.batches.image_ids(self.epoch, index)
        images = [image_name(self.batches.dataset, int(i)) for i in image_ids]
        raise TrainingError(
            f"Expected losses that are numbers. Received: {', '.join(wrong)} in step "
            f"{index + 1} of epoch {self.epoch + 1}, on {', '.join(images)}. Check the "
            "labels of these images; where they are right, lower the learning rate "
            "(--lr) or raise --warmup."
        )
