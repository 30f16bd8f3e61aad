"""Deterministic weights for parity checks.

Every array depends only on the weight's name (as matterport/Mask_RCNN's HDF5
files spell it, without the trailing ':0') and its shape, so two programs that
agree on names and shapes hold the same network without sharing a file.
"""

import zlib

import numpy as np

# Gains keep activations in range without trained statistics.
_KERNEL_GAIN = {
    "conv1": 1 / 64,
    "rpn_class_raw": 0.5,
    "rpn_bbox_pred": 0.1,
    "mrcnn_class_logits": 1.0,
    "mrcnn_bbox_fc": 0.2,
    "mrcnn_mask": 0.8,
}
# Layers fed by a ReLU: without a zero mean per output, one class would win everywhere.
_CENTERED = {
    "rpn_class_raw",
    "rpn_bbox_pred",
    "mrcnn_class_logits",
    "mrcnn_bbox_fc",
    "mrcnn_mask",
}


def weight(name, shape):
    """Return the float32 array of `shape` that belongs to `name`.

    name: "<layer>/<variable>", e.g. "res2a_branch2a/kernel" or
        "mrcnn_mask_bn1/moving_variance".
    """
    layer, variable = name.split("/")[-2:]
    rng = np.random.default_rng(zlib.crc32(f"{layer}/{variable}".encode()))
    if variable == "kernel":
        # A 2x2 stride-2 transposed convolution sums over its last axis only.
        fan_in = shape[-1] if layer == "mrcnn_mask_deconv" else np.prod(shape[:-1])
        gain = _KERNEL_GAIN.get(layer, 1.4)
        array = rng.standard_normal(shape) * gain / np.sqrt(fan_in)
        if layer in _CENTERED:
            array -= array.mean(axis=tuple(range(len(shape) - 1)), keepdims=True)
    elif variable == "bias":
        array = rng.standard_normal(shape) * 0.02
    elif variable == "gamma":
        low, high = (0.1, 0.3) if layer.endswith("branch2c") else (0.8, 1.2)
        array = rng.uniform(low, high, shape)
    elif variable == "beta":
        array = rng.standard_normal(shape) * 0.05
    elif variable == "moving_mean":
        array = rng.standard_normal(shape) * 0.1
    elif variable == "moving_variance":
        array = rng.uniform(0.8, 1.2, shape)
    else:
        raise ValueError(f"no recipe for a variable named {variable!r} (in {name!r})")
    return array.astype(np.float32)
