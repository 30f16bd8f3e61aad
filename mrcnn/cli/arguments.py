"""The flags that the commands and the samples share, and what they turn into.

`add_training_flags` and `add_detection_flags` are the vocabulary; the other
functions turn parsed flags into a `Config` and stages. A flag left out is None and
leaves the value to the run it starts from, or the `Config`. `datasets` and
`augmentation` have the flags of the images.
"""

import argparse
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np

from mrcnn.cli import runs
from mrcnn.cli.augmentation import AUGMENTERS
from mrcnn.cli.datasets import add_dataset_flags
from mrcnn.cli.recipe import DEFAULT_EPOCHS, add_recipe_flags, recipe_settings
from mrcnn.cli.resume import add_resume_flag
from mrcnn.cli.values import default_words, positive, setting, stage_list
from mrcnn.config import Config
from mrcnn.errors import ConfigError
from mrcnn.structures import Stage
from mrcnn.weights.checkpoints import find_best, find_last

DOWNLOADED = ("coco", "imagenet")
_EMPTY_START = ("imagenet", "none")


def add_training_flags(
    parser: argparse.ArgumentParser,
    *,
    dataset: str | Path | None = None,
    logs: str | Path = "logs",
    augment: str = "flip",
    add_data_flags: Callable = add_dataset_flags,
) -> None:
    """Add the flags of a training.

    Args:
        parser: the parser to add to.
        dataset: default of --dataset; None leaves it to be given.
        logs: default of --logs.
        augment: default of --augment.
        add_data_flags: adds --seed and the flags that say what to learn from, given
            the parser and `dataset`.
    """
    add_resume_flag(parser)
    add_data_flags(parser, dataset=dataset)
    group = parser.add_argument_group("network")
    group.add_argument(
        "--weights",
        metavar="START",
        default="coco",
        help="what to start from: coco (the usual choice, downloaded once), imagenet, "
        "last or best (of the newest run in --logs), none, or a path "
        "(default: %(default)s)",
    )
    _add_network_flags(group)
    group = parser.add_argument_group("training")
    group.add_argument(
        "--layers",
        metavar="WHICH",
        help="layers to train: heads, 3+, 4+, 5+, all, or a regular expression "
        "(default: all from imagenet or none, else heads)",
    )
    group.add_argument(
        "--epochs",
        type=positive,
        metavar="N",
        help="epoch to train up to, counted over all runs of these weights "
        f"(default: {DEFAULT_EPOCHS})",
    )
    group.add_argument(
        "--stages",
        type=stage_list,
        metavar="L:N:RATE,...",
        help="instead of --layers, --epochs and --lr: several of them after one "
        "another, such as heads:20:0.001,4+:40:0.001,all:60:0.0001",
    )
    group.add_argument(
        "--steps",
        type=positive,
        metavar="N",
        help="steps per epoch (default: each training image once)",
    )
    group.add_argument(
        "--batch",
        type=positive,
        metavar="N",
        help="images per step and device; 2 of 1024 pixels fit a GPU of 12 GB",
    )
    group.add_argument("--lr", type=float, metavar="RATE", help="learning rate")
    group.add_argument(
        "--augment",
        choices=tuple(AUGMENTERS),
        default=augment,
        help="change training images at random: flip left to right (not where left "
        "and right differ, as in text), or turn by any angle, scale and brighten as "
        "well, for objects seen from above (default: %(default)s)",
    )
    group.add_argument(
        "--mean-pixel",
        action="store_true",
        help="subtract the mean of the training images and not that of COCO's; always "
        "with --channels other than 3",
    )
    group.add_argument(
        "--workers",
        type=positive,
        metavar="N",
        help="threads that make batches, at least two (default: chosen by the machine)",
    )
    _add_logs_flag(group, logs)
    add_recipe_flags(parser)


def add_detection_flags(
    parser: argparse.ArgumentParser, *, logs: str | Path = "logs", confidence=None
) -> None:
    """Add the flags that say which network finds objects, and how.

    Args:
        parser: the parser to add to.
        logs: default of --logs.
        confidence: default of --confidence; None keeps the value of the training.
    """
    group = parser.add_argument_group("network")
    group.add_argument(
        "--weights",
        "--model",
        metavar="FROM",
        default="last",
        help="last or best (of the newest run in --logs), coco (80 everyday classes, "
        "downloaded once), the path of a checkpoint; or a graph of TensorFlow's model "
        "zoo with COCO's classes: zoo:inception_v2, zoo:inception_resnet_v2, "
        "zoo:resnet50, zoo:resnet101, or the path of a frozen graph (.pb), a saved "
        "model or an archive (default: %(default)s)",
    )
    _add_network_flags(group)
    _add_logs_flag(group, logs)
    group.add_argument(
        "--confidence",
        "--conf",
        type=float,
        metavar="SCORE",
        default=confidence,
        help="leave out objects with a lower score, 0 to 1"
        + (default_words(confidence) or " (default: as trained, 0.7)"),
    )
    group.add_argument(
        "--batch",
        type=positive,
        metavar="N",
        default=1,
        help="images per step; more are faster on a GPU (default: %(default)s)",
    )


def training_config(
    args: argparse.Namespace, dataset, base: type[Config] = Config
) -> Config:
    """Return the configuration of a training.

    Settings come, the later over the earlier, from `base`, from the run that
    --weights continues, from the data set and from the flags.

    Args:
        args: flags of `add_training_flags`.
        dataset: the training data set, for the number of classes.
        base: class with the defaults.

    Raises:
        ConfigError: values are wrong or contradict each other.
    """
    name = base.NAME or folder_name(args.dataset)
    settings = _settings_of_start(args, name)
    settings |= {
        "NAME": name,
        "NUM_CLASSES": dataset.num_classes,
        "STEPS_PER_EPOCH": args.steps,
        "VALIDATION_STEPS": None,
        "SEED": args.seed,
    }
    if args.weights == "none":
        # Nothing is pre-trained: batch norm has to learn too, and the anchors can
        # suit the size of the images.
        size = args.image_size or base.IMAGE_MAX_DIM
        scales = np.array(base.RPN_ANCHOR_SCALES) * size / base.IMAGE_MAX_DIM
        settings |= {"TRAIN_BN": None, "RPN_ANCHOR_SCALES": tuple(scales.tolist())}
    given = network_settings(args, base)
    has_mean = len(settings.get("MEAN_PIXEL", base.MEAN_PIXEL)) == dataset.num_channels
    if "MEAN_PIXEL" not in given and (args.mean_pixel or not has_mean):
        settings["MEAN_PIXEL"] = dataset.mean_pixel()
    config = base(**settings | given)
    config.validate()
    return config


def network_settings(args: argparse.Namespace, base: type[Config] = Config) -> dict:
    """Return the settings that flags were given for, by name of the `Config` key."""
    settings = {
        "BACKBONE": args.backbone,
        "IMAGES_PER_GPU": args.batch,
        "LEARNING_RATE": getattr(args, "lr", None),
        "DETECTION_MIN_CONFIDENCE": getattr(args, "confidence", None),
        "IMAGE_CHANNEL_COUNT": getattr(args, "channels", None),
    }
    given = {key: value for key, value in settings.items() if value is not None}
    given |= size_settings(args.image_size, base)
    return given | recipe_settings(args) | dict(args.set)


def size_settings(side: int | None, base: type[Config] = Config) -> dict:
    """Return the settings of --image-size, none where it is not given."""
    if side is None:
        return {}
    # Small images are scaled up as far as with the default size.
    least = round(side * base.IMAGE_MIN_DIM / base.IMAGE_MAX_DIM)
    return {"IMAGE_MAX_DIM": side, "IMAGE_MIN_DIM": least}


def training_stages(args: argparse.Namespace, config: Config) -> tuple[Stage, ...]:
    """Return what to train after one another: --stages, or the one stage of the flags.

    Args:
        args: flags of `add_training_flags`.
        config: LEARNING_RATE, where --lr has arrived.

    Raises:
        ConfigError: --stages comes together with a flag that it replaces.
    """
    if not args.stages:
        epochs = args.epochs or DEFAULT_EPOCHS
        return (Stage(training_layers(args), epochs, config.LEARNING_RATE),)
    for flag in ("layers", "epochs", "lr"):
        if getattr(args, flag) is not None:
            raise ConfigError(
                f"Expected --stages alone, since it says layers, epochs and rates. "
                f"Received: --{flag}={getattr(args, flag)}. Leave one of them out."
            )
    return tuple(Stage(*stage) for stage in args.stages)


def training_layers(args: argparse.Namespace) -> str:
    """Return which layers to train: --layers, or what suits the start."""
    if args.layers:
        return args.layers
    return "all" if args.weights in _EMPTY_START else "heads"


def folder_name(path: str | Path) -> str:
    """Return the name of a data set's folder, fit to name a run.

    Example:
        >>> folder_name("photos/My remotes (2024)")
        'my-remotes-2024'
    """
    path = Path(path).resolve()
    stem = path.stem if path.is_file() else path.name
    return re.sub(r"\W+", "-", stem).strip("-").lower() or "objects"


def _settings_of_start(args: argparse.Namespace, name: str) -> dict:
    """Return the settings of the run whose weights the training starts from."""
    if args.weights in (*DOWNLOADED, "none"):
        return {}
    run = runs.read_beside(weights_path(args, name))
    return dict(run.settings) if run else {}


def weights_path(args: argparse.Namespace, name: str | None) -> Path:
    """Return the file that --weights names: last, best or a path.

    Args:
        args: parsed flags, with `weights` and `logs`.
        name: NAME of the configuration; None takes the runs of every name.

    Raises:
        WeightsError: there is no such file.
    """
    if args.weights == "last":
        return find_last(args.logs, name)
    if args.weights == "best":
        return find_best(args.logs, name)
    return runs.require_file(args.weights)


def _add_network_flags(group) -> None:
    group.add_argument(
        "--backbone",
        metavar="NAME",
        help="resnet101, resnet50, resnet18 (for a CPU), or one of docs/backbones.md "
        "such as mobilenet_v3_large, efficientnet_v2_s or convnext_tiny",
    )
    add_setting_flags(group)


def add_setting_flags(group) -> None:
    """Add --image-size and --set."""
    group.add_argument(
        "--image-size",
        type=positive,
        metavar="PIXELS",
        help="scale images into a square of this side, a multiple of 64",
    )
    group.add_argument(
        "--set",
        type=setting,
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="any other value of the configuration, such as TRAIN_ROIS_PER_IMAGE=50 "
        "or RPN_ANCHOR_SCALES=(8,16,32,64,128); may be repeated",
    )


def _add_logs_flag(group, logs: str | Path) -> None:
    group.add_argument(
        "--logs",
        type=Path,
        metavar="FOLDER",
        default=Path(logs),
        help=f"folder of the training runs{default_words(logs)}",
    )
