"""Config: every setting of the network, its training and its detection.

Subclass it and override what differs, as with the original library:

    class RemoteConfig(Config):
        NAME = "remote"
        NUM_CLASSES = 1 + 1

Values derived from others (BATCH_SIZE, IMAGE_SHAPE, IMAGE_META_SIZE) are set
when an object is made, and again by `update`.
"""

import sys

import numpy as np

from mrcnn import config_rules
from mrcnn.errors import ConfigError, nearest
from mrcnn.structures import LOSS_NAMES, META_SIZE_WITHOUT_CLASSES

# Each derived value, and what it follows from.
_DERIVED = {
    "BATCH_SIZE": "IMAGES_PER_GPU and GPU_COUNT",
    "IMAGE_SHAPE": "IMAGE_MAX_DIM (IMAGE_MIN_DIM with crop) and IMAGE_CHANNEL_COUNT",
    "IMAGE_META_SIZE": "NUM_CLASSES",
}


class Config:
    """Base configuration; the names and defaults of matterport/Mask_RCNN.

    Args:
        **overrides: values for this object alone, by upper-case name.

    Raises:
        ConfigError: an override is not a known key (the nearest one is named) or
            a derived one.

    Example:
        >>> config = Config(NAME="remote", NUM_CLASSES=2, IMAGES_PER_GPU=1)
        >>> config.BATCH_SIZE, config.IMAGE_META_SIZE
        (1, 14)
    """

    # Name of the configuration; log folders and checkpoints carry it.
    NAME = None

    # ---- Devices and steps ----
    # Devices that a training shares its batches among; of several machines, all of
    # theirs. DEVICES says which ones of this machine, the numbers of the GPUs; None
    # takes the first ones.
    GPU_COUNT = 1
    DEVICES = None
    # Images a device handles at once. A 12 GB GPU takes two of 1024 px.
    IMAGES_PER_GPU = 2
    # Training steps per epoch; None uses every training image once.
    STEPS_PER_EPOCH = 1000
    # Validation steps after each epoch; None uses every validation image once.
    VALIDATION_STEPS = 50
    # Seed of everything random: shuffling, augmentation, sampling of anchors and ROIs.
    SEED = 0

    # ---- Backbone and pyramid ----
    # "resnet101", "resnet50", "resnet18", another name of docs/backbones.md, or a
    # callable image -> [C2, C3, C4, C5].
    BACKBONE = "resnet101"
    # With a callable BACKBONE: image_shape -> int [L, (height, width)].
    COMPUTE_BACKBONE_SHAPE = None
    # Pixels of the image per cell of each pyramid level, P2 to P6.
    BACKBONE_STRIDES = [4, 8, 16, 32, 64]
    # Channels of every pyramid level.
    TOP_DOWN_PYRAMID_SIZE = 256

    # ---- Heads ----
    # Classes, with the background as class 0.
    NUM_CLASSES = 1
    # Width of the two fully connected layers of the box head.
    FPN_CLASSIF_FC_LAYERS_SIZE = 1024
    POOL_SIZE = 7
    MASK_POOL_SIZE = 14
    # Size of the predicted masks: twice MASK_POOL_SIZE.
    MASK_SHAPE = [28, 28]

    # ---- Anchors and proposals ----
    # Side of the square anchors, pixels, one per pyramid level.
    RPN_ANCHOR_SCALES = (32, 64, 128, 256, 512)
    # Width over height.
    RPN_ANCHOR_RATIOS = [0.5, 1, 2]
    # 1: an anchor at each cell of the feature map; 2: at every other one.
    RPN_ANCHOR_STRIDE = 1
    # Overlap above which a proposal yields to a better one.
    RPN_NMS_THRESHOLD = 0.7
    # Anchors per image that count in the RPN losses.
    RPN_TRAIN_ANCHORS_PER_IMAGE = 256
    # Best anchors kept before non-maximum suppression, proposals kept after it.
    PRE_NMS_LIMIT = 6000
    POST_NMS_ROIS_TRAINING = 2000
    POST_NMS_ROIS_INFERENCE = 1000
    # Deltas are divided by these before the network learns them: y, x, log h, log w.
    RPN_BBOX_STD_DEV = np.array([0.1, 0.1, 0.2, 0.2])
    BBOX_STD_DEV = np.array([0.1, 0.1, 0.2, 0.2])

    # ---- Images ----
    # "square": scale, then pad to IMAGE_MAX_DIM squared.
    # "pad64": scale, then pad to multiples of 64 (detection only).
    # "crop": scale to IMAGE_MIN_DIM, then a random crop (training only).
    # "none": neither; sizes must be multiples of 64.
    IMAGE_RESIZE_MODE = "square"
    IMAGE_MIN_DIM = 800
    IMAGE_MAX_DIM = 1024
    # Least factor to scale up by; 0 leaves it to IMAGE_MIN_DIM.
    IMAGE_MIN_SCALE = 0
    IMAGE_CHANNEL_COUNT = 3
    # Mean of each channel, subtracted from every image (RGB).
    MEAN_PIXEL = np.array([123.7, 116.8, 103.9])

    # ---- Training targets ----
    # Keep masks as small images inside their boxes: far less memory, a little coarser.
    USE_MINI_MASK = True
    MINI_MASK_SHAPE = (56, 56)
    # Objects per image that training can hold.
    MAX_GT_INSTANCES = 100
    # ROIs per image that the heads learn from, and the share of them on objects.
    TRAIN_ROIS_PER_IMAGE = 200
    ROI_POSITIVE_RATIO = 0.33
    # False feeds the ROIs of the batch instead of the RPN's proposals.
    USE_RPN_ROIS = True

    # ---- Detection ----
    DETECTION_MAX_INSTANCES = 100
    # Objects less sure than this are not reported.
    DETECTION_MIN_CONFIDENCE = 0.7
    DETECTION_NMS_THRESHOLD = 0.3

    # ---- Optimisation ----
    # "sgd" as the original; "adamw" learns faster from random weights.
    OPTIMIZER = "sgd"
    LEARNING_RATE = 0.001
    # Over the steps of a call of train: "constant" as the original, "step" (a tenth
    # after each of LEARNING_RATE_STEPS) or "cosine" (down to 0).
    LEARNING_RATE_SCHEDULE = "constant"
    LEARNING_RATE_STEPS = (0.67, 0.89)
    # Steps in which the rate rises from 0; None is a tenth of them with "cosine" and
    # none otherwise.
    WARMUP_STEPS = None
    LEARNING_MOMENTUM = 0.9
    WEIGHT_DECAY = 0.0001
    # Global norm that the gradients are scaled down to.
    GRADIENT_CLIP_NORM = 5.0
    # Batches whose gradients are averaged before a step of the optimizer.
    GRADIENT_ACCUMULATION = 1
    # Share of its past that the moving average of the weights keeps at each step, 0.999
    # for example; checkpoints then hold the average. 0 is off.
    EMA_MOMENTUM = 0.0
    # "float32", "mixed_bfloat16" or "mixed_float16".
    PRECISION = "float32"
    LOSS_WEIGHTS = dict.fromkeys(LOSS_NAMES, 1.0)
    # Factor of each class in the class loss, K numbers with the background first.
    CLASS_WEIGHTS = None
    # False keeps batch norm as trained (small batches), True trains it, None leaves
    # it to Keras.
    TRAIN_BN = False

    # ---- Which images, and how they are changed ----
    # Images of classes in a smaller share of the images than this come more often
    # (repeat-factor sampling, Gupta et al. 2019); 0 is off.
    REPEAT_THRESHOLD = 0.0
    # Images without objects in an epoch, for each image with some; None takes all.
    NEGATIVE_IMAGE_RATIO = None
    # Factors to scale training images by at random, (0.1, 2.0) for example
    # (large-scale jitter, Ghiasi et al. 2021).
    SCALE_JITTER = None
    # Share of the training images that objects of another one are pasted into.
    COPY_PASTE = 0.0

    # ---- The worker ----
    # Decoded images kept in memory, megabytes.
    IMAGE_CACHE_MB = 0
    # Processes instead of threads.
    USE_MULTIPROCESSING = False
    # Seconds without a batch after which the log says which images are in work.
    WORKER_PATIENCE = 60

    # ---- The run ----
    # Epochs between two measurements of AP on the validation images; 0 is never.
    EVALUATE_EVERY = 0
    # Epochs without a better result after which training ends; 0 is never.
    EARLY_STOPPING_PATIENCE = 0
    # Newest checkpoints that stay, beside the best one; None keeps all.
    KEEP_CHECKPOINTS = None
    # Minutes of work that a crash may cost: the state of the training is written so
    # often inside an epoch, and after it. 0 writes it at every step.
    STATE_EVERY_MINUTES = 10

    def __init__(self, **overrides):
        self.update(**overrides)

    def update(self, **values) -> None:
        """Set values by name and derive the others again.

        Args:
            **values: new values, by upper-case name.

        Raises:
            ConfigError: a name is not a known key, or a derived one.
        """
        problems = [_unknown_key(key) for key in sorted(set(values) - _known_keys())]
        problems += [
            f"{key} cannot be set: it follows from {_DERIVED[key]}. Set these instead."
            for key in values
            if key in _DERIVED
        ]
        if problems:
            raise ConfigError(" ".join(problems))
        for key, value in values.items():
            setattr(self, key, value)
        for key, value in self._derived().items():
            setattr(self, key, value)

    def to_dict(self) -> dict:
        """Return every upper-case value by name, derived ones included."""
        return {
            key: getattr(self, key)
            for key in sorted(dir(self))
            if key.isupper() and not key.startswith("_")
        }

    def display(self) -> None:
        """Write every value to standard output, one a line, in alphabetical order."""
        width = max(map(len, self.to_dict()))
        lines = [f"{key:{width}}  {value}" for key, value in self.to_dict().items()]
        sys.stdout.write("\nConfigurations:\n" + "\n".join(lines) + "\n\n")

    def validate(self) -> None:
        """Check that the values are known, of the right kind and fit each other.

        Raises:
            ConfigError: lists everything that is wrong, one a line.
        """
        values = self.to_dict()
        problems = [_unknown_key(key) for key in values if key not in _known_keys()]
        problems += config_rules.wrong_values(values)
        if not problems:
            problems = _contradictions(self)
        if problems:
            raise ConfigError(
                f"{type(self).__name__} has {len(problems)} wrong "
                f"{'value' if len(problems) == 1 else 'values'}:\n  "
                + "\n  ".join(problems)
            )

    def _derived(self) -> dict:
        cropped = str(self.IMAGE_RESIZE_MODE) == "crop"
        side = self.IMAGE_MIN_DIM if cropped else self.IMAGE_MAX_DIM
        sources = (
            self.IMAGES_PER_GPU,
            self.GPU_COUNT,
            self.NUM_CLASSES,
            self.IMAGE_CHANNEL_COUNT,
            side,
        )
        if not all(map(config_rules.is_whole, sources)):
            return {}  # validate() names the value that is not a whole number
        return {
            "BATCH_SIZE": self.IMAGES_PER_GPU * self.GPU_COUNT,
            "IMAGE_SHAPE": np.array([side, side, self.IMAGE_CHANNEL_COUNT]),
            "IMAGE_META_SIZE": META_SIZE_WITHOUT_CLASSES + self.NUM_CLASSES,
        }


def _known_keys() -> set[str]:
    return {key for key in vars(Config) if key.isupper() and key[0] != "_"} | {
        *_DERIVED
    }


def _unknown_key(key: str) -> str:
    hint = nearest(key, _known_keys())
    return f"{key} is not a known key.{hint} Settings of your own go in lower case."


def _contradictions(config: Config) -> list[str]:
    problems = []

    def check(is_right, message):
        if not is_right:
            problems.append(message)

    for key, value in config._derived().items():
        check(
            np.array_equal(getattr(config, key), value),
            f"{key}: expected {value}, which follows from {_DERIVED[key]}. Received: "
            f"{key}={getattr(config, key)}. Use config.update(...) to change values.",
        )
        of_class = getattr(type(config), key, value)
        check(
            np.array_equal(of_class, value),
            f"{key}={of_class} in the class has no effect: it follows from "
            f"{_DERIVED[key]}. Set these instead.",
        )
    check(
        len(config.BACKBONE_STRIDES) == len(config.RPN_ANCHOR_SCALES),
        "RPN_ANCHOR_SCALES: expected one scale per pyramid level "
        f"({len(config.BACKBONE_STRIDES)}). Received: {config.RPN_ANCHOR_SCALES}.",
    )
    check(
        config.IMAGE_MIN_DIM <= config.IMAGE_MAX_DIM,
        f"IMAGE_MIN_DIM={config.IMAGE_MIN_DIM} is above "
        f"IMAGE_MAX_DIM={config.IMAGE_MAX_DIM}. Swap them.",
    )
    sides = {
        "square": (config.IMAGE_MAX_DIM,),
        # What training crops, and the square that detection pads to.
        "crop": (config.IMAGE_MIN_DIM, config.IMAGE_MAX_DIM),
    }
    for side in sides.get(config.IMAGE_RESIZE_MODE, ()):
        multiple = 2 ** (len(config.BACKBONE_STRIDES) + 1)
        check(
            side % multiple == 0,
            f"The image size {side} must divide by {multiple}, so that the pyramid's "
            f"levels fit. Try {max(multiple, round(side / multiple) * multiple)}.",
        )
    check(
        config.IMAGE_RESIZE_MODE != "pad64" or config.IMAGE_MIN_DIM % 64 == 0,
        f"IMAGE_MIN_DIM={config.IMAGE_MIN_DIM} must divide by 64 with "
        "IMAGE_RESIZE_MODE='pad64'.",
    )
    check(
        len(np.ravel(config.MEAN_PIXEL)) == config.IMAGE_CHANNEL_COUNT,
        f"MEAN_PIXEL: expected {config.IMAGE_CHANNEL_COUNT} numbers, one for each of "
        f"IMAGE_CHANNEL_COUNT. Received: {config.MEAN_PIXEL}.",
    )
    check(
        list(config.MASK_SHAPE) == [2 * config.MASK_POOL_SIZE] * 2,
        f"MASK_SHAPE: expected {[2 * config.MASK_POOL_SIZE] * 2}, twice "
        f"MASK_POOL_SIZE. Received: {config.MASK_SHAPE}.",
    )
    check(
        config.DEVICES is None or len(config.DEVICES) == config.GPU_COUNT,
        f"DEVICES: expected {config.GPU_COUNT} numbers, as many as GPU_COUNT. "
        f"Received: {config.DEVICES}.",
    )
    check(
        config.CLASS_WEIGHTS is None or len(config.CLASS_WEIGHTS) == config.NUM_CLASSES,
        f"CLASS_WEIGHTS: expected {config.NUM_CLASSES} numbers, one for each of "
        f"NUM_CLASSES. Received: {config.CLASS_WEIGHTS}.",
    )
    return problems
