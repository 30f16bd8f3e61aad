"""The flags that say how objects are looked for and which are kept.

`add_object_flags` and `object_finder` are shared by ``mrcnn predict`` and the samples:
flags in, a callable out that `video.pipeline` and everything for images can call.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

import numpy as np

from mrcnn.cli.values import class_list, fraction, positive
from mrcnn.errors import ConfigError, nearest
from mrcnn.structures import Detections

Finder = Callable[[Sequence[np.ndarray]], list[Detections]]
# What --tile without a size means: the size of the network's input.
_TILE_OF_NETWORK = 0


def add_object_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags that say which objects are kept, and how they are looked for."""
    group = parser.add_argument_group("objects")
    group.add_argument(
        "--classes",
        type=class_list,
        metavar="A,B,C",
        help="keep these classes alone (default: all). For weights without class "
        "names, as the original library's: the names of all their classes in the "
        "order of their ids. As many new names as there are classes rename them",
    )
    group.add_argument(
        "--mask-threshold",
        type=fraction,
        metavar="SHARE",
        default=0.5,
        help="probability from which a pixel belongs to an object; lower makes larger "
        "masks (default: %(default)s)",
    )
    group.add_argument(
        "--agnostic-nms",
        action="store_true",
        help="of two objects with nearly the same mask keep the surer one, also when "
        "their classes differ",
    )
    group.add_argument(
        "--tile",
        type=positive,
        metavar="PIXELS",
        nargs="?",
        const=_TILE_OF_NETWORK,
        help="look at large images in tiles of this side, and at the whole as well; "
        "an object in several tiles comes once (default: no tiles; without PIXELS, "
        "then behind the inputs, the size of the network's input)",
    )
    group.add_argument(
        "--tile-overlap",
        type=fraction,
        metavar="SHARE",
        default=0.2,
        help="least share of a tile that its neighbour shows as well "
        "(default: %(default)s)",
    )


def object_finder(
    model, class_names: Sequence[str], args: argparse.Namespace
) -> Finder:
    """Return what finds the objects that the flags ask for.

    Args:
        model: a `MaskRCNN` in inference mode, or a `ZooModel`.
        class_names: K names, the background first.
        args: flags of `add_object_flags`.

    Returns:
        list of uint8 [H, W, C] images -> list of `Detections`.

    Raises:
        ConfigError: the network does not know a class.
    """
    kept_ids = class_ids(args.classes, class_names) if args.classes else None
    detect = _whole_or_tiled(model, args)

    def find(images: Sequence[np.ndarray]) -> list[Detections]:
        return [chosen(found) for found in detect(images)]

    def chosen(found: Detections) -> Detections:
        from mrcnn.inference.suppression import suppress_across_classes

        # Before classes are left out: one that is not wanted can be the surer one.
        if args.agnostic_nms:
            found = suppress_across_classes(found)
        if kept_ids is not None:
            found = found.select(np.isin(found.class_ids, kept_ids))
        return found

    return find


def class_ids(
    names: Sequence[str], class_names: Sequence[str], flag: str = "--classes"
) -> list[int]:
    """Return the ids of classes.

    Args:
        names: what to look for.
        class_names: K names, the background first.
        flag: where the names came from, for the message.

    Raises:
        ConfigError: the network does not know one of them.
    """
    known = list(class_names[1:])
    for name in names:
        if name not in known:
            raise ConfigError(
                f"Expected classes that the network knows: {', '.join(known)}. "
                f"Received: {name}.{nearest(name, known)} Name them with {flag}=A,B."
            )
    return [class_names.index(name) for name in names]


def _whole_or_tiled(model, args: argparse.Namespace) -> Finder:
    def detect(images: Sequence[np.ndarray]) -> list[Detections]:
        return model.detect_images(images, mask_threshold=args.mask_threshold)

    if args.tile is None:
        return detect

    from mrcnn.inference.tiles import detect_tiled, tile_windows

    tile = args.tile or model.config.IMAGE_MAX_DIM
    # Before the first image is read.
    tile_windows((1, 1), tile, args.tile_overlap)
    # Other modes do not scale images down: the whole one would not fit the memory.
    whole = model.config.IMAGE_RESIZE_MODE in ("square", "crop")

    def detect_each(images: Sequence[np.ndarray]) -> list[Detections]:
        return [
            detect_tiled(
                image, detect, tile=tile, overlap=args.tile_overlap, whole=whole
            )
            for image in images
        ]

    return detect_each
