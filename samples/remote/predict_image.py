"""Find remotes in images: an annotated picture and a JSON list for each.

examples:
  python samples/remote/predict_image.py photo.jpg
      with the last training in logs/; the results go to output/
  python samples/remote/predict_image.py datasets/remote/val --confidence=0.9
      all images of a folder, only what is nearly certain
  python samples/remote/predict_image.py photo.jpg --weights=coco
      the 80 everyday classes of COCO (remotes among them), without any training
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # so that a clone needs no installation
sys.path.insert(0, str(Path(__file__).resolve().parent))

from train import RemoteConfig

from mrcnn.cli import arguments, outputs
from mrcnn.cli.detector import load_detector
from mrcnn.cli.main import guard
from mrcnn.cli.predict import add_input_flags, predict


def main(argv: list[str] | None = None) -> int:
    """Parse the flags and predict."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_input_flags(parser, "image, folder or pattern")
    arguments.add_detection_flags(parser, logs=ROOT / "logs")
    return guard(predict_images, parser.parse_args(argv))


def predict_images(args: argparse.Namespace) -> None:
    """Predict what the flags name."""
    paths = outputs.find_inputs(args.inputs)
    outputs.make_folder(args.output)
    model, class_names = load_detector(
        args, base=RemoteConfig, class_names=["AC Remote"]
    )
    predict(model, class_names, paths, args.output, batch_size=args.batch)


if __name__ == "__main__":
    sys.exit(main())
