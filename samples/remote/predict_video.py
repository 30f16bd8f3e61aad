"""Find remotes in video: an mp4 with the objects drawn in, for each input.

The result has the size, the frame rate and the sound of its input.

examples:
  python samples/remote/predict_video.py clip.mp4
      with the last training in logs/; the result is output/clip_masks.mp4
  python samples/remote/predict_video.py one.mp4 two.mov 'holiday/*.mp4' --batch=4
      several inputs; batches are faster on a GPU
  python samples/remote/predict_video.py clip.mp4 --weights=coco
      the 80 everyday classes of COCO, without any training
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
    add_input_flags(parser, "video, or a pattern of videos")
    arguments.add_detection_flags(parser, logs=ROOT / "logs")
    return guard(predict_videos, parser.parse_args(argv))


def predict_videos(args: argparse.Namespace) -> None:
    """Predict what the flags name."""
    paths = outputs.find_inputs(args.inputs)
    outputs.require_videos(paths)
    outputs.make_folder(args.output)
    model, class_names = load_detector(
        args, base=RemoteConfig, class_names=["AC Remote"]
    )
    predict(model, class_names, paths, args.output, batch_size=args.batch)


if __name__ == "__main__":
    sys.exit(main())
