"""What --augment names, made of imgaug's augmenters."""

import argparse

AUGMENTERS = {
    "none": None,
    "flip": lambda iaa: iaa.Fliplr(0.5),
    "turn": lambda iaa: iaa.Sequential(
        [
            iaa.Fliplr(0.5),
            iaa.Affine(rotate=(-180, 180), scale=(0.7, 1.3)),
            iaa.Multiply((0.7, 1.3)),
        ]
    ),
}


def augmenter(args: argparse.Namespace):
    """Return the imgaug augmenter that --augment names, or None."""
    make = AUGMENTERS[args.augment]
    if make is None:
        return None
    from mrcnn.training.augment import import_imgaug

    return make(import_imgaug().augmenters)
