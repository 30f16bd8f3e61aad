"""Find remotes in images: an annotated picture and a JSON list for each.

examples:
  python samples/remote/predict_image.py photo.jpg
      with the last training in logs/; the results go to output/
  python samples/remote/predict_image.py datasets/remote/val --confidence=0.9
      all images of a folder, only what is nearly certain
  python samples/remote/predict_image.py photo.jpg --weights=coco
      the 80 everyday classes of COCO (remotes among them), without any training
  python samples/remote/predict_image.py photo.jpg --export=via
      outlines to correct in VIA and to train on, in output/via
"""

import argparse
import sys
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # so that a clone needs no installation
sys.path.insert(0, str(Path(__file__).resolve().parent))

from train import RemoteConfig

from mrcnn.cli import arguments
from mrcnn.cli.main import guard
from mrcnn.cli.predict import add_export_flag, add_input_flags, run


def main(argv: list[str] | None = None) -> int:
    """Parse the flags and predict."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_input_flags(parser, "image, folder or pattern")
    add_export_flag(parser)
    arguments.add_detection_flags(parser, logs=ROOT / "logs")
    run_sample = partial(run, base=RemoteConfig, class_names=["AC Remote"])
    return guard(run_sample, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
