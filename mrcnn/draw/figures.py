"""Pictures in notebooks and windows: the original's `visualize` on matplotlib.

`mrcnn.visualize` re-exports these names. Each returns the axes it drew on. Save with
``axes.figure.savefig(...)``, or ``plt.savefig(...)`` right after; for a file of the
image's own size there is `annotate.save_instances`. In a notebook the figures are
shown; without a display nothing is.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from mrcnn.data.images import as_rgb
from mrcnn.draw import canvas
from mrcnn.draw.captions import caption_texts
from mrcnn.draw.palette import instance_colors
from mrcnn.draw.pixels import apply_mask, paint_small_mask
from mrcnn.geometry.masks import extract_bboxes

logger = logging.getLogger(__name__)

# Inches of a row of `display_images`.
_ROW_WIDTH = 14


def display_images(
    images: Sequence[np.ndarray],
    titles: Sequence[str] | None = None,
    cols: int = 4,
    cmap=None,
    norm=None,
    interpolation=None,
) -> list[Axes]:
    """Show images in a grid, row by row.

    Args:
        images: N arrays, [H, W, 3], see `data.images.as_rgb`, or [H, W] of any numbers.
        titles: N headings, or None.
        cols: images in a full row.
        cmap: matplotlib colour map for the grey ones.
        norm: matplotlib normalisation.
        interpolation: matplotlib interpolation.

    Returns:
        The axes of each image; empty for no images.

    Example:
        >>> axes = display_images([np.zeros((4, 4, 3), np.uint8)], ["black"])
        >>> axes[0].get_title()
        'black'
    """
    if not len(images):
        logger.warning("No images to display")
        return []
    titles = [""] * len(images) if titles is None else list(titles)
    images = [_displayable(image) for image in images]
    width = _ROW_WIDTH / cols
    tallest = max(image.shape[0] / image.shape[1] for image in images)
    figure, is_shown = canvas.new_figure((_ROW_WIDTH, _ROW_WIDTH))
    drawn = canvas.grid_axes(
        figure, titles, min(cols, len(images)), (width * min(tallest, 3), width)
    )
    for ax, image in zip(drawn, images, strict=True):
        ax.axis("off")
        is_picture = image.ndim == 2 and image.dtype.kind in "bu"
        ax.imshow(
            image,
            cmap="gray" if cmap is None and is_picture else cmap,
            norm=norm,
            interpolation=interpolation,
        )
    if is_shown:
        canvas.show()
    return drawn


def display_instances(
    image: np.ndarray,
    boxes: np.ndarray,
    masks: np.ndarray | None,
    class_ids: np.ndarray,
    class_names: Sequence[str],
    scores: np.ndarray | None = None,
    title: str = "",
    figsize: tuple[float, float] = (16, 16),
    ax: Axes | None = None,
    show_mask: bool = True,
    show_bbox: bool = True,
    colors: Sequence[tuple[float, float, float]] | None = None,
    captions: Sequence[str] | None = None,
) -> Axes:
    """Show an image with its objects, each in a colour of its own.

    Args:
        image: [H, W, 3], RGB, or grey, see `data.images.as_rgb`.
        boxes: int [N, (y1, x1, y2, x2)], pixels; rows of zeros are left out.
        masks: bool [H, W, N]; may be None with `show_mask` False.
        class_ids: int [N].
        class_names: names by class id.
        scores: float [N], or None for names alone.
        title: heading.
        figsize: inches that a new figure has at most; the image fills it.
        ax: axes to draw on; the figure is then left to the caller to show.
        show_mask: fill and outline the masks.
        show_bbox: draw the boxes.
        colors: N colours, floats 0 to 1; None takes `palette.instance_colors`,
            ``palette.class_colors(class_ids)`` colours by class.
        captions: N texts in place of name and score.

    Returns:
        The axes that were drawn on.

    Raises:
        ValueError: boxes, masks and class ids are not of one number, or a class has
            no name.
        DatasetError: the image is none.

    Example:
        >>> found = np.array([[0, 0, 2, 2]]), np.ones((4, 4, 1), bool), np.array([1])
        >>> ax = display_instances(
        ...     np.zeros((4, 4, 3), np.uint8), *found, ["BG", "remote"], np.array([0.9])
        ... )
        >>> ax.texts[0].get_text()
        'remote 0.900'
    """
    image, boxes, class_ids = as_rgb(image), np.asarray(boxes), np.asarray(class_ids)
    masks = np.asarray(masks) if show_mask else None
    _check_counts(boxes, masks, class_ids)
    if not len(class_ids):
        logger.warning("No instances to display")
        title = title or "No instances to display"
    if colors is None:
        colors = instance_colors(len(class_ids))
    if captions is None:
        captions = caption_texts(class_ids, class_names, scores, digits=3)
    # The others are padding, or were lost when the image was cropped.
    kept = np.flatnonzero(np.any(boxes, axis=1)) if len(boxes) else []

    ax, is_shown = canvas.picture_axes(image, title, figsize, ax)
    if show_mask:
        image = _paint_masks(ax, image, masks, colors, kept)
    for i in kept if show_bbox else ():
        canvas.outline_box(ax, boxes[i], colors[i], "dashed", alpha=0.7)
    canvas.write_captions(
        *(ax, [boxes[i] for i in kept], [captions[i] for i in kept]),
        [colors[i] for i in kept],
    )
    canvas.show_picture(ax, image)
    if is_shown:
        canvas.show()
    return ax


def draw_boxes(
    image: np.ndarray,
    boxes: np.ndarray | None = None,
    refined_boxes: np.ndarray | None = None,
    masks: np.ndarray | None = None,
    captions: Sequence[str] | None = None,
    visibilities: Sequence[int] | None = None,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Show boxes dotted, and solid what they became by refinement.

    Args:
        image: [H, W, 3], RGB, or grey, see `data.images.as_rgb`.
        boxes: [N, (y1, x1, y2, x2)], pixels; rows of zeros are left out.
        refined_boxes: [N, 4], likewise, joined to `boxes` by a line.
        masks: bool [H, W, N].
        captions: N texts, written at the refined box where there is one.
        visibilities: N numbers: 0 for grey and unrefined, 1 for dotted, 2 for boxes
            in solid lines; None for 1.
        title: heading.
        ax: axes to draw on.

    Returns:
        The axes that were drawn on.

    Raises:
        ValueError: there are neither boxes nor refined boxes.
    """
    if boxes is None and refined_boxes is None:
        raise ValueError(
            "Expected boxes, refined_boxes or both. Received: neither. Pass one of "
            "them, [N, (y1, x1, y2, x2)]."
        )
    image = as_rgb(image)
    first = np.asarray(refined_boxes if boxes is None else boxes)
    last = first if refined_boxes is None else np.asarray(refined_boxes)
    seen = [1] * len(first) if visibilities is None else visibilities
    colors = [
        color if visibility else (0.5, 0.5, 0.5)
        for color, visibility in zip(instance_colors(len(first)), seen, strict=True)
    ]
    kept = np.flatnonzero(np.any(first, axis=1)) if len(first) else []
    ax, _ = canvas.picture_axes(image, title, (12, 12), ax, image.shape[0] // 10)
    if masks is not None:
        image = _paint_masks(ax, image, np.asarray(masks), colors, kept)
    last = np.where(np.array(seen)[:, None] > 0, last, first) if len(first) else last
    for i in kept:
        if boxes is not None:
            style, alpha = "solid" if seen[i] == 2 else "dotted", 1 if seen[i] else 0.5
            canvas.outline_box(ax, first[i], colors[i], style, alpha)
        if refined_boxes is not None and seen[i]:
            _join_corners(ax, first[i], last[i], colors[i])
            canvas.outline_box(ax, last[i], colors[i])
    if captions is not None:
        canvas.write_captions(
            *(ax, [last[i] for i in kept], [captions[i] for i in kept]),
            [colors[i] for i in kept],
        )
    canvas.show_picture(ax, image)
    return ax


def draw_rois(
    image: np.ndarray,
    rois: np.ndarray,
    refined_rois: np.ndarray,
    mask: np.ndarray,
    class_ids: np.ndarray,
    class_names: Sequence[str],
    limit: int = 10,
    *,
    ax: Axes | None = None,
    rng: np.random.Generator | None = None,
) -> Axes:
    """Show some ROIs dashed, grey for the background; those on objects refined as well.

    Args:
        image: [H, W, 3], RGB, or grey, see `data.images.as_rgb`.
        rois: int [N, (y1, x1, y2, x2)], pixels.
        refined_rois: [N, 4], likewise, drawn solid.
        mask: float [N, h, w], probabilities inside each ROI.
        class_ids: int [N], 0 for background.
        class_names: names by class id.
        limit: ROIs shown; of more, some are picked at random.
        ax: axes to draw on.
        rng: picks the ROIs; None picks the same ones every time.

    Returns:
        The axes that were drawn on.
    """
    image, class_ids = as_rgb(image), np.asarray(class_ids)
    rng = np.random.default_rng(0) if rng is None else rng
    num = len(rois)
    picked = rng.choice(num, limit, replace=False) if num > limit else range(num)
    title = f"{num} ROIs"
    if num > limit:
        title = f"Showing {limit} random ROIs out of {num}"
    logger.info("%d of %d ROIs are positive", np.sum(class_ids > 0), num)

    ax, _ = canvas.picture_axes(image, title, (12, 12), ax, margin=20)
    colors = instance_colors(len(picked))
    captioned = []
    picture = np.array(image)
    for i, color in zip(picked, colors, strict=True):
        is_object = class_ids[i] > 0
        canvas.outline_box(ax, rois[i], color if is_object else "gray", "dashed")
        if is_object:
            canvas.outline_box(ax, refined_rois[i], color)
            _join_corners(ax, rois[i], refined_rois[i], color)
            paint_small_mask(picture, mask[i], rois[i], color)
            captioned.append((i, color))
    names = caption_texts([class_ids[i] for i, _ in captioned], class_names, None, 0)
    canvas.write_captions(
        *(ax, [refined_rois[i] for i, _ in captioned], names),
        [color for _, color in captioned],
    )
    canvas.show_picture(ax, picture)
    return ax


def display_top_masks(
    image: np.ndarray,
    mask: np.ndarray,
    class_ids: np.ndarray,
    class_names: Sequence[str],
    limit: int = 4,
) -> list[Axes]:
    """Show an image, and beside it the masks of the classes that cover most of it.

    Args:
        image: [H, W, 3], RGB, or grey, see `data.images.as_rgb`.
        mask: bool [H, W, N].
        class_ids: int [N].
        class_names: names by class id.
        limit: classes shown; those without a pixel are not.

    Returns:
        The axes of the image and of each class.
    """
    mask, class_ids = np.asarray(mask), np.asarray(class_ids)
    height, width = np.shape(image)[:2]
    shown, titles, areas = [as_rgb(image)], [f"H x W={height}x{width}"], [np.inf]
    for class_id in np.unique(class_ids):
        labels = np.zeros((height, width), np.int32)
        # Each object of a class in a shade of its own.
        for number, i in enumerate(np.flatnonzero(class_ids == class_id), start=1):
            labels[mask[..., i] > 0] = number
        shown.append(labels)
        titles += caption_texts([class_id], class_names, None, 0)
        areas.append(np.count_nonzero(labels))
    order = [i for i in np.argsort(np.negative(areas), kind="stable") if areas[i] > 0]
    order = order[: limit + 1]
    return display_images(
        [shown[i] for i in order],
        titles=[titles[i] for i in order],
        cols=limit + 1,
        cmap="Blues_r",
    )


def _check_counts(boxes, masks, class_ids) -> None:
    counts = {"boxes": len(boxes), "class_ids": len(class_ids)}
    if masks is not None:
        counts["masks"] = masks.shape[-1]
    if len(set(counts.values())) > 1:
        raise ValueError(
            "Expected boxes [N, 4], masks [H, W, N] and class_ids [N] of one N. "
            f"Received: {counts}. Pass those of one image."
        )


def _displayable(image) -> np.ndarray:
    """Return an image as RGB, or [H, W] as it is."""
    image = np.asarray(image)
    if image.ndim == 3 and image.shape[2] == 1:
        image = image[..., 0]  # [H, W, 1] -> [H, W]
    return image if image.ndim == 2 else as_rgb(image)


def _paint_masks(ax, image, masks, colors, kept) -> np.ndarray:
    """Return the image with masks [H, W, N] blended in; outline them on the axes."""
    image = np.array(image)
    # Their own boxes: those given may be smaller, and the whole image is slow.
    boxes = extract_bboxes(masks)
    for i in kept:
        y1, x1, y2, x2 = boxes[i]
        mask = masks[y1:y2, x1:x2, i]
        if mask.size:
            region = image[y1:y2, x1:x2]
            region[:] = apply_mask(region, mask, colors[i][:3])
            canvas.outline_mask(ax, mask, (y1, x1), colors[i])
    return image


def _join_corners(ax, box, refined, color) -> None:
    ax.add_line(Line2D([box[1], refined[1]], [box[0], refined[0]], color=color))
