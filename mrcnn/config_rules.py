"""What each single setting of a `Config` must be.

`config` asks `wrong_values` for what is wrong, and itself looks at settings that
have to fit each other.
"""

import re
from collections.abc import Callable

import numpy as np

from mrcnn.structures import LOSS_NAMES

_OPTIMIZERS = ("sgd", "adamw")
_SCHEDULES = ("constant", "step", "cosine")
_PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
_RESIZE_MODES = ("square", "pad64", "crop", "none")

# What each value must be: (keys, test, what to say). The test sees one value.
_Rule = tuple[tuple[str, ...], Callable[[object], bool], str]


def is_whole(value, least=0) -> bool:
    """Return whether a value is a whole number of at least `least`."""
    return (
        isinstance(value, (int, np.integer))
        and not isinstance(value, bool)
        and value >= least
    )


def _is_number(value, least=0.0, most=np.inf) -> bool:
    return (
        isinstance(value, (int, float, np.number))
        and not isinstance(value, bool)
        and bool(np.isfinite(value) and least <= value <= most)
    )


def _numbers(value, count=None, least=0.0) -> bool:
    try:
        array = np.asarray(value, float)
    except (TypeError, ValueError):
        return False
    fits = array.ndim == 1 and len(array) and (count is None or len(array) == count)
    return bool(fits and np.isfinite(array).all() and (array >= least).all())


def _different_numbers(value) -> bool:
    return (
        isinstance(value, (list, tuple))
        and len(value) > 0
        and all(map(is_whole, value))
        and len(set(value)) == len(value)
    )


def _names_folder(value) -> bool:
    # What the names of log folders and checkpoints are recognised by.
    return isinstance(value, str) and re.fullmatch(r"[\w-]+", value) is not None


_RULES: tuple[_Rule, ...] = (
    (
        (
            "GPU_COUNT",
            "IMAGES_PER_GPU",
            "NUM_CLASSES",
            "TOP_DOWN_PYRAMID_SIZE",
            "FPN_CLASSIF_FC_LAYERS_SIZE",
            "POOL_SIZE",
            "MASK_POOL_SIZE",
            "RPN_ANCHOR_STRIDE",
            "RPN_TRAIN_ANCHORS_PER_IMAGE",
            "PRE_NMS_LIMIT",
            "POST_NMS_ROIS_TRAINING",
            "POST_NMS_ROIS_INFERENCE",
            "IMAGE_MIN_DIM",
            "IMAGE_MAX_DIM",
            "IMAGE_CHANNEL_COUNT",
            "MAX_GT_INSTANCES",
            "TRAIN_ROIS_PER_IMAGE",
            "DETECTION_MAX_INSTANCES",
            "GRADIENT_ACCUMULATION",
        ),
        lambda value: is_whole(value, least=1),
        "a whole number of at least 1",
    ),
    (
        ("STEPS_PER_EPOCH", "VALIDATION_STEPS"),
        lambda value: value is None or is_whole(value, least=1),
        "a whole number of at least 1, or None for all images once",
    ),
    (
        ("SEED", "EVALUATE_EVERY", "EARLY_STOPPING_PATIENCE"),
        is_whole,
        "a whole number of at least 0",
    ),
    (
        ("WARMUP_STEPS",),
        lambda value: value is None or is_whole(value),
        "a whole number of at least 0, or None",
    ),
    (
        ("DEVICES",),
        lambda value: value is None or _different_numbers(value),
        "a list of different whole numbers of at least 0, or None",
    ),
    (
        ("KEEP_CHECKPOINTS",),
        lambda value: value is None or is_whole(value, least=1),
        "a whole number of at least 1, or None to keep all",
    ),
    (
        (
            "RPN_NMS_THRESHOLD",
            "DETECTION_MIN_CONFIDENCE",
            "DETECTION_NMS_THRESHOLD",
            "ROI_POSITIVE_RATIO",
            "REPEAT_THRESHOLD",
            "COPY_PASTE",
        ),
        lambda value: _is_number(value, most=1.0),
        "a number from 0 to 1",
    ),
    (
        (
            "LEARNING_RATE",
            "LEARNING_MOMENTUM",
            "WEIGHT_DECAY",
            "GRADIENT_CLIP_NORM",
            "IMAGE_MIN_SCALE",
            "IMAGE_CACHE_MB",
            "WORKER_PATIENCE",
            "STATE_EVERY_MINUTES",
        ),
        _is_number,
        "a number of at least 0",
    ),
    (
        ("EMA_MOMENTUM",),
        lambda value: _is_number(value) and value < 1,
        "a number from 0 to below 1",
    ),
    (
        ("NEGATIVE_IMAGE_RATIO",),
        lambda value: value is None or _is_number(value),
        "a number of at least 0, or None to take all",
    ),
    (
        ("SCALE_JITTER",),
        lambda value: (
            value is None
            or (_numbers(value, count=2, least=0.01) and value[0] <= value[1])
        ),
        "two positive numbers, the smaller first, or None",
    ),
    (
        ("LEARNING_RATE_STEPS",),
        lambda value: (
            _numbers(value) and max(value) <= 1 and list(value) == sorted(value)
        ),
        "shares of the steps, from 0 to 1, in order",
    ),
    (
        ("CLASS_WEIGHTS",),
        lambda value: value is None or _numbers(value),
        "a list of numbers, one a class with the background first, or None",
    ),
    (
        ("RPN_BBOX_STD_DEV", "BBOX_STD_DEV"),
        lambda value: _numbers(value, count=4, least=1e-6),
        "four positive numbers",
    ),
    (
        ("BACKBONE_STRIDES", "RPN_ANCHOR_SCALES", "RPN_ANCHOR_RATIOS"),
        lambda value: _numbers(value, least=1e-6),
        "a list of positive numbers",
    ),
    (
        ("MASK_SHAPE", "MINI_MASK_SHAPE"),
        lambda value: _numbers(value, count=2, least=1) and all(map(is_whole, value)),
        "two positive whole numbers",
    ),
    (("MEAN_PIXEL",), _numbers, "a list of numbers, one a channel"),
    (
        ("USE_MINI_MASK", "USE_RPN_ROIS", "USE_MULTIPROCESSING"),
        lambda value: isinstance(value, (bool, np.bool_)),
        "True or False",
    ),
    (
        ("TRAIN_BN",),
        lambda value: value is None or isinstance(value, (bool, np.bool_)),
        "True, False or None",
    ),
    (
        ("OPTIMIZER",),
        lambda value: isinstance(value, str) and value in _OPTIMIZERS,
        f"one of {', '.join(_OPTIMIZERS)}",
    ),
    (
        ("LEARNING_RATE_SCHEDULE",),
        lambda value: isinstance(value, str) and value in _SCHEDULES,
        f"one of {', '.join(_SCHEDULES)}",
    ),
    (
        ("PRECISION",),
        lambda value: isinstance(value, str) and value in _PRECISIONS,
        f"one of {', '.join(_PRECISIONS)}",
    ),
    (
        ("IMAGE_RESIZE_MODE",),
        lambda value: isinstance(value, str) and value in _RESIZE_MODES,
        f"one of {', '.join(_RESIZE_MODES)}",
    ),
    (
        ("BACKBONE",),
        lambda value: isinstance(value, str) or callable(value),
        "the name of a backbone or a callable",
    ),
    (
        ("COMPUTE_BACKBONE_SHAPE",),
        lambda value: value is None or callable(value),
        "None or a callable",
    ),
    (
        ("NAME",),
        lambda value: value is None or _names_folder(value),
        "a word that can name a folder: letters, digits, - and _",
    ),
    (
        ("LOSS_WEIGHTS",),
        lambda value: (
            isinstance(value, dict)
            and set(value) == set(LOSS_NAMES)
            and all(map(_is_number, value.values()))
        ),
        f"a dict with a number for each of {', '.join(LOSS_NAMES)}",
    ),
)


def wrong_values(values: dict) -> list[str]:
    """Return what is wrong with settings that are looked at one by one.

    Args:
        values: every known key of a `Config` with its value.

    Returns:
        A sentence for each wrong value.
    """
    return [
        f"{key}: expected {expected}. Received: {key}={values[key]!r}."
        for keys, is_right, expected in _RULES
        for key in keys
        if not is_right(values[key])
    ]
