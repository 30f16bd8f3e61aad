"""The original's `mrcnn.visualize`: names from `draw`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mrcnn.draw.annotate import save_instances
from mrcnn.draw.figures import (
    display_images,
    display_instances,
    display_top_masks,
    draw_boxes,
    draw_rois,
)
from mrcnn.draw.palette import class_colors, instance_colors, random_colors
from mrcnn.draw.pixels import apply_mask, draw_box
from mrcnn.draw.plots import plot_overlaps, plot_precision_recall
from mrcnn.draw.run_curves import draw_run
from mrcnn.draw.steps import (
    draw_activations,
    draw_anchors,
    draw_box_groups,
    draw_mask_placement,
    draw_weights,
)
from mrcnn.draw.tables import display_table, display_weight_stats
from mrcnn.evaluation.ap import compute_matches

__all__ = [
    "apply_mask",
    "class_colors",
    "display_differences",
    "display_images",
    "display_instances",
    "display_table",
    "display_top_masks",
    "display_weight_stats",
    "draw_activations",
    "draw_anchors",
    "draw_box",
    "draw_box_groups",
    "draw_boxes",
    "draw_mask_placement",
    "draw_rois",
    "draw_run",
    "draw_weights",
    "instance_colors",
    "plot_overlaps",
    "plot_precision_recall",
    "random_colors",
    "save_instances",
]

# Bluish green and vermilion of the palette, told apart with any colour vision.
_GREEN, _RED = class_colors([3, 6])


def display_differences(
    image: np.ndarray,
    gt_box: np.ndarray,
    gt_class_id: np.ndarray,
    gt_mask: np.ndarray,
    pred_box: np.ndarray,
    pred_class_id: np.ndarray,
    pred_score: np.ndarray,
    pred_mask: np.ndarray,
    class_names: Sequence[str],
    title: str = "",
    ax=None,
    show_mask: bool = True,
    show_box: bool = True,
    iou_threshold: float = 0.5,
    score_threshold: float = 0.5,
):
    """Show objects in green and predictions in red, these with their score and overlap.

    The overlap (intersection over union) is that with the object a prediction found;
    where it found none, the greatest.

    Args:
        image: [H, W, 3], RGB, or grey, see `data.images.as_rgb`.
        gt_box: as in `evaluation.ap.compute_matches`, and so are the next six.
        gt_class_id: int [N1].
        gt_mask: bool [H, W, N1].
        pred_box: [N2, (y1, x1, y2, x2)].
        pred_class_id: int [N2].
        pred_score: float [N2].
        pred_mask: bool [H, W, N2].
        class_names: names by class id.
        title: heading; "" for one that explains the colours.
        ax: axes to draw on.
        show_mask: fill and outline the masks.
        show_box: draw the boxes.
        iou_threshold: as in `compute_matches`.
        score_threshold: likewise.

    Returns:
        The axes that were drawn on.
    """
    objects = np.flatnonzero(np.any(gt_box, axis=1))
    found = np.flatnonzero(np.any(pred_box, axis=1))
    # The order in which `compute_matches` counts predictions.
    found = found[np.argsort(-np.asarray(pred_score)[found], kind="stable")]
    actual = [np.asarray(gt_box)[objects], np.asarray(gt_class_id)[objects]]
    predicted = [np.asarray(pred_box)[found], np.asarray(pred_class_id)[found]]
    scores = np.asarray(pred_score)[found]
    gt_mask, pred_mask = gt_mask[..., objects], pred_mask[..., found]
    _, pred_match, overlaps = compute_matches(
        *(*actual, gt_mask, *predicted, scores, pred_mask),
        iou_threshold=iou_threshold,
        score_threshold=score_threshold,
    )
    overlap = [
        row[match] if match > -1 else max(row, default=0)
        for row, match in zip(overlaps, pred_match, strict=True)
    ]
    captions = [f"{s:.2f} / {o:.2f}" for s, o in zip(scores, overlap, strict=True)]
    title = title or (
        "Ground Truth and Detections\n GT=green, pred=red, captions: score/IoU"
    )
    return display_instances(
        image,
        np.concatenate([actual[0], predicted[0]]),
        np.concatenate([gt_mask, pred_mask], axis=-1),
        np.concatenate([actual[1], predicted[1]]),
        class_names,
        title=title,
        ax=ax,
        show_mask=show_mask,
        show_bbox=show_box,
        colors=[_GREEN] * len(objects) + [_RED] * len(found),
        captions=[""] * len(objects) + captions,
    )
