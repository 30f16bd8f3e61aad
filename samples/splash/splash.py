"""Objects in colour before a grey background, or a blurred one, or another picture.

examples:
  python samples/splash/splash.py photo.jpg clip.mp4 --classes person
      with COCO weights, downloaded once; results are output/photo_splash.jpg
      and output/clip_splash.mp4, with its sound
  python samples/splash/splash.py clip.mp4 --background blur
      the objects sharp, everything else out of focus
  python samples/splash/splash.py photos/ --background beach.jpg
      another background; --background 0,177,64 for one colour
  python samples/splash/splash.py clip.mp4 --weights last
      the objects that your own network finds
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # so that a clone needs no installation

import numpy as np

from mrcnn.cli import outputs
from mrcnn.cli.detector import load_detector
from mrcnn.cli.main import guard
from mrcnn.cli.objects import object_finder
from mrcnn.cli.redraw import Draw, add_redraw_flags, redraw
from mrcnn.cli.values import rgb
from mrcnn.structures import Detections


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_redraw_flags(parser, ROOT / "logs")
    parser.add_argument(
        "--background",
        metavar="WHAT",
        default="grey",
        help="grey, blur, a colour as R,G,B, or the path of an image, which is scaled "
        "to cover (default: %(default)s)",
    )
    return parser


def main(argv: list[str] | None = None) -> int:
    """Parse the flags and draw."""
    return guard(run, build_parser().parse_args(argv))


def run(args: argparse.Namespace) -> None:
    """Draw the inputs of the flags anew, with the network of the flags."""
    paths = outputs.find_inputs(args.inputs)
    draw = drawing(args.background)  # first: its image may be missing
    outputs.make_folder(args.output)
    model, class_names = load_detector(args)
    redraw(paths, object_finder(model, class_names, args), draw, args, ending="_splash")


def drawing(background: str) -> Draw:
    """Return what puts the objects of an image before a background.

    Args:
        background: as --background takes it.

    Raises:
        DatasetError: it is the path of no image.
    """
    from mrcnn.draw.background import replace_background

    behind = _background(background)

    def draw(image: np.ndarray, found: Detections) -> np.ndarray:
        return replace_background(image, found, behind(image, found))

    return draw


def _background(text: str) -> Draw:
    from mrcnn.draw import background

    if text in ("grey", "gray"):
        return lambda image, found: background.grey(image)
    if text == "blur":
        return background.blurred
    try:
        color = rgb(text)
    except argparse.ArgumentTypeError:
        picture = outputs.read_image(Path(text))
        return lambda image, found: background.covering(picture, image.shape[:2])
    return lambda image, found: background.filled(image.shape[:2], color)


if __name__ == "__main__":
    sys.exit(main())
