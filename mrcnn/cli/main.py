"""The command ``mrcnn``: which commands there are, and how their errors are shown."""

import argparse
import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import mrcnn
from mrcnn.cli import (
    check,
    convert,
    evaluate,
    inspect,
    merge,
    predict,
    split,
    stats,
    train,
    versions,
)
from mrcnn.errors import MrcnnError

# Each has `add_parser(subparsers)`, which sets `run(args)` as its default.
COMMANDS = (
    *(train, evaluate, predict, inspect, check, stats, split, convert, merge),
    versions,
)
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    parser = argparse.ArgumentParser(
        prog="mrcnn",
        description="Find, mask and count your own objects in images and video.",
        epilog="'mrcnn COMMAND --help' explains a command and shows examples.",
    )
    parser.add_argument("--version", action="version", version=mrcnn.__version__)
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND")
    subparsers.required = True
    for command in COMMANDS:
        command.add_parser(subparsers)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out one command.

    Args:
        argv: the words after the program's name; None takes them from the shell.

    Returns:
        The exit code: 0, 1 where a check found errors, 2 for bad input, 130 when
        interrupted.
    """
    args = build_parser().parse_args(argv)
    return guard(args.run, args)


def guard(
    run: Callable[[argparse.Namespace], int | None], args: argparse.Namespace
) -> int:
    """Call ``run(args)``; bad input becomes one line on standard error.

    Args:
        run: the function of a command or of a sample.
        args: its parsed arguments.

    Returns:
        The exit code: what `run` returns or 0, 2 for bad input, 130 when interrupted.
    """
    # TensorFlow's start-up notes would bury the one line that matters.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        with _shown_log():
            return run(args) or 0
    except MrcnnError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return EXIT_BAD_INPUT
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED


@contextmanager
def _shown_log() -> Iterator[None]:
    """Show what the package reports (weights loaded, images found) while it lasts."""
    logger = logging.getLogger("mrcnn")
    level, handler = logger.level, logging.StreamHandler(sys.stdout)
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
