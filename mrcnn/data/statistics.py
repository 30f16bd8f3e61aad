"""What is in a data set, in numbers: classes, sizes of the objects, anchors, memory.

Annotated data sets go in; nothing is drawn and no image is opened. Called by
``mrcnn check`` and ``mrcnn stats``, which hand in the values of a `Config`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mrcnn.data.regions import AnnotatedDataset
from mrcnn.geometry.anchors import feature_shapes
from mrcnn.geometry.boxes import clip_boxes
from mrcnn.geometry.resize import plan_resize
from mrcnn.structures import META_SIZE_WITHOUT_CLASSES

# Neighbouring scales closer than this find the same objects twice.
_LEAST_STEP = 2**0.5
# Share of the smallest and of the largest objects that the scales do not reach to.
_TAIL = 0.05


@dataclass(frozen=True)
class ClassCount:
    """How often a class occurs.

    Attributes:
        name: the class.
        num_objects: its objects, without crowds.
        num_images: images with at least one of them.
    """

    name: str
    num_objects: int
    num_images: int


def class_counts(dataset: AnnotatedDataset) -> list[ClassCount]:
    """Return how often each class occurs, in the order of the class ids."""
    counts = objects_by_image_and_class(dataset)
    return [
        ClassCount(name, int(column.sum()), int((column > 0).sum()))
        for name, column in zip(dataset.class_names[1:], counts.T, strict=True)
    ]


def objects_by_image_and_class(dataset: AnnotatedDataset) -> np.ndarray:
    """Return the number of objects, without crowds, int [images, K - 1]."""
    counts = np.zeros((dataset.num_images, dataset.num_classes), int)
    for image_id in dataset.image_ids:
        class_ids = dataset.image_class_ids(image_id)
        np.add.at(counts[image_id], class_ids[class_ids > 0], 1)
    return counts[:, 1:]


def image_boxes(info: dict) -> np.ndarray:
    """Return the boxes around the objects of an image, crowds left out.

    Args:
        info: an entry of an AnnotatedDataset's `image_info`.

    Returns:
        float [N, (y1, x1, y2, x2)], pixels of the image, cut to it.
    """
    extents = [
        region.shape.extent for region in info["annotations"] if not region.is_crowd
    ]
    boxes = np.array(extents, float).reshape(-1, 4)
    return clip_boxes(boxes, (0, 0, info["height"], info["width"]))


def resized_boxes(
    dataset: AnnotatedDataset, **resize
) -> tuple[np.ndarray, tuple[int, int]]:
    """Return the boxes of all objects at the size that the network sees.

    Args:
        dataset: prepared.
        **resize: min_dim, max_dim, min_scale and mode of `plan_resize`.

    Returns:
        boxes: float [N, (y1, x1, y2, x2)], pixels of the resized images. Where images
            are cut at random, as if they were not.
        image_hw: height and width of the largest resized image.
    """
    boxes, largest = [np.zeros((0, 4))], (1, 1)
    for info in dataset.image_info:
        plan = plan_resize((info["height"], info["width"]), **resize)
        top, left = (0, 0) if plan.crop else plan.window[:2]
        boxes.append(image_boxes(info) * plan.scale + (top, left, top, left))
        output_hw = plan.scaled_hw if plan.crop else plan.output_hw
        largest = tuple(map(max, largest, output_hw))
    return np.concatenate(boxes), largest


def best_anchor_overlaps(
    boxes: np.ndarray,
    image_hw: tuple[int, int],
    *,
    scales: Sequence[float],
    ratios: Sequence[float],
    strides: Sequence[int],
    anchor_stride: int = 1,
) -> np.ndarray:
    """Return the overlap (IoU) of each box with the anchor that suits it best.

    Of the anchors of one shape it is the one whose centre lies nearest, so that
    only these are looked at.

    Args:
        boxes: float [N, (y1, x1, y2, x2)], pixels of the resized image.
        image_hw: (height, width) of that image, pixels.
        scales: side of the square anchors of each level, pixels.
        ratios: width over height.
        strides: pixels per cell of each level.
        anchor_stride: 1 for anchors at each cell, 2 at every other one.

    Returns:
        float [N], 0 to 1.
    """
    sides = boxes[:, 2:] - boxes[:, :2]  # [N, (height, width)]
    centers = boxes[:, :2] + sides / 2
    best = np.zeros(len(boxes))
    cells = feature_shapes(image_hw, strides)
    for scale, stride, shape in zip(scales, strides, cells, strict=True):
        step = stride * anchor_stride
        last = (shape - 1) // anchor_stride
        offset = np.abs(np.clip(np.rint(centers / step), 0, last) * step - centers)
        for ratio in ratios:
            anchor = np.array([scale / ratio**0.5, scale * ratio**0.5])
            # As far as both reach, but not more than the smaller of the two.
            common = np.minimum((sides + anchor) / 2 - offset, sides)
            inside = np.clip(np.minimum(common, anchor), 0, None).prod(axis=1)
            union = sides.prod(axis=1) + anchor.prod() - inside
            best = np.maximum(best, inside / union)
    return best


def suggested_scales(boxes: np.ndarray, num_scales: int) -> list[tuple[int, ...]]:
    """Return anchor scales that span the sizes of the objects in equal steps.

    Args:
        boxes: float [N, (y1, x1, y2, x2)], pixels of the resized image; at least one.
        num_scales: how many, one for each level.

    Returns:
        Candidates, each rising, pixels: one, or where the objects are of one size
        several that have this size at another level.
    """
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    logs = np.log(np.sqrt(areas[areas > 0]))
    low, high = np.quantile(logs, [_TAIL, 1 - _TAIL])
    least = np.log(_LEAST_STEP) * (num_scales - 1)
    if high - low >= least:
        ranges = [(low, high)]
    else:
        ranges = [(high - least, high), (low, low + least)]
        middle = (low + high) / 2
        ranges.append((middle - least / 2, middle + least / 2))
    spreads = [np.exp(np.linspace(*ends, num_scales)).tolist() for ends in ranges]
    return [tuple(max(round(scale), 1) for scale in spread) for spread in spreads]


def num_anchors(
    image_hw: tuple[int, int],
    *,
    strides: Sequence[int],
    ratios: Sequence[float],
    anchor_stride: int = 1,
) -> int:
    """Return how many anchors an image has, of one scale at each level.

    Example:
        >>> num_anchors((128, 128), strides=[4, 8, 16, 32, 64], ratios=[0.5, 1, 2])
        4092
    """
    cells = -(-feature_shapes(image_hw, strides) // anchor_stride)
    return int(cells.prod(axis=1).sum()) * len(ratios)


def batch_bytes(
    image_shape: Sequence[int],
    *,
    num_images: int,
    num_classes: int,
    num_anchors: int,
    num_rpn_targets: int,
    max_instances: int,
    mask_hw: tuple[int, int],
) -> int:
    """Return the bytes of the arrays of one training batch.

    What the network keeps while it learns comes on top, and is far more.

    Args:
        image_shape: (height, width, channels) of the resized image.
        num_images: images in the batch.
        num_classes: with the background.
        num_anchors: anchors of an image.
        num_rpn_targets: RPN_TRAIN_ANCHORS_PER_IMAGE.
        max_instances: MAX_GT_INSTANCES.
        mask_hw: of the mini-masks, or of the image without them.
    """
    numbers = (
        int(np.prod(image_shape))  # image
        + META_SIZE_WITHOUT_CLASSES
        + num_classes  # image_meta
        + num_anchors  # rpn_match
        + 4 * num_rpn_targets  # rpn_bbox
        + 5 * max_instances  # gt_class_ids and gt_boxes
    )
    masks = int(np.prod(mask_hw)) * max_instances
    return num_images * (4 * numbers + masks)
