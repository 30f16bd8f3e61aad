"""Train on COCO, and evaluate on it.

examples:
  python samples/coco/coco.py train --dataset=coco --model=imagenet
      coco/train2017/, coco/val2017/ and coco/annotations/instances_*2017.json
  python samples/coco/coco.py train --dataset=coco --model=last
      go on from the newest checkpoint
  python samples/coco/coco.py evaluate --dataset=coco --model=coco --limit=500
      the weights of the original on the first 500 images of val2017
  python samples/coco/coco.py evaluate --dataset=coco --download
      fetch images and annotations first, 1 GB for val2017 (train2017 has 18 GB)
"""

import argparse
import shutil
import sys
import urllib.request
import zipfile
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # so that a clone needs no installation

from mrcnn.cli import arguments
from mrcnn.cli.coco_classes import COCO_CLASSES
from mrcnn.cli.evaluate import add_evaluation_flags, evaluate
from mrcnn.cli.main import guard
from mrcnn.cli.train import train
from mrcnn.config import Config
from mrcnn.errors import ConfigError, DatasetError

SOURCE = "http://images.cocodataset.org"
# The original's schedule: heads, ResNet's stage 4 and up, everything.
STAGES = (("heads", 40, 0.001), ("4+", 120, 0.001), ("all", 160, 0.0001))


class CocoConfig(Config):
    """Settings for COCO."""

    NAME = "coco"
    NUM_CLASSES = len(COCO_CLASSES)
    IMAGES_PER_GPU = 2  # what a GPU of 12 GB takes at 1024 pixels


def load_coco(args: argparse.Namespace, subsets=("train", "val")) -> tuple:
    """Return the data sets of a year, downloaded first if the flags say so.

    Args:
        args: parsed flags.
        subsets: of "train" and "val"; None in a data set's place leaves it out.
    """
    from mrcnn.data.dataset import Dataset

    if args.dataset is None:
        raise ConfigError(
            "Expected the folder of COCO. Received: none. Type --dataset=FOLDER."
        )
    if args.download:
        for subset in filter(None, subsets):
            download(args.dataset, subset, args.year)
    return tuple(
        subset
        and Dataset.load(
            args.dataset / "annotations" / f"instances_{subset}{args.year}.json",
            None,
            list(COCO_CLASSES[1:]),
        )
        for subset in subsets
    )


def download(folder: Path, subset: str, year: str, source: str = SOURCE) -> None:
    """Fetch images and annotations that are not there yet, and unpack them.

    Args:
        folder: the folder of COCO; made when absent.
        subset: "train" or "val".
        year: "2014" or "2017".
        source: address of the archives.

    Raises:
        DatasetError: an archive cannot be fetched.
    """
    annotations = folder / "annotations" / f"instances_{subset}{year}.json"
    archives = {
        folder / f"{subset}{year}": f"{source}/zips/{subset}{year}.zip",
        annotations: f"{source}/annotations/annotations_trainval{year}.zip",
    }
    folder.mkdir(parents=True, exist_ok=True)
    for target, address in archives.items():
        if target.exists():
            continue
        archive = folder / address.rsplit("/", 1)[1]
        print(f"{address} -> {target}")
        try:
            with urllib.request.urlopen(address) as response:
                with open(archive, "wb") as file:
                    shutil.copyfileobj(response, file)
            with zipfile.ZipFile(archive) as packed:
                packed.extractall(folder)
        except (OSError, zipfile.BadZipFile) as error:
            raise DatasetError(
                f"Expected an archive at {address}. Received: {error}. Fetch it by "
                f"hand and unpack it in {folder}."
            ) from error
        finally:
            archive.unlink(missing_ok=True)


def train_coco(args: argparse.Namespace) -> None:
    """Train as the flags say; without layers, epochs or rate as the original."""
    own = (args.stages, args.layers, args.epochs, args.lr)
    if all(value is None for value in own):
        args.stages = STAGES
    train(args, base=CocoConfig, load=load_coco)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    training = commands.add_parser("train", help="train on train, measure on val")
    arguments.add_training_flags(training, logs=ROOT / "logs")
    training.set_defaults(run=train_coco)
    evaluating = commands.add_parser("evaluate", help="evaluate on val")
    add_evaluation_flags(evaluating, logs=ROOT / "logs")
    load_val = partial(load_coco, subsets=(None, "val"))
    evaluating.set_defaults(
        run=partial(evaluate, base=CocoConfig, load=load_val), weights="coco"
    )
    training.add_argument(
        "--model",
        dest="weights",
        metavar="START",
        default=argparse.SUPPRESS,
        help="the original's name of --weights",
    )
    for command in (training, evaluating):
        command.add_argument(
            "--year", choices=("2014", "2017"), default="2017", help="(default: 2017)"
        )
        command.add_argument(
            "--download", action="store_true", help="fetch what is not there"
        )
    return parser


def main(argv: list[str] | None = None) -> int:
    """Parse the flags and train or evaluate."""
    args = build_parser().parse_args(argv)
    return guard(args.run, args)


if __name__ == "__main__":
    sys.exit(main())
