"""`ParallelModel`, the original's name for one model on several GPUs."""

import keras

from mrcnn.errors import ConfigError


class ParallelModel(keras.Model):
    """A Keras model on one GPU; `MaskRCNN` trains on GPU_COUNT of them by itself.

    Args:
        keras_model: the model to run.
        gpu_count: 1.

    Raises:
        ConfigError: more than one GPU is asked for.
    """

    def __init__(self, keras_model: keras.Model, gpu_count: int):
        if gpu_count != 1:
            raise ConfigError(
                "Expected gpu_count=1: a model comes to several GPUs when it is built. "
                f"Received: gpu_count={gpu_count}. Set GPU_COUNT = {gpu_count} in the "
                "Config; MaskRCNN then trains on that many."
            )
        super().__init__(inputs=keras_model.inputs, outputs=keras_model.outputs)
        self.inner_model = keras_model
