"""Parameters, training step and detection of each backbone, beside ResNet-50.

    python benchmarks/backbones.py                           the list below
    python benchmarks/backbones.py resnet50 convnext_base    these, the first being 1

A training step is one image of 512 pixels with four objects, all layers; a detection
one photo in 512 pixels. Each backbone has a process of its own and random weights. The
rate of a machine drifts, so that seconds are multiplied by the rate of a convolution
(see speed.py), measured right before, and given as ratios to the first backbone.
"""

import argparse
import subprocess
import sys

import numpy as np
from speed import reference_convolution, timed, training_batch

BACKBONES = (
    "resnet50",
    "resnet101",
    "mobilenet_v3_small",
    "mobilenet_v3_large",
    "efficientnet_v2_b0",
    "efficientnet_v2_s",
    "convnext_tiny",
    "inception_resnet_v2",
)
_SIDE = 512


def measure(backbone: str, repeats: int) -> tuple[int, float, float]:
    """Return parameters, and GFLOP that the convolution does in a step and a detection.

    Args:
        backbone: its name.
        repeats: of which the median is taken.
    """
    from mrcnn.config import Config
    from mrcnn.model import MaskRCNN

    config = Config(
        NAME="backbones",
        BACKBONE=backbone,
        NUM_CLASSES=2,
        IMAGES_PER_GPU=1,
        IMAGE_MIN_DIM=_SIDE,
        IMAGE_MAX_DIM=_SIDE,
        DETECTION_MIN_CONFIDENCE=0.0,
    )
    model = MaskRCNN("training", config, "logs")
    # As many detections as there may be, whatever a backbone's random features are.
    model.keras_model.get_layer("mrcnn_class_logits").bias.assign([0, 50])
    model.set_trainable("all")
    model.compile(learning_rate=1e-6)
    batch = training_batch(config)
    photo = np.random.default_rng(0).integers(0, 256, (_SIDE, _SIDE, 3), np.uint8)
    calls = (
        lambda: model.keras_model.train_on_batch(batch),
        lambda: model.detect([photo]),
    )
    reference = reference_convolution()
    work = []
    for call in calls:
        call()
        work.append(np.median([reference() * timed(call) for _ in range(repeats)]))
    return model.keras_model.count_params(), *work


def main() -> None:
    """Print a row for each backbone."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("backbones", nargs="*", metavar="NAME", default=BACKBONES)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.alone:
        print(*measure(args.backbones[0], args.repeats))
        return
    print("| BACKBONE | parameters | training step | detection |\n|---|---|---|---|")
    first = None
    for name in args.backbones:
        options = [name, "--alone", f"--repeats={args.repeats}"]
        shown = subprocess.run(
            [sys.executable, __file__, *options],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout
        parameters, *work = map(float, shown.split())
        first = first or work
        step, detection = np.divide(work, first)
        row = f"| {name} | {parameters / 1e6:.1f} M | {step:.2f} | {detection:.2f} |"
        print(row, flush=True)


if __name__ == "__main__":
    main()
