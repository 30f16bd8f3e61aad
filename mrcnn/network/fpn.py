"""Feature pyramid: Lin et al. 2017, Feature Pyramid Networks, figure 3."""

from keras import layers

from mrcnn.network.layers import Conv2D


def fpn_graph(stages, size=256):
    """Return the pyramid levels of a backbone's stages.

    Args:
        stages: [C2, C3, C4, C5], each float [B, H, W, C] at strides 4 to 32.
        size: channels of every level.

    Returns:
        [P2, P3, P4, P5, P6], each float [B, H, W, size] at strides 4 to 64.
    """
    c2, c3, c4, c5 = stages
    merged = layers.Conv2D(size, 1, name="fpn_c5p5")(c5)
    levels = [merged]
    for number, stage in ((4, c4), (3, c3), (2, c2)):
        merged = layers.Add(name=f"fpn_p{number}add")(
            [
                layers.UpSampling2D(2, name=f"fpn_p{number + 1}upsampled")(merged),
                layers.Conv2D(size, 1, name=f"fpn_c{number}p{number}")(stage),
            ]
        )
        levels.insert(0, merged)
    levels = [
        Conv2D(size, 3, padding="same", name=f"fpn_p{number}")(level)
        for number, level in enumerate(levels, start=2)
    ]
    # P6 serves the largest anchors only: every other cell of P5.
    p6 = layers.MaxPooling2D(1, strides=2, name="fpn_p6")(levels[-1])
    return [*levels, p6]
