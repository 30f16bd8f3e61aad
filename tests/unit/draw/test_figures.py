"""The original's visualize functions, without a display."""

import inspect
import io

import cv2
import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mrcnn import visualize
from mrcnn.draw import canvas
from mrcnn.draw.palette import instance_colors


@pytest.fixture(autouse=True)
def no_display():
    with matplotlib.rc_context():
        matplotlib.use("Agg")
        yield
    import matplotlib.pyplot as plt

    plt.close("all")


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


# The original's names, arguments in their order, and defaults.
ORIGINAL = {
    "apply_mask": "image mask color alpha",
    "display_differences": "image gt_box gt_class_id gt_mask pred_box pred_class_id "
    "pred_score pred_mask class_names title ax show_mask show_box iou_threshold "
    "score_threshold",
    "display_images": "images titles cols cmap norm interpolation",
    "display_instances": "image boxes masks class_ids class_names scores title "
    "figsize ax show_mask show_bbox colors captions",
    "display_table": "table",
    "display_top_masks": "image mask class_ids class_names limit",
    "display_weight_stats": "model",
    "draw_box": "image box color",
    "draw_boxes": "image boxes refined_boxes masks captions visibilities title ax",
    "draw_rois": "image rois refined_rois mask class_ids class_names limit",
    "plot_overlaps": "gt_class_ids pred_class_ids pred_scores overlaps class_names "
    "threshold",
    "plot_precision_recall": "AP precisions recalls",
    "random_colors": "N bright",
}
DEFAULTS = {
    "apply_mask": [0.5],
    "display_differences": ["", None, True, True, 0.5, 0.5],
    "display_images": [None, 4, None, None, None],
    "display_instances": [None, "", (16, 16), None, True, True, None, None],
    "display_top_masks": [4],
    "draw_boxes": [None, None, None, None, None, "", None],
    "draw_rois": [10],
    "plot_overlaps": [0.5],
    "random_colors": [True],
}


@pytest.mark.parametrize("name", ORIGINAL)
def test_signatures_are_the_originals(name):
    """Whatever is ours besides is by keyword only."""
    parameters = inspect.signature(getattr(visualize, name)).parameters.values()
    positional = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert [p.name for p in positional] == ORIGINAL[name].split()
    defaults = [p.default for p in positional if p.default is not p.empty]
    assert defaults == DEFAULTS.get(name, [])


def pixels(ax, dpi):
    """The figure as it is saved, uint8 [H, W, 3], RGB."""
    file = io.BytesIO()
    ax.figure.savefig(file, format="png", dpi=dpi)
    return cv2.imdecode(np.frombuffer(file.getvalue(), np.uint8), 1)[..., ::-1]


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


def test_boxes_and_outlines_lie_on_the_pixels():
    ax = visualize.display_instances(IMAGE, BOXES, MASKS, CLASS_IDS, NAMES)
    corners = [patch.get_extents() for patch in ax.patches]
    in_data = [ax.transData.inverted().transform(c.corners()) for c in corners]
    found = sorted(
        (*c.min(axis=0).round(3)[::-1], *c.max(axis=0).round(3)[::-1]) for c in in_data
    )
    # Boxes by their edges; outlines through the middles of the outermost pixels.
    outlines = [(5.5, 5.5, 19.5, 29.5), (10.5, 20.5, 29.5, 49.5)]
    expected = sorted([*map(tuple, BOXES.astype(float)), *outlines])
    np.testing.assert_allclose(found, expected, atol=0.01)


def test_a_mask_is_drawn_outside_its_box_too():
    boxes = np.array([[5, 5, 6, 6], [10, 20, 30, 50]])
    ax = visualize.display_instances(IMAGE, boxes, MASKS, CLASS_IDS, NAMES)
    assert (ax.images[0].get_array()[19, 29] != 100).any()


@pytest.mark.parametrize("hw", [(40, 60), (300, 40), (30, 500)])
@pytest.mark.parametrize("dpi", [50, 73])
def test_the_image_fills_the_canvas(hw, dpi):
    image = np.full((*hw, 3), (200, 10, 90), np.uint8)
    none = np.zeros((0, 4)), np.zeros((*hw, 0), bool), np.zeros(0, int)
    ax = visualize.display_instances(image, *none, NAMES, figsize=(5, 5), title=" ")
    band = ax.figure.bbox.height - ax.bbox.height
    saved = pixels(ax, dpi)
    assert max(saved.shape[:2]) >= 5 * dpi
    below = saved[int(np.ceil(band * dpi / ax.figure.dpi)) + 1 :]
    assert (below == (200, 10, 90)).all()


def test_without_a_title_the_pixels_are_the_image():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (120, 90, 3), np.uint8)
    box = np.array([[0, 0, 1, 1]])
    ax = visualize.display_instances(
        *(image, box, None, [1], NAMES),
        show_mask=False,
        show_bbox=False,
        captions=[""],
        figsize=(3, 3),
    )
    # 120 pixels in 3 inches.
    np.testing.assert_array_equal(pixels(ax, 40), image)


@pytest.mark.parametrize(
    "image",
    [
        IMAGE[..., 0],
        IMAGE[..., :1],
        np.concatenate([IMAGE, IMAGE[..., :1]], axis=-1),
        IMAGE / 255,
        IMAGE.astype(np.uint32),
    ],
)
def test_grey_alpha_and_numbers_of_other_kinds(image):
    ax = visualize.display_instances(image, BOXES, MASKS, CLASS_IDS, NAMES)
    picture = ax.images[0].get_array()
    assert picture.shape == (40, 60, 3) and (picture[0, 0] == 100).all()


def test_an_object_keeps_its_colour():
    edges = []
    for _ in range(2):
        ax = visualize.display_instances(IMAGE, BOXES, MASKS, CLASS_IDS, NAMES)
        edges.append([patch.get_edgecolor()[:3] for patch in ax.patches])
    np.testing.assert_array_equal(edges[0], edges[1])
    np.testing.assert_array_equal(edges[0][:2], instance_colors(2))


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


def plates(ax):
    """Rectangles of the captions after drawing, pixels [N, (x0, y0, x1, y1)]."""
    FigureCanvasAgg(ax.figure).draw()
    return np.array(
        [text.get_bbox_patch().get_window_extent().extents for text in ax.texts]
    )


def overlapping(rectangles):
    """How many pairs of rectangles have an area in common."""
    near = np.maximum(rectangles[:, None, :2], rectangles[None, :, :2])
    far = np.minimum(rectangles[:, None, 2:], rectangles[None, :, 2:])
    return int(((far - near).min(axis=-1) > 0.5).sum() - len(rectangles)) // 2


BORDER_BOXES = [
    *((0, 0, 10, 10), (0, 50, 10, 60), (30, 50, 40, 60), (30, 0, 40, 10)),
    *((0, 0, 40, 60), (20, 59, 21, 60), (-9, -9, 50, 70)),
]


@pytest.mark.parametrize("box", BORDER_BOXES)
@pytest.mark.parametrize("name", ["cup", "remote control of an air conditioner " * 2])
@pytest.mark.parametrize("inches", [1.0, 3.0, 16.0])
def test_caption_stays_in_the_picture(box, name, inches):
    ax = visualize.display_instances(
        *(IMAGE, np.array([box]), None, np.array([1]), ["BG", name], np.array([0.9])),
        figsize=(inches, inches),
        show_mask=False,
    )
    x0, y0, x1, y1 = plates(ax)[0]
    bounds = ax.bbox
    assert bounds.x0 - 1 <= x0 < x1 <= bounds.x1 + 1
    assert bounds.y0 - 1 <= y0 < y1 <= bounds.y1 + 1
    # The score is not cut off.
    assert ax.texts[0].get_text().endswith("0.900") or inches == 1


def test_caption_stays_in_the_picture_of_ones_own_axes():
    """In three small panels, at two resolutions, after the layout has changed."""
    figure = Figure((6, 2))
    for i in range(3):
        ax = visualize.display_instances(
            *(IMAGE, BOXES, MASKS, CLASS_IDS, ["BG", "remote control", "coffee cup"]),
            ax=figure.add_subplot(1, 3, i + 1),
            title="a long heading over a small panel",
        )
    for dpi in (60, 200):
        figure.set_dpi(dpi)
        figure.tight_layout()
        for ax in figure.axes:
            rectangles = plates(ax)
            assert (rectangles[:, :2] >= ax.bbox.min - 1).all()
            assert (rectangles[:, 2:] <= ax.bbox.max + 1).all()
            assert overlapping(rectangles) == 0
            title = ax.title.get_window_extent()
            assert title.width <= 1.02 * ax.bbox.width


def test_captions_make_room_for_each_other():
    corners = [(y, x) for y in range(0, 300, 50) for x in range(0, 400, 50)]
    boxes = np.array([(y, x, y + 40, x + 40) for y, x in corners])
    image = np.zeros((300, 400, 3), np.uint8)
    ax = visualize.display_instances(
        *(image, boxes, None, np.ones(len(boxes), int), ["BG", "AC remote"]),
        figsize=(6, 6),
        show_mask=False,
    )
    rectangles = plates(ax)
    assert overlapping(rectangles) == 0
    # At full size they would not have had room side by side.
    assert min(text.get_size() for text in ax.texts) < 11


def test_removed_captions_leave_their_places():
    ax = visualize.display_instances(IMAGE, BOXES, MASKS, CLASS_IDS, NAMES)
    ax.texts[0].remove()
    assert len(plates(ax)) == 1


def test_a_long_title_becomes_as_narrow_as_the_picture():
    ax = visualize.display_instances(
        IMAGE, BOXES, MASKS, CLASS_IDS, NAMES, title="long " * 40 + "\nsecond line"
    )
    ax.figure.canvas.draw()
    title, figure = ax.title.get_window_extent(), ax.figure.bbox
    assert figure.x0 <= title.x0 and title.x1 <= figure.x1
    assert ax.bbox.y1 <= title.y0 and title.y1 <= figure.y1


def test_no_name_for_a_class():
    with pytest.raises(ValueError, match="name for class id 2. Received: 2 class_name"):
        visualize.display_instances(IMAGE, BOXES, MASKS, CLASS_IDS, ["BG", "remote"])


# Ground truth: objects 0 (class 1) and 1 (class 2). The surer prediction is listed
# last, and a row of padding first.
PREDICTED = {
    "pred_box": np.array([[0, 0, 0, 0], [10, 20, 30, 50], [5, 5, 20, 20]]),
    "pred_class_id": np.array([0, 1, 1]),
    "pred_score": np.array([0.0, 0.6, 0.9]),
}


def test_differences_are_captioned_with_score_and_overlap():
    masks = np.zeros((40, 60, 3), bool)
    masks[10:30, 20:50, 1] = masks[5:20, 5:20, 2] = True
    ax = visualize.display_differences(
        IMAGE, BOXES, CLASS_IDS, MASKS, **PREDICTED, pred_mask=masks, class_names=NAMES
    )
    # The surer: 15 x 15 of the 15 x 25 pixels. The other has the wrong class, and
    # covers its object whole.
    assert texts(ax) == ["0.90 / 0.60", "0.60 / 1.00"]
    colors = [patch.get_edgecolor()[:3] for patch in ax.patches]
    green, red = visualize.class_colors([3, 6])
    assert colors.count(green) == colors.count(red) == 4
    assert "GT=green, pred=red" in ax.get_title()


@pytest.mark.parametrize("empty", ["objects", "predictions", "both"])
def test_differences_of_nothing(empty):
    nothing = np.zeros((0, 4), int), np.zeros(0, int), np.zeros((40, 60, 0), bool)
    truth = nothing if empty != "predictions" else (BOXES, CLASS_IDS, MASKS)
    found = nothing if empty != "objects" else (BOXES, CLASS_IDS, MASKS)
    ax = visualize.display_differences(
        *(IMAGE, *truth, *found[:2], np.full(len(found[1]), 0.5), found[2], NAMES)
    )
    assert texts(ax) == (["0.50 / 0.00"] * 2 if empty == "objects" else [])


def lines_of(patches):
    return [patch.get_linestyle() for patch in patches]


def test_boxes_are_dotted_and_refined_ones_solid():
    ax = visualize.draw_boxes(
        *(IMAGE, BOXES, BOXES + 2, MASKS, ["a", "b"]), visibilities=[1, 2], title="t"
    )
    # Two outlines; then each box before its refined one.
    assert lines_of(ax.patches) == ["solid"] * 2 + ["dotted"] + ["solid"] * 3
    assert [line.get_xydata().tolist() for line in ax.lines] == [
        [[5, 5], [7, 7]],
        [[20, 10], [22, 12]],
    ]
    assert texts(ax) == ["a", "b"] and ax.get_title() == "t"


def test_invisible_boxes_are_grey_and_not_refined():
    ax = visualize.draw_boxes(
        IMAGE, BOXES, BOXES + 2, captions=["a", "b"], visibilities=[0, 0]
    )
    assert lines_of(ax.patches) == ["dotted", "dotted"] and not ax.lines
    assert {patch.get_edgecolor() for patch in ax.patches} == {(0.5, 0.5, 0.5, 0.5)}
    ax.figure.canvas.draw()


@pytest.mark.parametrize("given", ["boxes", "refined_boxes"])
def test_either_kind_of_boxes_will_do(given):
    mine = Figure().add_subplot()
    ax = visualize.draw_boxes(IMAGE, **{given: BOXES, "ax": mine})
    assert ax is mine and len(ax.patches) == 2
    assert not visualize.draw_boxes(IMAGE, **{given: BOXES[:0]}).patches


def test_no_boxes_at_all():
    with pytest.raises(ValueError, match="Expected boxes, refined_boxes or both"):
        visualize.draw_boxes(IMAGE)


def test_rois_on_objects_are_refined_and_captioned():
    rois = np.array([[-5, -5, 20, 30], [10, 20, 30, 80], [0, 0, 9, 9]])
    probabilities = np.ones((3, 28, 28), np.float32)
    ax = visualize.draw_rois(
        IMAGE, rois, rois + 1, probabilities, np.array([1, 2, 0]), NAMES
    )
    assert lines_of(ax.patches) == ["dashed", "solid", "dashed", "solid", "dashed"]
    assert texts(ax) == ["remote", "cup"] and ax.get_title() == "3 ROIs"
    painted = (ax.images[0].get_array() != 100).any(axis=-1)
    expected = np.zeros((40, 60), bool)
    expected[:20, :30] = expected[10:30, 20:] = True
    np.testing.assert_array_equal(painted, expected)


def test_of_many_rois_some_are_shown():
    rois = np.tile([[5, 5, 20, 30]], (25, 1))
    ax = visualize.draw_rois(
        IMAGE, rois, rois, np.ones((25, 28, 28)), np.zeros(25, int), NAMES, limit=4
    )
    assert len(ax.patches) == 4
    assert ax.get_title() == "Showing 4 random ROIs out of 25"
    assert not visualize.draw_rois(IMAGE, *[np.zeros((0, 4))] * 3, [], NAMES).patches


def test_top_masks_are_those_of_the_largest_classes():
    # Class 2 covers 600 pixels, class 1 its 375; class 3 has none.
    masks = np.concatenate([MASKS, np.zeros((40, 60, 1), bool)], axis=-1)
    axes = visualize.display_top_masks(IMAGE, masks, [1, 2, 3], [*NAMES, "tv"])
    assert [ax.get_title() for ax in axes] == ["H x W=40x60", "cup", "remote"]
    shown = axes[1].images[0].get_array()
    np.testing.assert_array_equal(shown, MASKS[..., 1])
    axes = visualize.display_top_masks(IMAGE, masks, [1, 1, 3], [*NAMES, "tv"], limit=1)
    assert [ax.get_title() for ax in axes] == ["H x W=40x60", "remote"]
    # Two objects of a class in two shades.
    assert set(np.unique(axes[1].images[0].get_array())) == {0, 1, 2}


@pytest.mark.parametrize(("number", "cols", "rows"), [(1, 4, 1), (4, 4, 1), (5, 4, 2)])
def test_images_stand_in_rows(number, cols, rows):
    axes = visualize.display_images(
        [IMAGE] * number, [f"no {i}" for i in range(number)], cols=cols
    )
    assert [ax.get_title() for ax in axes] == [f"no {i}" for i in range(number)]
    corners = np.array([ax.bbox.extents for ax in axes])
    assert len(np.unique(corners[:, 1].round())) == rows
    assert len(np.unique(corners[:, 0].round())) == min(number, cols)
    assert overlapping(corners) == 0
    # The first stands at the top left, and no room is left for images not there.
    assert corners[0, 1] == corners[:, 1].max() and corners[0, 0] < 20
    assert axes[0].figure.bbox.x1 - corners[:, 2].max() < 20


def test_grey_images_and_colour_map():
    (ax,) = visualize.display_images([frozen(np.eye(4))], cmap="Blues")
    assert ax.images[0].get_cmap().name == "Blues"


def test_no_images(caplog):
    assert visualize.display_images([]) == []
    assert "No images" in caplog.text


def test_values_of_grey_images_are_kept():
    activations = np.linspace(-3, 3, 12).reshape(3, 4)
    (ax,) = visualize.display_images([activations])
    np.testing.assert_array_equal(ax.images[0].get_array(), activations)
    (ax,) = visualize.display_images([IMAGE[..., :1]])
    assert ax.images[0].get_cmap().name == "gray"


def test_pyplot_keeps_the_last_figure_alone(tmp_path):
    import matplotlib.pyplot as plt

    axes = [visualize.display_images([IMAGE])[0] for _ in range(25)]
    assert plt.get_fignums() == [1] and plt.gcf() is axes[-1].figure
    # What scripts do right after: the file has the picture in it.
    ax = visualize.display_instances(IMAGE, BOXES, MASKS, CLASS_IDS, NAMES)
    plt.savefig(tmp_path / "last.png", dpi=20)
    saved = cv2.imread(str(tmp_path / "last.png"))[..., ::-1]
    np.testing.assert_array_equal(saved, pixels(ax, 20))
    # An earlier one is still whole.
    assert (pixels(axes[0], 20) == 100).any()


@pytest.mark.parametrize(("own_axes", "shown"), [(False, 1), (True, 0)])
def test_with_a_display_it_is_shown_unless_axes_were_given(
    monkeypatch, own_axes, shown
):
    import matplotlib.pyplot as plt

    calls = []
    monkeypatch.setattr(plt, "show", lambda: calls.append(1))
    monkeypatch.setattr(canvas.matplotlib, "get_backend", lambda: "QtAgg")
    ax = Figure().add_subplot() if own_axes else None
    visualize.display_instances(IMAGE, BOXES, MASKS, CLASS_IDS, NAMES, ax=ax)
    assert len(calls) == shown


def test_a_figure_can_be_pickled():
    import pickle

    ax = visualize.display_instances(IMAGE, BOXES, MASKS, CLASS_IDS, NAMES)
    again = pickle.loads(pickle.dumps(ax.figure))
    np.testing.assert_array_equal(pixels(again.axes[0], 20), pixels(ax, 20))
