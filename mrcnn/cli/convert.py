"""``mrcnn convert``: a data set in the format of another annotation tool."""

import argparse
from pathlib import Path

from mrcnn.cli.datasets import add_source_flags, load_parts
from mrcnn.cli.saving import (
    add_saving_flags,
    refuse_same_folder,
    same_classes,
    save_parts,
)

_DESCRIPTION = """\
Write a data set in another format. All parts of a divided folder are converted,
with the same classes. What the format cannot hold is said."""

_EPILOG = """\
examples:
  mrcnn convert photos/ --to coco --output photos-coco/
  mrcnn convert instances_val2017.json --to via --output val/ --no-copy
      to correct outlines in VIA, with the images where they are"""


def add_parser(subparsers) -> None:
    """Add the command to a parser's subparsers."""
    parser = subparsers.add_parser(
        "convert",
        help="write a data set in another format",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("path", type=Path, metavar="PATH", help="data set")
    add_source_flags(parser)
    add_saving_flags(parser, needs_format=True)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Convert the data set that the flags name."""
    refuse_same_folder(args.path, args.output)
    save_parts(same_classes(load_parts(args.path, args)), args)
