"""The curves of a training: its losses and average precisions against the epochs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from mrcnn.draw import canvas
from mrcnn.draw.palette import class_color

# Inches.
_PANEL_HW = (1.7, 2.8)
_PAD = 0.45
_LINES = {"": "training", "val_": "validation"}


def draw_run(columns: Mapping[str, Sequence[float]], *, cols: int = 4) -> Figure:
    """Show how losses and other numbers went, those of validation in another colour.

    Args:
        columns: numbers by name as losses.csv has them, ``epoch`` among them, which
            counts from 0; ``val_loss`` is drawn with ``loss``. A nan leaves a gap.
        cols: panels in a row.

    Returns:
        A panel for each number, the losses first; without any an empty figure.
    """
    epochs = np.asarray(columns["epoch"]) + 1
    names = {name.removeprefix("val_") for name in columns if name != "epoch"}
    names = sorted(names, key=lambda name: ("loss" not in name, name))
    figure = Figure()
    if not names or not len(epochs):
        return figure
    axes = canvas.grid_axes(figure, names, min(cols, len(names)), _PANEL_HW, pad=_PAD)
    for ax, name in zip(axes, names, strict=True):
        for number, (prefix, label) in enumerate(_LINES.items(), start=1):
            if prefix + name in columns:
                color = np.array(class_color(number)) / 255
                # Markers: of one epoch there is no line.
                ax.plot(
                    *(epochs, columns[prefix + name], "o-"),
                    color=color,
                    label=label,
                    markersize=3,
                )
        ax.tick_params(labelsize=7)
        ax.locator_params(axis="x", integer=True, nbins=6)
        ax.grid(alpha=0.3)
        ax.set_ylim(bottom=0)
    axes[0].legend(fontsize=8)
    return figure
