"""The flags that say which images and classes to use, and the data sets they name."""

import argparse
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
    group.add_argument(
        "--classes",
        type=class_list,
        metavar="A,B,C",
        help="class names in the order of their ids (default: found in them)",
    )
    group.add_argument(
        "--class-attribute",
        metavar="NAME",
        help="VIA: the region attribute that holds the class (default: found)",
    )
    group.add_argument(
        "--channels",
        type=positive,
        metavar="N",
        help="channels of the images: 1 reads them as grey, more than 3 from TIFF "
        "(default: 3, RGB)",
    )
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
