"""The files of an evaluation: the same numbers in each, and all of the page inside."""

import base64
import csv
import html.parser
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mrcnn.cli import evaluation_report
from mrcnn.errors import ConfigError
from mrcnn.evaluation.report import evaluate
from tests.unit.evaluation.scenes import FakeDataset, detections, random_scene

ROOT = Path(__file__).resolve().parents[3]
A, B = (0, 0, 50, 50), (60, 60, 110, 110)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Folder and evaluation of a data set with <angry> names."""
    folder = tmp_path_factory.mktemp("evaluation")
    dataset, found = random_scene(np.random.default_rng(1), num_images=6)
    dataset.class_names = ["BG", "remote", "<b>bat & tery", "never"]
    speed = {
        "seconds_per_image": {"network": 0.25},
        "peak_memory": 3 * 2**20,
        "peak_device_memory": None,
    }
    evaluation = evaluate(dataset, dataset.image_ids, found, speed=speed)
    page = evaluation_report.write(folder, "Evaluation <1>", evaluation, dataset)
    assert page == folder / "evaluation.html"
    return folder, evaluation


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_tables_hold_the_numbers_of_the_json(written):
    folder, evaluation = written
    report = json.loads((folder / "evaluation.json").read_text("utf-8"))
    assert report["title"] == "Evaluation <1>"
    classes = {row["class"]: row for row in rows(folder / "classes.csv")}
    assert list(classes) == ["all", *evaluation.class_names[1:]]
    for name, of_class in report["per_class"].items():
        row = classes[name]
        assert int(row["objects"]) == of_class["objects"]
        for column, value in (
            ("AP", of_class["segm"]["AP"]),
            ("box AP50", of_class["bbox"]["AP50"]),
            ("recall at 0.5", of_class["at_min_score"]["recall"]),
            ("best score", (of_class["best"] or {}).get("threshold")),
        ):
            assert row[column] == ("" if value is None else str(value))
    assert float(classes["all"]["AP"]) == report["segm"]["AP"]
    every = rows(folder / "coco.csv")
    assert len(every) == 2 * 4
    assert float(every[1]["ARm"]) == report["bbox"]["ARm"]
    matrix = [list(row.values()) for row in rows(folder / "confusion.csv")]
    assert [[int(cell) for cell in row[1:]] for row in matrix] == (
        report["confusion"]["matrix"]
    )
    curves = rows(folder / "curves.csv")
    assert len(curves) == sum(len(c["f1s"]) for c in report["curves"].values())
    assert len(rows(folder / "mistakes.csv")) == len(report["mistakes"]) > 3


def test_documentation_lists_the_files(written):
    text = (ROOT / "docs" / "evaluation.md").read_text("utf-8")
    table = "".join(line for line in text.splitlines() if line.startswith("| `"))
    # `confusion.csv`, `.png` are two files.
    listed = set(re.findall(r"`(\w+\.\w+)`", table)) | {"confusion.png"}
    assert listed == {path.name for path in written[0].iterdir()}


def test_page_is_whole(written):
    folder, evaluation = written
    text = (folder / "evaluation.html").read_text("utf-8")
    sources = re.findall(r'src="([^"]*)"', text)
    num_mistakes = sum(map(len, evaluation.mistakes.values()))
    assert len(sources) == 3 + num_mistakes
    for source in sources:
        kind, content = re.fullmatch(r"data:image/(\w+);base64,(.*)", source).groups()
        picture = Image.open(io.BytesIO(base64.b64decode(content)))
        assert picture.format.lower() == kind
        # Not one colour alone.
        assert np.ptp(np.asarray(picture.convert("L"))) > 20
    assert "http" not in text
    assert "&lt;b&gt;bat &amp; tery" in text
    assert "<b>bat" not in text and "Evaluation <1>" not in text
    assert "<td>network, per image</td><td>250.0 ms</td>" in text
    assert "<td>most memory of the process</td><td>3 MB</td>" in text
    assert "GPU" not in text
    for name in ("confusion", "precision_recall", "f1"):
        assert (folder / f"{name}.png").read_bytes()[1:4] == b"PNG"


def test_tags_are_closed(written):
    class Tags(html.parser.HTMLParser):
        open_tags = []

        def handle_starttag(self, tag, attrs):
            if tag not in ("meta", "img"):
                self.open_tags.append(tag)

        def handle_endtag(self, tag):
            assert self.open_tags.pop() == tag

    parser = Tags()
    parser.feed((written[0] / "evaluation.html").read_text("utf-8"))
    assert parser.open_tags == []


def test_captions_say_what_is_wrong(tmp_path):
    # B as a battery, A twice, something that meets no object, and none of a third.
    third = (0, 100, 40, 150)
    dataset = FakeDataset([(A, 1), (B, 1), (third, 1)])
    rows = [(A, 1, 0.9), (A, 1, 0.8), (B, 2, 0.7), ((80, 0, 110, 30), 1, 0.6)]
    evaluation = evaluate(dataset, dataset.image_ids, [detections(*rows)])
    page = evaluation_report.write(tmp_path, "t", evaluation, dataset)
    captions = re.findall(r'<li><img alt="(.*?)"', page.read_text("utf-8"))
    assert captions == [
        "found remote 0.80, on an object that was found already (photo0)",
        "found battery 0.70, is remote (photo0)",
        "found remote 0.60, fits no object (overlap 0.00) (photo0)",
        "missed remote (photo0)",
        "found remote 0.90, overlap 1.00 (photo0)",
    ]


def test_nothing_to_evaluate(tmp_path):
    dataset = FakeDataset()
    evaluation = evaluate(dataset, [], [])
    page = evaluation_report.write(tmp_path, "t", evaluation, dataset)
    assert page.read_text("utf-8").count("<p>None.</p>") == 3
    lines = evaluation_report.as_text(evaluation)
    assert len(lines) == 5 and len({len(line) for line in lines}) == 1


def test_folder_that_cannot_be_written_to(tmp_path):
    evaluation = evaluate(FakeDataset(), [], [])
    with pytest.raises(ConfigError, match=r"gone.evaluation.json \(No such file"):
        evaluation_report.write(tmp_path / "gone", "t", evaluation, FakeDataset())
