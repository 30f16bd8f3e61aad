"""How much of what should be hidden stays readable, when the detector misses frames.

    python benchmarks/privacy.py
    python benchmarks/privacy.py --frames=300 --drop=0.4 --hold=0,5,10,20

The generated street of samples/privacy goes through its whole sample, file to file.
The detector knows the true masks, gives them as coarse as the network does (28 x 28
in each box), and misses everything in one frame of five, or each object in one frame
of five. Hidden is magenta; what is left are the true pixels that are not magenta in
the file that comes out.
"""

import argparse
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(1, str(Path(__file__).resolve().parents[1] / "samples" / "privacy"))

import cv2
import numpy as np
import privacy
import street

from mrcnn.geometry.masks import mask_in_box
from mrcnn.structures import Detections
from mrcnn.video.sources import open_source
from mrcnn.video.writer import VideoWriter

MAGENTA = (255, 0, 255)
# Of a channel, out of 255: more than the codec changes a plain area by.
_TOLERANCE = 64
_NETWORK_MASK = (28, 28)


def hidden_truth(found: Detections) -> Detections:
    """Return those objects of a street that the sample hides by default."""
    ids = privacy.hidden_class_ids(None, street.CLASS_NAMES)
    return found.select(np.isin(found.class_ids, ids))


def as_network(found: Detections, threshold: float) -> Detections:
    """Return true masks as coarse as those of the network, cut at a threshold."""
    coarse = [
        cv2.resize(mask.astype(np.float32), _NETWORK_MASK, interpolation=cv2.INTER_AREA)
        for mask in found.box_masks
    ]
    masks = tuple(
        mask_in_box(soft, mask.shape, threshold)
        for soft, mask in zip(coarse, found.box_masks, strict=True)
    )
    return Detections(found.image_hw, found.boxes, found.class_ids, found.scores, masks)


def missing_detector(truth: list[Detections], drop: float, per_object: bool, args):
    """Return a detector that knows the truth of the frames and misses some of it."""
    rng = np.random.default_rng(1)
    frames = iter(truth)

    def detect(images) -> list[Detections]:
        results = []
        for _ in images:
            found = as_network(next(frames), args.mask_threshold)
            missed = rng.random(len(found) if per_object else 1) < drop
            results.append(found.select(~np.resize(missed, len(found))))
        return results

    return detect


def leak_rate(path: Path, truth: list[Detections]) -> float:
    """Return the share of the objects' true pixels that are not magenta in a video."""
    num_left = num_all = 0
    with open_source(path) as frames:
        for frame, found in zip(frames, truth, strict=True):
            wanted = np.zeros(found.image_hw, bool)
            for (y1, x1, y2, x2), mask in zip(
                found.boxes, found.box_masks, strict=True
            ):
                wanted[y1:y2, x1:x2] |= mask
            apart = np.abs(frame.astype(np.int16) - MAGENTA).max(axis=-1)
            num_left += np.count_nonzero(apart[wanted] > _TOLERANCE)
            num_all += np.count_nonzero(wanted)
    return num_left / num_all


def make_street(path: Path, num_frames: int, image_hw, seed: int = 0):
    """Write the clip; returns the true objects to hide in each frame."""
    height, width = image_hw
    truth = []
    with VideoWriter(path, width=width, height=height, fps=Fraction(25)) as writer:
        for image, found in street.street(seed, num_frames, image_hw):
            writer.write(image)
            truth.append(hidden_truth(found))
    return truth


def measure(source: Path, truth, *words: str, drop=0.2, per_object=False) -> float:
    """Return the leak rate of the sample with these words behind its own."""
    target = source.with_name("hidden.mp4")
    args = privacy.build_parser().parse_args(
        ["--input", str(source), "--method=fill", "--color=255,0,255", *words]
    )
    detect = missing_detector(truth, drop, per_object, args)
    draw = privacy.drawing(args)
    privacy.hide_in_video(source, target, detect, draw, args)
    return leak_rate(target, truth)


def main() -> None:
    """Measure with and without holding, and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frames", type=int, default=150)
    parser.add_argument("--drop", type=float, default=0.2)
    parser.add_argument("--hold", default="0,5,10")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "street.mp4"
        truth = make_street(source, args.frames, (720, 1280))
        mean = np.mean([len(found) for found in truth])
        print(f"{args.frames} frames of 1280 x 720, {mean:.1f} objects to hide in each")
        print(f"missed: {args.drop:.0%}    whole frames    single objects    seconds")
        for hold in args.hold.split(","):
            start = time.perf_counter()
            rates = [
                measure(
                    source, truth, f"--hold={hold}", drop=args.drop, per_object=each
                )
                for each in (False, True)
            ]
            seconds = (time.perf_counter() - start) / 2
            print(
                f"hold {hold:>3}: {rates[0]:17.4%} {rates[1]:16.4%} {seconds:11.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
