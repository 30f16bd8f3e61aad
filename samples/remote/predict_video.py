"""Find remotes in video: an mp4 with the objects drawn in, for each input.

The result has the size, the frame rate and the sound of its input; its objects are
numbered, and a file beside it lists them with a line of JSON for each frame.

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
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))  # so that a clone needs no installation
sys.path.insert(0, str(Path(__file__).resolve().parent))

from train import RemoteConfig

from mrcnn.cli import arguments
from mrcnn.cli.main import guard
from mrcnn.cli.predict import add_input_flags, run


def main(argv: list[str] | None = None) -> int:
    """Parse the flags and predict."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_input_flags(parser, "video, or a pattern of videos")
    arguments.add_detection_flags(parser, logs=ROOT / "logs")
    run_sample = partial(
        run, base=RemoteConfig, class_names=["AC Remote"], only_video=True
    )
    return guard(run_sample, parser.parse_args(argv))


if __name__ == "__main__":
    sys.exit(main())
