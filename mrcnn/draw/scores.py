"""Figures of an evaluation: confusion matrix, precision against recall, F1.

They take plain arrays and return the figure, which a notebook shows and
``figure.savefig`` saves. Axis letters as in `structures`; T are thresholds.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mrcnn.draw.palette import class_color

# Of more classes the legend and the numbers in the cells cannot be read.
_MOST_NAMED = 20
_LABEL_WIDTH = 18


def draw_confusion(
    matrix: np.ndarray, class_names: Sequence[str], ax: Axes | None = None
) -> Figure:
    """Draw a confusion matrix: the shade is the share of its row, the number the count.

    Args:
        matrix: int [K, K], rows are objects, columns what they were found as.
        class_names: K names, the background first.
        ax: axes to draw on; None makes a figure.

    Returns:
        The figure.

    Example:
        >>> figure = draw_confusion(np.array([[0, 1], [2, 7]]), ["BG", "remote"])
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['1', '2', '7']
    """
    matrix = np.asarray(matrix)
    num_classes = len(class_names)
    side = 3.0 + 0.55 * min(num_classes, 2 * _MOST_NAMED)
    ax = ax or _axes((side + 0.6, side))
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    ax.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    names = [_short(name) for name in ("nothing", *class_names[1:])]
    if num_classes <= 2 * _MOST_NAMED:
        ax.set_xticks(range(num_classes), names, rotation=45, ha="right")
        ax.set_yticks(range(num_classes), names)
    if num_classes <= _MOST_NAMED:
        for row, column in np.argwhere(matrix > 0):
            ax.text(
                column,
                row,
                str(matrix[row, column]),
                ha="center",
                va="center",
                fontsize=9,
                color="white" if shares[row, column] > 0.55 else "black",
            )
    ax.set_xlabel("found as")
    ax.set_ylabel("object")
    ax.set_title("Confusion matrix")
    return ax.figure


def draw_precision_recall(
    curves: Mapping[str, tuple[np.ndarray, np.ndarray]], ax: Axes | None = None
) -> Figure:
    """Draw precision against recall, a line for each class.

    Args:
        curves: recalls float [T] and precisions float [T] by class name, from the
            highest threshold to the lowest.
        ax: axes to draw on; None makes a figure.

    Returns:
        The figure.
    """
    lines = {
        # From recall 0 on, where precision is that of the surest detection.
        name: (np.append(0, recalls), np.append(precisions[:1], precisions))
        for name, (recalls, precisions) in curves.items()
        if len(recalls)
    }
    ax = _draw_lines(lines, ax)
    ax.set_xlabel("recall")
    ax.set_ylabel("precision")
    ax.set_title("Precision and recall")
    return ax.figure


def draw_f1(
    curves: Mapping[str, tuple[np.ndarray, np.ndarray]], ax: Axes | None = None
) -> Figure:
    """Draw F1 against the score at which something counts as found, with its best.

    Args:
        curves: thresholds float [T], falling, and F1 float [T] by class name.
        ax: axes to draw on; None makes a figure.

    Returns:
        The figure.
    """
    lines = {
        # Above the highest score nothing is found.
        name: (np.append(1, thresholds), np.append(0, f1s))
        for name, (thresholds, f1s) in curves.items()
        if len(f1s)
    }
    ax = _draw_lines(lines, ax, drawstyle="steps-post")
    for line, (thresholds, f1s) in zip(list(ax.lines), lines.values(), strict=True):
        best = np.argmax(f1s)
        ax.plot(thresholds[best], f1s[best], "o", color=line.get_color())
    ax.set_xlabel("least score")
    ax.set_ylabel("F1")
    ax.set_title("F1 against the least score")
    return ax.figure


def _draw_lines(lines: dict, ax: Axes | None, **style) -> Axes:
    ax = ax or _axes((6.4, 4.8))
    for number, (name, (x, y)) in enumerate(lines.items()):
        color = np.array(class_color(number + 1)) / 255
        ax.plot(x, y, color=color, label=_short(name), linewidth=2, **style)
    ax.set_xlim(-0.02, 1.02)
    ax.set_ylim(-0.02, 1.05)
    ax.grid(alpha=0.3)
    if not lines:
        ax.text(0.5, 0.5, "nothing was found", ha="center", va="center")
    elif len(lines) <= _MOST_NAMED:
        # Beside the lines, which may be anywhere.
        ax.legend(loc="upper left", bbox_to_anchor=(1.01, 1), fontsize=9)
    return ax


def _axes(size: tuple[float, float]) -> Axes:
    return Figure(figsize=size, layout="constrained").add_subplot()


def _short(name: str) -> str:
    return textwrap.shorten(name, _LABEL_WIDTH, placeholder="…") or name[:_LABEL_WIDTH]
