"""``--resume``: an interrupted training goes on, with the flags it was begun with.

`runs` keeps them in run.json; here they are read again and held against those that
were typed beside --resume.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from mrcnn.cli import runs
from mrcnn.cli.recipe import DEFAULT_EPOCHS
from mrcnn.config import Config
from mrcnn.errors import ConfigError
from mrcnn.weights.checkpoints import STATE_FILE, find_run

NEWEST = "newest"
# What belongs to one call of the command and not to the run.
_OF_THE_CALL = {"resume", "run", "typed", "logs", "workers"}


class Noted(argparse.Action):
    """Stores the value of a flag, and in `typed` that it was typed, under its name."""

    def __call__(self, parser, namespace, values, option_string=None):
        """Store both; argparse calls it."""
        setattr(namespace, self.dest, values)
        typed = getattr(namespace, "typed", {})
        namespace.typed = {**typed, self.dest: option_string}


class NotedAppend(Noted):
    """Likewise of a flag that can be repeated: a list of values."""

    def __call__(self, parser, namespace, values, option_string=None):
        """Add one value; argparse calls it."""
        values = [*getattr(namespace, self.dest), values]
        super().__call__(parser, namespace, values, option_string)


class NotedTrue(Noted):
    """Likewise of a flag without a value."""

    def __init__(self, option_strings, dest, **kwargs):
        super().__init__(option_strings, dest, nargs=0, **kwargs)

    def __call__(self, parser, namespace, values, option_string=None):
        """Store True; argparse calls it."""
        super().__call__(parser, namespace, True, option_string)


def add_resume_flag(parser: argparse.ArgumentParser) -> None:
    """Add --resume to a parser, and let all flags added later note that they are typed.

    Args:
        parser: the parser of a training, without flags yet.
    """
    parser.register("action", None, Noted)
    parser.register("action", "append", NotedAppend)
    parser.register("action", "store_true", NotedTrue)
    parser.add_argument(
        "--resume",
        nargs="?",
        const=NEWEST,
        metavar="RUN FOLDER",
        help="go on with an interrupted training exactly where it was, with its flags: "
        "the run in this folder, or the newest in --logs; beside it only --epochs, "
        "--workers and --logs can be given",
    )


def flags_to_keep(args: argparse.Namespace) -> dict:
    """Return the flags that a run is resumed with, as plain data.

    Args:
        args: parsed flags of a training.
    """
    kept = {key: value for key, value in vars(args).items() if key not in _OF_THE_CALL}
    return {key: _plain(value) for key, value in kept.items()}


def resumed(
    args: argparse.Namespace, base: type[Config]
) -> tuple[argparse.Namespace, Path, runs.Run]:
    """Return what a resumed training is done with.

    Args:
        args: parsed flags, --resume among them.
        base: configuration with the defaults; its NAME chooses among the runs.

    Returns:
        args: the flags of the interrupted training, --epochs and --workers as typed.
        folder: of the run.
        run: its settings and class names.

    Raises:
        WeightsError: there is no such run.
        ConfigError: it was not begun by a command, or a flag contradicts it.
    """
    if args.resume == NEWEST:
        folder = find_run(args.logs, STATE_FILE, base.NAME)
    else:
        folder = Path(args.resume)
    run = runs.read_beside(folder / STATE_FILE)
    if run is None or not run.flags:
        raise ConfigError(
            f"Expected a run with its flags in {runs.FILE_NAME}. Received: "
            f"{str(folder)!r}, which has none. A script of your own resumes by "
            "MaskRCNN.resume; a checkpoint goes on with --weights=PATH."
        )
    given = flags_to_keep(args)
    typed = getattr(args, "typed", {})
    for key, flag in typed.items():
        kept = run.flags.get(key)
        is_raised = key == "epochs" and given[key] > (kept or DEFAULT_EPOCHS)
        if key in given and given[key] != kept and not is_raised:
            raise ConfigError(
                "Expected the flags that the run was begun with, which --resume takes "
                f"up by itself. Received: {flag}={given[key]}, where the run has "
                f"{kept}. Leave it out (only --epochs may be raised), or begin a new "
                "run from a checkpoint: --weights=PATH."
            )
    flags = {key: run.flags.get(key) for key in given}
    if flags.get("dataset"):
        flags["dataset"] = Path(flags["dataset"])
    if "epochs" in typed:
        flags["epochs"] = args.epochs
    return argparse.Namespace(**flags, workers=args.workers), folder, run


def check_same_classes(
    class_names: Sequence[str], trained: Sequence[str], where: Path
) -> None:
    """Check that a data set has the classes that a run is trained with.

    Args:
        class_names: of the data set, the background first.
        trained: those of the run.
        where: folder of the run, for the message.

    Raises:
        ConfigError: they differ.
    """
    if list(class_names) != list(trained):
        raise ConfigError(
            f"Expected the classes of the run in {str(where)!r}: "
            f"{', '.join(trained[1:])}. Received: {', '.join(class_names[1:])}. "
            "Restore the data set, or begin a new run from a checkpoint: "
            "--weights=PATH."
        )


def _plain(value):
    if isinstance(value, Path):
        return str(value.resolve())
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
