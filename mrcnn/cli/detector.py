"""From the detection flags to what finds objects, with its class names."""

import argparse
from pathlib import Path

from mrcnn.cli import arguments, runs
from mrcnn.cli.coco_classes import COCO_CLASSES
from mrcnn.config import Config
from mrcnn.errors import ConfigError, WeightsError, nearest
from mrcnn.weights.zoo import is_graph

# Flags that a graph does not follow, and what they are when not given: it has settings
# of its own, and sees one image at a time.
_NOT_OF_GRAPHS = {
    **dict.fromkeys(("backbone", "image_size", "channels")),
    **{"set": [], "batch": 1},
}


def load_detector(
    args: argparse.Namespace,
    *,
    base: type[Config] = Config,
    class_names: list[str] | None = None,
):
    """Build the network of the flags for detection and load its weights.

    What the flags leave open comes from the run.json beside the weights, or,
    where there is none (files of the original library), from `base` and
    `class_names`. A graph of TensorFlow's model zoo brings all but its least score.

    Args:
        args: flags of `add_detection_flags`, and `classes`: all names where the
            weights come without, else a choice of them.
        base: configuration of weights without run.json.
        class_names: their names, without the background.

    Returns:
        (model, names): a `MaskRCNN` in inference mode, or a `ZooModel`, and the names
        of its K classes, the background first.

    Raises:
        ConfigError: class names or settings are missing or do not fit.
        WeightsError: there are no such weights.
    """
    if is_graph(args.weights):
        return _load_graph(args)
    weights, run = _weights_and_run(args, base)
    if run:
        names = _names_of_run(args.classes, run.class_names)
    elif args.classes or class_names:
        names = ("BG", *(args.classes or class_names))
    else:
        raise ConfigError(
            f"Expected {runs.FILE_NAME} with the class names beside {weights}. "
            "Received: none. Give the names with --classes=A,B,C."
        )
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


def _load_graph(args: argparse.Namespace):
    for flag, default in _NOT_OF_GRAPHS.items():
        value = getattr(args, flag, default)
        if value != default:
            flag = flag.replace("_", "-")
            raise ConfigError(
                f"Expected a graph with its own settings. Received: --{flag} beside "
                f"--model={args.weights}. Leave --{flag} out."
            )
    names = _names_of_run(args.classes, COCO_CLASSES)

    from mrcnn.inference.zoo import ZooModel

    return ZooModel(args.weights, min_confidence=args.confidence), names


def _names_of_run(wanted: list[str] | None, known: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names of a network's classes: those it has, or all of them new.

    Args:
        wanted: names of --classes, a choice of the known ones; or new ones, as many
            as there are classes.
        known: names by class id, the background first.

    Raises:
        ConfigError: they are neither.
    """
    unknown = [name for name in wanted or () if name not in known[1:]]
    if not unknown:
        return known
    if len(unknown) == len(wanted) == len(known) - 1:
        return (known[0], *wanted)
    raise ConfigError(
        f"Expected classes that the network knows: {', '.join(known[1:])}; or as many "
        f"new names. Received: {unknown[0]}.{nearest(unknown[0], known[1:])} Correct "
        "--classes, or leave it out."
    )


def chosen_weights(args: argparse.Namespace, name: str | None = None) -> str | Path:
    """Return the path of the checkpoint that --weights names, other things as named.

    Args:
        args: flags of `add_detection_flags`.
        name: NAME of the configuration; None takes the runs of every name.

    Raises:
        WeightsError: there is no such file.
    """
    if args.weights in arguments.DOWNLOADED or is_graph(args.weights):
        return args.weights
    return arguments.weights_path(args, name)


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
