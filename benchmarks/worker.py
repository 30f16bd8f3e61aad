"""The data worker against the original's, on the machine at hand.

    python benchmarks/worker.py             1024 and 512 pixels
    python benchmarks/worker.py 512         one of them

Takes generated shapes (1 to 4 objects an image) from the data set to a batch:
drawing, resizing, masks, boxes, mini-masks, RPN targets. Seconds differ from
machine to machine, so they are compared as seconds times the rate of a NumPy matrix
product (2048 squared, float32) measured between the batches. Everything is repeated,
and the quickest time of each batch counts, which other work on the machine disturbs
least. The original's figures are those of its newest TensorFlow 2 port on two cores
at 429 GFLOP/s. Exits with 1 where the ratio is above the limit.
"""

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import cv2
import numpy as np

from mrcnn.config import Config
from mrcnn.data.dataset import Dataset

_ORIGINAL_GFLOPS = 429
# Milliseconds per image, by the side of the image.
_ORIGINAL_MS = {1024: 76.0, 512: 18.0}
_LIMIT = 0.2


class Shapes(Dataset):
    """Squares, circles and triangles, drawn as the original's sample draws them.

    Args:
        count: images.
        side: of the images, pixels.
    """

    def __init__(self, count: int, side: int):
        super().__init__()
        kinds = ("square", "circle", "triangle")
        for class_id, name in enumerate(kinds, start=1):
            self.add_class("shapes", class_id, name)
        rng = np.random.default_rng(0)
        for image_id in range(count):
            shapes = [
                (
                    int(rng.integers(1, 4)),
                    rng.integers(0, 256, 3).tolist(),
                    rng.integers(20, side - 20, 2).tolist(),
                    int(rng.integers(20, side // 4)),
                )
                for _ in range(rng.integers(1, 5))
            ]
            background = rng.integers(0, 256, 3).tolist()
            self.add_image(
                "shapes", image_id, None, side=side, shapes=shapes, ground=background
            )
        self.prepare()

    def load_image(self, image_id):
        """Return the picture, uint8 [H, W, 3]."""
        info = self.image_info[image_id]
        row = np.tile(np.array(info["ground"], np.uint8), info["side"])
        image = np.tile(row, info["side"]).reshape(info["side"], info["side"], 3)
        for kind, color, center, size in info["shapes"]:
            draw(image, kind, color, center, size)
        return image

    def load_mask(self, image_id):
        """Return bool [H, W, N], without what later shapes hide, and class ids."""
        info = self.image_info[image_id]
        side, shapes = info["side"], info["shapes"]
        masks = np.zeros((side, side, len(shapes)), bool)
        visible = np.ones((side, side), np.uint8)
        for i, (kind, _, center, size) in reversed(list(enumerate(shapes))):
            mask = np.zeros((side, side), np.uint8)
            draw(mask, kind, 1, center, size)
            masks[..., i] = mask & visible
            draw(visible, kind, 0, center, size)
        return masks, np.array([kind for kind, *_ in shapes], np.int32)


def draw(image, kind, color, center, size) -> None:
    """Draw a shape of class `kind` into an image."""
    x, y = center
    if kind == 1:
        cv2.rectangle(image, (x - size, y - size), (x + size, y + size), color, -1)
    elif kind == 2:
        cv2.circle(image, (x, y), size, color, -1)
    else:
        width = size / np.sin(np.radians(60))
        points = [(x, y - size), (x - width, y + size), (x + width, y + size)]
        cv2.fillPoly(image, np.array([points], np.int32), color)


def matmul_gflops() -> float:
    """Return the rate of a matrix product, GFLOP/s."""
    size = 2048
    matrix = np.ones((size, size), np.float32)
    start = time.perf_counter()
    matrix @ matrix
    return 2 * size**3 / (time.perf_counter() - start) / 1e9


def run_case(side: int, count: int, repeats: int) -> bool:
    """Time the images of one size, print a line; return whether the limit holds."""
    from mrcnn.training.trainer import make_batches

    config = Config(NUM_CLASSES=4, IMAGE_MIN_DIM=side, IMAGE_MAX_DIM=side)
    dataset = Shapes(count, side)
    batches = make_batches(dataset, config, shuffle=False)
    drawing, whole = np.zeros((2, repeats, len(batches)))
    rates = []
    for repeat, index in np.ndindex(whole.shape):
        rates.append(matmul_gflops())
        start = time.perf_counter()
        for image_id in batches.image_ids(0, index):
            dataset.load_image(image_id)
            dataset.load_mask(image_id)
        middle = time.perf_counter()
        batches[index]
        drawing[repeat, index] = middle - start
        whole[repeat, index] = time.perf_counter() - middle
    drawing_ms, whole_ms = (1000 * t.min(0).sum() / count for t in (drawing, whole))
    gflops = max(rates)
    ratio = whole_ms * gflops / (_ORIGINAL_MS[side] * _ORIGINAL_GFLOPS)
    print(
        f"{side:4} px  {whole_ms:5.1f} ms an image, {drawing_ms:.1f} of them drawing  "
        f"matmul {gflops:.0f} GFLOP/s  {ratio:.3f} of the original (at most {_LIMIT})",
        flush=True,
    )
    return ratio <= _LIMIT


def main() -> None:
    """Time the sizes that the arguments name."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("sides", nargs="*", type=int, metavar="PIXELS")
    parser.add_argument("--images", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=10)
    args = parser.parse_args()
    unknown = set(args.sides) - set(_ORIGINAL_MS)
    if unknown:
        parser.error(f"expected 1024 or 512; received {', '.join(map(str, unknown))}")
    held = [
        run_case(side, args.images, args.repeats) for side in args.sides or _ORIGINAL_MS
    ]
    sys.exit(0 if all(held) else 1)


if __name__ == "__main__":
    main()
