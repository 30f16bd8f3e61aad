"""`ParallelModel`, the original's name for one model on several GPUs."""

import keras

from mrcnn.errors import ConfigError


class ParallelModel(keras.Model):
    """A Keras model on a number of GPUs; for now, on one.

    Args:
        keras_model: the model to run.
        gpu_count: number of GPUs to split each batch over.

    Raises:
        ConfigError: more than one GPU is asked for.
    """

    def __init__(self, keras_model: keras.Model, gpu_count: int):
        if gpu_count != 1:
            raise ConfigError(
                "Expected one GPU: several are not supported yet. Received: "
                f"gpu_count={gpu_count}. Set GPU_COUNT = 1 and raise IMAGES_PER_GPU."
            )
        super().__init__(inputs=keras_model.inputs, outputs=keras_model.outputs)
        self.inner_model = keras_model
