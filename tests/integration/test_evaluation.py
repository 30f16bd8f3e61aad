"""Numbers of an evaluation against pycocotools' own, on files as users have them."""

import contextlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from mrcnn.cli import evaluation_report
from mrcnn.data.dataset import Dataset
from mrcnn.evaluation.coco import NUMBERS
from mrcnn.evaluation.report import evaluate
from mrcnn.geometry.masks import extract_bboxes
from mrcnn.structures import Detections

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def coco_file(tmp_path_factory):
    """The pictures of remotes in two classes, dark and bright, as a COCO file."""
    folder = tmp_path_factory.mktemp("coco")
    remotes = Dataset.load(ROOT / "datasets" / "remote", "val")
    path = remotes.save(folder, "coco", copy_images=True)
    content = json.loads(path.read_text("utf-8"))
    # Ids with gaps, as COCO's.
    content["categories"] = [{"id": 7, "name": "odd"}, {"id": 3, "name": "even"}]
    for number, annotation in enumerate(content["annotations"]):
        annotation["category_id"] = 7 if number % 2 else 3
        annotation["iscrowd"] = 0
    for image in content["images"]:
        image["id"] += 1000
    for annotation in content["annotations"]:
        annotation["image_id"] += 1000
    path.write_text(json.dumps(content))
    return path


def disturbed(dataset, rng):
    """What is there, but shifted, cut, missing, of another class, or not there."""
    found = []
    for image_id in dataset.image_ids:
        masks, class_ids = dataset.load_mask(image_id)
        height, width = masks.shape[:2]
        rows = []
        for i in np.flatnonzero(rng.random(len(class_ids)) < 0.9):
            mask = np.roll(masks[:, :, i], rng.integers(-6, 7, 2), (0, 1))
            mask[: rng.integers(0, height // 2)] &= rng.random() < 0.7
            class_id = class_ids[i] if rng.random() < 0.85 else 3 - class_ids[i]
            rows.append((mask, class_id))
        wrong = np.zeros((height, width), bool)
        y, x = rng.integers(0, height - 20), rng.integers(0, width - 20)
        wrong[y : y + 20, x : x + 15] = rng.random((20, 15)) < 0.5
        rows = [row for row in [*rows, (wrong, 1)] if row[0].any()]
        boxes = extract_bboxes(np.stack([mask for mask, _ in rows], axis=2))
        order = np.arange(len(rows))
        found.append(
            Detections(
                image_hw=(height, width),
                boxes=boxes,
                class_ids=np.array([class_id for _, class_id in rows], np.int32),
                scores=np.sort(rng.random(len(order)).astype(np.float32))[::-1],
                box_masks=tuple(
                    mask[y1:y2, x1:x2]
                    for (mask, _), (y1, x1, y2, x2) in zip(rows, boxes, strict=True)
                ),
            )
        )
    return found


@pytest.mark.parametrize("kind", ["bbox", "segm"])
def test_numbers_are_pycocotools_own_on_the_same_files(coco_file, tmp_path, kind):
    dataset = Dataset.load(coco_file)
    assert dataset.class_names == ["BG", "even", "odd"]
    found = disturbed(dataset, np.random.default_rng(0))
    evaluation = evaluate(dataset, dataset.image_ids, found)
    evaluation_report.write(tmp_path, "Evaluation", evaluation, dataset)

    results = json.loads((tmp_path / "detections.json").read_text("utf-8"))
    if kind == "segm":
        # Given both, pycocotools would take the area of the box for the mask's.
        results = [{k: v for k, v in row.items() if k != "bbox"} for row in results]
    written = json.loads((tmp_path / "evaluation.json").read_text("utf-8"))
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(coco_file)
        table = COCOeval(truth, truth.loadRes(results), kind)
        for numbers, category_ids in (
            (written[kind], [3, 7]),
            (written["per_class"]["even"][kind], [3]),
            (written["per_class"]["odd"][kind], [7]),
        ):
            table.params.catIds = category_ids
            table.evaluate()
            table.accumulate()
            table.summarize()
            ours = [-1 if numbers[name] is None else numbers[name] for name in NUMBERS]
            np.testing.assert_allclose(ours, table.stats, atol=1e-6, rtol=0)
            assert 0.1 < numbers["AP"] < 0.9
