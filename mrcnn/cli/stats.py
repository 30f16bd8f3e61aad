"""``mrcnn stats``: what is in a data set, and how the settings suit it."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mrcnn.cli import arguments
from mrcnn.cli.datasets import add_source_flags, load_parts, quiet_log
from mrcnn.config import Config

# Sides of the bins of the histogram, pixels at the network's size.
_BINS = (0, 8, 16, 32, 64, 128, 256, 512, 1024)
_BAR = 40
# An object that no anchor overlaps by as much is hard to find.
GOOD_OVERLAP = 0.5

_DESCRIPTION = """\
Count the objects of a data set by class, and show how large they are at the
network's size, whether its anchors suit them, and what a batch takes."""

_EPILOG = """\
examples:
  mrcnn stats photos/
  mrcnn stats photos/ --image-size 512
      as a network of this size would see them
  mrcnn stats photos/ --set 'RPN_ANCHOR_SCALES=(16,32,64,128,256)'"""


def add_parser(subparsers) -> None:
    """Add the command to a parser's subparsers."""
    parser = subparsers.add_parser(
        "stats",
        help="count classes, sizes and objects of a data set",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("path", type=Path, metavar="PATH", help="data set")
    add_source_flags(parser)
    arguments.add_setting_flags(parser.add_argument_group("settings"))
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Print the statistics of a data set."""
    config = config_of(args)
    with quiet_log():
        found = figures(load_parts(args.path, args), config)
    print(json.dumps(found, indent=1) if args.json else "\n".join(describe(found)))


def config_of(args: argparse.Namespace) -> Config:
    """Return the configuration that --image-size, --channels and --set make.

    Raises:
        ConfigError: values are unknown or wrong.
    """
    settings = arguments.size_settings(args.image_size)
    if args.channels:
        mean = np.zeros(args.channels)  # what is counted here does not depend on it
        settings |= {"IMAGE_CHANNEL_COUNT": args.channels, "MEAN_PIXEL": mean}
    config = Config(**settings | dict(args.set))
    config.validate()
    return config


def figures(parts: dict, config: Config) -> dict:
    """Return the statistics of a data set as plain data.

    Args:
        parts: data sets by subset, "" where it is not divided.
        config: sizes, anchors and limits.
    """
    from mrcnn.data import statistics

    counts = {name: statistics.class_counts(part) for name, part in parts.items()}
    class_names = dict.fromkeys(c.name for found in counts.values() for c in found)
    resize = {
        "min_dim": config.IMAGE_MIN_DIM,
        "max_dim": config.IMAGE_MAX_DIM,
        "min_scale": config.IMAGE_MIN_SCALE,
        "mode": config.IMAGE_RESIZE_MODE,
    }
    resized = [statistics.resized_boxes(part, **resize) for part in parts.values()]
    boxes = np.concatenate([np.zeros((0, 4)), *(found for found, _ in resized)])
    image_hw = np.max([[1, 1], *(size for _, size in resized)], axis=0).tolist()
    infos = [info for part in parts.values() for info in part.image_info]
    in_image = [len(info["annotations"]) for info in infos]
    sizes = [[info["height"], info["width"]] for info in infos]
    sides = np.sqrt((boxes[:, 2:] - boxes[:, :2]).prod(axis=1))
    num_by_bin, _ = np.histogram(sides, (*_BINS, np.inf))
    return {
        "images": {name: part.num_images for name, part in parts.items()},
        "image_sizes": {
            "least": min(sizes, key=np.prod, default=[0, 0]),
            "most": max(sizes, key=np.prod, default=[0, 0]),
        },
        "classes": {
            class_name: {
                name: {"objects": c.num_objects, "images": c.num_images}
                for name, found in counts.items()
                for c in found
                if c.name == class_name
            }
            for class_name in class_names
        },
        "objects_per_image": {
            "mean": round(float(np.mean(in_image or [0])), 1),
            "most": max(in_image, default=0),
            "MAX_GT_INSTANCES": config.MAX_GT_INSTANCES,
            "DETECTION_MAX_INSTANCES": config.DETECTION_MAX_INSTANCES,
        },
        "sizes": {
            "of": "square root of the area of an object's box at the network's size",
            "from": list(_BINS),
            "objects": num_by_bin.tolist(),
        },
        "anchors": _anchors(boxes, image_hw, config),
        "batch": _batch(image_hw, config, len(class_names)),
    }


def _anchors(boxes: np.ndarray, image_hw: Sequence[int], config: Config) -> dict:
    """Return how well the anchors suit the objects, and what would suit them better."""
    from mrcnn.data import statistics

    def poor_share(scales):
        overlaps = statistics.best_anchor_overlaps(
            boxes,
            image_hw,
            scales=scales,
            ratios=config.RPN_ANCHOR_RATIOS,
            strides=config.BACKBONE_STRIDES,
            anchor_stride=config.RPN_ANCHOR_STRIDE,
        )
        return round(float((overlaps < GOOD_OVERLAP).mean()), 4) if len(boxes) else 0.0

    scales = tuple(config.RPN_ANCHOR_SCALES)
    found = {"RPN_ANCHOR_SCALES": scales, "poor_share": poor_share(scales)}
    if (boxes[:, 2:] > boxes[:, :2]).all(axis=1).any():
        better = min(statistics.suggested_scales(boxes, len(scales)), key=poor_share)
        found |= {"suggested": better, "suggested_poor_share": poor_share(better)}
    return found


def _batch(image_hw: Sequence[int], config: Config, num_classes: int) -> dict:
    """Return what the arrays of a training batch take."""
    from mrcnn.data import statistics

    anchors = statistics.num_anchors(
        image_hw,
        strides=config.BACKBONE_STRIDES,
        ratios=config.RPN_ANCHOR_RATIOS,
        anchor_stride=config.RPN_ANCHOR_STRIDE,
    )
    num_bytes = statistics.batch_bytes(
        (*image_hw, config.IMAGE_CHANNEL_COUNT),
        num_images=config.BATCH_SIZE,
        num_classes=num_classes + 1,
        num_anchors=anchors,
        num_rpn_targets=config.RPN_TRAIN_ANCHORS_PER_IMAGE,
        max_instances=config.MAX_GT_INSTANCES,
        mask_hw=config.MINI_MASK_SHAPE if config.USE_MINI_MASK else image_hw,
    )
    return {"images": config.BATCH_SIZE, "image_hw": list(image_hw), "bytes": num_bytes}


def describe(found: dict) -> list[str]:
    """Return the lines of text that say what `figures` found."""
    subsets = list(found["images"])
    lines = [
        "images: " + ", ".join(f"{found['images'][s]} {s}".strip() for s in subsets)
    ]
    least, most = found["image_sizes"]["least"], found["image_sizes"]["most"]
    lines.append(
        f"  of {least[1]} x {least[0]}"
        + (f" to {most[1]} x {most[0]} pixels" if most != least else " pixels")
    )
    width = max(map(len, found["classes"]), default=0)
    lines += ["", "objects (and images with them) by class:"]
    for class_name, by_subset in found["classes"].items():
        cells = [
            f"{c['objects']:7} ({c['images']}) {subset}".rstrip()
            for subset, c in by_subset.items()
        ]
        lines.append(f"  {class_name:{width}} {'  '.join(cells)}")
    per_image = found["objects_per_image"]
    lines += [
        "",
        f"objects per image: {per_image['mean']:g} on average, {per_image['most']} at "
        f"most (MAX_GT_INSTANCES={per_image['MAX_GT_INSTANCES']}, "
        f"DETECTION_MAX_INSTANCES={per_image['DETECTION_MAX_INSTANCES']})",
        "",
        "objects by size (side in pixels, at the network's size):",
        *_histogram(found["sizes"]),
        *_anchor_lines(found["anchors"]),
    ]
    batch = found["batch"]
    height, width = batch["image_hw"]
    lines += [
        "",
        f"a training batch of {batch['images']} images of {width} x {height}: "
        f"{batch['bytes'] / 1e6:.0f} MB of arrays; docs/training.md estimates what "
        "the network takes",
    ]
    return lines


def _histogram(sizes: dict) -> list[str]:
    most = max(*sizes["objects"], 1)
    edges = [*sizes["from"], None]
    lines = []
    for low, high, count in zip(edges, edges[1:], sizes["objects"], strict=False):
        label = f"{low} to {high}" if high else f"{low} and more"
        bar = "#" * -(-count * _BAR // most)
        lines.append(f"  {label:13} {count:7} {bar}".rstrip())
    return lines


def _anchor_lines(anchors: dict) -> list[str]:
    line = (
        f"without an anchor that overlaps them by {GOOD_OVERLAP:g}: "
        f"{anchors['poor_share']:.1%} with "
        f"RPN_ANCHOR_SCALES={_plain(anchors['RPN_ANCHOR_SCALES'])}"
    )
    if anchors.get("suggested_poor_share", 1) < anchors["poor_share"]:
        better = _plain(anchors["suggested"])
        line += f", {anchors['suggested_poor_share']:.1%} with {better}"
    return [line]


def _plain(scales: Sequence[float]) -> str:
    return "(" + ",".join(f"{scale:g}" for scale in scales) + ")"
