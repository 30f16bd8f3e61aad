"""Layers that several parts of the network are made of."""

import keras
from keras import layers


@keras.saving.register_keras_serializable("mrcnn")
class BatchNorm(layers.BatchNormalization):
    """Batch normalisation whose mode is fixed when the network is built.

    Batches of Mask R-CNN are too small for good statistics, so they usually
    stay as pre-trained (He et al. 2017, section 3.1). `call` takes and gives
    float [..., C].

    Args:
        train_bn: False always uses the moving statistics; True always those of
            the batch; None follows Keras' ``training`` argument.
        **kwargs: those of `keras.layers.BatchNormalization`.
    """

    def __init__(self, *, train_bn=False, **kwargs):
        # Keras' own momentum, 0.99, takes hundreds of steps to follow the weights.
        super().__init__(**{"momentum": 0.9, **kwargs})
        self.train_bn = train_bn

    def call(self, inputs, training=None, mask=None):
        training = training if self.train_bn is None else self.train_bn
        return super().call(inputs, training=training, mask=mask)

    def get_config(self):
        return {**super().get_config(), "train_bn": self.train_bn}
