"""An evaluation as a whole: its parts agree, and it is plain data."""

import json

import numpy as np
import pytest

from mrcnn.errors import DatasetError
from mrcnn.evaluation.report import evaluate
from tests.unit.evaluation.scenes import (
    FakeDataset,
    detections,
    evaluate_detections,
    random_scene,
)

A, B = (0, 0, 50, 50), (60, 60, 110, 110)


def test_by_hand():
    # Two remotes; one found at 0.9, something false at 0.6, the other at 0.3.
    dataset = FakeDataset([(A, 1), (B, 1)])
    found = [detections((A, 1, 0.9), ((80, 0, 110, 30), 2, 0.6), (B, 1, 0.3))]
    evaluation = evaluate(
        dataset, dataset.image_ids, found, min_score=0.5, speed={"peak_memory": 7}
    )
    assert evaluation.class_names == ("BG", "remote", "battery", "never")
    assert evaluation.image_names == ("photo0",)
    assert evaluation.confusion.tolist() == [[0, 0, 1, 0], [1, 1, 0, 0], *[[0] * 4] * 2]
    report = evaluation.to_dict()
    assert report["per_class"]["remote"]["objects"] == 2
    assert report["per_class"]["remote"]["at_min_score"] == {
        **{"threshold": 0.5, "precision": 1.0},
        **{"recall": 0.5, "f1": pytest.approx(2 / 3)},
    }
    assert report["per_class"]["remote"]["best"]["threshold"] == pytest.approx(0.3)
    assert report["per_class"]["battery"]["best"] is None
    assert report["all_classes"]["at_min_score"]["precision"] == 0.5
    assert report["mistakes"][0] == {
        **{"kind": "false_positive", "image": "photo0", "object": None, "overlap": 0},
        "found": {
            "class": "battery",
            "score": pytest.approx(0.6),
            "box": [80, 0, 110, 30],
        },
    }
    assert report["mistakes"][1]["kind"] == "false_negative"
    assert report["speed"] == {"peak_memory": 7}


@pytest.mark.parametrize("seed", range(3))
def test_is_plain_data_with_cocos_numbers(seed):
    dataset, found = random_scene(np.random.default_rng(seed))
    evaluation = evaluate(dataset, dataset.image_ids, found, num_mistakes=2)
    report = json.loads(json.dumps(evaluation.to_dict(), allow_nan=False))
    numbers = evaluate_detections(dataset, dataset.image_ids, found)
    for kind in ("bbox", "segm"):
        assert report[kind] == numbers[kind]
        for name, of_class in numbers["per_class"].items():
            assert report["per_class"][name][kind] == of_class[kind]
    assert len(report["mistakes"]) <= 6


def test_without_images():
    report = evaluate(FakeDataset(), [], []).to_dict()
    assert report["images"] == report["all_classes"]["objects"] == 0
    assert report["segm"]["AP"] is None


def test_detections_that_do_not_fit():
    with pytest.raises(DatasetError, match="1 images and 0 Detections"):
        evaluate(FakeDataset([]), [0], [])
