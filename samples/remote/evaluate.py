"""Measure how well a training finds the objects of the validation images.

Prints COCO's average precision (AP) of masks and boxes, and writes a page with the
confusion matrix, curves and worst mistakes, with JSON, CSV and PNG files beside it.
AP50 counts an object as found when half of its area is met; AP is the mean over
stricter and stricter measures, 0.5 to 0.95.

examples:
  python samples/remote/evaluate.py
      the last training in logs/, on datasets/remote/val
  python samples/remote/evaluate.py --weights=logs/remote20250101T1200/mask_rcnn_remote_0010.h5
      an earlier checkpoint
  python samples/remote/evaluate.py --dataset=my_photos
      another folder; without a val/ the same share is kept aside as in training
"""  # noqa: E501 - a command line to copy

import argparse
import sys
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # so that a clone needs no installation
sys.path.insert(0, str(Path(__file__).resolve().parent))

from train import RemoteConfig

from mrcnn.cli.evaluate import add_evaluation_flags, evaluate
from mrcnn.cli.main import guard


def main(argv: list[str] | None = None) -> int:
    """Parse the flags and evaluate."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_evaluation_flags(
        parser, dataset=ROOT / "datasets" / "remote", logs=ROOT / "logs"
    )
    run_sample = partial(evaluate, base=RemoteConfig, class_names=["AC Remote"])
    return guard(run_sample, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
