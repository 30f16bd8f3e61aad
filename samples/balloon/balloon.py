"""Find balloons, and leave nothing else in colour: the original's colour splash.

examples:
  python samples/balloon/balloon.py train --dataset=balloon --weights=coco
      a folder with train/ and val/, each with photos and via_region_data.json
  python samples/balloon/balloon.py splash --weights=last --image=photo.jpg
  python samples/balloon/balloon.py splash --weights=last --video=clip.mp4
      the balloons of a photo or a video in colour, all else in grey
"""

import argparse
import sys
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # so that a clone needs no installation

import numpy as np

from mrcnn.cli import arguments, outputs
from mrcnn.cli.detector import load_detector
from mrcnn.cli.main import guard
from mrcnn.cli.train import train
from mrcnn.config import Config

CLASS_NAMES = ["balloon"]


class BalloonConfig(Config):
    """Settings for balloons."""

    NAME = "balloon"
    NUM_CLASSES = 1 + 1  # background and balloon
    IMAGES_PER_GPU = 2  # what a GPU of 12 GB takes at 1024 pixels
    DETECTION_MIN_CONFIDENCE = 0.9


def color_splash(image: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Return an image in grey, but in colour where a mask is.

    Args:
        image: uint8 [H, W, 3], RGB.
        masks: bool [H, W, N].

    Returns:
        uint8 [H, W, 3], RGB.
    """
    # The weights of ITU-R BT.601, as everyone's.
    grey = np.rint(image @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)
    is_object = np.any(masks, axis=2)[..., None]
    return np.where(is_object, image, grey[..., None])


def splash(args: argparse.Namespace) -> None:
    """Write the colour splash of an image or a video."""
    source = args.image or args.video
    (path,) = outputs.find_inputs([source])
    if args.video:
        outputs.require_videos([path])
    outputs.make_folder(args.output)
    model, _ = load_detector(args, base=BalloonConfig, class_names=CLASS_NAMES)
    suffix = ".mp4" if args.video else ".png"
    target = args.output / f"{path.stem}_splash{suffix}"
    if args.video:
        from mrcnn.video.pipeline import process_video

        process_video(
            path,
            target,
            model.detect_images,
            lambda frame, found: color_splash(frame, found.masks),
            batch_size=args.batch,
        )
    else:
        from PIL import Image

        image = outputs.read_image(path)
        (found,) = model.detect_images([image])
        Image.fromarray(color_splash(image, found.masks)).save(target)
    print(f"Written to {target}")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    training = commands.add_parser("train", help="learn to find balloons")
    arguments.add_training_flags(training, logs=ROOT / "logs")
    training.set_defaults(run=partial(train, base=BalloonConfig), classes=CLASS_NAMES)

    splashing = commands.add_parser("splash", help="leave nothing else in colour")
    sources = splashing.add_mutually_exclusive_group(required=True)
    sources.add_argument("--image", metavar="FILE", help="the image to splash")
    sources.add_argument("--video", metavar="FILE", help="the video to splash")
    outputs.add_output_flag(splashing, what="result")
    arguments.add_detection_flags(splashing, logs=ROOT / "logs")
    splashing.set_defaults(run=splash, classes=None)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Parse the flags and train or splash."""
    args = build_parser().parse_args(argv)
    return guard(args.run, args)


if __name__ == "__main__":
    sys.exit(main())
