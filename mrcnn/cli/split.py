"""``mrcnn split``: divide a data set into train, val and test."""

import argparse
from pathlib import Path

from mrcnn.cli.datasets import add_source_flags, load_parts
from mrcnn.cli.saving import add_saving_flags, refuse_same_folder, save_parts
from mrcnn.cli.values import fraction
from mrcnn.errors import ConfigError

_DESCRIPTION = """\
Divide a data set into train and val, and test if wanted. Each gets its share of the
images of every class. Copies of an image and pictures that look the same, such as
neighbouring frames of a video, stay together, so that nothing that is learned is
measured. A data set that is divided already is divided anew."""

_EPILOG = """\
examples:
  mrcnn split photos/ --output divided/
  mrcnn split photos/ --output divided/ --val 0.15 --test 0.15 --seed 1"""


def add_parser(subparsers) -> None:
    """Add the command to a parser's subparsers."""
    parser = subparsers.add_parser(
        "split",
        help="divide a data set into train, val and test",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("path", type=Path, metavar="PATH", help="data set")
    for name, default in (("val", 0.2), ("test", 0.0)):
        parser.add_argument(
            f"--{name}",
            type=fraction,
            metavar="SHARE",
            default=default,
            help=f"share of the images for {name} (default: %(default)g)",
        )
    parser.add_argument(
        "--seed", type=int, metavar="N", default=0, help="another division for each N"
    )
    add_source_flags(parser)
    add_saving_flags(parser, needs_format=False)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Divide the data set that the flags name."""
    from mrcnn.data.hashes import similar_groups
    from mrcnn.data.merge import merged
    from mrcnn.data.split import split

    refuse_same_folder(args.path, args.output)
    shares = {"train": 1 - args.val - args.test, "val": args.val, "test": args.test}
    shares = {name: share for name, share in shares.items() if share}
    if len(shares) < 2 or min(shares.values()) < 0:
        raise ConfigError(
            "Expected shares of val and test that leave something for train. "
            f"Received: --val={args.val:g} --test={args.test:g}. Try --val=0.2."
        )
    # Divided already or not: all images are shared out.
    whole = merged(list(load_parts(args.path, args).values()))
    groups = similar_groups(whole)
    num_groups = len(set(groups.tolist()))
    if num_groups < len(groups):
        print(f"{len(groups)} images, {num_groups} that differ: others stay with these")
    divided = split(whole, list(shares.values()), args.seed, groups)
    save_parts(dict(zip(shares, divided, strict=True)), args)
