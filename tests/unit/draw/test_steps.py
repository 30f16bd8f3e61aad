"""Figures of the network's steps: panels for what there is, and what is in them."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from mrcnn.draw.steps import (
    draw_activations,
    draw_anchors,
    draw_box_groups,
    draw_mask_placement,
    draw_weights,
)
from mrcnn.geometry.anchors import feature_shapes, generate_pyramid_anchors
from mrcnn.geometry.boxes import compute_overlaps

IMAGE = np.full((64, 96, 3), 100, np.uint8)
IMAGE.flags.writeable = False
NAMES = ["BG", "remote", "cup"]


def panels(figure):
    """Axes after drawing, having checked that nothing leaves the canvas or is empty."""
    FigureCanvasAgg(figure).draw()
    for ax in figure.axes:
        assert ax.images or ax.patches
        for bounds in (ax.bbox, ax.title.get_window_extent()):
            assert (bounds.min >= -0.5).all()
            assert (bounds.max <= figure.bbox.max + 0.5).all()
    return figure.axes


def anchors_of_image():
    shapes = feature_shapes(IMAGE.shape, [8, 16])
    anchors = generate_pyramid_anchors((16, 32), [0.5, 1, 2], shapes, [8, 16], 1)
    overlaps = compute_overlaps(anchors, np.array([[10, 20, 40, 52]]))[:, 0]
    match = np.where(overlaps > 0.5, 1, np.where(overlaps < 0.2, -1, 0))
    return anchors, match


def test_anchors_of_each_kind():
    anchors, match = anchors_of_image()
    num = {kind: (match == kind).sum() for kind in (1, -1, 0)}
    assert min(num.values()) > 0
    refined = np.tile([[10, 20, 40, 52]], (num[1], 1))
    positive, negative, neutral = panels(
        draw_anchors(IMAGE, anchors, match, refined, limit=3)
    )
    assert positive.get_title() == f"positive: {min(3, num[1])} of {num[1]} anchors"
    assert negative.get_title() == f"negative: 3 of {num[-1]} anchors"
    styles = [patch.get_linestyle() for patch in positive.patches]
    assert styles == ["dotted", "solid"] * (len(styles) // 2)
    assert {patch.get_linestyle() for patch in negative.patches} == {"dotted"}
    assert {patch.get_edgecolor()[:3] for patch in neutral.patches} == {(0.5,) * 3}
    # Each shows anchors of its own kind: their boxes are among those.
    for ax, kind in ((positive, 1), (negative, -1), (neutral, 0)):
        own = {tuple(np.round(anchor, 3)) for anchor in anchors[match == kind]}
        for patch in ax.patches:
            x, y = patch.get_xy()
            box = (y, x, y + patch.get_height(), x + patch.get_width())
            is_refined = patch.get_linestyle() == "solid"
            assert is_refined or tuple(np.round(box, 3)) in own
    # Refined: the object's box.
    assert positive.patches[1].get_xy() == (20, 10)


def test_kinds_without_anchors_have_no_panel():
    anchors, _ = anchors_of_image()
    (only,) = panels(draw_anchors(IMAGE, anchors, np.full(len(anchors), -1)))
    assert only.get_title().startswith("negative")


def test_refined_anchors_go_with_those_picked():
    anchors = np.array([[0, 0, 9, 9]] * 40) + np.arange(40)[:, None]
    figure = draw_anchors(IMAGE, anchors, np.ones(40), anchors + 1, limit=10)
    (ax,) = panels(figure)
    corners = [patch.get_xy() for patch in ax.patches]
    assert len(corners) == 20
    for before, after in zip(corners[::2], corners[1::2], strict=True):
        assert after == (before[0] + 1, before[1] + 1)


@pytest.mark.parametrize("num", [0, 3])
def test_anchors_that_do_not_go_with_their_matches(num):
    with pytest.raises(ValueError, match=f"Received: {num} anchors, {num * 2} matches"):
        draw_anchors(IMAGE, np.zeros((num, 4)), np.zeros(2 * num))


def test_masks_are_placed_in_their_boxes():
    boxes = np.array([[10, 20, 40, 52], [50, 80, 74, 110]])
    masks = np.ones((2, 28, 28), np.float32)
    masks[0, :14] = 0
    axes = panels(draw_mask_placement(IMAGE, boxes, masks, [1, 2], NAMES))
    assert [ax.get_title() for ax in axes] == [
        *("remote, 28x28", "cup, 28x28", "30x32", "24x30"),
    ]
    np.testing.assert_array_equal(axes[0].images[0].get_array(), masks[0])
    painted = (axes[2].images[0].get_array() != 100).any(axis=-1)
    # The lower half of the box.
    assert painted[26:40, 21:51].all() and not painted[10:24].any()
    assert not painted[:, :20].any() and not painted[:, 52:].any()
    # The panel shows the picture alone.
    for ax in axes[2:]:
        (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
        assert 0 <= left < right <= 96 and 0 <= top < bottom <= 64


def test_first_masks_only_and_none():
    boxes = np.tile([[0, 0, 9, 9]], (8, 1))
    masks = np.ones((8, 7, 7))
    figure = draw_mask_placement(IMAGE, boxes, masks, [1] * 8, NAMES, limit=2)
    assert len(panels(figure)) == 4
    assert not draw_mask_placement(IMAGE, boxes[:0], masks[:0], [], NAMES).axes


def test_channels_of_a_layer(rng):
    activations = rng.normal(size=(8, 12, 20)).astype(np.float32)
    activations[..., 1] = 0
    axes = panels(draw_activations(activations, limit=6, cols=4))
    assert len(axes) == 6 and axes[1].get_title() == "1: dead, 0"
    np.testing.assert_array_equal(axes[5].images[0].get_array(), activations[..., 5])
    low, high = activations[..., 5].min(), activations[..., 5].max()
    assert axes[5].get_title() == f"5: {low:.3g} to {high:.3g}"
    assert not draw_activations(np.zeros((8, 12, 0))).axes


def test_histograms_of_weights(rng):
    weights = {
        "conv1/kernel": rng.normal(size=(3, 3, 8)),
        "conv1/bias": np.zeros(8),
        "bad": np.array([1.0, 2.0, np.nan, np.inf]),
        "worse": np.array([np.nan]),
        "none": np.zeros((0, 3)),
    }
    axes = panels(draw_weights(weights, bins=10))
    assert [ax.get_title() for ax in axes] == [
        *("conv1/kernel", "conv1/bias", "bad: 2 not finite", "worse: 1 not finite"),
    ]
    bars = [sum(patch.get_height() for patch in ax.patches) for ax in axes]
    assert bars == [72, 8, 2, 0]
    assert not draw_weights({}).axes


def test_a_long_name_gets_smaller(rng):
    name = "fpn_classifier/mrcnn_class_conv1/kernel/of/a/long/name" * 2
    (ax,) = panels(draw_weights({name: rng.normal(size=9)}))
    assert ax.title.get_size() < 10


def test_groups_of_boxes():
    boxes = np.array([[2, 2, 20, 30], [5, 40, 60, 80], [30, 4, 50, 20], [1, 1, 9, 9]])
    groups = {"P2": [0, 3], "P3": [], "P4": [1, 2]}
    fine, coarse = panels(
        draw_box_groups(IMAGE, boxes, groups, boxes + 1, ["a", "b", "c", "d"], limit=1)
    )
    assert [ax.get_title() for ax in (fine, coarse)] == ["P2: 1 of 2", "P4: 1 of 2"]
    for ax, box in ((fine, boxes[0]), (coarse, boxes[1])):
        dotted, solid = ax.patches
        assert dotted.get_xy() == (box[1], box[0])
        assert solid.get_xy() == (box[1] + 1, box[0] + 1)
    assert [text.get_text() for text in coarse.texts] == ["b"]
    assert not draw_box_groups(IMAGE, boxes, {"P3": []}).axes
    (only,) = panels(draw_box_groups(IMAGE, boxes, {"all": range(4)}))
    assert [patch.get_linestyle() for patch in only.patches] == ["solid"] * 4
