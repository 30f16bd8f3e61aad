"""``mrcnn train``: learn to find the objects of a folder of annotated photos."""

import argparse
from collections.abc import Callable

from mrcnn.cli import arguments, augmentation, datasets, resume, runs
from mrcnn.config import Config

_DESCRIPTION = """\
Train Mask R-CNN on your own objects.

The folder holds photos and the outlines of their objects, drawn in VGG Image
Annotator (project or export) or saved as COCO. The classes are found in it. Each
epoch leaves a checkpoint in the folder of --logs; run.json beside it keeps the
classes and the settings for 'mrcnn predict'."""

_EPILOG = """\
examples:
  mrcnn train --dataset photos/
      from COCO weights, the heads only: the start for most data sets
  mrcnn train --dataset photos/ --weights last --layers all --epochs 60 --lr 0.0001
      continue the last run, now with all layers
  mrcnn train --resume
      go on with a training that was interrupted, exactly where it was
  mrcnn train --dataset photos/ --backbone resnet18 --weights none \\
      --image-size 256 --batch 4
      small enough for a laptop without a GPU"""


def add_parser(subparsers) -> None:
    """Add the command to a parser's subparsers."""
    parser = subparsers.add_parser(
        "train",
        help="train on a folder of annotated photos",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    arguments.add_training_flags(parser)
    parser.set_defaults(run=train)


def train(
    args: argparse.Namespace,
    base: type[Config] = Config,
    load: Callable = datasets.load_datasets,
) -> None:
    """Train as the flags say.

    Args:
        args: flags of `arguments.add_training_flags`.
        base: configuration with the defaults.
        load: from the flags to a training and a validation data set.
    """
    folder = None
    if args.resume:
        args, folder, run = resume.resumed(args, base)
    train_set, val_set = load(args)
    if folder:
        resume.check_same_classes(train_set.class_names, run.class_names, folder)
        config = base(**run.settings)
    else:
        config = arguments.training_config(args, train_set, base)
    stages = arguments.training_stages(args, config)

    import keras

    from mrcnn.model import MaskRCNN, check_training_data

    augmenter = augmentation.augmenter(args)
    check_training_data(train_set, val_set, config, augmentation=augmenter)
    # Of what the batches do not seed: the weights that nothing is loaded into.
    keras.utils.set_random_seed(config.SEED)
    config.display()
    logs = folder.parent if folder else args.logs
    model = MaskRCNN(mode="training", config=config, model_dir=str(logs))
    if folder:
        model.resume(folder)
    else:
        model.load_initial_weights(args.weights)
    model.train_stages(
        train_set,
        val_set,
        stages,
        augmentation=augmenter,
        custom_callbacks=[
            runs.keeper(model, train_set.class_names, resume.flags_to_keep(args))
        ],
        workers=args.workers,
    )
    print(f"Checkpoints: {model.log_dir}")
