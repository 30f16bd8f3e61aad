"""Curves of a training: a panel for each number, training and validation in it."""

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg

from mrcnn.draw.run_curves import draw_run


def drawn(columns, **options):
    """Axes after drawing, having checked that nothing leaves the canvas."""
    figure = draw_run(columns, **options)
    FigureCanvasAgg(figure).draw()
    for ax in figure.axes:
        extent = ax.get_tightbbox()
        assert (extent.min >= -0.5).all()
        assert (extent.max <= figure.bbox.max + 0.5).all()
    return figure.axes


def test_a_panel_for_each_number():
    columns = {
        "epoch": [0, 1, 2],
        "val_bbox_AP": [np.nan, 0.2, 0.4],
        "rpn_class_loss": [0.3, 0.2, 0.1],
        "loss": [3, 2, 1.5],
        "val_loss": [4, 3, np.nan],
    }
    axes = drawn(columns, cols=2)
    assert [ax.get_title() for ax in axes] == ["loss", "rpn_class_loss", "bbox_AP"]
    training, validation = axes[0].lines
    assert training.get_xydata().tolist() == [[1, 3], [2, 2], [3, 1.5]]
    assert validation.get_ydata()[:2].tolist() == [4, 3]
    labels = [text.get_text() for text in axes[0].get_legend().get_texts()]
    assert labels == ["training", "validation"]
    # One colour for training and one for validation, in every panel.
    assert axes[1].lines[0].get_color().tolist() == training.get_color().tolist()
    assert axes[2].lines[0].get_color().tolist() == validation.get_color().tolist()


def test_one_epoch_is_seen_and_none_is_empty():
    (ax,) = drawn({"epoch": [0], "loss": [2.0]})
    assert ax.lines[0].get_marker() == "o"
    assert not drawn({"epoch": [], "loss": []})
    assert not drawn({"epoch": [0]})
