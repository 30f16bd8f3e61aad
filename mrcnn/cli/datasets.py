"""The flags that say which images and classes to use, and the data sets they name."""

import argparse
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mrcnn.cli.values import class_list, default_words, positive
from mrcnn.errors import ConfigError


def add_dataset_flags(
    parser: argparse.ArgumentParser, *, dataset: str | Path | None = None
) -> None:
    """Add the flags that say which images and classes to use.

    Args:
        parser: the parser to add to.
        dataset: default of --dataset; None leaves it to be given.
    """
    group = parser.add_argument_group("data set")
    group.add_argument(
        "--dataset",
        type=Path,
        metavar="FOLDER",
        default=dataset,
        help="photos with their annotations (VIA, COCO, LabelMe, YOLO, CVAT ...), "
        "divided into train/ and val/ or not" + default_words(dataset),
    )
    add_source_flags(group)
    group.add_argument(
        "--val-fraction",
        type=float,
        metavar="SHARE",
        default=0.2,
        help="share of the images kept for validation where the folder has no "
        "train/ and val/ (default: %(default)s)",
    )
    group.add_argument(
        "--seed",
        type=int,
        metavar="N",
        default=0,
        help="seed of everything random (default: %(default)s)",
    )


def add_source_flags(parser) -> None:
    """Add the flags that say how a data set is read."""
    parser.add_argument(
        "--classes",
        type=class_list,
        metavar="A,B,C",
        help="class names in the order of their ids (default: found in it)",
    )
    parser.add_argument(
        "--class-attribute",
        metavar="NAME",
        help="VIA: the region attribute that holds the class (default: found)",
    )
    parser.add_argument(
        "--channels",
        type=positive,
        metavar="N",
        help="channels of the images: 1 reads them as grey, more than 3 from TIFF "
        "(default: 3, RGB)",
    )


@contextmanager
def quiet_log() -> Iterator[None]:
    """Keep what readers say about a data set out of the output."""
    logger = logging.getLogger("mrcnn.data")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(level)


def load_parts(path: Path, args: argparse.Namespace) -> dict:
    """Return the data sets of a folder by subset, "" where it is not divided.

    Args:
        path: folder or annotation file.
        args: flags of `add_source_flags`.

    Raises:
        DatasetError: there is no readable data set.
    """
    from mrcnn.data.dataset import Dataset
    from mrcnn.data.formats import subsets

    return {
        name or "": Dataset.load(
            path,
            name,
            args.classes,
            class_attribute=args.class_attribute,
            num_channels=args.channels or 3,
        )
        for name in subsets(path) or (None,)
    }


def load_datasets(args: argparse.Namespace):
    """Return the training and the validation data set that the flags name.

    Args:
        args: flags of `add_dataset_flags`.

    Returns:
        (train, val), of class `Dataset`, with the same classes.

    Raises:
        ConfigError: no folder is given.
        DatasetError: there is no readable data set.
    """
    if args.dataset is None:
        raise ConfigError(
            "Expected a folder of annotated photos. Received: none. Type "
            "--dataset=FOLDER, or --resume to go on with an interrupted training."
        )
    from mrcnn.data.dataset import Dataset
    from mrcnn.data.formats import subsets

    # Who asks for images without objects wants the photos without outlines, too.
    asks_for_negatives = getattr(args, "NEGATIVE_IMAGE_RATIO", None) is not None

    def load(subset, class_names):
        return Dataset.load(
            args.dataset,
            subset,
            class_names,
            class_attribute=args.class_attribute,
            keep_unannotated=True if asks_for_negatives else None,
            num_channels=args.channels or 3,
        )

    parts = subsets(args.dataset)
    if len(parts) < 2:
        whole = load(parts[0] if parts else None, args.classes)
        return whole.split(args.val_fraction, args.seed)
    train = load("train", args.classes)
    return train, load("val", list(train.class_names[1:]))
