"""Measure how well a training finds the objects of the validation images.

Prints COCO's average precision (AP) of masks and boxes, and writes it as JSON.
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
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # so that a clone needs no installation
sys.path.insert(0, str(Path(__file__).resolve().parent))

from train import RemoteConfig

from mrcnn.cli import arguments, datasets, outputs
from mrcnn.cli.detector import load_detector
from mrcnn.cli.main import guard
from mrcnn.evaluation.coco import MIN_CONFIDENCE, evaluate_detections


def main(argv: list[str] | None = None) -> int:
    """Parse the flags and evaluate."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        default=Path("output/evaluation.json"),
        help="the JSON file to write (default: %(default)s)",
    )
    datasets.add_dataset_flags(parser, dataset=ROOT / "datasets" / "remote")
    arguments.add_detection_flags(parser, logs=ROOT / "logs", confidence=MIN_CONFIDENCE)
    return guard(evaluate, parser.parse_args(argv))


def evaluate(args: argparse.Namespace) -> None:
    """Evaluate as the flags say."""
    outputs.make_folder(args.output.parent)
    model, class_names = load_detector(
        args, base=RemoteConfig, class_names=["AC Remote"]
    )
    args.classes = list(class_names[1:])  # the ids of the training
    _, dataset = datasets.load_datasets(args)

    from tqdm import tqdm

    detections = []
    image_ids = list(dataset.image_ids)
    for start in tqdm(range(0, len(image_ids), args.batch), desc="detecting"):
        batch = image_ids[start : start + args.batch]
        detections += model.detect_images([dataset.load_image(i) for i in batch])
    scores = evaluate_detections(dataset, image_ids, detections)

    print(f"{len(image_ids)} images of {args.dataset}")
    print_table(scores)
    args.output.write_text(json.dumps(scores, indent=2) + "\n", encoding="utf-8")
    print(f"Written to {args.output}")


def print_table(scores: dict, indent: str = "") -> None:
    """Print numbers by name, those of inner dicts set in under theirs."""
    for name, value in scores.items():
        if isinstance(value, dict):
            print(f"{indent}{name}")
            print_table(value, indent + "  ")
        else:
            # None: no object of that kind to find.
            shown = "-" if value is None else f"{value:.3f}"
            print(f"{indent}{name:{24 - len(indent)}} {shown}")


if __name__ == "__main__":
    sys.exit(main())
