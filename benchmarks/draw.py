"""Drawing 100 detections on a 4K photo, on the machine at hand.

    python benchmarks/draw.py             3840x2160 pixels, 100 detections
    python benchmarks/draw.py --count=20

The photo is one of datasets/remote, enlarged; the objects are ellipses of 100 to
800 pixels at random places. Seconds are those of `draw.annotate`, of the first call
and of the median; memory is the peak of the process above what it held with photo
and detections before. Exits with 1 above half a second or 200 MB.
"""

import argparse
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import cv2
import numpy as np

from mrcnn.data.images import read_image
from mrcnn.draw.annotate import annotate
from mrcnn.structures import Detections

_PHOTO = Path("datasets") / "remote" / "val" / "val_000.jpg"
_SIZE_WH = (3840, 2160)
_NAMES = ["BG", "AC remote", "person", "cup", "tv", "laptop", "book", "cell phone"]
_MOST_SECONDS = 0.5
_MOST_MB = 200


def detections(count: int) -> Detections:
    """Return ellipses at random places of a 4K picture."""
    rng = np.random.default_rng(0)
    width, height = _SIZE_WH
    boxes, masks = [], []
    for h, w in rng.integers(100, 801, (count, 2)).tolist():
        y, x = int(rng.integers(height - h)), int(rng.integers(width - w))
        boxes.append((y, x, y + h, x + w))
        mask = np.zeros((h, w), np.uint8)
        cv2.ellipse(mask, (w // 2, h // 2), (w // 2, h // 2), 0, 0, 360, 1, -1)
        masks.append(mask.astype(bool))
    return Detections(
        image_hw=(height, width),
        boxes=np.array(boxes, np.int32).reshape(-1, 4),
        class_ids=rng.integers(1, len(_NAMES), count).astype(np.int32),
        scores=np.linspace(1, 0.5, count).astype(np.float32),
        box_masks=tuple(masks),
    )


def peak_mb() -> float:
    """Return the most memory that this process has held, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def main() -> None:
    """Draw, print the figures, and compare them with the limits."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=100, help="detections")
    parser.add_argument("--repeats", type=int, default=9)
    args = parser.parse_args()
    photo = read_image(Path(__file__).resolve().parent.parent / _PHOTO)
    photo = cv2.resize(photo, _SIZE_WH)
    found = detections(args.count)
    before = peak_mb()
    seconds = []
    for _ in range(args.repeats):
        start = time.perf_counter()
        annotate(photo, found, _NAMES)
        seconds.append(time.perf_counter() - start)
    used = peak_mb() - before
    print(
        f"{_SIZE_WH[0]}x{_SIZE_WH[1]}, {args.count} detections: first "
        f"{seconds[0]:.2f} s, median {np.median(seconds):.2f} s (at most "
        f"{_MOST_SECONDS}), {used:.0f} MB above the photo (at most {_MOST_MB})"
    )
    is_quick = max(seconds[0], np.median(seconds)) <= _MOST_SECONDS
    sys.exit(0 if is_quick and used <= _MOST_MB else 1)


if __name__ == "__main__":
    main()
