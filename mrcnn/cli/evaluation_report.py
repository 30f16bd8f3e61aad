"""The files of an evaluation: JSON, CSV, PNG and one page of HTML that holds it all.

`write` makes them of an `Evaluation` and its data set; axis letters as in `structures`.
"""

import csv
import html
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from mrcnn.cli import page as frame

PAGE = "evaluation.html"
_TITLES = {
    "false_positive": "False positives, the surest first",
    "false_negative": "Missed objects, the largest first",
    "mask_error": "Masks that fit worst",
}
_KINDS = ("segm", "bbox")
_MEGABYTE = 2**20


def write(folder: Path, title: str, evaluation, dataset) -> Path:
    """Write everything that is known of how good detections are.

    Args:
        folder: an existing folder; files of the same names are replaced.
        title: of the page.
        evaluation: an `Evaluation`.
        dataset: what it was made on, for the pictures of the mistakes.

    Returns:
        The path of the page.

    Raises:
        ConfigError: a file cannot be written.
    """
    with frame.writing("evaluation"):
        text = json.dumps({"title": title, **evaluation.to_dict()}, indent=1)
        (folder / "evaluation.json").write_text(text + "\n", encoding="utf-8")
        text = json.dumps(coco_results(evaluation, dataset))
        (folder / "detections.json").write_text(text + "\n", encoding="utf-8")
        for name, rows in _tables(evaluation).items():
            with open(folder / name, "w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows(rows)
        pictures = {}
        for name, figure in figures(evaluation).items():
            path = folder / f"{name}.png"
            figure.savefig(path, dpi=110)
            pictures[name] = path.read_bytes()
        page = frame.page(title, _body(evaluation, dataset, pictures))
        (folder / PAGE).write_text(page, encoding="utf-8")
    return folder / PAGE


def coco_results(evaluation, dataset) -> list[dict]:
    """Return all detections in COCO's result format.

    Images have the ids of their source, and categories those of a COCO file; of other
    sources the class ids.
    """
    from mrcnn.data.coco import detections_to_coco

    category_ids = [
        info["id"] if info["source"] == "coco" else class_id
        for class_id, info in enumerate(dataset.class_info)
    ]
    return [
        result
        for image_id, detected in zip(
            evaluation.image_ids, evaluation.detections, strict=True
        )
        for result in detections_to_coco(
            detected, dataset.image_info[image_id]["id"], category_ids
        )
    ]


def figures(evaluation) -> dict:
    """Return the matplotlib figures of an evaluation by name."""
    from mrcnn.draw.scores import draw_confusion, draw_f1, draw_precision_recall

    curves = {
        name: curve
        for name, curve in evaluation.class_curves.items()
        if curve.num_objects
    }
    return {
        "confusion": draw_confusion(evaluation.confusion, evaluation.class_names),
        "precision_recall": draw_precision_recall(
            {name: (curve.recalls, curve.precisions) for name, curve in curves.items()}
        ),
        "f1": draw_f1(
            {name: (curve.thresholds, curve.f1s) for name, curve in curves.items()}
        ),
    }


def as_text(evaluation) -> list[str]:
    """Return the table of the classes and the speed as lines of text."""
    rows = [[_shown(cell) for cell in row] for row in _class_rows(evaluation)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    return [*lines, *(f"{name}: {value}" for name, value in _speed(evaluation.speed))]


def _class_rows(evaluation) -> list[list]:
    """Return the table of the classes, numbers as such: what a person reads first."""
    report = evaluation.to_dict()
    rows = [
        ["class", "objects", "AP", "AP50", "AP75", "box AP", "box AP50"]
        + [f"{name} at {evaluation.min_score:g}" for name in ("precision", "recall")]
        + ["best score", "precision", "recall", "F1"]
    ]
    everything = report["all_classes"] | {kind: report[kind] for kind in _KINDS}
    for name, of_class in {"all": everything, **report["per_class"]}.items():
        best = of_class["best"] or {}
        rows.append(
            [name, of_class["objects"]]
            + [of_class["segm"][key] for key in ("AP", "AP50", "AP75")]
            + [of_class["bbox"][key] for key in ("AP", "AP50")]
            + [of_class["at_min_score"][key] for key in ("precision", "recall")]
            + [best.get(key) for key in ("threshold", "precision", "recall", "f1")]
        )
    return rows


def _number_rows(evaluation) -> list[list]:
    """Return every number of COCO, a row for each kind and class."""
    report = evaluation.to_dict()
    kinds = [("all", kind, report[kind]) for kind in _KINDS] + [
        (name, kind, of_class[kind])
        for name, of_class in report["per_class"].items()
        for kind in _KINDS
    ]
    return [
        ["class", "kind", *report["segm"]],
        *([name, kind, *numbers.values()] for name, kind, numbers in kinds),
    ]


def _tables(evaluation) -> dict[str, Iterable[Sequence]]:
    """Return the rows of every CSV file by its name, headings first."""
    names = evaluation.class_names
    return {
        "classes.csv": _class_rows(evaluation),
        "coco.csv": _number_rows(evaluation),
        "confusion.csv": [
            ["object", *names],
            *(
                [name, *row]
                for name, row in zip(names, evaluation.confusion.tolist(), strict=True)
            ),
        ],
        "curves.csv": [
            ["class", "threshold", "precision", "recall", "f1"],
            *(
                [name, *row]
                for name, curve in evaluation.class_curves.items()
                for row in zip(
                    curve.thresholds.tolist(),
                    curve.precisions.tolist(),
                    curve.recalls.tolist(),
                    curve.f1s.tolist(),
                    strict=True,
                )
            ),
        ],
        "mistakes.csv": [
            ["kind", "image", "class", "score", "object", "overlap"],
            *(
                [mistake["kind"], mistake["image"]]
                + [(mistake["found"] or {}).get(key) for key in ("class", "score")]
                + [mistake["object"], mistake["overlap"]]
                for mistake in evaluation.to_dict()["mistakes"]
            ),
        ],
    }


def _body(evaluation, dataset, pictures: dict[str, bytes]) -> str:
    images = "".join(
        f'<img alt="{name}" src="{frame.png_uri(content)}">'
        for name, content in pictures.items()
    )
    speed = "".join(
        f"<tr><td>{html.escape(name)}</td><td>{value}</td></tr>"
        for name, value in _speed(evaluation.speed)
    )
    sections = [
        f"<p>{len(evaluation.image_ids)} images. A detection is of an object when "
        f"their masks overlap by {evaluation.iou_threshold:g} (intersection over "
        f"union), and counts as found from a score of {evaluation.min_score:g}. AP "
        "and AR are COCO's, of masks where nothing else is said. The best score is "
        "that of the highest F1. In the pictures objects are green and what was found "
        "is orange.</p>",
        _html_table(_class_rows(evaluation)),
        f'<div class="figures">{images}</div>',
        *(
            f"<h2>{_TITLES[kind]}</h2>\n{_gallery(mistakes, evaluation, dataset)}"
            for kind, mistakes in evaluation.mistakes.items()
        ),
        "<h2>All of COCO's numbers</h2>",
        _html_table(_number_rows(evaluation)),
    ]
    if speed:
        sections.append(f"<h2>Time and memory</h2><table>{speed}</table>")
    return "\n".join(sections)


def _html_table(rows: Iterable[Sequence]) -> str:
    lines = [
        "<tr>"
        + "".join(
            f"<{tag}>{html.escape(_shown(cell))}</{tag}>"
            for tag in ("th" if i == 0 else "td",)
            for cell in row
        )
        + "</tr>"
        for i, row in enumerate(rows)
    ]
    return '<div class="table"><table>' + "\n".join(lines) + "</table></div>"


def _gallery(mistakes: Sequence, evaluation, dataset) -> str:
    if not mistakes:
        return "<p>None.</p>"
    cards = "\n".join(_card(mistake, evaluation, dataset) for mistake in mistakes)
    return f'<ul class="cards">\n{cards}\n</ul>'


def _card(mistake, evaluation, dataset) -> str:
    from mrcnn.data.images import as_rgb
    from mrcnn.draw.mistakes import draw_mistake

    image_id = evaluation.image_ids[mistake.position]
    detected = evaluation.detections[mistake.position]
    masks, class_ids = dataset.load_mask(image_id)
    found_mask = true_name = None
    words = []
    if mistake.found is not None:
        found_mask = detected.select(np.array([mistake.found])).masks[:, :, 0]
        name = evaluation.class_names[detected.class_ids[mistake.found]]
        words.append(f"found {name} {detected.scores[mistake.found]:.2f}")
    if mistake.object is not None:
        true_mask = masks[:, :, mistake.object]
        true_name = evaluation.class_names[abs(int(class_ids[mistake.object]))]
    else:
        true_mask = masks.any(axis=2)
    if mistake.kind == "false_negative":
        words.append(f"missed {true_name}")
    elif mistake.kind == "mask_error":
        words.append(f"overlap {mistake.overlap:.2f}")
    elif true_name:
        words.append(f"is {true_name}")
    elif mistake.overlap >= evaluation.iou_threshold:
        words.append("on an object that was found already")
    else:
        words.append(f"fits no object (overlap {mistake.overlap:.2f})")
    image = as_rgb(dataset.load_image(image_id))
    picture = frame.data_uri(draw_mistake(image, true_mask, found_mask))
    file = Path(evaluation.image_names[mistake.position]).name
    text = html.escape(f"{', '.join(words)} ({file})")
    return f'<li><img alt="{text}" src="{picture}">{text}</li>'


def _speed(speed: dict) -> list[tuple[str, str]]:
    """Return what was measured in words."""
    rows = [
        (f"{step}, per image", f"{1000 * seconds:.1f} ms")
        for step, seconds in speed.get("seconds_per_image", {}).items()
    ]
    for name, key in (
        ("most memory of the process", "peak_memory"),
        ("most memory of the GPU", "peak_device_memory"),
    ):
        if speed.get(key) is not None:
            rows.append((name, f"{speed[key] / _MEGABYTE:.0f} MB"))
    return rows


def _shown(cell) -> str:
    if cell is None:
        return "-"
    return f"{cell:.3f}" if isinstance(cell, float) else str(cell)
