"""The doctor's report as one HTML page, with thumbnails of what is wrong."""

import html
from collections.abc import Sequence

import numpy as np
from PIL import Image

from mrcnn.cli import page as frame
from mrcnn.errors import DatasetError

# Thumbnails of a kind; each is read from the original.
_MOST = 24
_SIDE = 360
_RED = (230, 0, 40)
_GREY = (90, 140, 200)
# An object is shown with so many times its size around it, at least so many pixels.
_AROUND = 4
_LEAST_VIEW = 120
# What is smaller is hard to see: a box around it is drawn instead.
_LEAST_MASK = 4


def page(report, problems: Sequence, statistics: Sequence[str]) -> str:
    """Return the page, in one piece: pictures are inside.

    Args:
        report: of `data.check.check`.
        problems: what to show, in the order of the kinds.
        statistics: lines of text.
    """
    from mrcnn.data.problems import KINDS

    infos = {
        str(info["path"]): info
        for part in report.parts.values()
        for info in part.image_info
    }
    sections = []
    for kind, (severity, title) in KINDS.items():
        chosen = [problem for problem in problems if problem.kind == kind]
        if chosen:
            cards = "\n".join(_card(problem, infos) for problem in chosen[:_MOST])
            more = len(chosen) - _MOST
            rest = f"<p>and {more} more, in the text report</p>" if more > 0 else ""
            sections.append(
                f'<h2><b class="{severity}">{severity}</b>{html.escape(title)}: '
                f'{len(chosen)}</h2>\n<ul class="cards">\n{cards}\n</ul>{rest}'
            )
    summary = "Nothing is wrong." if not problems else f"{len(problems)} findings."
    statistics = html.escape("\n".join(statistics))
    return frame.page(
        f"Check of {report.path}",
        f"<p>{summary}</p>\n{chr(10).join(sections)}\n"
        f"<h2>Statistics</h2>\n<pre>{statistics}</pre>",
    )


def _card(problem, infos: dict[str, dict]) -> str:
    pictures = []
    for path in (problem.image, *problem.others)[:4]:
        # Of a picture that cannot be read the text has to do.
        try:
            picture = _thumbnail(path, problem, infos) if path else None
        except DatasetError:
            picture = None
        if picture is not None:
            alt = html.escape(path, quote=True)
            pictures.append(f'<img alt="{alt}" src="{frame.data_uri(picture)}">')
    return f"<li>{''.join(pictures)}{html.escape(problem.message)}</li>"


def _thumbnail(path: str, problem, infos: dict[str, dict]) -> np.ndarray:
    """Return the part of an image that shows a problem, uint8 [h, w, 3].

    Objects in question are red, the others blue.
    """
    from mrcnn.data.images import read_image
    from mrcnn.draw.annotate import annotate

    image = _with_room(read_image(path), problem.regions)
    info = infos.get(path)
    others = (
        [r for r in info["annotations"] if r not in problem.regions] if info else []
    )
    for regions, color, alpha in ((others, _GREY, 0.25), (problem.regions, _RED, 0.45)):
        found = _drawable(regions, image.shape[:2])
        image = annotate(
            image,
            found,
            ["BG", "object"],
            alpha=alpha,
            show_boxes=color == _RED,
            show_labels=False,
            colors=[color] * len(found),
        )
    top, left, bottom, right = _view(problem.regions, image.shape[:2])
    picture = Image.fromarray(image[top:bottom, left:right])
    picture.thumbnail((_SIDE, _SIDE))
    return np.asarray(picture)


def _with_room(image: np.ndarray, regions: Sequence) -> np.ndarray:
    """Return an image with grey beside it where outlines reach out of it."""
    height, width = image.shape[:2]
    bottom = max((region.shape.extent[2] for region in regions), default=0)
    right = max((region.shape.extent[3] for region in regions), default=0)
    below = int(np.clip(np.ceil(bottom) - height, 0, height))
    beside = int(np.clip(np.ceil(right) - width, 0, width))
    room = ((0, below), (0, beside), (0, 0))
    return np.pad(image, room, constant_values=128) if below or beside else image


def _drawable(regions: Sequence, image_hw: tuple[int, int]):
    """Return regions as detections: those of next to no pixel as an empty box."""
    from mrcnn.structures import Detections

    boxes, masks = [], []
    for region in regions:
        box, mask = region.shape.rasterise(image_hw)
        if min(mask.shape) < _LEAST_MASK:
            box = np.array(region.shape.extent) + np.array([-1, -1, 1, 1]) * _LEAST_MASK
            box = np.clip(box.astype(int), 0, np.tile(image_hw, 2))
            mask = np.zeros((box[2] - box[0], box[3] - box[1]), bool)
        boxes.append(box)
        masks.append(mask)
    return Detections(
        image_hw=tuple(image_hw),
        boxes=np.array(boxes, np.int32).reshape(-1, 4),
        class_ids=np.ones(len(boxes), np.int32),
        scores=np.ones(len(boxes), np.float32),
        box_masks=tuple(masks),
    )


def _view(regions: Sequence, image_hw: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return the (y1, x1, y2, x2) to show: what lies around the objects."""
    height, width = image_hw
    if not regions:
        return 0, 0, height, width
    extents = np.array([region.shape.extent for region in regions], float)
    if (extents < 0).any() or (extents[:, 2:] > image_hw).any():
        return 0, 0, height, width  # out of sight: what is to be seen is the image
    extents = np.clip(extents, 0, (height, width, height, width))
    low, high = extents[:, :2].min(axis=0), extents[:, 2:].max(axis=0)
    half = max(*(high - low) * _AROUND, _LEAST_VIEW) / 2
    top, left = np.maximum((low + high) / 2 - half, 0).astype(int)
    bottom, right = np.minimum((low + high) / 2 + half, image_hw).astype(int)
    return (
        int(top),
        int(left),
        max(int(bottom), int(top) + 1),
        max(int(right), int(left) + 1),
    )
