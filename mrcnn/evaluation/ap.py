"""The original's average precision of one image, with its signatures.

A quick number for notebooks and callbacks: the mean over images of the area
under each image's precision-recall curve. `evaluation.coco` computes COCO's
AP over the whole data set, class by class; the two are not comparable.

Where the original divided by zero, the numbers here are: without objects,
AP is 1 if nothing was predicted and 0 otherwise, and recall is 1. Axis letters
as in `structures`.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np

from mrcnn.geometry.boxes import compute_overlaps
from mrcnn.geometry.masks import compute_overlaps_masks

_LOGGER = logging.getLogger(__name__)


def compute_matches(
    gt_boxes: np.ndarray,
    gt_class_ids: np.ndarray,
    gt_masks: np.ndarray,
    pred_boxes: np.ndarray,
    pred_class_ids: np.ndarray,
    pred_scores: np.ndarray,
    pred_masks: np.ndarray,
    iou_threshold: float = 0.5,
    score_threshold: float = 0.0,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return which prediction found which object of one image.

    Predictions choose in the order of their scores; each takes the object of its
    class that its mask overlaps most, among those not taken yet.

    Args:
        gt_boxes: [N1, (y1, x1, y2, x2)]; rows of zeros are padding.
        gt_class_ids: int [N1].
        gt_masks: bool [H, W, N1].
        pred_boxes: [N2, (y1, x1, y2, x2)]; rows of zeros are padding.
        pred_class_ids: int [N2].
        pred_scores: float [N2].
        pred_masks: bool [H, W, N2].
        iou_threshold: least overlap (intersection over union) of a match.
        score_threshold: overlaps under this are not considered, whatever
            `iou_threshold` says; the name is the original's.

    Returns:
        gt_match: int32 [n1], for each object the prediction that found it, or -1.
            Predictions are counted in the order of descending scores.
        pred_match: int32 [n2], for each prediction its object or -1, in that order.
        overlaps: float32 [n2, n1], likewise. n1 and n2 are without padding.
    """
    objects = np.flatnonzero(np.any(gt_boxes, axis=1))
    gt_class_ids = np.asarray(gt_class_ids)[objects]
    gt_masks = np.asarray(gt_masks)[..., objects]
    found = np.flatnonzero(np.any(pred_boxes, axis=1))
    found = found[np.argsort(-np.asarray(pred_scores)[found], kind="stable")]
    pred_class_ids = np.asarray(pred_class_ids)[found]
    pred_masks = np.asarray(pred_masks)[..., found]

    overlaps = compute_overlaps_masks(pred_masks, gt_masks)
    gt_match = np.full(len(objects), -1, np.int32)
    pred_match = np.full(len(found), -1, np.int32)
    least = max(iou_threshold, score_threshold)
    for i, class_id in enumerate(pred_class_ids):
        free = (gt_match == -1) & (gt_class_ids == class_id) & (overlaps[i] >= least)
        if free.any():
            best = int(np.argmax(np.where(free, overlaps[i], -1)))
            gt_match[best], pred_match[i] = i, best
    return gt_match, pred_match, overlaps


def compute_ap(
    gt_boxes: np.ndarray,
    gt_class_ids: np.ndarray,
    gt_masks: np.ndarray,
    pred_boxes: np.ndarray,
    pred_class_ids: np.ndarray,
    pred_scores: np.ndarray,
    pred_masks: np.ndarray,
    iou_threshold: float = 0.5,
) -> tuple[float, np.ndarray, np.ndarray, np.ndarray]:
    """Return the average precision of one image, all classes in one curve.

    Args:
        gt_boxes: as in `compute_matches`, and so are the next six.
        gt_class_ids: int [N1].
        gt_masks: bool [H, W, N1].
        pred_boxes: [N2, (y1, x1, y2, x2)].
        pred_class_ids: int [N2].
        pred_scores: float [N2].
        pred_masks: bool [H, W, N2].
        iou_threshold: least overlap of a match.

    Returns:
        mAP: area under the curve, 0 to 1. Without objects: 1 if nothing was
            predicted, else 0; never NaN.
        precisions: float64 [n2 + 2], made to fall only, with a point at each end.
        recalls: float64 [n2 + 2].
        overlaps: float32 [n2, n1].
    """
    gt_match, pred_match, overlaps = compute_matches(
        gt_boxes,
        gt_class_ids,
        gt_masks,
        pred_boxes,
        pred_class_ids,
        pred_scores,
        pred_masks,
        iou_threshold,
    )
    hits = np.cumsum(pred_match > -1)
    precisions = hits / (np.arange(len(pred_match)) + 1)
    # float32, as the original: its recalls differ in the eighth digit otherwise.
    recalls = hits.astype(np.float32) / max(len(gt_match), 1)
    # The step up to recall 1 counts with precision 0, unless there is nothing to miss.
    nothing_to_do = not len(gt_match) and not len(pred_match)
    precisions = np.concatenate([[0], precisions, [float(nothing_to_do)]])
    recalls = np.concatenate([[0], recalls, [1]])
    # At each recall the best precision that this or a higher recall reaches.
    precisions = np.maximum.accumulate(precisions[::-1])[::-1]
    return (
        float(np.sum(np.diff(recalls) * precisions[1:])),
        precisions,
        recalls,
        overlaps,
    )


def compute_ap_range(
    gt_box: np.ndarray,
    gt_class_id: np.ndarray,
    gt_mask: np.ndarray,
    pred_box: np.ndarray,
    pred_class_id: np.ndarray,
    pred_score: np.ndarray,
    pred_mask: np.ndarray,
    iou_thresholds: Sequence[float] | None = None,
    verbose: int = 1,
) -> float:
    """Return the mean over several thresholds of the average precision of one image.

    Args:
        gt_box: as in `compute_matches`, and so are the next six.
        gt_class_id: int [N1].
        gt_mask: bool [H, W, N1].
        pred_box: [N2, (y1, x1, y2, x2)].
        pred_class_id: int [N2].
        pred_score: float [N2].
        pred_mask: bool [H, W, N2].
        iou_thresholds: least overlaps; by default 0.5, 0.55 ... 0.95.
        verbose: above 0, each threshold's value is logged at level INFO.

    Returns:
        The mean, 0 to 1.
    """
    if iou_thresholds is None:
        iou_thresholds = np.arange(0.5, 1.0, 0.05)
    values = []
    for threshold in iou_thresholds:
        value, _, _, _ = compute_ap(
            gt_box,
            gt_class_id,
            gt_mask,
            pred_box,
            pred_class_id,
            pred_score,
            pred_mask,
            iou_threshold=threshold,
        )
        values.append(value)
        if verbose:
            _LOGGER.info("AP @%.2f: %.3f", threshold, value)
    mean = float(np.mean(values))
    if verbose:
        _LOGGER.info(
            "AP @%.2f-%.2f: %.3f", min(iou_thresholds), max(iou_thresholds), mean
        )
    return mean


def compute_recall(
    pred_boxes: np.ndarray, gt_boxes: np.ndarray, iou: float
) -> tuple[float, np.ndarray]:
    """Return the share of objects that some box finds.

    Each box stands for the one object it overlaps most.

    Args:
        pred_boxes: [N2, (y1, x1, y2, x2)], proposals for example.
        gt_boxes: [N1, (y1, x1, y2, x2)], in the same unit.
        iou: least overlap.

    Returns:
        recall: 0 to 1; 1 without objects, of which none was missed.
        positive_ids: int [n], the boxes that found something.
    """
    if not len(gt_boxes):
        return 1.0, np.zeros(0, int)
    overlaps = compute_overlaps(
        np.reshape(pred_boxes, (-1, 4)), np.reshape(gt_boxes, (-1, 4))
    )
    positive_ids = np.flatnonzero(overlaps.max(axis=1) >= iou)
    found = np.unique(overlaps[positive_ids].argmax(axis=1))
    return len(found) / len(gt_boxes), positive_ids
