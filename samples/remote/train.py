"""Train Mask R-CNN to find AC remotes, or whatever a folder of photos shows.

examples:
  python samples/remote/train.py
      from COCO weights on datasets/remote, with the settings for a GPU
  python samples/remote/train.py --weights=last --layers=all --epochs=60 --lr=0.0001
      continue the last training, now with all layers
  python samples/remote/train.py --resume
      go on with a training that was interrupted, exactly where it was
  python samples/remote/train.py --dataset=my_photos --weights=imagenet
      another folder with VIA or COCO annotations
  python samples/remote/train.py --weights=none --backbone=resnet18 --image-size=256 --batch=4
      small enough for a laptop without a GPU, and without a download

Each epoch leaves a checkpoint in logs/; evaluate.py, predict_image.py and
predict_video.py take the newest one.
"""  # noqa: E501 - a command line to copy

import argparse
import sys
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # so that a clone needs no installation

from mrcnn.cli import arguments
from mrcnn.cli.main import guard
from mrcnn.cli.train import train
from mrcnn.config import Config


class RemoteConfig(Config):
    """Settings for AC remotes; NUM_CLASSES and STEPS_PER_EPOCH follow the data set."""

    NAME = "remote"
    NUM_CLASSES = 1 + 1  # background and remote
    IMAGES_PER_GPU = 2  # what a GPU of 12 GB takes at 1024 pixels


def main(argv: list[str] | None = None) -> int:
    """Parse the flags and train."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_training_flags(
        parser,
        dataset=ROOT / "datasets" / "remote",
        logs=ROOT / "logs",
        augment="turn",  # a remote lies on the table at any angle
    )
    return guard(partial(train, base=RemoteConfig), parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
