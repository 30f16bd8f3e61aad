"""Object masks in fixed colours on black, to recognise activities from.

What stands for an activity (a person, a cup, a keyboard) keeps its shape and place;
who it is and where is gone. Each pixel is black or one of the colours, exactly: images
become PNG, videos FFV1 in mkv, or PNG frames with --frames.

  person white                         tv, laptop red
  bottle, cup, wine glass blue         cell phone cyan
  microwave, oven yellow               sink 100,150,200
  book magenta                         keyboard green

examples:
  python samples/office/office.py clip.mp4
      with COCO weights, downloaded once; the result is output/clip_office.mkv
  python samples/office/office.py frames/ 'more/*.jpg' --output masks/
      folders of frames and patterns, one PNG for each
  python samples/office/office.py clip.mp4 --frames --size 40x64
      PNG frames of 40 rows and 64 columns in output/clip_office/, for a network
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # so that a clone needs no installation

import numpy as np

from mrcnn.cli import outputs
from mrcnn.cli.detector import load_detector
from mrcnn.cli.main import guard
from mrcnn.cli.objects import object_finder
from mrcnn.cli.redraw import Draw, add_redraw_flags, redraw
from mrcnn.cli.values import height_width
from mrcnn.errors import ConfigError, nearest
from mrcnn.structures import Detections

COLORS = {
    "person": (255, 255, 255),
    **dict.fromkeys(("tv", "laptop"), (255, 0, 0)),
    **dict.fromkeys(("bottle", "cup", "wine glass"), (0, 0, 255)),
    "cell phone": (0, 255, 255),
    **dict.fromkeys(("microwave", "oven"), (255, 255, 0)),
    "sink": (100, 150, 200),
    "book": (255, 0, 255),
    "keyboard": (0, 255, 0),
}


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_redraw_flags(parser, ROOT / "logs")
    parser.add_argument(
        "--frames",
        action="store_true",
        help="write videos as folders of numbered PNG images",
    )
    parser.add_argument(
        "--size",
        type=height_width,
        metavar="HxW",
        help="height and width of the results, 40x64 for example (default: as they "
        "come)",
    )
    return parser


def main(argv: list[str] | None = None) -> int:
    """Parse the flags and paint."""
    return guard(run, build_parser().parse_args(argv))


def run(args: argparse.Namespace) -> None:
    """Paint the inputs of the flags, with the network of the flags."""
    paths = outputs.find_inputs(args.inputs)
    outputs.make_folder(args.output)
    model, class_names = load_detector(args)
    args.classes = painted_classes(args.classes, class_names)
    redraw(
        paths,
        object_finder(model, class_names, args),
        drawing(class_names, args),
        args,
        ending="_office",
        exact=True,
        video_suffix="/%06d.png" if args.frames else ".mkv",
        target_hw=args.size,
        keep_sound=False,
    )


def painted_classes(
    wanted: Sequence[str] | None, class_names: Sequence[str]
) -> list[str]:
    """Return the names of the classes to paint.

    Args:
        wanted: some of those in `COLORS`; None is all that the network knows.
        class_names: K names, the background first.

    Raises:
        ConfigError: a class has no colour, or the network knows none that has.
    """
    names = wanted or [name for name in COLORS if name in class_names]
    for name in names or class_names[1:]:
        if name not in COLORS:
            raise ConfigError(
                f"Expected classes with a colour: {', '.join(COLORS)}. Received: "
                f"{name}.{nearest(name, COLORS)} Add it to COLORS in office.py."
            )
    return names


def drawing(class_names: Sequence[str], args: argparse.Namespace) -> Draw:
    """Return what paints the objects of an image, as the flags say."""
    from PIL import Image

    from mrcnn.draw.paint import paint_masks

    def draw(image: np.ndarray, found: Detections) -> np.ndarray:
        names = [class_names[class_id] for class_id in found.class_ids]
        painted = paint_masks(found, [COLORS[name] for name in names])
        if args.size is None:
            return painted
        # The nearest pixel and no mean of several: no new colours.
        scaled = Image.fromarray(painted).resize(
            args.size[::-1], Image.Resampling.NEAREST
        )
        return np.asarray(scaled)

    return draw


if __name__ == "__main__":
    sys.exit(main())
