"""Mask R-CNN for your own objects: find, mask, blur and count them in images and video.

`Config`, `Dataset` and `MaskRCNN` are imported when first asked for, so that
``import mrcnn`` starts at once and without Keras.
"""

import importlib

__version__ = "0.1.0"

_HOMES = {
    "Config": "mrcnn.config",
    "Dataset": "mrcnn.data.dataset",
    "MaskRCNN": "mrcnn.model",
}
__all__ = ["Config", "Dataset", "MaskRCNN", "__version__"]


def __getattr__(name: str):
    if name not in _HOMES:
        raise AttributeError(f"module 'mrcnn' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
