"""Precision, recall and F1 against the least score at which something counts as found.

Called by `evaluation.report`. Axis letters as in `structures`; T are thresholds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mrcnn.evaluation.matching import ImageOverlaps, match


@dataclass(frozen=True)
class Point:
    """What a class comes to at one threshold.

    Attributes:
        threshold: least score.
        precision: share of the found that is right; None where nothing is found.
        recall: share of the objects that is found; None without objects.
        f1: harmonic mean of the two; None where neither anything is nor is found.
    """

    threshold: float
    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True)
class Curve:
    """What each threshold comes to, from the highest to the lowest.

    Attributes:
        num_objects: how many there are to find.
        thresholds: float32 [T], the scores that occur, falling.
        num_found: int [T], detections of at least that score.
        num_right: int [T], those of them that found an object.
    """

    num_objects: int
    thresholds: np.ndarray
    num_found: np.ndarray
    num_right: np.ndarray

    @property
    def precisions(self) -> np.ndarray:
        """Share of the found that is right, float [T]."""
        return self.num_right / self.num_found

    @property
    def recalls(self) -> np.ndarray:
        """Share of the objects that is found, float [T]; 0 without objects."""
        return self.num_right / max(self.num_objects, 1)

    @property
    def f1s(self) -> np.ndarray:
        """Harmonic mean of precision and recall, float [T]."""
        return 2 * self.num_right / (self.num_found + self.num_objects)

    @property
    def best(self) -> Point | None:
        """Where F1 is highest, at the highest such threshold; None if it is nowhere."""
        if not self.num_right.any():
            return None
        return self.at(float(self.thresholds[np.argmax(self.f1s)]))

    def counts_at(self, thresholds) -> tuple[np.ndarray, np.ndarray]:
        """Return `num_found` and `num_right` at thresholds of any number and order."""
        # The curve's own fall, so that their negatives rise.
        reached = np.searchsorted(
            -self.thresholds, -np.asarray(thresholds, np.float32), side="right"
        )
        return tuple(np.append(0, n)[reached] for n in (self.num_found, self.num_right))

    def at(self, threshold: float) -> Point:
        """Return what any threshold comes to."""
        found, right = map(int, self.counts_at(threshold))
        return Point(
            float(threshold),
            precision=right / found if found else None,
            recall=right / self.num_objects if self.num_objects else None,
            f1=2 * right / (found + self.num_objects)
            if found + self.num_objects
            else None,
        )


def score_curves(
    images: Sequence[ImageOverlaps], num_classes: int, *, iou_threshold: float = 0.5
) -> list[Curve]:
    """Return precision and recall of every class at every threshold.

    Args:
        images: objects and detections of each image.
        num_classes: K, the background included.
        iou_threshold: least overlap of masks at which a detection is of an object.

    Returns:
        K curves by class id; in the background's place, 0, that of all classes
        together, in which every object weighs the same.
    """
    objects, found = [], []
    for image in images:
        pairs = match(image, iou_threshold)
        objects += image.gt_class_ids[~image.gt_crowd].tolist()
        is_right = pairs.object_of >= 0
        rows = np.stack([image.class_ids, image.scores, is_right], axis=1)
        found += rows[pairs.counts].tolist()
    gt_class_ids = np.array(objects, int)
    # [M, 3] of all images -> [M] each
    class_ids, scores, is_right = np.reshape(found, (-1, 3)).T
    curves = [_curve(len(gt_class_ids), scores, is_right)]
    for class_id in range(1, num_classes):
        chosen = class_ids == class_id
        num_objects = int(np.sum(gt_class_ids == class_id))
        curves.append(_curve(num_objects, scores[chosen], is_right[chosen]))
    return curves


def _curve(num_objects: int, scores: np.ndarray, is_right: np.ndarray) -> Curve:
    order = np.argsort(-scores, kind="stable")
    # Detections of one score pass a threshold together: the last of them counts.
    last = np.flatnonzero(np.diff(scores[order], append=-np.inf))
    return Curve(
        num_objects=num_objects,
        thresholds=scores[order][last].astype(np.float32),
        num_found=last + 1,
        num_right=np.cumsum(is_right[order])[last].astype(int),
    )
