import numpy as np
import pytest

from mrcnn.config import Config
from mrcnn.errors import ConfigError

# Names and defaults of the original (v2.1), copied from its documentation.
ORIGINAL_DEFAULTS = {
    "BACKBONE": "resnet101",
    "BACKBONE_STRIDES": [4, 8, 16, 32, 64],
    "BBOX_STD_DEV": [0.1, 0.1, 0.2, 0.2],
    "COMPUTE_BACKBONE_SHAPE": None,
    "DETECTION_MAX_INSTANCES": 100,
    "DETECTION_MIN_CONFIDENCE": 0.7,
    "DETECTION_NMS_THRESHOLD": 0.3,
    "FPN_CLASSIF_FC_LAYERS_SIZE": 1024,
    "GPU_COUNT": 1,
    "GRADIENT_CLIP_NORM": 5.0,
    "IMAGES_PER_GPU": 2,
    "IMAGE_CHANNEL_COUNT": 3,
    "IMAGE_MAX_DIM": 1024,
    "IMAGE_MIN_DIM": 800,
    "IMAGE_MIN_SCALE": 0,
    "IMAGE_RESIZE_MODE": "square",
    "LEARNING_MOMENTUM": 0.9,
    "LEARNING_RATE": 0.001,
    "LOSS_WEIGHTS": {
        "rpn_class_loss": 1.0,
        "rpn_bbox_loss": 1.0,
        "mrcnn_class_loss": 1.0,
        "mrcnn_bbox_loss": 1.0,
        "mrcnn_mask_loss": 1.0,
    },
    "MASK_POOL_SIZE": 14,
    "MASK_SHAPE": [28, 28],
    "MAX_GT_INSTANCES": 100,
    "MEAN_PIXEL": [123.7, 116.8, 103.9],
    "MINI_MASK_SHAPE": (56, 56),
    "NAME": None,
    "NUM_CLASSES": 1,
    "POOL_SIZE": 7,
    "POST_NMS_ROIS_INFERENCE": 1000,
    "POST_NMS_ROIS_TRAINING": 2000,
    "PRE_NMS_LIMIT": 6000,
    "ROI_POSITIVE_RATIO": 0.33,
    "RPN_ANCHOR_RATIOS": [0.5, 1, 2],
    "RPN_ANCHOR_SCALES": (32, 64, 128, 256, 512),
    "RPN_ANCHOR_STRIDE": 1,
    "RPN_BBOX_STD_DEV": [0.1, 0.1, 0.2, 0.2],
    "RPN_NMS_THRESHOLD": 0.7,
    "RPN_TRAIN_ANCHORS_PER_IMAGE": 256,
    "STEPS_PER_EPOCH": 1000,
    "TOP_DOWN_PYRAMID_SIZE": 256,
    "TRAIN_BN": False,
    "TRAIN_ROIS_PER_IMAGE": 200,
    "USE_MINI_MASK": True,
    "USE_RPN_ROIS": True,
    "VALIDATION_STEPS": 50,
    "WEIGHT_DECAY": 0.0001,
}

NEW_KEYS = {
    "CLASS_WEIGHTS",
    "COPY_PASTE",
    "DEVICES",
    "EARLY_STOPPING_PATIENCE",
    "EMA_MOMENTUM",
    "EVALUATE_EVERY",
    "GRADIENT_ACCUMULATION",
    "IMAGE_CACHE_MB",
    "KEEP_CHECKPOINTS",
    "STATE_EVERY_MINUTES",
    "LEARNING_RATE_SCHEDULE",
    "LEARNING_RATE_STEPS",
    "NEGATIVE_IMAGE_RATIO",
    "OPTIMIZER",
    "PRECISION",
    "REPEAT_THRESHOLD",
    "SCALE_JITTER",
    "SEED",
    "USE_MULTIPROCESSING",
    "WARMUP_STEPS",
    "WORKER_PATIENCE",
}


def problems_of(config) -> str:
    with pytest.raises(ConfigError) as caught:
        config.validate()
    return str(caught.value)


@pytest.mark.parametrize("key", ORIGINAL_DEFAULTS)
def test_default_is_the_originals(key):
    value, expected = getattr(Config, key), ORIGINAL_DEFAULTS[key]
    if isinstance(value, np.ndarray):
        np.testing.assert_array_equal(value, expected)
    else:
        assert value == expected and type(value) is type(expected)


def test_keys_beyond_the_original():
    keys = {key for key in vars(Config) if key.isupper()}
    assert keys - set(ORIGINAL_DEFAULTS) == NEW_KEYS


def test_defaults_are_valid():
    Config().validate()


def test_derived_values():
    class Eight(Config):
        GPU_COUNT = 2
        IMAGES_PER_GPU = 4
        NUM_CLASSES = 81
        IMAGE_MAX_DIM = 512
        IMAGE_MIN_DIM = 256

    config = Eight()
    assert config.BATCH_SIZE == 8  # 2 * 4
    assert config.IMAGE_META_SIZE == 93  # 1 + 3 + 3 + 4 + 1 + 81
    np.testing.assert_array_equal(config.IMAGE_SHAPE, [512, 512, 3])
    config.update(IMAGE_RESIZE_MODE="crop", IMAGE_CHANNEL_COUNT=1)
    np.testing.assert_array_equal(config.IMAGE_SHAPE, [256, 256, 1])


def test_overrides_touch_this_object_alone():
    first = Config(LEARNING_RATE=0.5)
    assert (first.LEARNING_RATE, Config().LEARNING_RATE) == (0.5, 0.001)
    assert Config.LEARNING_RATE == 0.001


def test_unknown_override_names_the_nearest_key():
    with pytest.raises(ConfigError) as caught:
        Config(LERNING_RATE=0.1, zebra=1)
    message = str(caught.value)
    assert "LERNING_RATE is not a known key. Did you mean 'LEARNING_RATE'?" in message
    assert "zebra is not a known key. Settings" in message


@pytest.mark.parametrize(
    ("key", "source"),
    [
        ("BATCH_SIZE", "IMAGES_PER_GPU"),
        ("IMAGE_SHAPE", "IMAGE_MAX_DIM"),
        ("IMAGE_META_SIZE", "NUM_CLASSES"),
    ],
)
def test_derived_values_cannot_be_overridden(key, source):
    with pytest.raises(ConfigError, match=f"{key} cannot be set.*{source}"):
        Config(**{key: 8})


def test_failed_update_changes_nothing():
    config = Config()
    with pytest.raises(ConfigError):
        config.update(LEARNING_RATE=0.5, NO_SUCH_KEY=1)
    assert config.LEARNING_RATE == 0.001


def test_unknown_attributes_of_class_and_object_are_found():
    class Typo(Config):
        IMAGE_MAXDIM = 512

    config = Typo()
    config.STEPS_PER_EPOCHS = 3
    message = problems_of(config)
    assert "Typo has 2 wrong values" in message
    assert "Did you mean 'IMAGE_MAX_DIM'?" in message
    assert "Did you mean 'STEPS_PER_EPOCH'?" in message


def test_own_settings_in_lower_case_are_allowed():
    class Own(Config):
        my_folder = "photos"

    Own().validate()


def test_every_wrong_value_is_named_at_once():
    config = Config(NUM_CLASSES=0, LEARNING_RATE=-1, NAME="", STEPS_PER_EPOCH=2.5)
    message = problems_of(config)
    assert message.startswith("Config has 4 wrong values:")
    for key in ("NUM_CLASSES=0", "LEARNING_RATE=-1", "NAME=''", "STEPS_PER_EPOCH=2.5"):
        assert f"Received: {key}." in message
    assert len(message.splitlines()) == 5


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"NUM_CLASSES": "2"}, "a whole number of at least 1"),
        ({"NUM_CLASSES": True}, "a whole number of at least 1"),
        ({"IMAGE_CHANNEL_COUNT": "3"}, "a whole number of at least 1"),
        ({"SEED": -1}, "a whole number of at least 0"),
        ({"DEVICES": 1}, "a list of different whole numbers"),
        ({"DEVICES": ()}, "a list of different whole numbers"),
        ({"DEVICES": (1, 1), "GPU_COUNT": 2}, "a list of different whole numbers"),
        ({"DEVICES": (0, 1)}, "expected 1 numbers, as many as GPU_COUNT"),
        ({"SCALE_JITTER": (2, 0.1)}, "the smaller first"),
        ({"LEARNING_RATE_STEPS": (0.9, 0.6)}, "shares of the steps"),
        ({"LEARNING_RATE_STEPS": (0.5, 1.5)}, "shares of the steps"),
        ({"EMA_MOMENTUM": 1.0}, "a number from 0 to below 1"),
        ({"KEEP_CHECKPOINTS": 0}, "a whole number of at least 1, or None"),
        ({"WARMUP_STEPS": -1}, "a whole number of at least 0, or None"),
        ({"NEGATIVE_IMAGE_RATIO": "all"}, "or None to take all"),
        ({"CLASS_WEIGHTS": (1.0, 2.0)}, "expected 1 numbers"),
        ({"PRECISION": "bfloat16"}, "one of float32, mixed_bfloat16"),
        ({"OPTIMIZER": "adam"}, "one of sgd, adamw"),
        ({"LEARNING_RATE_SCHEDULE": None}, "one of constant, step, cosine"),
        ({"STEPS_PER_EPOCH": 0}, "or None for all images once"),
        ({"LEARNING_RATE": float("nan")}, "a number of at least 0"),
        ({"LEARNING_RATE": float("inf")}, "a number of at least 0"),
        ({"LEARNING_RATE": "0.1"}, "a number of at least 0"),
        ({"DETECTION_MIN_CONFIDENCE": 70}, "a number from 0 to 1"),
        ({"BBOX_STD_DEV": [0.1, 0.1, 0.2]}, "four positive numbers"),
        ({"BBOX_STD_DEV": [0.1, 0.1, 0.2, 0]}, "four positive numbers"),
        ({"BACKBONE_STRIDES": 4}, "a list of positive numbers"),
        ({"RPN_ANCHOR_RATIOS": []}, "a list of positive numbers"),
        ({"RPN_ANCHOR_RATIOS": ["wide"]}, "a list of positive numbers"),
        ({"MINI_MASK_SHAPE": (56,)}, "two positive whole numbers"),
        ({"MINI_MASK_SHAPE": (56.5, 56)}, "two positive whole numbers"),
        ({"MEAN_PIXEL": 127.5}, "a list of numbers, one a channel"),
        ({"USE_MINI_MASK": 1}, "True or False"),
        ({"TRAIN_BN": 1}, "True, False or None"),
        ({"TRAIN_BN": np.array([True, False])}, "True, False or None"),
        ({"IMAGE_RESIZE_MODE": "Square"}, "one of square, pad64, crop, none"),
        ({"IMAGE_RESIZE_MODE": np.array(["crop", "none"])}, "one of square, pad64"),
        ({"BACKBONE": 50}, "the name of a backbone or a callable"),
        ({"COMPUTE_BACKBONE_SHAPE": [4]}, "None or a callable"),
        ({"NAME": "my/remotes"}, "a word that can name a folder"),
        ({"NAME": "my remotes"}, "a word that can name a folder"),
        ({"LOSS_WEIGHTS": {"rpn_class_loss": 1.0}}, "a dict with a number for each of"),
        ({"RPN_ANCHOR_SCALES": (32, 64)}, "one scale per pyramid level (5)"),
        ({"IMAGE_MIN_DIM": 1100}, "IMAGE_MIN_DIM=1100 is above IMAGE_MAX_DIM=1024"),
        ({"IMAGE_MAX_DIM": 1000}, "must divide by 64"),
        ({"IMAGE_RESIZE_MODE": "pad64"}, "IMAGE_MIN_DIM=800 must divide by 64"),
        # Training crops 512, which divides; detection pads to 1000.
        (
            {
                "IMAGE_RESIZE_MODE": "crop",
                "IMAGE_MIN_DIM": 512,
                "IMAGE_MAX_DIM": 1000,
            },
            "image size 1000 must divide by 64",
        ),
        ({"MEAN_PIXEL": [1, 2]}, "MEAN_PIXEL: expected 3 numbers"),
        ({"MASK_SHAPE": [56, 56]}, "expected [28, 28], twice MASK_POOL_SIZE"),
    ],
)
def test_wrong_value(values, said):
    message = problems_of(Config(**values))
    assert said in message
    assert message.startswith("Config has 1 wrong value:")


@pytest.mark.parametrize(
    "values",
    [
        {"BACKBONE": lambda image: [image] * 4, "COMPUTE_BACKBONE_SHAPE": len},
        {"DEVICES": (2,)},
        {"DEVICES": [3, 0], "GPU_COUNT": 2},
        {"TRAIN_BN": None},
        {"TRAIN_BN": np.True_},
        {"NUM_CLASSES": np.int64(3)},
        {"LEARNING_RATE": np.float32(0.1)},
        {"STEPS_PER_EPOCH": None, "VALIDATION_STEPS": None},
        {"MASK_POOL_SIZE": 28, "MASK_SHAPE": np.array([56, 56])},
        {"IMAGE_RESIZE_MODE": "pad64", "IMAGE_MIN_DIM": 768, "IMAGE_MAX_DIM": 1000},
        {"IMAGE_CHANNEL_COUNT": 1, "MEAN_PIXEL": [127.5]},
        {"BBOX_STD_DEV": [0.1, 0.1, 0.2, 0.2]},
        {"NAME": "remote-2_a"},
    ],
)
def test_right_value(values):
    Config(**values).validate()


@pytest.mark.parametrize(("size", "nearest"), [(1000, 1024), (20, 64), (100, 128)])
def test_size_that_does_not_divide_suggests_the_nearest(size, nearest):
    config = Config(IMAGE_MAX_DIM=size, IMAGE_MIN_DIM=size)
    assert f"Try {nearest}." in problems_of(config)


def test_stale_derived_value_is_found():
    config = Config()
    config.NUM_CLASSES = 5
    message = problems_of(config)
    assert "IMAGE_META_SIZE: expected 17" in message and "config.update" in message


def test_derived_value_in_the_class_must_agree():
    class Wrong(Config):
        BATCH_SIZE = 16

    class Right(Config):
        BATCH_SIZE = 2

    assert "BATCH_SIZE=16 in the class has no effect" in problems_of(Wrong())
    Right().validate()


def test_to_dict_and_display_hold_every_value(capsys):
    config = Config(NAME="remote", NUM_CLASSES=3)
    values = config.to_dict()
    assert set(values) == {
        *ORIGINAL_DEFAULTS,
        *NEW_KEYS,
        "BATCH_SIZE",
        "IMAGE_SHAPE",
        "IMAGE_META_SIZE",
    }
    config.display()
    lines = capsys.readouterr().out.strip().splitlines()
    assert lines[0] == "Configurations:"
    assert [line.split()[0] for line in lines[1:]] == sorted(values)
    assert "NUM_CLASSES                  3" in lines
