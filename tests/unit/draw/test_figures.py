"""The original's visualize functions, without a display."""

import inspect

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

from mrcnn import visualize
from mrcnn.draw import figures


@pytest.fixture(autouse=True)
def no_display():
    with matplotlib.rc_context():
        matplotlib.use("Agg")
        yield


def frozen(array):
    array = np.array(array)
    array.flags.writeable = False
    return array


IMAGE = frozen(np.full((40, 60, 3), 100, np.uint8))
BOXES = frozen([[5, 5, 20, 30], [10, 20, 30, 50]])
MASKS = np.zeros((40, 60, 2), bool)
MASKS[5:20, 5:30, 0] = MASKS[10:30, 20:50, 1] = True
MASKS.flags.writeable = False
CLASS_IDS = frozen([1, 2])
NAMES = ["BG", "remote", "cup"]


def texts(ax):
    return [text.get_text() for text in ax.texts]


def test_signatures_are_the_originals():
    expected = {
        "display_images": "images titles cols cmap norm interpolation",
        "random_colors": "N bright rng",
        "apply_mask": "image mask color alpha",
        "display_instances": "image boxes masks class_ids class_names scores title "
        "figsize ax show_mask show_bbox colors captions",
        "draw_box": "image box color",
    }
    assert sorted(visualize.__all__) == sorted(expected)
    for name, parameters in expected.items():
        signature = inspect.signature(getattr(visualize, name))
        assert list(signature.parameters) == parameters.split()
    signature = inspect.signature(visualize.random_colors)
    assert signature.parameters["rng"].kind is inspect.Parameter.KEYWORD_ONLY


def test_apply_mask_blends_into_a_copy():
    mask = frozen(np.eye(2, 3))
    image = frozen(np.full((2, 3, 3), 101, np.uint8))
    drawn = visualize.apply_mask(image, mask, (1.0, 0.5, 0.0), alpha=0.4)
    # 101 * 0.6 + 0.4 * 255 * (1, 0.5, 0) = 162.6, 111.6, 60.6, cut to whole numbers.
    np.testing.assert_array_equal(drawn[0, 0], [162, 111, 60])
    np.testing.assert_array_equal(drawn[0, 1], [101, 101, 101])
    assert drawn.dtype == np.uint8 and (image == 101).all()


def test_draw_box_is_two_pixels_wide_on_a_copy():
    image = frozen(np.zeros((20, 20, 3), np.uint8))
    drawn = visualize.draw_box(image, (4, 5, 10, 12), (9, 8, 7))
    # Rows 4, 5, 10, 11 from 5 to 11, columns 5, 6, 12, 13 from 4 to 9.
    expected = np.zeros((20, 20), bool)
    expected[[4, 5, 10, 11], 5:12] = True
    expected[4:10, [5, 6, 12, 13]] = True
    np.testing.assert_array_equal(drawn.any(axis=-1), expected)
    np.testing.assert_array_equal(drawn[4, 5], [9, 8, 7])
    assert not image.any()


def test_instances_are_drawn_with_mask_box_and_caption():
    ax = visualize.display_instances(
        IMAGE, BOXES, MASKS, CLASS_IDS, NAMES, np.array([0.5, 0.25]), title="two"
    )
    assert ax.get_title() == "two"
    assert texts(ax) == ["remote 0.500", "cup 0.250"]
    # A box and an outline for each.
    assert len(ax.patches) == 4
    picture = ax.images[0].get_array()
    assert (picture[7, 7] != 100).any() and (picture[0, 0] == 100).all()
    assert (IMAGE == 100).all()
    ax.figure.canvas.draw()


def test_parts_can_be_left_out():
    ax = visualize.display_instances(
        IMAGE, BOXES, None, CLASS_IDS, NAMES, show_mask=False, show_bbox=False
    )
    assert not ax.patches and texts(ax) == ["remote", "cup"]
    assert (ax.images[0].get_array() == 100).all()


def test_captions_and_colours_of_ones_own():
    ax = visualize.display_instances(
        IMAGE,
        BOXES,
        MASKS,
        CLASS_IDS,
        NAMES,
        captions=["a", "b"],
        colors=np.array([[1.0, 0, 0], [0, 0, 1.0]]),
    )
    assert texts(ax) == ["a", "b"]
    np.testing.assert_array_equal(ax.images[0].get_array()[7, 7], [177, 50, 50])


def test_given_axes_are_used():
    mine = Figure().add_subplot()
    ax = visualize.display_instances(IMAGE, BOXES, MASKS, CLASS_IDS, NAMES, ax=mine)
    assert ax is mine and len(mine.texts) == 2


def test_no_instances(caplog):
    ax = visualize.display_instances(
        IMAGE,
        np.zeros((0, 4), np.int32),
        np.zeros((40, 60, 0), bool),
        np.zeros(0, np.int32),
        NAMES,
    )
    assert ax.get_title() == "No instances to display"
    assert "No instances to display" in caplog.text
    assert (ax.images[0].get_array() == 100).all()


def test_empty_boxes_are_left_out():
    boxes = np.array([[0, 0, 0, 0], [10, 20, 30, 50]])
    ax = visualize.display_instances(IMAGE, boxes, MASKS, CLASS_IDS, NAMES)
    assert texts(ax) == ["cup"]


def test_numbers_that_do_not_agree():
    with pytest.raises(ValueError, match="'boxes': 2, 'class_ids': 2, 'masks': 1"):
        visualize.display_instances(IMAGE, BOXES, MASKS[..., :1], CLASS_IDS, NAMES)


@pytest.mark.parametrize("box", [(0, 0, 10, 10), (0, 55, 10, 60), (30, 50, 40, 60)])
def test_caption_stays_in_the_figure(box):
    ax = visualize.display_instances(
        IMAGE,
        np.array([box]),
        None,
        np.array([1]),
        NAMES,
        np.array([0.9]),
        figsize=(6, 6),
        show_mask=False,
    )
    ax.figure.canvas.draw()
    extent = ax.texts[0].get_window_extent()
    bounds = ax.figure.bbox
    assert 0 <= extent.x0 and extent.x1 <= bounds.x1
    assert 0 <= extent.y0 and extent.y1 <= bounds.y1


@pytest.mark.parametrize(("number", "cols", "rows"), [(1, 4, 1), (4, 4, 1), (5, 4, 2)])
def test_images_stand_in_rows(number, cols, rows):
    axes = visualize.display_images(
        [IMAGE] * number, [f"no {i}" for i in range(number)], cols=cols
    )
    assert [ax.get_title() for ax in axes] == [f"no {i}" for i in range(number)]
    assert axes[0].get_gridspec().get_geometry() == (rows, cols)


def test_grey_images_and_colour_map():
    (ax,) = visualize.display_images([frozen(np.eye(4))], cmap="Blues")
    assert ax.images[0].get_cmap().name == "Blues"


def test_no_images(caplog):
    assert visualize.display_images([]) == []
    assert "No images" in caplog.text


def test_nothing_is_kept_in_pyplot():
    import matplotlib.pyplot as plt

    for _ in range(25):  # matplotlib warns from the 20th that stays open
        visualize.display_images([IMAGE])
    assert plt.get_fignums() == []


@pytest.mark.parametrize(("own_axes", "shown"), [(False, 1), (True, 0)])
def test_with_a_display_it_is_shown_unless_axes_were_given(
    monkeypatch, own_axes, shown
):
    import matplotlib.pyplot as plt

    calls = []
    monkeypatch.setattr(plt, "show", lambda: calls.append(1))
    monkeypatch.setattr(figures.matplotlib, "get_backend", lambda: "QtAgg")
    ax = Figure().add_subplot() if own_axes else None
    visualize.display_instances(IMAGE, BOXES, MASKS, CLASS_IDS, NAMES, ax=ax)
    assert len(calls) == shown
    plt.close("all")
