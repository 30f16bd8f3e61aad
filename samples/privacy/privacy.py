"""Make people, screens and papers unreadable in images and videos: on their masks.

What is found is blurred, pixelated or filled; in videos also in the frames before
and behind, so that an object that the network misses for some frames stays hidden.
Videos keep their frame rate and sound. Results carry no metadata: no place, no
camera, no preview picture of the original.

examples:
  python samples/privacy/privacy.py --input nextbatch/ --output output/
      every image and video of a folder, with COCO weights, downloaded once
  python samples/privacy/privacy.py --input clip.mp4 --method fill --mask-threshold 0.2
      nothing left to guess from, and larger masks
  python samples/privacy/privacy.py --input clip.mp4 --hide person --inverse
      everything but the people
  python samples/privacy/privacy.py --input clip.mp4 --weights last --hide badge
      your own network and your own class
"""

import argparse
import math
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # so that a clone needs no installation

import numpy as np

from mrcnn.cli import arguments, outputs
from mrcnn.cli.detector import load_detector
from mrcnn.cli.main import guard
from mrcnn.cli.objects import add_object_flags, class_ids, object_finder
from mrcnn.cli.redraw import redraw, redraw_video
from mrcnn.cli.values import class_list, rgb, whole
from mrcnn.cli.videos import add_video_flags
from mrcnn.structures import Detections

DEFAULT_CLASSES = (
    *("person", "tv", "laptop", "keyboard", "cell phone", "book", "toilet"),
)
# Pixels by which masks grow, as a share of the picture's shorter side.
_DILATION_SHARE = 0.01


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--input",
        nargs="+",
        required=True,
        metavar="INPUT",
        help="image, video, folder or pattern",
    )
    outputs.add_output_flag(parser)
    _add_hiding_flags(parser.add_argument_group("what is hidden, and how"))
    arguments.add_detection_flags(parser, logs=ROOT / "logs", confidence=0.5)
    add_object_flags(parser)
    add_video_flags(parser, numbers=False)
    # Masks a little too large hide more than masks a little too small.
    parser.set_defaults(weights="coco", mask_threshold=0.3)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Parse the flags and hide what they name."""
    return guard(run, build_parser().parse_args(argv))


def run(args: argparse.Namespace) -> None:
    """Hide what the flags name, found by the network they name."""
    paths = outputs.find_inputs(args.input)
    outputs.make_folder(args.output)
    model, class_names = load_detector(args)
    hidden_ids = hidden_class_ids(args.hide, class_names)

    find = object_finder(model, class_names, args)

    def detect(images) -> list[Detections]:
        return [
            found.select(np.isin(found.class_ids, hidden_ids)) for found in find(images)
        ]

    hide(paths, detect, args)


def hide(paths: Sequence[Path | str], detect, args: argparse.Namespace) -> None:
    """Write each input anew with its objects hidden.

    Args:
        paths: images and videos, from `outputs.find_inputs`.
        detect: list of uint8 [H, W, 3] images -> list of `Detections` to hide.
        args: flags of `build_parser`.

    Raises:
        DatasetError: an image cannot be read.
        VideoError: a video cannot be read or written.
    """
    redraw(paths, detect, drawing(args), args, ending="_private", **_holding(args))


def hide_in_video(source, target: Path, detect, draw, args) -> int:
    """Write a video with its objects hidden, also where some frames missed them.

    Args:
        source: the video.
        target: the mp4 to write.
        detect: list of uint8 [H, W, 3] frames -> list of `Detections` to hide.
        draw: a frame and its detections to the frame without them.
        args: flags of `build_parser`.

    Returns:
        Number of frames.
    """
    return redraw_video(source, target, detect, draw, args, **_holding(args))


def _holding(args: argparse.Namespace) -> dict:
    """Return the options of `redraw` for videos that hide what some frames missed."""
    from mrcnn.video.tracking import track

    return {"track": partial(track, hold=args.hold), "keep_sound": args.sound}


def hidden_class_ids(
    wanted: Sequence[str] | None, class_names: Sequence[str]
) -> list[int]:
    """Return the ids of the classes to hide.

    Args:
        wanted: their names; None is those of `DEFAULT_CLASSES` that there are.
        class_names: K names, the background first.

    Raises:
        ConfigError: the network does not know a class, or none of the default ones.
    """
    known = [name for name in DEFAULT_CLASSES if name in class_names[1:]]
    return class_ids(wanted or known or ["person"], class_names, flag="--hide")


def drawing(args: argparse.Namespace):
    """Return what hides detections in an image, as the flags say."""
    from mrcnn.draw.redact import redact

    def draw(image: np.ndarray, found: Detections) -> np.ndarray:
        dilation = args.dilate
        if dilation is None:
            dilation = math.ceil(min(image.shape[:2]) * _DILATION_SHARE)
        return redact(
            image,
            found,
            method=args.method,
            dilation=dilation,
            inverse=args.inverse,
            color=args.color,
        )

    return draw


def _add_hiding_flags(group) -> None:
    group.add_argument(
        "--hide",
        type=class_list,
        metavar="A,B,C",
        help=f"classes (default: {', '.join(DEFAULT_CLASSES)})",
    )
    group.add_argument(
        "--method",
        choices=("blur", "pixelate", "fill"),
        default="blur",
        help="fill leaves nothing to guess from (default: %(default)s)",
    )
    group.add_argument(
        "--color",
        type=rgb,
        metavar="R,G,B",
        default=(0, 0, 0),
        help="of fill (default: 0,0,0, black)",
    )
    group.add_argument(
        "--dilate",
        type=whole,
        metavar="PIXELS",
        help="grow the masks by so much more (default: 1 %% of the shorter side)",
    )
    group.add_argument(
        "--inverse",
        action="store_true",
        help="hide everything but the objects",
    )
    group.add_argument(
        "--hold",
        type=whole,
        metavar="FRAMES",
        default=10,
        help="hide an object also so many frames before and behind those it was "
        "found in (default: %(default)s)",
    )
    group.add_argument(
        "--no-sound",
        dest="sound",
        action="store_false",
        help="leave out the sound: voices tell who speaks",
    )


if __name__ == "__main__":
    sys.exit(main())
