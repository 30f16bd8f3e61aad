"""What the network does to one image step by step, as figures of arrays.

Nothing here knows the network: anchors and boxes are in pixels of the picture shown,
activations and weights are arrays. The figures are not pyplot's: a notebook shows the
one that its cell returns, ``figure.savefig(...)`` writes it. Boxes before and after
their refinement are `figures.draw_boxes`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from mrcnn.data.images import as_rgb
from mrcnn.draw import canvas
from mrcnn.draw.captions import caption_texts
from mrcnn.draw.figures import draw_boxes
from mrcnn.draw.palette import instance_colors
from mrcnn.draw.pixels import paint_small_mask

# Inches.
_PANEL_WIDTH = 3.2
_SMALL_PANEL_WIDTH = 2.4
# Large panels in a row: more could not be read on a telephone.
_COLS = 2
# How the matches of the RPN are called, in the order shown, and how they are drawn:
# see `draw_boxes`.
_MATCHES = {"positive": (1, 1), "negative": (-1, 1), "neutral": (0, 0)}


def draw_anchors(
    image: np.ndarray,
    anchors: np.ndarray,
    rpn_match: np.ndarray,
    refined_anchors: np.ndarray | None = None,
    *,
    limit: int = 30,
    rng: np.random.Generator | None = None,
) -> Figure:
    """Show positive, negative and neutral anchors, the positive ones refined as well.

    Args:
        image: [H, W, 3], RGB, or grey, see `data.images.as_rgb`.
        anchors: float [A, (y1, x1, y2, x2)], pixels.
        rpn_match: int [A], 1 positive, -1 negative, 0 neutral.
        refined_anchors: float [P, 4], pixels, of the positive anchors in their order,
            drawn solid; None leaves them out.
        limit: anchors of each kind; of more, some are picked at random.
        rng: picks them; None picks the same ones every time.

    Returns:
        A panel for each kind of which there are any.

    Raises:
        ValueError: the arrays are not of one A, or there are no anchors.
    """
    rpn_match = np.ravel(rpn_match)
    if len(rpn_match) != len(anchors) or not len(anchors):
        raise ValueError(
            "Expected anchors [A, 4] and rpn_match [A] of one A above 0. Received: "
            f"{len(anchors)} anchors, {len(rpn_match)} matches. Pass those of an image."
        )
    rng = np.random.default_rng(0) if rng is None else rng
    panels = []
    for kind, (match, visibility) in _MATCHES.items():
        index = np.flatnonzero(rpn_match == match)
        picked = np.arange(len(index))
        if len(index) > limit:
            picked = np.sort(rng.choice(len(index), limit, replace=False))
        is_refined = refined_anchors is not None and match == 1
        panels.append(
            {
                "title": f"{kind}: {len(picked)} of {len(index)} anchors",
                "boxes": np.asarray(anchors)[index[picked]],
                "refined_boxes": np.asarray(refined_anchors)[picked]
                if is_refined
                else None,
                "visibilities": [visibility] * len(picked),
            }
        )
    return _draw_panels(image, panels)


def draw_box_groups(
    image: np.ndarray,
    boxes: np.ndarray,
    groups: Mapping[str, Sequence[int]],
    refined_boxes: np.ndarray | None = None,
    captions: Sequence[str] | None = None,
    *,
    limit: int = 30,
) -> Figure:
    """Show boxes in groups: by pyramid level, by the filter that removed them.

    Args:
        image: [H, W, 3], RGB, or grey, see `data.images.as_rgb`.
        boxes: float [N, (y1, x1, y2, x2)], pixels.
        groups: which of the N belong to each group, by its name.
        refined_boxes: float [N, 4], pixels, drawn solid, the others then dotted.
        captions: N texts; None writes none.
        limit: boxes of each group, the first ones.

    Returns:
        A panel for each group that has boxes; of none an empty figure.
    """
    boxes = np.asarray(boxes)
    refined = boxes if refined_boxes is None else np.asarray(refined_boxes)
    panels = []
    for name, members in groups.items():
        shown = np.asarray(members, int)[:limit]
        panels.append(
            {
                "title": f"{name}: {len(shown)} of {len(members)}",
                "boxes": boxes[shown],
                "refined_boxes": None if refined_boxes is None else refined[shown],
                "captions": None if captions is None else [captions[i] for i in shown],
                "visibilities": [2 if refined_boxes is None else 1] * len(shown),
            }
        )
    return _draw_panels(image, panels)


def _draw_panels(image: np.ndarray, panels: Sequence[dict]) -> Figure:
    """Return a panel for each of the arguments of `draw_boxes` that have boxes."""
    panels = [panel for panel in panels if len(panel["boxes"])]
    figure = Figure()
    if not panels:
        return figure
    height, width = image.shape[:2]
    axes = canvas.grid_axes(
        *(figure, [panel["title"] for panel in panels], min(len(panels), _COLS)),
        (_PANEL_WIDTH * height / width, _PANEL_WIDTH),
    )
    for ax, panel in zip(axes, panels, strict=True):
        draw_boxes(image, **panel, ax=ax)
    return figure


def draw_mask_placement(
    image: np.ndarray,
    boxes: np.ndarray,
    masks: np.ndarray,
    class_ids: np.ndarray,
    class_names: Sequence[str],
    *,
    limit: int = 5,
) -> Figure:
    """Show the small masks of objects above, and below what they cover in the image.

    Args:
        image: [H, W, 3], RGB, or grey, see `data.images.as_rgb`.
        boxes: [N, (y1, x1, y2, x2)], pixels.
        masks: float [N, h, w], probabilities inside the boxes, 28x28 for example.
        class_ids: int [N].
        class_names: names by class id.
        limit: objects shown, the first ones.

    Returns:
        Two panels for each object; of no objects an empty figure.
    """
    image = as_rgb(image)
    num = min(len(boxes), limit)
    figure = Figure()
    if not num:
        return figure
    names = caption_texts(class_ids[:num], class_names, None, digits=0)
    size = "x".join(map(str, np.shape(masks)[1:]))
    sizes = [f"{y2 - y1:.0f}x{x2 - x1:.0f}" for y1, x1, y2, x2 in boxes[:num]]
    axes = canvas.grid_axes(
        *(figure, [f"{name}, {size}" for name in names] + sizes, num),
        (_SMALL_PANEL_WIDTH, _SMALL_PANEL_WIDTH),
    )
    for i, color in enumerate(instance_colors(num)):
        axes[i].axis("off")
        axes[i].imshow(masks[i], vmin=0, vmax=1, interpolation="nearest")
        _place_mask(axes[num + i], image, boxes[i], masks[i], color)
    return figure


def _place_mask(ax, image, box, mask, color) -> None:
    """Show a mask where it lies, and what is around it."""
    ax.axis("off")
    picture = np.array(image)
    covered = paint_small_mask(picture, mask, box, color)
    canvas.outline_mask(ax, covered, (0, 0), color)
    canvas.outline_box(ax, box, color, "dotted")
    canvas.show_picture(ax, picture)
    # The box takes two thirds of the panel, which shows the picture alone.
    height, width = picture.shape[:2]
    side = min(max(box[2] - box[0], box[3] - box[1], 1) * 1.5, height, width)
    top = np.clip((box[0] + box[2] - side) / 2, 0, height - side)
    left = np.clip((box[1] + box[3] - side) / 2, 0, width - side)
    ax.set_xlim(left, left + side)
    ax.set_ylim(top + side, top)


def draw_activations(
    activations: np.ndarray, *, limit: int = 16, cols: int = 4
) -> Figure:
    """Show the channels of a layer's output, each in its own range of values.

    Args:
        activations: float [H, W, C].
        limit: channels shown, the first ones.
        cols: channels in a row.

    Returns:
        A panel for each channel; its title has the range, or "dead" where all values
        are one.
    """
    activations = np.asarray(activations)
    channels = np.moveaxis(activations, -1, 0)[:limit]  # [H, W, C] -> [C, H, W]
    figure = Figure()
    if not channels.size:
        return figure
    axes = canvas.grid_axes(
        *(figure, [_channel_title(i, c) for i, c in enumerate(channels)]),
        min(cols, len(channels)),
        (_SMALL_PANEL_WIDTH * channels.shape[1] / channels.shape[2],)
        + (_SMALL_PANEL_WIDTH,),
    )
    for ax, channel in zip(axes, channels, strict=True):
        ax.axis("off")
        ax.imshow(channel, interpolation="nearest")
    return figure


def _channel_title(number: int, channel: np.ndarray) -> str:
    low, high = channel.min(), channel.max()
    if low == high:
        return f"{number}: dead, {low:.3g}"
    return f"{number}: {low:.3g} to {high:.3g}"


def draw_weights(
    weights: Mapping[str, np.ndarray], *, bins: int = 50, cols: int = 4
) -> Figure:
    """Show how the values of weights are spread.

    Args:
        weights: arrays of any shape, by name.
        bins: bars of each histogram.
        cols: histograms in a row.

    Returns:
        A panel for each array that has values; its title says how many are no numbers.
    """
    kept = {
        name: np.ravel(values) for name, values in weights.items() if np.size(values)
    }
    figure = Figure()
    if not kept:
        return figure
    finite = {name: values[np.isfinite(values)] for name, values in kept.items()}
    titles = [
        f"{name}: {missing} not finite" if missing else name
        for name, missing in (
            (name, len(values) - len(finite[name])) for name, values in kept.items()
        )
    ]
    axes = canvas.grid_axes(
        *(figure, titles, min(cols, len(kept))),
        (_SMALL_PANEL_WIDTH * 0.6, _SMALL_PANEL_WIDTH),
        pad=0.45,
    )
    for ax, values in zip(axes, finite.values(), strict=True):
        ax.tick_params(labelsize=7)
        ax.locator_params(nbins=4)
        ax.hist(values, bins=bins)
    return figure
