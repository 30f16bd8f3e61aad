"""Which detection found which object of an image, by the overlap of their masks.

`overlaps_by_image` measures every pair once; `match` and `pair` decide at any
threshold. `confusion`, `curves` and `mistakes` count what they decided. Axis letters
as in `structures`; N are the objects of an image and M its detections.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mrcnn.evaluation.annotations import Annotations


@dataclass(frozen=True)
class ImageOverlaps:
    """One image: its objects, what was found, and how far each pair overlaps.

    Attributes:
        gt_class_ids: int [N], positive for crowds as well.
        gt_crowd: bool [N].
        gt_areas: float [N], pixels of each mask.
        class_ids: int [M].
        scores: float32 [M].
        overlaps: float64 [M, N], intersection over union of the masks; with a crowd
            the share of the detection that lies in it, as COCO has it.
    """

    gt_class_ids: np.ndarray
    gt_crowd: np.ndarray
    gt_areas: np.ndarray
    class_ids: np.ndarray
    scores: np.ndarray
    overlaps: np.ndarray


@dataclass(frozen=True)
class Pairs:
    """What belongs together in an image.

    Attributes:
        object_of: int [M], the object that each detection found, or -1.
        counts: bool [M], false for what is neither right nor wrong: what lies in a
            crowd of its class, or has too low a score.
        missed: bool [N], objects that no detection found; crowds are never missed.
    """

    object_of: np.ndarray
    counts: np.ndarray
    missed: np.ndarray


def overlaps_by_image(annotations: Annotations) -> list[ImageOverlaps]:
    """Return the overlaps of each image, in order.

    Args:
        annotations: objects and what was found.
    """
    truth = [[] for _ in annotations.images]
    found = [[] for _ in annotations.images]
    for by_image, objects in ((truth, annotations.truth), (found, annotations.found)):
        for one in objects:
            by_image[one["image_id"]].append(one)
    return [_overlaps(*of_image) for of_image in zip(truth, found, strict=True)]


def match(
    image: ImageOverlaps, iou_threshold: float = 0.5, min_score: float = 0.0
) -> Pairs:
    """Return which detection found which object of its own class, as COCO does.

    1. Detections choose in the order of their scores; each takes the object of its
       class that it overlaps most among those that are free.
    2. One that finds none but lies in a crowd of its class does not count.

    What is decided of a detection does not depend on less sure ones.

    Args:
        image: its objects and detections.
        iou_threshold: least overlap.
        min_score: detections under it are left out.
    """
    same = image.class_ids[:, None] == image.gt_class_ids
    near = same & (image.overlaps >= iou_threshold)
    counts = image.scores >= min_score
    object_of = np.full(len(counts), -1)
    missed = ~image.gt_crowd
    for i in np.argsort(-image.scores, kind="stable"):
        candidates = near[i] & missed
        if counts[i] and candidates.any():
            object_of[i] = np.argmax(np.where(candidates, image.overlaps[i], -1))
            missed[object_of[i]] = False
    in_crowd = (near & image.gt_crowd).any(axis=1) & (object_of == -1)
    return Pairs(object_of, counts & ~in_crowd, missed)


def pair(
    image: ImageOverlaps, iou_threshold: float = 0.5, min_score: float = 0.0
) -> Pairs:
    """Return which detection found which object, be it as another class.

    After `match`, what is left on both sides is paired whatever the classes, the
    largest overlap first. So an object found twice, once as the wrong class, is found.

    Args:
        image: its objects and detections.
        iou_threshold: least overlap.
        min_score: detections under it are left out.
    """
    pairs = match(image, iou_threshold, min_score)
    object_of, missed = pairs.object_of.copy(), pairs.missed.copy()
    left = (pairs.counts & (object_of == -1))[:, None] & missed
    overlaps = np.where(left & (image.overlaps >= iou_threshold), image.overlaps, -1)
    while overlaps.size and overlaps.max() >= 0:
        i, j = np.unravel_index(np.argmax(overlaps), overlaps.shape)
        object_of[i], missed[j] = j, False
        overlaps[i], overlaps[:, j] = -1, -1
    return Pairs(object_of, pairs.counts, missed)


def _overlaps(truth: list[dict], found: list[dict]) -> ImageOverlaps:
    from pycocotools import mask as mask_coder

    crowd = [one["iscrowd"] for one in truth]
    masks = [[one["segmentation"] for one in objects] for objects in (found, truth)]
    shape = (len(found), len(truth))
    # pycocotools gives a list where either side is empty.
    overlaps = mask_coder.iou(*masks, crowd) if all(shape) else np.zeros(shape)
    return ImageOverlaps(
        gt_class_ids=np.array([one["category_id"] for one in truth], int),
        gt_crowd=np.array(crowd, bool),
        gt_areas=np.array([one["area"] for one in truth], float),
        class_ids=np.array([one["category_id"] for one in found], int),
        scores=np.array([one["score"] for one in found], np.float32),
        overlaps=np.asarray(overlaps, float),
    )
