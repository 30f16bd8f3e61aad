"""Training steps and detection against the original, on the machine at hand.

    python benchmarks/speed.py                  all cases, one after the other
    python benchmarks/speed.py step-r50-128     one of them

Seconds differ from machine to machine, so each case is compared as seconds
times the rate of a convolution (3x3, 256 to 256 channels, 256x256 pixels,
float32, NHWC, TensorFlow) that the same process measures before each repeat.
The original's figures are those of its newest TensorFlow 2 port on TensorFlow
2.15, two cores at 417 GFLOP/s, with its default configuration and random weights.
"""

import argparse
import functools
import os
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

_ORIGINAL_GFLOPS = 417


@dataclass(frozen=True)
class Case:
    """What is timed.

    Attributes:
        backbone: name of the backbone.
        size: side of the images, pixels.
        batch: images per step; 0 for detection of one photo.
        layers: which learn.
        original_seconds: the original's time, at 417 GFLOP/s.
        original_gb: its peak of memory.
        limit: ratio of the times to stay below.
    """

    backbone: str
    size: int
    batch: int
    layers: str
    original_seconds: float
    original_gb: float
    limit: float


CASES = {
    "step-r50-128": Case("resnet50", 128, 8, "all", 12.1, 8.4, 0.33),
    "step-r50-512": Case("resnet50", 512, 2, "all", 5.47, 4.2, 0.60),
    "step-r101-1024-heads": Case("resnet101", 1024, 1, "heads", 5.20, 3.0, 0.70),
    "step-r101-1024-all": Case("resnet101", 1024, 1, "all", 7.30, 6.2, 0.75),
    "detect-r101-1024": Case("resnet101", 1024, 0, "", 2.08, 1.5, 1.0),
}


def reference_convolution():
    """Return a callable that runs the reference convolution and says its GFLOP/s."""
    import tensorflow as tf

    convolve = tf.function(lambda x, k: tf.nn.conv2d(x, k, 1, "SAME"))

    def gflops():
        # Made anew, so that no case has this memory at its peak.
        image = tf.random.normal([1, 256, 256, 256])
        kernel = tf.random.normal([3, 3, 256, 256])
        convolve(image, kernel).numpy()
        seconds = [timed(lambda: convolve(image, kernel).numpy()) for _ in range(5)]
        return 2 * 256 * 256 * 9 * 256 * 256 / np.median(seconds) / 1e9

    return gflops


def timed(call) -> float:
    """Return the seconds that a call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def case_config(case: Case, precision: str):
    """Return the original's default configuration at the size of a case."""
    from mrcnn.config import Config

    scales = np.array(Config.RPN_ANCHOR_SCALES) * (4 if case.size > 256 else 1) // 4
    return Config(
        NAME="speed",
        PRECISION=precision,
        BACKBONE=case.backbone,
        NUM_CLASSES=81 if not case.batch else 4,
        IMAGES_PER_GPU=max(case.batch, 1),
        IMAGE_MIN_DIM=min(case.size, 800),
        IMAGE_MAX_DIM=case.size,
        RPN_ANCHOR_SCALES=tuple(scales.tolist()),
        # With random weights every ROI is a detection of some class.
        DETECTION_MIN_CONFIDENCE=0.0,
    )


def training_batch(config):
    """Return a batch with four objects an image."""
    from mrcnn.network.build import pyramid_anchors
    from mrcnn.training.rpn_targets import build_rpn_targets

    rng = np.random.default_rng(0)
    side, num = int(config.IMAGE_SHAPE[0]), config.BATCH_SIZE
    anchors = pyramid_anchors(config, (side, side))
    class_ids = np.zeros((num, config.MAX_GT_INSTANCES), np.int32)
    boxes = np.zeros((num, config.MAX_GT_INSTANCES, 4), np.int32)
    class_ids[:, :4] = rng.integers(1, config.NUM_CLASSES, (num, 4))
    corner = rng.integers(0, side // 2, (num, 4, 2))
    boxes[:, :4] = np.concatenate(
        [corner, corner + rng.integers(side // 6, side // 2, (num, 4, 2))], axis=2
    )
    targets = [
        build_rpn_targets(
            anchors,
            class_ids[i, :4],
            boxes[i, :4],
            num_anchors=config.RPN_TRAIN_ANCHORS_PER_IMAGE,
            bbox_std_dev=config.RPN_BBOX_STD_DEV,
            rng=rng,
        )
        for i in range(num)
    ]
    meta = np.ones((num, config.IMAGE_META_SIZE), np.float32)
    mask_shape = (num, *config.MINI_MASK_SHAPE, config.MAX_GT_INSTANCES)
    return {
        "image": rng.normal(0, 60, (num, side, side, 3)).astype(np.float32),
        "image_meta": meta,
        "rpn_match": np.stack([match[:, None] for match, _ in targets]),
        "rpn_bbox": np.stack([bbox for _, bbox in targets]),
        "gt_class_ids": class_ids,
        "gt_boxes": boxes,
        "gt_masks": rng.integers(0, 2, mask_shape).astype(np.uint8),
    }


def step_times(case: Case, precision: str, reference, repeats: int):
    """Return the rates and seconds of training steps, as Keras' fit takes them."""
    import keras

    from mrcnn.model import MaskRCNN
    from mrcnn.ops import backend

    config = case_config(case, precision)
    # How many ROIs are positive, and get a mask, is a matter of the random weights.
    keras.utils.set_random_seed(0)
    model = MaskRCNN("training", config, "logs")
    model.set_trainable(case.layers)
    model.compile(learning_rate=1e-5)
    batch = training_batch(config)
    rates, seconds = [], []

    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 1 + repeats

        def __getitem__(self, index):
            return batch

    class Clock(keras.callbacks.Callback):
        def on_train_batch_begin(self, step, logs=None):
            rates.append(reference())
            self.start = time.perf_counter()

        def on_train_batch_end(self, step, logs=None):
            seconds.append(time.perf_counter() - self.start)

    backend.keep_freed_memory()
    # Read by two threads, as in a training.
    model.keras_model.fit(Batches(workers=2), verbose=0, callbacks=[Clock()])
    return rates[1:], seconds[1:]


def detection_times(case: Case, precision: str, reference, repeats: int):
    """Return the rates and seconds of detection in a 640x480 photo."""
    from mrcnn.model import MaskRCNN

    model = MaskRCNN("inference", case_config(case, precision), "logs")
    photo = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8)
    found = model.detect([photo])[0]
    print(f"  {len(found['scores'])} detections")
    detect = functools.partial(model.detect, [photo])
    return zip(*((reference(), timed(detect)) for _ in range(repeats)), strict=True)


def run_case(name: str, precision: str, repeats: int) -> None:
    """Time one case in this process and print a line."""
    case = CASES[name]
    # The rate of a machine drifts: each repeat is compared with its own moment.
    times = step_times if case.batch else detection_times
    gflops, seconds = times(case, precision, reference_convolution(), repeats)
    ratio = np.median(np.multiply(seconds, gflops))
    ratio /= case.original_seconds * _ORIGINAL_GFLOPS
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    print(
        f"{name:22} {precision:14} {np.median(seconds):6.2f} s  "
        f"conv {np.median(gflops):.0f} GFLOP/s  time {ratio:.2f} of the original "
        f"(at most {case.limit})  peak {peak:.1f} GB, {peak / case.original_gb:.2f} "
        "of the original",
        flush=True,
    )


def main() -> None:
    """Time the cases that the arguments name, each in a process of its own."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cases", nargs="*", metavar="CASE", help=", ".join(CASES))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--precision", default="float32")
    args = parser.parse_args()
    unknown = set(args.cases) - set(CASES)
    if unknown:
        parser.error(f"expected {', '.join(CASES)}; received {', '.join(unknown)}")
    # TensorFlow imports JAX where it is installed: 0.2 GB that the original lacked.
    sys.modules["jax"] = None
    if len(args.cases) == 1:
        run_case(args.cases[0], args.precision, args.repeats)
        return
    for name in args.cases or CASES:
        options = [f"--repeats={args.repeats}", f"--precision={args.precision}"]
        subprocess.run([sys.executable, __file__, name, *options], check=True)


if __name__ == "__main__":
    main()
