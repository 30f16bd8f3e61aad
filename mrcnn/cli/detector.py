"""From the detection flags to a network that finds objects, with its class names."""

import argparse
from pathlib import Path

from mrcnn.cli import arguments, runs
from mrcnn.cli.coco_classes import COCO_CLASSES
from mrcnn.config import Config
from mrcnn.errors import ConfigError, WeightsError


def load_detector(
    args: argparse.Namespace,
    *,
    base: type[Config] = Config,
    class_names: list[str] | None = None,
):
    """Build the network of the flags for detection and load its weights.

    What the flags leave open comes from the run.json beside the weights, or,
    where there is none (files of the original library), from `base` and
    `class_names`.

    Args:
        args: flags of `add_detection_flags`, with `classes` where names can be given.
        base: configuration of weights without run.json.
        class_names: their names, without the background.

    Returns:
        (model, names): a `MaskRCNN` in inference mode, and the names of its K
        classes, the background first.

    Raises:
        ConfigError: class names or settings are missing or do not fit.
        WeightsError: there are no such weights.
    """
    weights, run = _weights_and_run(args, base)
    given = args.classes or (None if run else class_names)
    names = ("BG", *given) if given else run.class_names if run else None
    if names is None:
        raise ConfigError(
            f"Expected {runs.FILE_NAME} with the class names beside {weights}. "
            "Received: none. Give the names with --classes=A,B,C."
        )
    if run:
        arguments.check_class_count(names, len(run.class_names), weights)
    settings = dict(run.settings) if run else {}
    settings |= {"NUM_CLASSES": len(names), "GPU_COUNT": 1, "DEVICES": None}
    config = base(**settings | arguments.network_settings(args, base))
    if config.NAME is None:
        config.update(NAME="objects")
    config.validate()

    from mrcnn.model import MaskRCNN

    model = MaskRCNN(mode="inference", config=config, model_dir=str(args.logs))
    if weights in arguments.DOWNLOADED:
        model.load_initial_weights(weights)
    else:
        model.load_weights(str(weights), by_name=True)
    return model, names


def _weights_and_run(args, base) -> tuple[str | Path, runs.Run | None]:
    if args.weights == "coco":
        return "coco", runs.Run(COCO_CLASSES, {"NAME": "coco"})
    if args.weights in ("imagenet", "none"):
        raise WeightsError(
            "Expected weights that find objects. Received: "
            f"--weights={args.weights}. Use last, best, coco or the path of a "
            "checkpoint."
        )
    weights = arguments.weights_path(args, base.NAME)
    return weights, runs.read_beside(weights)
