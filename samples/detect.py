"""Find the objects of one image, and draw them in three ways.

  objects_detection.png    boxes and names on the picture
  segmentation_masks.png   masks on black, a colour for each class
  composed.png             the two in one: masks over the picture, boxes and names

examples:
  python samples/detect.py photo.jpg
      the 80 everyday classes of COCO, with weights downloaded once; in output/
  python samples/detect.py photo.jpg --weights last --show
      the last training in logs/; on the screen, too
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that a clone needs no installation

import numpy as np

from mrcnn.cli import arguments, outputs
from mrcnn.cli.detector import load_detector
from mrcnn.cli.main import guard
from mrcnn.cli.objects import add_object_flags, object_finder
from mrcnn.cli.redraw import write_image
from mrcnn.structures import Detections


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("image", type=Path, metavar="IMAGE", help="an image file")
    outputs.add_output_flag(parser)
    parser.add_argument(
        "--show", action="store_true", help="show the three on the screen as well"
    )
    add_object_flags(parser)
    arguments.add_detection_flags(parser, logs=ROOT / "logs")
    parser.set_defaults(weights="coco")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Parse the flags, detect and draw."""
    return guard(run, build_parser().parse_args(argv))


def run(args: argparse.Namespace) -> None:
    """Detect as the flags say, and write the three pictures."""
    image = outputs.read_image(args.image)  # before the network is built
    outputs.make_folder(args.output)
    model, class_names = load_detector(args)
    (found,) = object_finder(model, class_names, args)([image])
    drawn = drawings(image, found, class_names)
    for name, picture in drawn.items():
        written = write_image(args.output / name, args.image, picture, exact=True)
        print(f"-> {written}")
    print(f"{args.image}: {outputs.summary(found, class_names)}")
    if args.show:
        from mrcnn.visualize import display_images

        display_images(list(drawn.values()), list(drawn), cols=3)


def drawings(image: np.ndarray, found: Detections, class_names) -> dict:
    """Return each picture by its name, uint8 [H, W, 3], RGB."""
    from mrcnn.draw.annotate import annotate
    from mrcnn.draw.paint import paint_masks
    from mrcnn.draw.palette import class_color

    colors = [class_color(class_id) for class_id in found.class_ids]
    return {
        "objects_detection": annotate(image, found, class_names, show_masks=False),
        "segmentation_masks": paint_masks(found, colors),
        "composed": annotate(image, found, class_names),
    }


if __name__ == "__main__":
    sys.exit(main())
