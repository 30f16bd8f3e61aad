"""COCO's numbers: by hand, and against COCOeval called directly."""

import contextlib
import io

import numpy as np
import pytest
from pycocotools import mask as mask_coder
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from mrcnn.errors import DatasetError
from mrcnn.evaluation.coco import NUMBERS
from mrcnn.structures import Detections
from tests.unit.evaluation.scenes import (
    IMAGE_HW,
    NAMES,
    FakeDataset,
    detections,
    evaluate_detections,
)

A, B, C = (0, 0, 50, 50), (60, 60, 110, 110), (0, 100, 20, 120)


def test_by_hand(capsys):
    # remote: A and B in one image. Detected: A exactly (0.9), then 50 x 34 of B (0.8),
    # an overlap of 0.68, which counts at 0.5, 0.55, 0.6, 0.65: AP 1 at four
    # thresholds. At the other six recall ends at 1/2, and 51 of COCO's 101 recall
    # points (0 to 0.50) have precision 1: AP 51/101.
    # battery: C, 20 x 20, found nowhere: AP 0.
    dataset = FakeDataset([(A, 1), (B, 1), (C, 2)])
    found = detections((A, 1, 0.9), ((60, 60, 110, 94), 1, 0.8))
    numbers = evaluate_detections(dataset, [0], [found])
    remote = (4 + 6 * 51 / 101) / 10
    for kind in ("bbox", "segm"):
        assert numbers[kind]["AP"] == pytest.approx((remote + 0) / 2)
        assert numbers[kind]["AP50"] == pytest.approx((1 + 0) / 2)
        assert numbers[kind]["AP75"] == pytest.approx((51 / 101 + 0) / 2)
        # A and B are 2500 px (32^2 to 96^2), C is 400 px; nothing is large
        assert numbers[kind]["APs"] == 0
        assert numbers[kind]["APm"] == pytest.approx(remote)
        assert numbers[kind]["APl"] is None
        # one detection of each class: half of the remotes, no battery
        assert numbers[kind]["AR1"] == pytest.approx((1 / 2 + 0) / 2)
        recall = ((4 * 2 + 6 * 1) / 2 / 10 + 0) / 2
        assert numbers[kind]["AR10"] == pytest.approx(recall)
        assert numbers[kind]["AR100"] == pytest.approx(recall)
    for kind in ("bbox", "segm"):
        of_class = {
            name: [of_kind[kind][key] for key in ("AP", "AP50", "AR1", "APm", "ARs")]
            for name, of_kind in numbers["per_class"].items()
        }
        assert of_class == {
            "remote": [*(pytest.approx(x) for x in (remote, 1, 0.5, remote)), None],
            "battery": [0, 0, 0, None, 0],
            "never": [None] * 5,
        }
    assert not capsys.readouterr().out


def test_masks_and_boxes_are_judged_apart():
    # The box is right, but the mask fills only its upper half: overlap 0.5 of masks.
    half = np.zeros((50, 50), bool)
    half[:25] = True
    found = Detections(
        IMAGE_HW, np.array([A], np.int32), np.array([1]), np.array([0.9]), (half,)
    )
    numbers = evaluate_detections(FakeDataset([(A, 1)]), [0], [found])
    assert numbers["bbox"]["AP"] == pytest.approx(1)
    assert numbers["segm"]["AP50"] == pytest.approx(1)
    assert numbers["segm"]["AP75"] == 0


def test_crowds_are_neither_missed_nor_wrong():
    dataset = FakeDataset([(A, 1), (B, -1)])
    crowd_found = [detections((B, 1, 0.95), ((70, 70, 90, 90), 1, 0.94), (A, 1, 0.9))]
    assert evaluate_detections(dataset, [0], crowd_found)["segm"][
        "AP"
    ] == pytest.approx(1)
    crowd_missed = [detections((A, 1, 0.9))]
    numbers = evaluate_detections(dataset, [0], crowd_missed)
    assert numbers["segm"]["AP"] == pytest.approx(1)


def test_nothing_found_is_zero_and_nothing_to_find_is_none():
    nothing = Detections.empty(IMAGE_HW)
    missed = evaluate_detections(FakeDataset([(A, 1)], []), [0, 1], [nothing] * 2)
    assert missed["bbox"]["AP"] == missed["segm"]["AR100"] == 0
    of_remote = missed["per_class"]["remote"]["segm"]
    assert (of_remote["AP"], of_remote["AP50"], of_remote["APl"]) == (0, 0, None)
    empty = evaluate_detections(FakeDataset([]), [0], [detections((A, 1, 0.9))])
    assert set(empty["segm"].values()) == {None}
    assert evaluate_detections(FakeDataset(), [], [])["bbox"]["AP"] is None


def test_a_false_alarm_in_an_empty_image_counts():
    dataset = FakeDataset([(A, 1)], [])
    right = detections((A, 1, 0.8))
    quiet = evaluate_detections(dataset, [0, 1], [right, Detections.empty(IMAGE_HW)])
    alarm = evaluate_detections(dataset, [0, 1], [right, detections((B, 1, 0.9))])
    assert quiet["segm"]["AP"] == pytest.approx(1)
    assert alarm["segm"]["AP"] == pytest.approx(0.5)  # precision 1/2 at every recall


def direct(kind, truth, found):
    """Return COCOeval's stats, called as its own demo does, through loadRes."""

    def annotation(position, box, class_id):
        y1, x1, y2, x2 = map(int, box)
        mask = np.zeros(IMAGE_HW, np.uint8, order="F")
        mask[y1:y2, x1:x2] = 1
        return {
            "image_id": position,
            "category_id": int(class_id),
            "bbox": [x1, y1, x2 - x1, y2 - y1],
            "segmentation": mask_coder.encode(mask),
            "area": int(mask.sum()),
        }

    coco = COCO()
    coco.dataset = {
        "info": {},
        "images": [{"id": i, "height": 120, "width": 160} for i in range(len(truth))],
        "categories": [{"id": k, "name": NAMES[k]} for k in (1, 2, 3)],
        "annotations": [
            annotation(i, box, class_id) | {"iscrowd": 0}
            for i, rows in enumerate(truth)
            for box, class_id in rows
        ],
    }
    for i, row in enumerate(coco.dataset["annotations"]):
        row["id"] = i + 1
    coco.createIndex()
    results = [
        annotation(i, box, class_id) | {"score": float(score)}
        for i, image in enumerate(found)
        for box, class_id, score in zip(
            image.boxes, image.class_ids, image.scores, strict=True
        )
    ]
    table = COCOeval(coco, coco.loadRes(results), kind)
    table.evaluate()
    table.accumulate()
    table.summarize()
    return table.stats


@pytest.mark.parametrize("kind", ["bbox", "segm"])
def test_equals_cocoeval_called_directly(kind):
    rng = np.random.default_rng(0)

    def random_box(largest):
        y, x = rng.integers(0, 60, 2)
        h, w = rng.integers(5, largest, 2)
        return int(y), int(x), int(min(y + h, 120)), int(min(x + w, 160))

    truth = [
        [(random_box(110), int(rng.integers(1, 3))) for _ in range(5)] for _ in range(4)
    ]
    truth[0].append(((0, 0, 100, 110), 1))  # one large object, over 96^2 px
    found = []
    for rows in truth:
        shifted = [
            (np.add(box, rng.integers(0, 6, 4)).clip(0, 120), class_id, rng.random())
            for box, class_id in rows
        ]
        false = [(random_box(60), int(rng.integers(1, 4)), rng.random())]
        found.append(detections(*shifted, *false))
    with contextlib.redirect_stdout(io.StringIO()):
        stats = direct(kind, truth, found)
    numbers = evaluate_detections(FakeDataset(*truth), range(4), found)[kind]
    assert 0.1 < numbers["AP"] < 0.9
    assert list(numbers) == list(NUMBERS)
    np.testing.assert_allclose(list(numbers.values()), stats, rtol=1e-12)


def test_repeated_class_names_stay_apart():
    dataset = FakeDataset([(A, 1), (B, 2)])
    dataset.class_names = ["BG", "remote", "remote"]
    numbers = evaluate_detections(dataset, [0], [detections((A, 1, 0.9))])
    assert numbers["per_class"]["remote (1)"]["segm"]["AP"] == pytest.approx(1)
    assert numbers["per_class"]["remote (2)"]["segm"]["AP"] == 0


def test_images_and_detections_must_fit():
    dataset = FakeDataset([(A, 1)])
    with pytest.raises(DatasetError, match="1 images and 0 Detections"):
        evaluate_detections(dataset, [0], [])
    with pytest.raises(DatasetError, match=r"image photo0, \(120, 160\).*\(160, 120\)"):
        evaluate_detections(dataset, [0], [Detections.empty((160, 120))])
    with pytest.raises(DatasetError, match="class_id=4 in image photo0"):
        evaluate_detections(dataset, [0], [detections((A, 4, 0.9))])
