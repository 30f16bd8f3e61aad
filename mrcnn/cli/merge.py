"""``mrcnn merge``: several data sets become one."""

import argparse
from pathlib import Path

from mrcnn.cli.datasets import add_source_flags, load_parts
from mrcnn.cli.saving import (
    add_saving_flags,
    refuse_same_folder,
    same_classes,
    save_parts,
)
from mrcnn.errors import DatasetError

_DESCRIPTION = """\
Put several data sets together. Subsets of the same name are joined; what is not
divided stays so. Classes of the same name are one class, others can be renamed,
joined or left out with --map."""

_EPILOG = """\
examples:
  mrcnn merge photos-2023/ photos-2024/ --output photos/
  mrcnn merge own/ bought/ --output both/ --map 'remote control=remote' --map 'tv='
      rename a class, leave out another"""


def add_parser(subparsers) -> None:
    """Add the command to a parser's subparsers."""
    parser = subparsers.add_parser(
        "merge",
        help="put data sets together",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="data set")
    parser.add_argument(
        "--map",
        type=renaming,
        metavar="OLD=NEW",
        action="append",
        default=[],
        help="new name of a class; nothing after = leaves its objects out",
    )
    add_source_flags(parser)
    add_saving_flags(parser, needs_format=False)
    parser.set_defaults(run=run)


def renaming(text: str) -> tuple[str, str]:
    """Return a flag's text as the old and the new name of a class.

    Example:
        >>> renaming("remote control = remote"), renaming("tv=")
        (('remote control', 'remote'), ('tv', ''))
    """
    old, separator, new = (part.strip() for part in text.partition("="))
    if not (old and separator):
        raise argparse.ArgumentTypeError(f"expected OLD=NEW, received {text!r}")
    return old, new


def run(args: argparse.Namespace) -> None:
    """Merge the data sets that the flags name."""
    from mrcnn.data.merge import merged

    for path in args.paths:
        refuse_same_folder(path, args.output)
    loaded = [load_parts(path, args) for path in args.paths]
    subsets = dict.fromkeys(name for parts in loaded for name in parts)
    if "" in subsets and len(subsets) > 1:
        undivided = [
            str(path)
            for path, parts in zip(args.paths, loaded, strict=True)
            if "" in parts
        ]
        raise DatasetError(
            "Expected data sets that are all divided into train and val, or none. "
            f"Received: {', '.join(undivided)}, not divided, and others. Divide these "
            "with 'mrcnn split' first."
        )
    datasets = [part for parts in loaded for part in parts.values()]
    names = merged(datasets, dict(args.map)).class_names[1:]
    joined = {}
    for subset in subsets:
        chosen = [parts[subset] for parts in loaded if subset in parts]
        known = {name for part in chosen for name in part.class_names}
        mapping = {old: new for old, new in args.map if old in known}
        joined[subset] = merged(chosen, mapping, names)
    save_parts(same_classes(joined), args)
