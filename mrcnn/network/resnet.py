"""ResNet-50 and ResNet-101 with the original's layer names, and a light ResNet-18.

Deep Residual Learning, He et al. 2016, table 1; version 1, with the stride in
the first convolution of a block. Layer names are those of the weights files:
``res4b_branch2a`` and ``bn4b_branch2a`` belong to stage 4, block b.
"""

from keras import layers

from mrcnn.network.layers import conv_bn

# Blocks of stages 2 to 5.
_BLOCKS = {
    "resnet18": (2, 2, 2, 2),
    "resnet50": (3, 4, 6, 3),
    "resnet101": (3, 4, 23, 3),
}
_FILTERS = (64, 128, 256, 512)


def resnet_graph(input_image, architecture, stage5=True, train_bn=False):
    """Return the feature maps of a ResNet.

    Args:
        input_image: float [B, H, W, C].
        architecture: "resnet18", "resnet50" or "resnet101".
        stage5: whether to build the last stage; C5 is None without it.
        train_bn: see `BatchNorm`.

    Returns:
        [C1, C2, C3, C4, C5], at strides 4, 4, 8, 16 and 32.
    """
    block_graph = _basic_block if architecture == "resnet18" else bottleneck_block
    x = layers.ZeroPadding2D(3, name="conv1_pad")(input_image)
    x = conv_bn(
        x, 64, 7, strides=2, name="conv1", bn_name="bn_conv1", train_bn=train_bn
    )
    x = layers.ReLU(name="conv1_relu")(x)
    x = layers.MaxPooling2D(3, strides=2, padding="same", name="pool1")(x)
    stages = [x]
    for stage, (blocks, filters) in enumerate(
        zip(_BLOCKS[architecture], _FILTERS, strict=True), start=2
    ):
        if stage == 5 and not stage5:
            stages.append(None)
            break
        for block in range(blocks):
            x = block_graph(
                x,
                filters,
                name=f"{stage}{chr(ord('a') + block)}",
                strides=2 if block == 0 and stage > 2 else 1,
                has_shortcut_conv=block == 0,
                train_bn=train_bn,
            )
        stages.append(x)
    return stages


def bottleneck_block(x, filters, *, name, strides, has_shortcut_conv, train_bn):
    """Return a block of 1x1, 3x3 and 1x1 convolutions around a shortcut.

    Args:
        x: float [B, H, W, C].
        filters: of the first two convolutions; the third has four times as many.
        name: stage and letter, "4b".
        strides: of the first convolution and of the shortcut.
        has_shortcut_conv: whether the shortcut is a convolution (the first block
            of a stage) or the identity.
        train_bn: see `BatchNorm`.

    Returns:
        float [B, H / strides, W / strides, 4 * filters], from layer ``res{name}_out``.
    """
    shortcut = x
    x = _conv_bn(x, filters, 1, strides, f"{name}_branch2a", train_bn)
    x = layers.ReLU(name=f"res{name}_branch2a_relu")(x)
    x = _conv_bn(x, filters, 3, 1, f"{name}_branch2b", train_bn)
    x = layers.ReLU(name=f"res{name}_branch2b_relu")(x)
    # A deep network learns sooner from random weights if each block begins as its
    # shortcut: Goyal et al. 2017, section 5.1. One that is frozen would stay so.
    gamma = "ones" if train_bn is False else "zeros"
    x = _conv_bn(
        x, 4 * filters, 1, 1, f"{name}_branch2c", train_bn, gamma_initializer=gamma
    )
    if has_shortcut_conv:
        shortcut = _conv_bn(
            shortcut, 4 * filters, 1, strides, f"{name}_branch1", train_bn
        )
    x = layers.Add(name=f"res{name}_add")([x, shortcut])
    return layers.ReLU(name=f"res{name}_out")(x)


def _basic_block(x, filters, *, name, strides, has_shortcut_conv, train_bn):
    """Return two 3x3 convolutions around a shortcut, see `bottleneck_block`."""
    shortcut = x
    x = _conv_bn(x, filters, 3, strides, f"{name}_branch2a", train_bn)
    x = layers.ReLU(name=f"res{name}_branch2a_relu")(x)
    x = _conv_bn(x, filters, 3, 1, f"{name}_branch2b", train_bn)
    if has_shortcut_conv:
        shortcut = _conv_bn(shortcut, filters, 1, strides, f"{name}_branch1", train_bn)
    x = layers.Add(name=f"res{name}_add")([x, shortcut])
    return layers.ReLU(name=f"res{name}_out")(x)


def _conv_bn(x, filters, kernel_size, strides, name, train_bn, **kwargs):
    return conv_bn(
        x,
        filters,
        kernel_size,
        strides=strides,
        padding="same",
        name=f"res{name}",
        bn_name=f"bn{name}",
        train_bn=train_bn,
        **kwargs,
    )
