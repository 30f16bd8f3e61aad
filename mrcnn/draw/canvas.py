"""Figures and axes that pictures are drawn on, and what is drawn there once.

`figures`, `plots` and `steps` put their pictures together from these. A picture
fills its axes: pixel (y, x) covers the square from (x, y) to (x + 1, y + 1), so that
boxes are drawn by their own numbers. Texts are measured when the figure is drawn, at
whatever size it then has: captions stay inside the axes, titles as wide as these.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon, Rectangle

from mrcnn.draw.captions import ink_on, place_captions, shortened

_BACKENDS_WITHOUT_DISPLAY = {"agg", "cairo", "pdf", "pgf", "ps", "svg", "template"}
# The figure that pyplot knows where there is no display.
_HEADLESS = "mrcnn"
_POINTS_PER_INCH = 72
_CAPTION_POINTS = 11
_LEAST_CAPTION_POINTS = 5
_CAPTION_PAD = 0.2  # of the letters' height
# Share of the axes that a text shall not exceed; letters are drawn on whole pixels.
_WIDEST = 0.95


def new_figure(figsize: tuple[float, float]) -> tuple[Figure, bool]:
    """Return a figure, current in pyplot, and whether there is a display to show it on.

    Without a display pyplot keeps the last figure alone, so that ``plt.savefig``
    writes it and a long run does not gather them; who holds an earlier one keeps it.

    Args:
        figsize: width and height, inches.
    """
    import matplotlib.pyplot as plt

    if matplotlib.get_backend().lower() not in _BACKENDS_WITHOUT_DISPLAY:
        return plt.figure(figsize=figsize), True
    plt.close(_HEADLESS)
    return plt.figure(_HEADLESS, figsize=figsize), False


def show() -> None:
    """Show the open figures on the display."""
    import matplotlib.pyplot as plt

    plt.show()


def picture_axes(
    image: np.ndarray,
    title: str,
    figsize: tuple[float, float],
    ax: Axes | None,
    margin: int = 0,
) -> tuple[Axes, bool]:
    """Return axes for a picture, and whether they are on a new figure to be shown.

    Args:
        image: [H, W, ...].
        title: heading, or "".
        figsize: inches that a new figure has at most; the picture fills it.
        ax: axes to use instead of new ones.
        margin: pixels seen around the picture.
    """
    height, width = (side + 2 * margin for side in image.shape[:2])
    is_shown = False
    if ax is None:
        inches = min(figsize[0] / width, figsize[1] / height)
        heading = _heading_inches(title)
        # Rounded up: matplotlib cuts a canvas to whole pixels.
        size = (width * inches + 1e-6, height * inches + heading + 1e-6)
        figure, is_shown = new_figure(size)
        ax = figure.add_axes((0, 0, 1, 1 - heading / size[1]))
    ax.set_xlim(-margin, width - margin)
    ax.set_ylim(height - margin, -margin)
    ax.set_aspect("equal")
    ax.axis("off")
    write_title(ax, title)
    return ax, is_shown


def grid_axes(
    figure: Figure,
    titles: Sequence[str],
    cols: int,
    panel_hw: tuple[float, float],
    pad: float = 0.1,
) -> list[Axes]:
    """Return axes in rows, each with its title, on a figure that becomes as large.

    Args:
        figure: an empty one.
        titles: N headings.
        cols: axes in a row.
        panel_hw: height and width of each, inches.
        pad: inches to the left of and below each.
    """
    rows = -(-len(titles) // cols)
    heading = max(_heading_inches(title) for title in titles)
    height, width = panel_hw[0] + heading + pad, panel_hw[1] + pad
    figure.set_size_inches(cols * width + pad, rows * height)
    drawn = []
    for i, title in enumerate(titles):
        row, col = divmod(i, cols)
        corner = col * width + pad, (rows - 1 - row) * height + pad
        size = figure.get_size_inches()
        rectangle = np.divide([*corner, *panel_hw[::-1]], [*size, *size])
        ax = figure.add_axes(tuple(rectangle))
        write_title(ax, title)
        drawn.append(ax)
    return drawn


def show_picture(ax: Axes, image: np.ndarray, **options) -> None:
    """Put a picture on axes by the pixels' numbers; the axes' limits stay.

    Args:
        ax: axes.
        image: [H, W] or [H, W, 3].
        **options: those of ``Axes.imshow``.
    """
    height, width = image.shape[:2]
    limits = ax.get_xlim(), ax.get_ylim()
    ax.imshow(image, extent=(0, width, height, 0), **options)
    ax.set_xlim(limits[0])
    ax.set_ylim(limits[1])


def outline_box(ax: Axes, box, color, style: str = "solid", alpha: float = 1) -> None:
    """Draw the edges of a box.

    Args:
        ax: axes of `picture_axes`.
        box: [(y1, x1, y2, x2)], pixels.
        color: of matplotlib.
        style: of the line: "solid", "dashed" or "dotted".
        alpha: of the line.
    """
    y1, x1, y2, x2 = box
    ax.add_patch(
        Rectangle(
            (x1, y1),
            x2 - x1,
            y2 - y1,
            linewidth=2,
            alpha=alpha,
            linestyle=style,
            edgecolor=color,
            facecolor="none",
        )
    )


def outline_mask(ax: Axes, mask: np.ndarray, corner_yx, color) -> None:
    """Draw the outlines of a mask, those of its holes too.

    Args:
        ax: axes of `picture_axes`.
        mask: bool [h, w].
        corner_yx: where its first pixel lies in the picture.
        color: of matplotlib.
    """
    contours, _ = cv2.findContours(
        np.ascontiguousarray(mask, np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE
    )
    # From the number of a pixel to its middle.
    shift = np.array(corner_yx[::-1]) + 0.5
    for contour in contours:  # int [P, 1, (x, y)] -> [P, (x, y)]
        ax.add_patch(Polygon(contour[:, 0] + shift, facecolor="none", edgecolor=color))


def write_captions(
    ax: Axes, boxes: Sequence, captions: Sequence[str], colors: Sequence
) -> None:
    """Write a caption at each object, inside the axes; the first objects on top.

    Args:
        ax: axes of `picture_axes`.
        boxes: N [(y1, x1, y2, x2)], pixels.
        captions: N texts; of an empty one nothing is drawn.
        colors: N, of matplotlib, of the plates.
    """
    written = []
    for i, (box, caption, color) in enumerate(
        zip(boxes, captions, colors, strict=True)
    ):
        if not caption:
            continue
        rgb = matplotlib.colors.to_rgb(color)
        ink = np.divide(ink_on(np.multiply(rgb, 255)), 255)
        text = ax.text(
            *(box[1], box[0], caption),
            color=tuple(ink),
            size=_CAPTION_POINTS,
            verticalalignment="top",
            bbox={
                "boxstyle": f"square,pad={_CAPTION_PAD}",
                "facecolor": (*rgb, 0.8),
                "linewidth": 0,
            },
            zorder=4 - i / len(boxes),
        )
        text.set_in_layout(False)
        written.append((text, caption, box))
    if written:
        ax.add_artist(_SettleCaptions(written))


def write_title(ax: Axes, title: str) -> None:
    """Write a heading over axes that gets smaller where it would be wider than they.

    Args:
        ax: axes.
        title: heading, or "".
    """
    ax.set_title(title)
    ax.add_artist(_FitTitle())


class _BeforeTexts(Artist):
    """Something invisible that is drawn before the texts of its axes, to mend them."""

    def __init__(self):
        super().__init__()
        self.set_zorder(0)
        self.set_in_layout(False)


class _FitTitle(_BeforeTexts):
    """Gives the title the size at which it is no wider than its axes."""

    def __init__(self):
        super().__init__()
        self._size = None

    def draw(self, renderer) -> None:
        """Measure and mend; matplotlib calls it whenever the figure is drawn."""
        title = self.axes.title
        self._size = self._size or title.get_size()
        title.set_size(self._size)
        width = title.get_window_extent(renderer).width
        most = _WIDEST * self.axes.bbox.width
        title.set_size(self._size * min(1, most / max(width, 1)))
        self.stale = False


class _SettleCaptions(_BeforeTexts):
    """Gives captions their sizes and places.

    Args:
        written: (text, caption, box) of each, the most important first.
    """

    def __init__(self, written):
        super().__init__()
        self._written = written

    def draw(self, renderer) -> None:
        """Measure and mend; matplotlib calls it whenever the figure is drawn."""
        view, to_canvas = self.axes.bbox, self.axes.transData
        # Those that were not removed since.
        written = [each for each in self._written if each[0].axes]
        places = place_captions(
            [_on_axes(box, self.axes) for _, _, box in written],
            lambda i, scale: _resize(*written[i][:2], scale, view, renderer),
            (view.width, view.height),
        )
        for (text, caption, _), place in zip(written, places, strict=True):
            _resize(text, caption, place.scale, view, renderer)
            pad = _pad_pixels(text, renderer)
            corner = view.x0 + place.x + pad, view.y1 - place.y - pad
            text.set_position(to_canvas.inverted().transform(corner))
        self.stale = False


def _on_axes(box, ax) -> np.ndarray:
    """Return where a box is, [(x1, y1, x2, y2)], pixels from the axes' top left."""
    view = ax.bbox
    (x1, y1), (x2, y2) = ax.transData.transform([(box[1], box[0]), (box[3], box[2])])
    # The canvas counts upwards.
    corners = x1 - view.x0, view.y1 - y1, x2 - view.x0, view.y1 - y2
    return np.clip(corners, 0, [view.width, view.height] * 2)


def _resize(text, caption, scale, view, renderer) -> tuple[float, float]:
    """Give a caption a share of the full size; where too wide, less, and cut it.

    Returns:
        Width and height with the plate, pixels.
    """
    points, most = _CAPTION_POINTS * scale, _WIDEST * view.width
    text.set_text(caption)
    text.set_size(points)
    width, height = _measure(text, renderer)
    if width > most:
        text.set_size(max(points * most / width, min(points, _LEAST_CAPTION_POINTS)))
        width, height = _measure(text, renderer)
    if width > most:
        text.set_text(shortened(caption, max(1, int(len(caption) * most / width))))
        width, height = _measure(text, renderer)
    return min(width, view.width), min(height, view.height)


def _measure(text, renderer) -> tuple[float, float]:
    extent, pad = text.get_window_extent(renderer), _pad_pixels(text, renderer)
    return extent.width + 2 * pad, extent.height + 2 * pad


def _pad_pixels(text, renderer) -> float:
    return _CAPTION_PAD * renderer.points_to_pixels(text.get_size())


def _heading_inches(title: str) -> float:
    """Return the height that a title takes."""
    # matplotlib's "large" is 1.2 of the font's size; a line is as high again by 1.3.
    line = 1.2 * 1.3 * matplotlib.rcParams["font.size"]
    return (line * len(title.splitlines()) + 10) / _POINTS_PER_INCH if title else 0
