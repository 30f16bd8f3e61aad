"""The original's plots of scores."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mrcnn.draw.plots import plot_overlaps, plot_precision_recall

NAMES = ["BG", "remote", "cup"]


def test_precision_recall():
    ax = plot_precision_recall(0.75, np.array([1, 0.5]), np.array([0, 1]))
    np.testing.assert_array_equal(ax.lines[0].get_xydata(), [[0, 1], [1, 0.5]])
    assert ax.get_title() == "Precision-Recall Curve. AP@50 = 0.750"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Recall", "Precision")
    assert (ax.get_xlim(), ax.get_ylim()) == ((0, 1.1), (0, 1.1))


@pytest.mark.parametrize("plot", ["curve", "overlaps"])
def test_given_axes_are_used(plot):
    mine = Figure().add_subplot()
    if plot == "curve":
        assert plot_precision_recall(0, [], [], ax=mine) is mine
    else:
        assert plot_overlaps([1], [1], [1.0], np.eye(1), NAMES, ax=mine) is mine


def test_overlaps_say_match_or_wrong():
    overlaps = np.array([[0.9, 0.0], [0.6, 0.3]])
    ax = plot_overlaps([1, 2], [1, 2], [0.99, 0.5], overlaps, NAMES)
    cells = [text.get_text() for text in ax.texts]
    assert cells == ["0.900\nmatch", "0.000", "0.600\nwrong", "0.300"]
    # More than half of the greatest is written in white on dark blue.
    assert [text.get_color() for text in ax.texts] == [
        *("white", "grey", "white", "black"),
    ]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["remote 0.99", "cup 0.50"]
    assert [t.get_text() for t in ax.get_xticklabels()] == ["remote", "cup"]


@pytest.mark.parametrize("trimmed", [True, False])
def test_padding_is_left_out(trimmed):
    overlaps = np.zeros((3, 4))
    overlaps[0, 0] = 0.8
    overlaps = overlaps[:1, :2] if trimmed else overlaps
    ax = plot_overlaps([1, 2, 0, 0], [1, 0, 0], [0.9, 0, 0], overlaps, NAMES)
    assert [text.get_text() for text in ax.texts] == ["0.800\nmatch", "0.000"]


@pytest.mark.parametrize(("objects", "found"), [(0, 0), (2, 0), (0, 3)])
def test_nothing_overlaps(objects, found):
    ax = plot_overlaps(
        np.ones(objects, int),
        *(np.ones(found, int), np.ones(found), np.zeros((found, objects)), NAMES),
    )
    assert ax.get_title().startswith(f"{found} predictions, {objects} objects")
    FigureCanvasAgg(ax.figure).draw()


@pytest.mark.parametrize(("objects", "found"), [(1, 1), (2, 30), (60, 40)])
def test_no_text_leaves_the_canvas_or_its_cell(objects, found, rng):
    names = ["BG", "remote control of an air conditioner in the bedroom"]
    ax = plot_overlaps(
        np.ones(objects, int),
        *(np.ones(found, int), np.ones(found), rng.random((found, objects)), names),
    )
    FigureCanvasAgg(ax.figure).draw()
    canvas = ax.figure.bbox
    labels = [*ax.get_xticklabels(), *ax.get_yticklabels(), ax.xaxis.label]
    for text in [*labels, ax.yaxis.label, *ax.texts]:
        extent = text.get_window_extent()
        assert canvas.x0 <= extent.x0 and extent.x1 <= canvas.x1
        assert canvas.y0 <= extent.y0 and extent.y1 <= canvas.y1
    for text in ax.texts:
        extent = text.get_window_extent()
        assert extent.width <= ax.bbox.width / objects
        assert extent.height <= ax.bbox.height / found
    for labels, room in (
        (ax.get_xticklabels(), ax.bbox.width / objects),
        (ax.get_yticklabels(), ax.bbox.height / found),
    ):
        short_sides = [min(t.get_window_extent().size) for t in labels]
        assert max(short_sides) <= 1.1 * room
