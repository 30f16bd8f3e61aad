"""The files of an inspection: a picture of each step, and one page that explains them.

A `Step` is a heading, a sentence or two, and a picture; `steps_of_image`,
`steps_of_layers` and `steps_of_training` make them, `write` writes them.
"""

from __future__ import annotations

import html
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mrcnn.cli import page as frame

PAGE = "inspection.html"
# Scores of anchors that are drawn as positive and as negative.
_POSITIVE, _NEGATIVE = 0.5, 0.1
# Boxes of a panel, those with captions, objects with their masks, channels of a layer.
_BOXES, _NAMED, _MASKS, _CHANNELS = 30, 8, 4, 8
# A smaller picture is enlarged, so that its pixels are seen.
_LEAST_SIDE = 480
# ROIs that are shown where all are background.
_NEAREST = 5
_DPI = 160
_FILTERS = {
    "": "detected",
    "background": "background",
    "confidence": "score too low",
    "nms": "overlaps a surer one",
    "limit": "too many",
    "size": "below a pixel",
}


@dataclass(frozen=True)
class Step:
    """A step of detection as the page shows it.

    Attributes:
        name: of its PNG file, without suffix.
        title: plain text.
        text: what the picture shows, plain text.
        picture: a figure, or uint8 [H, W, 3]; None or without axes if there is
            nothing to show.
        nothing: what the page then says.
    """

    name: str
    title: str
    text: str
    picture: object
    nothing: str = "There is nothing to show."


def steps_of_image(image: np.ndarray, seen, class_names: Sequence[str]) -> list[Step]:
    """Return the steps from an image to its detections.

    Args:
        image: uint8 [H, W, C].
        seen: its `Inspection`.
        class_names: K names, the background first.
    """
    from mrcnn import visualize
    from mrcnn.data.images import to_show
    from mrcnn.draw.annotate import annotate

    picture = to_show(seen.picture)
    height, width = picture.shape[:2]
    num_anchors, num_rois = len(seen.anchors), len(seen.proposals)
    match = (seen.anchor_scores >= _POSITIVE).astype(int)
    match -= seen.anchor_scores <= _NEGATIVE
    moved = seen.anchors.copy()
    moved[seen.top_anchors] = seen.clipped_anchors
    of_anchors = np.flatnonzero(seen.proposal_anchors >= 0)
    start = seen.anchors[seen.top_anchors[seen.proposal_anchors]]
    # Each ROI as what it was taken for; one of background as what it is nearest to.
    is_object = seen.class_ids > 0
    objects = seen.class_probs[:, 1:]
    by_score = np.argsort(-objects.max(axis=1), kind="stable")
    classified = by_score[is_object[by_score]]
    if not len(classified):
        classified = by_score[:_NEAREST]
    captions = [
        f"{class_names[class_id]} {score:.2f}"
        for class_id, score in zip(
            objects.argmax(axis=1) + 1, objects.max(axis=1), strict=True
        )
    ]
    removed_by, found = seen.removed_by[by_score], seen.detections
    return [
        Step(
            "picture",
            "What the network sees",
            f"The image of {seen.image_hw[1]} x {seen.image_hw[0]} pixels, scaled by "
            f"{seen.scale:.3g}, with padding in a picture of {width} x {height}. All "
            "boxes of the steps below are in pixels of this picture.",
            _enlarged(picture),
        ),
        Step(
            "anchors",
            "Anchors",
            f"The network starts from {num_anchors} boxes of fixed sizes at every "
            "place, the anchors, and its region proposal network (RPN) gives each a "
            f"score. Positive are those of {_POSITIVE:g} and more, negative those of "
            f"{_NEGATIVE:g} and less, neutral the others; some of each are drawn. The "
            "positive ones, dotted, are moved to where the RPN sees an object, solid.",
            visualize.draw_anchors(
                picture, seen.anchors, match, moved[match == 1], limit=_BOXES
            ),
        ),
        Step(
            "proposals",
            "Proposals",
            f"Of the {len(seen.top_anchors)} best anchors, moved and cut to the "
            f"picture, non-maximum suppression leaves {num_rois} that do not lie on "
            "one another: the proposals. Those of the highest scores, dotted as "
            "anchors and solid as proposals.",
            visualize.draw_box_groups(
                *(picture, start, {"best proposals": of_anchors}, seen.proposals),
                limit=_BOXES,
            ),
            "There are no proposals.",
        ),
        Step(
            "levels",
            "Levels of the pyramid",
            "Each proposal is read from one level of the feature pyramid: small ones "
            "from the fine P2, large ones from the coarse P5.",
            visualize.draw_box_groups(
                picture,
                seen.proposals,
                {
                    f"P{level}": np.flatnonzero(seen.proposal_levels == level)
                    for level in range(2, 6)
                },
                limit=_BOXES,
            ),
            "There are no proposals.",
        ),
        Step(
            "classes",
            "Classes and boxes",
            f"The box head gives each of the {num_rois} proposals a class with its "
            "probability, and moves its box once more, dotted to solid. "
            + (
                f"{np.count_nonzero(is_object)} are not background."
                if is_object.any()
                else "All are background; those nearest to an object are drawn, with "
                "the class they are nearest to."
            ),
            visualize.draw_box_groups(
                *(picture, seen.proposals, {"surest": classified}),
                seen.clipped_boxes,
                captions,
                limit=_NAMED,
            ),
            "There are no proposals.",
        ),
        Step(
            "filters",
            "What the filters removed",
            "Background goes first, then what has a score below "
            f"{seen.min_confidence:g} (DETECTION_MIN_CONFIDENCE), then what overlaps a "
            f"surer one of its class by more than {seen.nms_threshold:g} "
            "(DETECTION_NMS_THRESHOLD), then what is beyond the "
            f"{seen.max_instances} best (DETECTION_MAX_INSTANCES).",
            visualize.draw_box_groups(
                picture,
                # The boxes of background have no meaning.
                np.where(is_object[:, None], seen.clipped_boxes, seen.proposals),
                {
                    title: by_score[removed_by == name]
                    for name, title in _FILTERS.items()
                },
                captions=np.where(is_object, captions, ""),
                limit=_NAMED,
            ),
            "There are no proposals.",
        ),
        Step(
            "masks",
            "Masks before and after they are placed",
            "For each detection the mask head gives a small picture of probabilities, "
            "above. Scaled to its box, from 0.5 on, it is the mask, below.",
            visualize.draw_mask_placement(
                picture,
                seen.clipped_boxes[seen.detected],
                seen.masks,
                found.class_ids,
                class_names,
                limit=_MASKS,
            ),
            "Nothing was detected, so that there are no masks.",
        ),
        Step(
            "detections",
            "Detections",
            "What detect gives, in the image's own size.",
            annotate(to_show(image), found, class_names) if len(found) else None,
            "Nothing was detected.",
        ),
    ]


def _enlarged(picture: np.ndarray) -> np.ndarray:
    factor = -(-_LEAST_SIDE // max(picture.shape[:2]))
    return picture.repeat(factor, axis=0).repeat(factor, axis=1)


def steps_of_layers(seen, model, names: Sequence[str] | None) -> list[Step]:
    """Return the activations of layers.

    Args:
        seen: an `Inspection`.
        model: the `MaskRCNN` it is of.
        names: layers; None takes the last of each stage and two of the pyramid.

    Raises:
        ConfigError: there is no such layer.
    """
    from mrcnn.visualize import draw_activations

    steps = []
    for name in names or _layers_to_show(model):
        value = seen.activations(name)[name]
        is_map = isinstance(value, np.ndarray) and value.ndim == 3
        steps.append(
            Step(
                f"activations_{name}",
                f"Activations of {name}",
                f"The first of its {value.shape[-1]} channels, of {value.shape[1]} x "
                f"{value.shape[0]} cells; bright is high."
                if is_map
                else "",
                draw_activations(value, limit=_CHANNELS) if is_map else None,
                "This layer puts out no pictures [H, W, C]. In Python "
                "Inspection.activations gives its arrays.",
            )
        )
    return steps


def _layers_to_show(model) -> list[str]:
    names = [layer.name for layer in model.keras_model.layers]
    stages = {name[3]: name for name in names if re.fullmatch(r"res\d\w+_out", name)}
    return [*stages.values(), "fpn_p2", "fpn_p5"]


def steps_of_training(model, run_folder: Path | None) -> list[Step]:
    """Return how the weights are spread, and how the training went that made them.

    Args:
        model: a `MaskRCNN`.
        run_folder: of the training; None where there was none.
    """
    from mrcnn.visualize import draw_run, draw_weights

    columns = _columns(run_folder) if run_folder else {}
    return [
        Step(
            "weights",
            "Weights",
            "How the weights of the first layer, the feature pyramid and the heads are "
            "spread. A flat block is how weights begin, and training rounds it; a "
            "single bar is dead, and what is not finite is damaged.",
            draw_weights(_kernels(model), cols=3),
        ),
        Step(
            "curves",
            "The training",
            "Losses and average precisions after each epoch of the training that these "
            f"weights are of. tensorboard --logdir {run_folder} shows them as well."
            if columns
            else "",
            draw_run(columns, cols=2) if columns else None,
            "Beside these weights there is no losses.csv of a training.",
        ),
    ]


def _kernels(model) -> dict[str, np.ndarray]:
    return {
        weight.path.removesuffix("/kernel"): np.asarray(weight)
        for layer in model.get_trainable_layers()
        for weight in layer.weights
        if re.fullmatch(r"(conv1|fpn_|rpn_|mrcnn_).*/kernel", weight.path)
    }


def _columns(run_folder: Path) -> dict[str, list[float]]:
    """Return the numbers of losses.csv by column; none where there is no such file."""
    from mrcnn.training.epoch_table import read_rows

    rows = read_rows(run_folder / "losses.csv")
    columns = {
        name: [_number(row.get(name)) for row in rows] for name in (rows or [{}])[0]
    }
    return {
        name: values for name, values in columns.items() if np.isfinite(values).any()
    }


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return float("nan")


def write(folder: Path, title: str, said: Sequence[str], steps: Sequence[Step]) -> Path:
    """Write the pictures of steps, and the page that holds them.

    Args:
        folder: an existing folder; files of the same names are replaced.
        title: of the page.
        said: sentences of the diagnosis.
        steps: what to show, in this order.

    Returns:
        The path of the page.

    Raises:
        ConfigError: a file cannot be written.
    """
    sections = [f"<p>{html.escape(sentence)}</p>" for sentence in said]
    with frame.writing("inspection"):
        for step in steps:
            sections.append(f"<h2>{html.escape(step.title)}</h2>")
            content = _png(step.picture)
            if content is None:
                sections.append(f"<p>{html.escape(step.nothing)}</p>")
                continue
            (folder / f"{step.name}.png").write_bytes(content)
            sections.append(
                f"<p>{html.escape(step.text)}</p>\n"
                f'<img class="step" alt="{html.escape(step.title)}" '
                f'src="{frame.png_uri(content)}">'
            )
        text = frame.page(title, "\n".join(sections))
        (folder / PAGE).write_text(text, encoding="utf-8")
    return folder / PAGE


def _png(picture) -> bytes | None:
    """Return a step's picture as a PNG file, or None where there is none."""
    from PIL import Image

    file = io.BytesIO()
    if isinstance(picture, np.ndarray):
        Image.fromarray(picture).save(file, "PNG")
    elif picture is not None and picture.axes:
        picture.savefig(file, dpi=_DPI)
    return file.getvalue() or None
