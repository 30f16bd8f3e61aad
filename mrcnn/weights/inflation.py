"""The kernel of the first layer, made for RGB, spread over another number of channels.

Pure functions of arrays; `matterport` calls them when a network with another
IMAGE_CHANNEL_COUNT is trained from weights for photos.
"""

import numpy as np

# By network: ResNet's, and those of keras.applications.
FIRST_LAYERS = ("conv1", "stage1_conv", "stage1_stem_conv", "stage1_conv2d_1")
_RGB = 3


def can_inflate(file_shape: tuple[int, ...], model_shape: tuple[int, ...]) -> bool:
    """Return whether two kernels differ in that only the file's is for RGB.

    Args:
        file_shape: [k, k, channels, filters] of the kernel in the file.
        model_shape: that of the network.
    """
    if len(file_shape) != 4 or len(model_shape) != 4:
        return False
    same = file_shape[:2] == model_shape[:2] and file_shape[3] == model_shape[3]
    return same and file_shape[2] == _RGB != model_shape[2]


def inflated_kernel(kernel: np.ndarray, num_channels: int) -> np.ndarray:
    """Return a kernel for RGB, spread over other channels.

    One or two channels get the mean of the three; more get R, G, B, R, G ... in turn.
    Both are scaled so that a grey picture, the same in all channels, gives the very
    response that it gave in RGB.

    Args:
        kernel: float [k, k, 3, filters].
        num_channels: C of the network.

    Returns:
        float [k, k, C, filters].
    """
    if num_channels < _RGB:
        spread = np.repeat(kernel.mean(axis=2, keepdims=True), num_channels, axis=2)
        return spread * (_RGB / num_channels)
    spread = kernel[:, :, np.arange(num_channels) % _RGB]
    # Channels that share a colour share its weight.
    counts = np.bincount(np.arange(num_channels) % _RGB)
    return spread / counts[np.arange(num_channels) % _RGB][:, None]
