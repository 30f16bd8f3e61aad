"""The original's two plots of how good detections are.

`mrcnn.visualize` re-exports them; numbers come from `evaluation`. Both return the
axes they drew on.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from mrcnn.draw import canvas
from mrcnn.draw.captions import caption_texts, shortened

# Inches of the plot of overlaps, points of its letters, inches between its labels.
_OVERLAPS_SIZE = (12, 10)
_LETTER_POINTS = 9
_LEAST_LETTER_POINTS = 4
_LONGEST_LABEL = 30


def plot_precision_recall(
    AP: float, precisions: np.ndarray, recalls: np.ndarray, *, ax: Axes | None = None
) -> Axes:
    """Draw a precision-recall curve.

    Args:
        AP: average precision, for the title.
        precisions: float [M], 0 to 1, as `compute_ap` returns them.
        recalls: float [M], likewise.
        ax: axes to draw on; None makes a figure.
    """
    ax = _plot_axes((6.4, 4.8), ax)
    ax.plot(recalls, precisions)
    ax.set_xlim(0, 1.1)
    ax.set_ylim(0, 1.1)
    ax.set_xlabel("Recall")
    ax.set_ylabel("Precision")
    canvas.write_title(ax, f"Precision-Recall Curve. AP@50 = {AP:.3f}")
    return ax


def plot_overlaps(
    gt_class_ids: np.ndarray,
    pred_class_ids: np.ndarray,
    pred_scores: np.ndarray,
    overlaps: np.ndarray,
    class_names: Sequence[str],
    threshold: float = 0.5,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Draw how much each prediction overlaps each object, and whether classes agree.

    Args:
        gt_class_ids: int [N1]; zeros are padding.
        pred_class_ids: int [N2]; zeros are padding.
        pred_scores: float [N2].
        overlaps: float [N2, N1], intersection over union.
        class_names: names by class id.
        threshold: overlap above which a cell says "match" or "wrong".
        ax: axes to draw on; None makes a figure.
    """
    gt_class_ids, pred_class_ids = np.asarray(gt_class_ids), np.asarray(pred_class_ids)
    objects, found = np.flatnonzero(gt_class_ids), np.flatnonzero(pred_class_ids)
    gt_class_ids, pred_class_ids = gt_class_ids[objects], pred_class_ids[found]
    # Rows and columns of the padding may have been left out already.
    overlaps = np.asarray(overlaps)[: len(found), : len(objects)]
    ax = _plot_axes(_OVERLAPS_SIZE, ax)
    ax.set_xlabel("Ground Truth")
    ax.set_ylabel("Predictions")
    if not overlaps.size:
        what = f"{len(found)} predictions, {len(objects)} objects: nothing overlaps"
        canvas.write_title(ax, what)
        ax.set_xticks([])
        ax.set_yticks([])
        return ax
    scores = np.asarray(pred_scores)[found]
    predicted = caption_texts(pred_class_ids, class_names, scores, digits=2)
    actual = caption_texts(gt_class_ids, class_names, None, digits=0)
    ax.imshow(overlaps, interpolation="nearest", cmap="Blues", vmin=0, aspect="auto")
    # Points of a cell, beside labels of the longest kind.
    high, wide = np.multiply(72 * 0.7, _OVERLAPS_SIZE[::-1]) / overlaps.shape
    ax.set_yticks(range(len(found)), _short(predicted), fontsize=_letters(high))
    ax.set_xticks(
        range(len(objects)), _short(actual), rotation=90, fontsize=_letters(wide)
    )
    # Two lines of five letters.
    letters = _letters(min(high / 2, wide / 2.5))
    if letters >= _LEAST_LETTER_POINTS:
        agree = pred_class_ids[:, None] == gt_class_ids
        _write_cells(ax, overlaps, agree, threshold, letters)
    return ax


def _write_cells(ax, overlaps, agree, threshold, letters) -> None:
    for (i, j), overlap in np.ndenumerate(overlaps):
        verdict = ""
        if overlap > threshold:
            verdict = "match" if agree[i, j] else "wrong"
        dark = overlap > overlaps.max() / 2
        ax.text(
            *(j, i, f"{overlap:.3f}\n{verdict}".strip()),
            horizontalalignment="center",
            verticalalignment="center",
            fontsize=letters,
            color="white" if dark else "black" if overlap > 0 else "grey",
        )


def _plot_axes(figsize, ax: Axes | None) -> Axes:
    if ax is not None:
        return ax
    figure, _ = canvas.new_figure(figsize)
    # Leaves room for the labels, however long.
    figure.set_layout_engine("constrained")
    return figure.add_subplot()


def _short(labels) -> list[str]:
    return [shortened(label, _LONGEST_LABEL) for label in labels]


def _letters(points: float) -> float:
    """Return the size of letters for lines of a height, points."""
    return min(_LETTER_POINTS, points / 1.4)
