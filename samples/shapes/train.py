"""Train Mask R-CNN on generated squares, circles and triangles, from random weights.

Nothing is downloaded, and a processor is enough: the quickest way to see training,
its curves in TensorBoard, and what a setting does.

examples:
  python samples/shapes/train.py
      500 images of 128 pixels, batches of 8; AP of 50 others after each epoch
  python samples/shapes/train.py --lr=0.001 --optimizer=sgd --schedule=constant
      with the original's optimizer
  tensorboard --logdir logs
      losses, AP, precision and recall, histograms, the graph, and the pictures with
      truth and prediction side by side
"""

import argparse
import sys
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # so that a clone needs no installation
sys.path.insert(0, str(Path(__file__).resolve().parent))

import shapes

from mrcnn.cli import arguments
from mrcnn.cli.main import guard
from mrcnn.cli.train import train
from mrcnn.cli.values import positive


def main(argv: list[str] | None = None) -> int:
    """Parse the flags and train."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_training_flags(
        parser, logs=ROOT / "logs", augment="flip", add_data_flags=add_shapes_flags
    )
    parser.set_defaults(weights="none", epochs=7)
    run_sample = partial(train, base=shapes.ShapesConfig, load=load_shapes)
    return guard(run_sample, parser.parse_args(argv))


def add_shapes_flags(parser: argparse.ArgumentParser, dataset=None) -> None:
    """Add the flags that say how many images are generated."""
    group = parser.add_argument_group("data set")
    group.add_argument(
        "--images",
        type=positive,
        metavar="N",
        default=500,
        help="images to learn from (default: %(default)s)",
    )
    group.add_argument(
        "--val-images",
        type=positive,
        metavar="N",
        default=50,
        help="images to measure with (default: %(default)s)",
    )
    group.add_argument(
        "--seed",
        type=int,
        metavar="N",
        default=0,
        help="seed of everything random (default: %(default)s)",
    )


def load_shapes(args: argparse.Namespace):
    """Return the training and the validation data set."""
    return shapes.datasets(
        args.images,
        args.val_images,
        args.image_size or shapes.ShapesConfig.IMAGE_MAX_DIM,
        args.seed,
    )


if __name__ == "__main__":
    sys.exit(main())
