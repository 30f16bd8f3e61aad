"""Pictures in notebooks and windows: the original's `visualize` on matplotlib.

`mrcnn.visualize` re-exports these names. Without a display nothing is shown and
no global state is touched: save with ``axes.figure.savefig(...)``.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence

import cv2
import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle

from mrcnn.draw.palette import random_colors

logger = logging.getLogger(__name__)

_BACKENDS_WITHOUT_DISPLAY = {"agg", "cairo", "pdf", "pgf", "ps", "svg", "template"}


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
        images: N arrays [H, W] or [H, W, 3], values 0 to 255.
        titles: N headings, or None.
        cols: images in a row.
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
    titles = [""] * len(images) if titles is None else titles
    rows = math.ceil(len(images) / cols)
    figure, is_shown = _new_figure((14, 14 * rows / cols))
    drawn = []
    for i, (image, title) in enumerate(zip(images, titles, strict=True)):
        ax = figure.add_subplot(rows, cols, i + 1)
        ax.set_title(title, fontsize=9)
        ax.axis("off")
        ax.imshow(
            np.asarray(image).astype(np.uint8),
            cmap=cmap,
            norm=norm,
            interpolation=interpolation,
        )
        drawn.append(ax)
    if is_shown:
        _show()
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
        image: [H, W, 3], RGB, values 0 to 255.
        boxes: int [N, (y1, x1, y2, x2)], pixels; rows of zeros are left out.
        masks: bool [H, W, N]; may be None with `show_mask` False.
        class_ids: int [N].
        class_names: names by class id.
        scores: float [N], or None for names alone.
        title: heading.
        figsize: inches of a new figure.
        ax: axes to draw on; the figure is then left to the caller to show.
        show_mask: fill and outline the masks.
        show_bbox: draw the boxes.
        colors: N colours, floats 0 to 1; None takes `random_colors`.
        captions: N texts in place of name and score.

    Returns:
        The axes that were drawn on.

    Raises:
        ValueError: boxes, masks and class ids are not of one number.

    Example:
        >>> found = np.array([[0, 0, 2, 2]]), np.ones((4, 4, 1), bool), np.array([1])
        >>> ax = display_instances(
        ...     np.zeros((4, 4, 3), np.uint8), *found, ["BG", "remote"], np.array([0.9])
        ... )
        >>> ax.texts[0].get_text()
        'remote 0.900'
    """
    boxes, class_ids = np.asarray(boxes), np.asarray(class_ids)
    _check_counts(boxes, masks if show_mask else None, class_ids)
    if not len(class_ids):
        logger.warning("No instances to display")
        title = title or "No instances to display"
    is_shown = False
    if ax is None:
        figure, is_shown = _new_figure(figsize)
        ax = figure.add_subplot()
    colors = random_colors(len(class_ids)) if colors is None else colors
    if captions is None:
        captions = _captions(class_ids, class_names, scores)

    height, width = image.shape[:2]
    ax.set_ylim(height + 10, -10)
    ax.set_xlim(-10, width + 10)
    ax.axis("off")
    ax.set_title(title)
    picture = np.asarray(image)
    for i, (box, color) in enumerate(zip(boxes, colors, strict=True)):
        if not np.any(box):  # padding, or lost when the image was cropped
            continue
        if show_mask:
            picture = apply_mask(picture, masks[:, :, i], color)
            _outline_mask(ax, masks[:, :, i], color)
        if show_bbox:
            _outline_box(ax, box, color)
        _write_caption(ax, box, captions[i], color, width)
    ax.imshow(picture.astype(np.uint8))
    if is_shown:
        _show()
    return ax


def apply_mask(
    image: np.ndarray,
    mask: np.ndarray,
    color: tuple[float, float, float],
    alpha: float = 0.5,
) -> np.ndarray:
    """Return the image with a mask blended in; the image itself stays as it was.

    Args:
        image: [H, W, 3], values 0 to 255.
        mask: bool or 0 and 1, [H, W].
        color: three floats from 0 to 1.
        alpha: how far the mask covers the image, 0 to 1.

    Returns:
        The shape and dtype of `image`; whole numbers are cut, not rounded, as the
        original's.

    Example:
        >>> grey = np.full((1, 2, 3), 100, np.uint8)
        >>> apply_mask(grey, np.array([[1, 0]]), (1.0, 0.0, 0.0)).tolist()
        [[[177, 50, 50], [100, 100, 100]]]
    """
    image = np.asarray(image)
    blended = image * (1 - alpha) + alpha * np.asarray(color) * 255
    is_inside = np.asarray(mask)[..., None] == 1
    return np.where(is_inside, blended, image).astype(image.dtype)


def draw_box(image: np.ndarray, box: np.ndarray, color) -> np.ndarray:
    """Return the image with a box drawn two pixels wide; the image stays as it was.

    Args:
        image: [H, W, 3].
        box: int [(y1, x1, y2, x2)], pixels.
        color: three values in the image's range.

    Returns:
        The shape and dtype of `image`.
    """
    image = np.array(image)
    y1, x1, y2, x2 = box
    image[y1 : y1 + 2, x1:x2] = color
    image[y2 : y2 + 2, x1:x2] = color
    image[y1:y2, x1 : x1 + 2] = color
    image[y1:y2, x2 : x2 + 2] = color
    return image


def _check_counts(boxes, masks, class_ids) -> None:
    counts = {"boxes": len(boxes), "class_ids": len(class_ids)}
    if masks is not None:
        counts["masks"] = masks.shape[-1]
    if len(set(counts.values())) > 1:
        raise ValueError(
            "Expected boxes [N, 4], masks [H, W, N] and class_ids [N] of one N. "
            f"Received: {counts}. Pass those of one image."
        )


def _captions(class_ids, class_names, scores) -> list[str]:
    names = [class_names[class_id] for class_id in class_ids]
    if scores is None:
        return names
    return [f"{name} {score:.3f}" for name, score in zip(names, scores, strict=True)]


def _outline_mask(ax, mask, color) -> None:
    contours, _ = cv2.findContours(
        np.ascontiguousarray(mask, np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE
    )
    for contour in contours:  # int [P, 1, (x, y)] -> [P, (x, y)]
        ax.add_patch(Polygon(contour[:, 0], facecolor="none", edgecolor=color))


def _outline_box(ax, box, color) -> None:
    y1, x1, y2, x2 = box
    ax.add_patch(
        Rectangle(
            (x1, y1),
            x2 - x1,
            y2 - y1,
            linewidth=2,
            alpha=0.7,
            linestyle="dashed",
            edgecolor=color,
            facecolor="none",
        )
    )


def _write_caption(ax, box, caption, color, image_width) -> None:
    plate = {"facecolor": "black", "edgecolor": color, "alpha": 0.6, "pad": 1.5}
    # How wide the text gets is known only when drawn; near the right border it
    # grows to the left, so that it does not leave the picture.
    is_far_right = box[1] > 0.7 * image_width
    ax.text(
        min(box[3], image_width) if is_far_right else box[1] + 2,
        box[0] + 2,
        caption,
        color="white",
        size=11,
        verticalalignment="top",
        horizontalalignment="right" if is_far_right else "left",
        bbox=plate,
    )


def _new_figure(figsize) -> tuple[Figure, bool]:
    """Return a figure and whether there is a display to show it on."""
    if matplotlib.get_backend().lower() in _BACKENDS_WITHOUT_DISPLAY:
        # Not pyplot's, which would keep it in memory until it is closed.
        return Figure(figsize=figsize), False
    import matplotlib.pyplot as plt

    return plt.figure(figsize=figsize), True


def _show() -> None:
    import matplotlib.pyplot as plt

    plt.show()
