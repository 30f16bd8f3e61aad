"""``mrcnn inspect``: how a network comes to what it finds in an image, step by step."""

import argparse
from pathlib import Path

from mrcnn.cli import arguments, outputs
from mrcnn.cli.detector import chosen_weights, load_detector
from mrcnn.cli.values import class_list
from mrcnn.errors import ConfigError
from mrcnn.weights.zoo import is_graph

_DESCRIPTION = """\
Show how a network comes to what it finds in an image, step by step.

Writes a picture of each step and a page, inspection.html, that walks through them:
anchors, proposals, their levels and classes, what each filter removed, masks before
and after they are placed, the detections, activations, weights and the curves of the
training. Prints why so much, so little or nothing was found."""

_EPILOG = """\
examples:
  mrcnn inspect photo.jpg
      with the last training in logs/
  mrcnn inspect photo.jpg --weights best --confidence 0.3 --output steps
      the best checkpoint; also what it is not sure of; into steps/
  mrcnn inspect photo.jpg --layers conv1_relu,res3b_out,fpn_p2
      what these layers put out"""


def add_parser(subparsers) -> None:
    """Add the command to a parser's subparsers."""
    parser = subparsers.add_parser(
        "inspect",
        help="show step by step how a network comes to what it finds in an image",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("image", type=Path, metavar="IMAGE", help="image file")
    outputs.add_output_flag(parser, "output/inspection")
    parser.add_argument(
        "--classes",
        type=class_list,
        metavar="A,B,C",
        help="names of all classes, for weights without class names, as the original "
        "library's",
    )
    parser.add_argument(
        "--layers",
        type=class_list,
        metavar="A,B,C",
        help="layers whose activations to show (default: the last of each stage of "
        "the backbone, and two of the feature pyramid)",
    )
    arguments.add_detection_flags(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Write the steps of one image, and print what the network found and why."""
    from mrcnn.data.images import image_hw

    if is_graph(args.weights):
        raise ConfigError(
            "Expected weights of a network whose layers are known. Received: "
            f"--weights={args.weights}, a graph of the model zoo, which only detects. "
            "Use last, best, coco or the path of a checkpoint."
        )
    image_hw(args.image)  # an error before the network is built
    outputs.make_folder(args.output)
    model, class_names = load_detector(args)
    image = outputs.read_image(args.image, model.config.IMAGE_CHANNEL_COUNT)

    from mrcnn.cli import inspection_page
    from mrcnn.inference.diagnose import diagnose

    weights = chosen_weights(args)
    run_folder = weights.parent if isinstance(weights, Path) else None
    seen = model.inspect(image)
    said = diagnose(seen, class_names)
    steps = [
        *inspection_page.steps_of_image(image, seen, class_names),
        *inspection_page.steps_of_layers(seen, model, args.layers),
        *inspection_page.steps_of_training(model, run_folder),
    ]
    title = f"Inspection of {args.image.name} with {weights}"
    page = inspection_page.write(args.output, title, said, steps)
    print("\n".join(said))
    print(f"Written to {page}")
