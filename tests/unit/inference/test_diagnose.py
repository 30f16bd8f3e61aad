"""What an inspection says in words, for arrays where the reason is known."""

import numpy as np
import pytest

from mrcnn.errors import ConfigError
from mrcnn.inference.diagnose import diagnose
from tests.unit.inference.seen import ANCHORS, inspection

NAMES = ["BG", "remote", "cup"]
BACKGROUND = [0.95, 0.03, 0.02]


def one(seen) -> str:
    """The only sentence besides the first one."""
    _, sentence = diagnose(seen, NAMES)
    return sentence


def test_everything_found_is_all_that_is_said():
    seen = inspection(
        [[0, 1, 0], [0, 0.02, 0.98], BACKGROUND, [0, 0.95, 0.05]],
        ["", "", "background", ""],
    )
    assert diagnose(seen, NAMES) == ["Found: 2 remote, 1 cup."]
    assert diagnose(seen) == ["Found: 2 class 1, 1 class 2."]


def test_score_below_the_threshold():
    seen = inspection(
        [[0.361, 0.639, 0], [0.4, 0, 0.6], BACKGROUND],
        ["confidence", "confidence", "background"],
    )
    assert diagnose(seen, NAMES)[0] == "Nothing was found."
    sentence = one(seen)
    assert sentence.startswith(
        "2 ROIs have a score below DETECTION_MIN_CONFIDENCE, 0.9"
    )
    assert "The best is remote with 0.63: a confidence of 0.6 lets it pass" in sentence


def test_all_background_names_the_nearest_object():
    seen = inspection(
        [BACKGROUND, [0.6, 0.09, 0.31], [0.9, 0.05, 0.05]], ["background"] * 3
    )
    sentence = one(seen)
    assert sentence.startswith("All 3 proposals are background.")
    assert "cup with 0.31" in sentence and "background has 0.60" in sentence


@pytest.mark.parametrize(
    ("filter_", "words"),
    [
        ("nms", "DETECTION_NMS_THRESHOLD, 0.3"),
        ("limit", "the 100 best: raise DETECTION_MAX_INSTANCES"),
        ("size", "less than a pixel"),
    ],
)
def test_other_filters(filter_, words):
    seen = inspection(
        [[0, 1, 0], [0.05, 0.95, 0], BACKGROUND], ["", filter_, "background"]
    )
    assert words in one(seen) and one(seen).startswith("1 ROI has")


def test_no_anchor_on_an_object():
    seen = inspection([BACKGROUND] * 2, ["background"] * 2, scores=[0.12] + [0.01] * 8)
    assert "of 9 the best has a score of 0.12" in diagnose(seen, NAMES)[1]


def test_random_weights():
    rng = np.random.default_rng(0)
    scores = rng.uniform(0.4, 0.6, len(ANCHORS))
    seen = inspection([[0.3, 0.4, 0.3]] * 2, ["confidence"] * 2, scores=scores)
    _, rpn, head = diagnose(seen, NAMES)
    assert f"half of all anchors a score above {np.median(scores):.2f}" in rpn
    assert "says the same of all 2 ROIs" in head and "exclude=" in head
    # Different, but hardly a ROI is background.
    probs = rng.dirichlet([1, 20, 20], 120)
    boxes = np.repeat(ANCHORS[:1], 120, axis=0)
    seen = inspection(probs, ["confidence"] * 120, boxes=boxes, scores=[0] * 9)
    assert "takes 120 of 120 ROIs for objects" in one(seen)


def test_blank_picture():
    grey = np.full((64, 64, 3), 90, np.uint8)
    grey[:4] = 0  # the padding does not count
    window = np.array([4, 0, 64, 64])
    seen = inspection([BACKGROUND] * 3, ["background"] * 3, picture=grey, window=window)
    assert "nearly blank: its values, from 0 to 255, deviate by 0.0" in "".join(
        diagnose(seen, NAMES)
    )


def test_tiny_image():
    seen = inspection([[0, 1, 0]], [""], image_hw=(9, 12), scale=64 / 12)
    assert "12 x 9 pixels is smaller than the smallest anchor, 16" in one(seen)


def test_objects_smaller_than_the_anchors():
    boxes = [[0, 0, 6, 6], [20, 20, 40, 40]]
    seen = inspection([[0.2, 0.8, 0], [0, 1, 0]], ["", ""], boxes=boxes)
    assert one(seen).startswith("1 ROI has a side below 8 pixels")
    seen = inspection([[0, 1, 0]], [""], scale=0.1)
    assert "reduced to 10%" in one(seen) and "below 80 pixels" in one(seen)


def test_broken_weights():
    seen = inspection([[np.nan] * 3], ["background"])
    assert "no numbers" in one(seen)


def test_no_proposals():
    seen = inspection(np.zeros((0, 2)), [], scores=[0.6] + [0] * 8)
    assert diagnose(seen) == ["Nothing was found."]


def test_names_of_other_classes_are_refused():
    with pytest.raises(ConfigError, match="3 class_names.*Received: 2"):
        diagnose(inspection([BACKGROUND], ["background"]), NAMES[:2])
