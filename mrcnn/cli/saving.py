"""The flags of the commands that write data sets, and the writing itself."""

import argparse
from pathlib import Path

from mrcnn.errors import DatasetError


def add_saving_flags(parser: argparse.ArgumentParser, *, needs_format: bool) -> None:
    """Add the folder and the format of what is written.

    Args:
        parser: the parser to add to.
        needs_format: whether --to has to be given; else the format stays.
    """
    from mrcnn.data.writers import FORMATS

    group = parser.add_argument_group("result")
    group.add_argument(
        "--output",
        type=Path,
        metavar="FOLDER",
        required=True,
        help="folder of the result; nothing in it is replaced",
    )
    group.add_argument(
        "--to",
        choices=FORMATS,
        required=needs_format,
        help="its format"
        + ("" if needs_format else " (default: the same, or coco if that is not here)"),
    )
    group.add_argument(
        "--no-copy",
        action="store_true",
        help="leave the images where they are, for an annotation tool; without copies "
        "of the images the result cannot be trained on",
    )


def same_classes(parts: dict) -> dict:
    """Return the parts of a data set with the same classes in the same order."""
    from mrcnn.data.merge import merged

    names = dict.fromkeys(n for part in parts.values() for n in part.class_names[1:])
    if all(part.class_names[1:] == list(names) for part in parts.values()):
        return parts
    return {key: merged([part], class_names=names) for key, part in parts.items()}


def save_parts(parts: dict, args: argparse.Namespace) -> None:
    """Write a data set as the flags say, and print where its parts are.

    Args:
        parts: data sets by subset, "" where it is not divided.
        args: flags of `add_saving_flags`.

    Raises:
        DatasetError: files are there already, or cannot be written.
    """
    for name, part in parts.items():
        written = part.save(
            args.output,
            args.to or format_of(part),
            name or None,
            copy_images=not args.no_copy,
        )
        what = f"{name}: " if name else ""
        print(f"{what}{part.num_images} images -> {written}")


def format_of(dataset) -> str:
    """Return the format to write a data set in if it is to stay as it is."""
    from mrcnn.data.writers import FORMATS

    source = dataset.image_info[0]["source"]
    return source if source in FORMATS else "coco"


def refuse_same_folder(path: Path, output: Path) -> None:
    """Refuse to write a data set into the one it is made from.

    Raises:
        DatasetError: the one lies in the other.
    """
    source, target = path.resolve(), output.resolve()
    if target == source or (source.is_dir() and target.is_relative_to(source)):
        raise DatasetError(
            f"Expected a folder outside of the data set {path}. Received: {output}. "
            "Choose another one: the original stays as it is."
        )
