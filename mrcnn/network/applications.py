"""Backbones of keras.applications: their layers, their weights, their pixels.

Each is built as Keras builds it and copied layer by layer onto the image, with what
detection needs different:

- batch normalisation is `BatchNorm`, frozen unless TRAIN_BN says otherwise;
- sizes divide: where Inception-ResNet-V2 does not pad, its copy does;
- a layer is named after its stage and never counted up from build to build, such as
  ``stage3_block2_add``; the stages are ResNet's, stage 1 is the stem;
- EfficientNetV2 drops paths by a seed, and not while they are frozen.

The names of applications, as BACKBONE says them, are the keys of `APPLICATIONS`.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import keras
import numpy as np
from keras import layers

from mrcnn.network.layers import BatchNorm

# Scale and offset of the pixels, 0 to 255, that a network was trained with.
_HALVES = ((1 / 127.5,) * 3, (-1.0,) * 3)
_POWER_OF_TWO = ((1 / 128,) * 3, (-1.0,) * 3)
_MEAN, _STD_DEV = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
_STANDARDISED = (tuple(1 / (255 * _STD_DEV)), tuple(-_MEAN / _STD_DEV))


@dataclass(frozen=True)
class Application:
    """A network of keras.applications.

    Attributes:
        class_name: its function there.
        pixels: (scale, offset) of R, G and B.
        ends: regular expressions of names, without their stage; the last layer that
            one matches is the last of the stem, and of stages 2, 3 and 4.
        pads: whether convolutions and pooling without padding get some.
    """

    class_name: str
    pixels: tuple
    ends: tuple[str, str, str, str]
    pads: bool = False


_EFFICIENTNET_ENDS = ("stem_activation", "block2._add", "block3._add", "block5._add")
# The features are normalised, by what the next stage begins with.
_CONVNEXT_ENDS = ("stem_layernorm", *(f"downsampling_layernorm_{i}" for i in range(3)))

APPLICATIONS = {
    "inception_resnet_v2": Application(
        "InceptionResNetV2",
        _HALVES,
        ("activation_3", "activation_5", "block35_10_ac", "block17_20_ac"),
        pads=True,
    ),
    "mobilenet_v3_small": Application(
        "MobileNetV3Small",
        _HALVES,
        (
            "activation_1",
            "expanded_conv_project_bn",
            "expanded_conv_2_add",
            "expanded_conv_7_add",
        ),
    ),
    "mobilenet_v3_large": Application(
        "MobileNetV3Large",
        _HALVES,
        (
            "activation_1",
            "expanded_conv_2_add",
            "expanded_conv_5_add",
            "expanded_conv_11_add",
        ),
    ),
    **{
        f"efficientnet_v2_b{i}": Application(
            f"EfficientNetV2B{i}", _STANDARDISED, _EFFICIENTNET_ENDS
        )
        for i in range(4)
    },
    **{
        f"efficientnet_v2_{size}": Application(
            f"EfficientNetV2{size.upper()}", _POWER_OF_TWO, _EFFICIENTNET_ENDS
        )
        for size in "sml"
    },
    **{
        f"convnext_{size}": Application(
            f"ConvNeXt{size.title()}", _STANDARDISED, _CONVNEXT_ENDS
        )
        for size in ("tiny", "small", "base")
    },
}


def application_graph(name, image, *, train_bn, mean_pixel, seed):
    """Return the features of a network of keras.applications.

    Args:
        name: a key of `APPLICATIONS`.
        image: the `keras.Input` of the images, float [B, H, W, C], mean-subtracted RGB.
        train_bn: see `BatchNorm`.
        mean_pixel: what was subtracted, C numbers.
        seed: of the paths that are dropped.

    Returns:
        [C2, C3, C4, C5], at strides 4 to 32, from layers ``stage2_out`` to
        ``stage5_out``.
    """
    application = APPLICATIONS[name]
    scale, offset = _scale_and_offset(application.pixels, np.ravel(mean_pixel))
    inputs = keras.Input((None, None, image.shape[-1]))
    # Not in half precision, whose steps are those of the pixels.
    pixels = layers.Rescaling(scale, offset, dtype="float32", name="pixels")(inputs)
    model = keras_application(name, pixels)
    names = layer_names(name, model)
    seeds = {layer: seed + i for i, layer in enumerate(names)}

    def copy(layer):
        if isinstance(layer, keras.Sequential):
            return keras.Sequential([copy(inner) for inner in layer.layers])
        config = {**layer.get_config(), "name": names[layer.name]}
        if application.pads and "padding" in config:
            config["padding"] = "same"
        return _adapted(layer, config, train_bn=train_bn, seed=seeds[layer.name])

    def call(layer, *args, **kwargs):
        if not isinstance(layer, keras.Sequential):
            return layer(*args, **kwargs)
        (x,) = args
        for inner in layer.layers:
            x = inner(x)
        return x

    # The copy is called on the image itself: its layers become those of the network.
    copied = keras.models.clone_model(
        model,
        input_tensors=keras.tree.map_structure(lambda _: image, model.input),
        clone_function=copy,
        call_function=call,
    )
    ends = [_last_of_stage(stage, names.values()) for stage in range(2, 6)]
    return [
        layers.Identity(name=f"stage{stage}_out")(copied.get_layer(end).output)
        for stage, end in enumerate(ends, start=2)
    ]


def keras_application(name, pixels, weights=None):
    """Return the network as Keras has it, without its classifier.

    Args:
        name: a key of `APPLICATIONS`.
        pixels: float [B, H, W, C], symbolic, scaled as the network wants them.
        weights: path of a file with its weights; None for random ones.
    """
    make = getattr(keras.applications, APPLICATIONS[name].class_name)
    # Inception-ResNet-V2 alone has no layers that scale the pixels.
    scaled = {} if "inception" in name else {"include_preprocessing": False}
    return make(include_top=False, weights=weights, input_tensor=pixels, **scaled)


def layer_names(name: str, model: keras.Model) -> dict[str, str]:
    """Return our name of every layer of a network of keras.applications.

    Args:
        name: a key of `APPLICATIONS`.
        model: from `keras_application`.

    Returns:
        {name there: name here}, in the model's order.
    """
    counts: Counter[str] = Counter()
    plain = {}
    for layer in inner_layers(model):
        kind = re.sub(r"_\d+$", "", layer.name)
        if kind.replace("_", "") == type(layer).__name__.lower():
            # Keras made the name up, and counts on through a session.
            counts[kind] += 1
            plain[layer.name] = f"{kind}_{counts[kind]}"
        else:
            prefix = rf"^{model.name}_(stage_\d_)?"
            plain[layer.name] = re.sub(prefix, "", layer.name)
    ends = [
        max(i for i, word in enumerate(plain.values()) if re.fullmatch(end, word))
        for end in APPLICATIONS[name].ends
    ]
    return {
        theirs: f"stage{1 + sum(i > end for end in ends)}_{word}"
        for i, (theirs, word) in enumerate(plain.items())
    }


def inner_layers(model: keras.Model) -> Iterator[keras.Operation]:
    """Yield the layers and operations of a model, of sequences what is inside."""
    for layer in model.operations:
        if isinstance(layer, keras.Sequential):
            yield from layer.layers
        elif not isinstance(layer, layers.InputLayer):
            yield layer


def _last_of_stage(stage, names):
    return [name for name in names if name.startswith(f"stage{stage}_")][-1]


def _adapted(layer, config, *, train_bn, seed):
    """Return the copy of one layer."""
    if isinstance(layer, layers.BatchNormalization):
        # These two are `BatchNorm`'s own.
        del config["momentum"], config["synchronized"]
        return BatchNorm.from_config({**config, "train_bn": train_bn})
    if isinstance(layer, layers.Dropout):
        return DropPath.from_config({**config, "seed": seed})
    if type(layer).__name__ == "LayerScale":
        return LayerScale.from_config(config)
    if is_depthwise(layer):
        return _depthwise(config)
    return type(layer).from_config(config)


def is_depthwise(layer) -> bool:
    """Return whether a layer is a depthwise convolution written as groups of one.

    Its kernel is [k, k, 1, C], that of the copy [k, k, C, 1].
    """
    return isinstance(layer, layers.Conv2D) and layer.groups == layer.filters > 1


def _depthwise(config):
    """Return the convolution of `is_depthwise`, thirty times faster on a CPU."""
    kept = ("name", "dtype", "kernel_size", "strides", "padding", "use_bias")
    return layers.DepthwiseConv2D(
        **{key: config[key] for key in kept},
        depthwise_initializer=config["kernel_initializer"],
        bias_initializer=config["bias_initializer"],
    )


def _scale_and_offset(pixels, mean_pixel):
    """Return float [C] each: pixels = mean-subtracted values * scale + offset.

    Channels beyond R, G and B take their numbers in turn, as their kernels do; fewer
    take the mean of the three.
    """
    scale, offset = np.array(pixels)
    if len(mean_pixel) < 3:
        scale, offset = np.full((2, len(mean_pixel)), [[scale.mean()], [offset.mean()]])
    colours = np.arange(len(mean_pixel)) % len(scale)
    return scale[colours], mean_pixel * scale[colours] + offset[colours]


@keras.saving.register_keras_serializable("mrcnn")
class DropPath(layers.Dropout):
    """Dropout of whole residual branches that stops while the layer is frozen.

    `call` takes and gives float [B, H, W, C].
    """

    def call(self, inputs, training=False):
        return super().call(inputs, training=training and self.trainable)


@keras.saving.register_keras_serializable("mrcnn")
class LayerScale(layers.Layer):
    """A factor for each channel, Touvron et al. 2021, equation 4.

    keras.applications' leaves its weight without a name, and weight decay and weights
    files go by names. `call` takes and gives float [..., C].

    Args:
        init_values: the factors at the beginning.
        projection_dim: channels.
        **kwargs: those of `keras.layers.Layer`.
    """

    def __init__(self, init_values, projection_dim, **kwargs):
        super().__init__(**kwargs)
        self.init_values = init_values
        self.projection_dim = projection_dim

    def build(self, input_shape):
        self.gamma = self.add_weight(
            shape=(self.projection_dim,),
            initializer=keras.initializers.Constant(self.init_values),
            name="gamma",
        )

    def call(self, inputs):
        return inputs * self.gamma

    def get_config(self):
        return {
            **super().get_config(),
            "init_values": self.init_values,
            "projection_dim": self.projection_dim,
        }
