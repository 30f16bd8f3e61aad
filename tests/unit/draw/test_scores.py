"""Figures of an evaluation: what is drawn, and that it stays on the canvas."""

import io

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from mrcnn.draw.scores import draw_confusion, draw_f1, draw_precision_recall

LONG = "a class with a name that is much longer than a label"


def pixels(figure):
    file = io.BytesIO()
    figure.savefig(file, dpi=60)
    return np.asarray(Image.open(file).convert("RGB"))


def assert_inside(figure):
    """No ink at the border, where something would be cut off."""
    picture = pixels(figure)
    border = np.concatenate(
        [picture[0], picture[-1], picture[:, 0], picture[:, -1]], axis=0
    )
    assert (border == 255).all()
    assert (picture < 255).any()


@pytest.mark.parametrize("num_classes", [2, 6, 30, 81])
def test_confusion(num_classes):
    matrix = np.zeros((num_classes, num_classes), int)
    matrix[1, 1], matrix[1, 0] = 1234, 56
    figure = draw_confusion(matrix, ["BG", *[LONG] * (num_classes - 1)])
    (ax,) = figure.axes
    counts = {text.get_text(): text.get_position() for text in ax.texts}
    # Column, row; of many classes the shades have to do.
    assert counts == ({"1234": (1, 1), "56": (0, 1)} if num_classes < 21 else {})
    assert ax.images[0].get_array()[1, 1] == pytest.approx(1234 / 1290)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("found as", "object")
    assert_inside(figure)


def test_precision_recall():
    # The surest is right, the second wrong, the third right; of two objects.
    curve = np.array([0.5, 0.5, 1.0]), np.array([1, 1 / 2, 2 / 3])
    figure = draw_precision_recall({LONG: curve, "unseen": (np.zeros(0),) * 2})
    (line,) = figure.axes[0].lines
    assert line.get_xdata().tolist() == [0, 0.5, 0.5, 1]
    np.testing.assert_allclose(line.get_ydata(), [1, 1, 1 / 2, 2 / 3])
    assert_inside(figure)


def test_f1_marks_the_best():
    curve = np.array([0.9, 0.5, 0.1]), np.array([0.4, 0.8, 0.6])
    figure = draw_f1({"remote": curve})
    line, mark = figure.axes[0].lines
    assert (line.get_xdata()[0], line.get_ydata()[0]) == (1, 0)
    assert (mark.get_xdata()[0], mark.get_ydata()[0]) == (0.5, 0.8)
    assert_inside(figure)


@pytest.mark.parametrize("draw", [draw_precision_recall, draw_f1])
def test_no_panel_is_empty(draw):
    figure = draw({"remote": (np.zeros(0), np.zeros(0))})
    assert [text.get_text() for text in figure.axes[0].texts] == ["nothing was found"]
    many = {f"class {i}": (np.ones(1), np.ones(1)) for i in range(40)}
    figure = draw(many)
    assert figure.axes[0].get_legend() is None
    assert_inside(figure)


def test_axes_of_the_caller_are_drawn_on():
    axes = Figure().subplots(1, 3)
    curve = {"remote": (np.array([0.5]), np.array([1.0]))}
    for ax, draw in zip(axes, (draw_precision_recall, draw_f1), strict=False):
        assert draw(curve, ax=ax) is ax.figure
        assert ax.lines
    draw_confusion(np.eye(2, dtype=int), ["BG", "remote"], ax=axes[2])
    assert axes[2].images
