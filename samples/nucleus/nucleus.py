"""Find the nuclei of cells, as in the Data Science Bowl of 2018.

examples:
  python samples/nucleus/nucleus.py train --dataset=nucleus --subset=train --weights=imagenet
      nucleus/stage1_train/<id>/images/<id>.png and masks/*.png, a tenth kept aside
  python samples/nucleus/nucleus.py train --dataset=nucleus --subset=stage1_train --weights=last
      all images, none kept aside
  python samples/nucleus/nucleus.py detect --dataset=nucleus --subset=stage1_test --weights=last
      writes submit.csv with run lengths, and a picture for each image
"""  # noqa: E501 - a command line to copy

import argparse
import csv
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # so that a clone needs no installation

import numpy as np

from mrcnn.cli import arguments, outputs
from mrcnn.cli.detector import load_detector
from mrcnn.cli.main import guard
from mrcnn.cli.train import train
from mrcnn.config import Config
from mrcnn.errors import ConfigError, DatasetError
from mrcnn.structures import Detections

CLASS_NAMES = ["nucleus"]
_VAL_FRACTION = 0.1


class NucleusConfig(Config):
    """Settings for many small objects: crops for training, whole pictures after it."""

    NAME = "nucleus"
    NUM_CLASSES = 1 + 1  # background and nucleus
    BACKBONE = "resnet50"
    IMAGES_PER_GPU = 6
    # Scaled up twice, since most nuclei are tiny, and cropped to 512 pixels.
    IMAGE_RESIZE_MODE = "crop"
    IMAGE_MIN_DIM = 512
    IMAGE_MAX_DIM = 512
    IMAGE_MIN_SCALE = 2.0
    RPN_ANCHOR_SCALES = (8, 16, 32, 64, 128)
    RPN_NMS_THRESHOLD = 0.9
    RPN_TRAIN_ANCHORS_PER_IMAGE = 64
    POST_NMS_ROIS_TRAINING = 1000
    POST_NMS_ROIS_INFERENCE = 2000
    TRAIN_ROIS_PER_IMAGE = 128
    MAX_GT_INSTANCES = 200
    DETECTION_MAX_INSTANCES = 400
    DETECTION_MIN_CONFIDENCE = 0.0
    MEAN_PIXEL = np.array([43.53, 39.56, 48.22])


# What detection does otherwise than training.
_DETECTING = {"IMAGE_RESIZE_MODE": "pad64", "RPN_NMS_THRESHOLD": 0.7}


def load_nuclei(args: argparse.Namespace):
    """Return the training and the validation data set of the flags.

    The folder stage1_train is divided for the subset "train"; of all its images
    ("stage1_train") the same ones are for validation, though learned from.
    """
    from mrcnn.data.dataset import Dataset

    if args.dataset is None:
        raise ConfigError(
            "Expected a folder with stage1_train/. Received: none. Type "
            "--dataset=FOLDER."
        )
    whole = Dataset.load(args.dataset / "stage1_train", None, CLASS_NAMES)
    train_set, val_set = whole.split(args.val_fraction, args.seed)
    return (whole if args.subset == "stage1_train" else train_set), val_set


def detect(args: argparse.Namespace) -> None:
    """Write the submission of a subset, and a picture of each image."""
    paths = image_paths(args.dataset / args.subset)
    outputs.make_folder(args.output)
    args.set = [*_DETECTING.items(), *args.set]
    model, names = load_detector(args, base=NucleusConfig, class_names=CLASS_NAMES)
    target = args.output / "submit.csv"
    with open(target, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["ImageId", "EncodedPixels"])
        for image_id, path in paths.items():
            image = outputs.read_image(path)
            (found,) = model.detect_images([image])
            writer.writerows([image_id, text] for text in encoded_masks(found) or [""])
            outputs.write_image(args.output / image_id, path.name, image, found, names)
            print(f"{image_id}: {len(found)} nuclei")
    print(f"Written to {target}")


def image_paths(folder: Path) -> dict[str, Path]:
    """Return the image of each folder <id>/images by its id.

    Raises:
        DatasetError: there is none.
    """
    paths = {
        path.parent.parent.name: path
        for path in sorted(folder.glob("*/images/*"))
        if path.suffix.lower() in outputs.IMAGE_SUFFIXES
    }
    if not paths:
        raise DatasetError(
            f"Expected images at <id>/images/<id>.png. Received: {folder}, where there "
            "are none. Check --dataset and --subset."
        )
    return paths


def encoded_masks(found: Detections) -> list[str]:
    """Return each mask in the run lengths of the competition, no pixel in two.

    A pixel belongs to the surest object; what is covered by surer ones is left out.
    """
    taken = np.zeros(found.image_hw, bool)
    texts = []
    for i in np.argsort(-found.scores, kind="stable"):
        y1, x1, y2, x2 = found.boxes[i]
        mask = np.zeros(found.image_hw, bool)
        mask[y1:y2, x1:x2] = found.box_masks[i] & ~taken[y1:y2, x1:x2]
        taken |= mask
        if mask.any():
            texts.append(run_lengths(mask))
    return texts


def run_lengths(mask: np.ndarray) -> str:
    """Return start and length of each run of a mask, down the columns, from 1.

    Args:
        mask: bool [H, W].

    Example:
        >>> run_lengths(np.array([[1, 0], [1, 1]], bool))
        '1 2 4 1'
    """
    # [H, W] -> [W * H]
    edges = np.flatnonzero(np.diff(mask.T.ravel(), prepend=False, append=False))
    starts, ends = edges[::2], edges[1::2]
    return " ".join(
        f"{start + 1} {end - start}" for start, end in zip(starts, ends, strict=True)
    )


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    training = commands.add_parser("train", help="learn to find nuclei")
    arguments.add_training_flags(training, logs=ROOT / "logs", augment="turn")
    training.add_argument(
        "--subset",
        choices=("train", "stage1_train"),
        default="train",
        help="stage1_train without the images kept aside, or all (default: train)",
    )
    training.set_defaults(
        run=lambda args: train(args, base=NucleusConfig, load=load_nuclei),
        val_fraction=_VAL_FRACTION,
    )
    detecting = commands.add_parser("detect", help="write a submission")
    detecting.add_argument("--dataset", type=Path, metavar="FOLDER", required=True)
    detecting.add_argument(
        "--subset",
        metavar="NAME",
        default="stage1_test",
        help="folder in it (default: %(default)s)",
    )
    outputs.add_output_flag(detecting, "output/nucleus")
    arguments.add_detection_flags(detecting, logs=ROOT / "logs")
    detecting.set_defaults(run=detect, classes=None)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Parse the flags and train or detect."""
    args = build_parser().parse_args(argv)
    return guard(args.run, args)


if __name__ == "__main__":
    sys.exit(main())
