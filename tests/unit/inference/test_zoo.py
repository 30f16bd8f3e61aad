"""Graphs of the zoo's signature: what they answer arrives as `Detections`."""

import numpy as np
import pytest

from mrcnn.cli.coco_classes import COCO_CLASSES
from mrcnn.errors import ConfigError, DatasetError, WeightsError
from mrcnn.inference.zoo import ZooModel, unmold
from tests.unit.evaluation.scenes import FakeDataset
from tests.unit.ops import graphs
from tests.unit.ops.graphs import GREEN, IMAGE_HW, LEFT, RED, picture

tf = pytest.importorskip("tensorflow", reason="graphs of the zoo run on TensorFlow")

BOTTLE, TOOTHBRUSH = 40, 80  # as COCO weights here number them


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One graph in each form, with both sizes of masks."""
    folder = tmp_path_factory.mktemp("graphs")
    (folder / "15.pb").write_bytes(graphs.frozen(tf, 15))
    (folder / "33.pb").write_bytes(graphs.frozen(tf, 33))
    (folder / "unpacked").mkdir()
    (folder / "unpacked/frozen_inference_graph.pb").write_bytes(graphs.frozen(tf))
    graphs.save_as_tensorflow_1(tf, folder / "saved1")
    graphs.save_as_tensorflow_2(tf, folder / "saved2", 33)
    return folder


@pytest.mark.parametrize(
    ("path", "side"),
    [
        *(("15.pb", 15), ("33.pb", 33), ("unpacked", 15), ("saved1", 15)),
        *(("saved1/saved_model.pb", 15), ("saved2", 33)),
    ],
)
def test_what_a_graph_finds(folder, path, side):
    model = ZooModel(folder / path, min_confidence=0.5)
    images = [picture(RED, GREEN), picture()]
    found, nothing = model.detect_images(images, mask_threshold=0.3)
    assert [COCO_CLASSES[i] for i in found.class_ids] == ["bottle", "toothbrush"]
    assert found.boxes.tolist() == [[10, 20, 30, 60], [35, 0, 50, 16]]
    np.testing.assert_array_equal(found.scores, np.float32([0.9, 0.6]))
    assert found.image_hw == nothing.image_hw == IMAGE_HW
    assert len(nothing) == 0
    # 0.4 everywhere is above 0.3.
    assert found.box_masks[1].all() and found.box_masks[1].shape == (15, 16)


@pytest.mark.parametrize(("side", "columns"), [(15, 21), (33, 19)])
def test_masks_fill_their_boxes(folder, side, columns):
    """1 up to a column and 0 behind it, 40 pixels wide.

    Between the last 1 (centre at LEFT - 0.5 cells) and the first 0 the straight line
    is at 0.5 where LEFT ends: at 8 * 40 / 15 = 21.3 pixels, and 16 * 40 / 33 = 19.4.
    """
    model = ZooModel(folder / f"{side}.pb", min_confidence=0.7)
    (found,) = model.detect([picture(RED, GREEN)])
    assert found["class_ids"].tolist() == [BOTTLE]
    expected = np.zeros((*IMAGE_HW, 1), bool)
    expected[10:30, 20 : 20 + columns] = True
    assert columns == int(LEFT[side] * 40 / side)
    np.testing.assert_array_equal(found["masks"], expected)


def test_mask_threshold_and_confidence(folder):
    model = ZooModel(folder / "15.pb", min_confidence=0.0)
    (found,) = model.detect_images([picture(RED, GREEN)])
    # The empty box, the number without a class and what is behind the count are out.
    assert found.class_ids.tolist() == [BOTTLE, TOOTHBRUSH]
    assert not found.box_masks[1].any()
    surer = ZooModel(folder / "15.pb")  # 0.7, as `Config` has it
    assert len(surer.detect_images([picture(RED, GREEN)])[0]) == 1
    with pytest.raises(ConfigError, match="DETECTION_MIN_CONFIDENCE: expected a numb"):
        ZooModel(folder / "15.pb", min_confidence=7)


def test_grey_alpha_and_views(folder):
    model = ZooModel(folder / "15.pb", min_confidence=0.5)
    image = picture(RED, GREEN)
    alpha = np.concatenate([image, image[..., :1]], axis=2)
    mirrored = image[:, ::-1]
    mirrored.flags.writeable = False
    grey = np.full(IMAGE_HW, 250, np.uint8)
    with_alpha, turned, one_grey = model.detect_images([alpha, mirrored, grey])
    assert with_alpha.boxes.tolist() == [[10, 20, 30, 60], [35, 0, 50, 16]]
    assert turned.boxes.tolist() == [[10, 20, 30, 60], [35, 64, 50, 80]]
    assert one_grey.boxes.tolist() == [[0, 0, 50, 80]] * 2
    assert model.detect([]) == []
    with pytest.raises(DatasetError, match="Expected an image array"):
        model.detect_images([image, np.zeros((4, 4, 7))])


def test_evaluation(folder):
    """Bottles of the very pixels that are found, and no toothbrush to find."""

    class Bottles(FakeDataset):
        class_names = COCO_CLASSES
        class_info = [{"source": "fake", "id": i} for i in range(len(COCO_CLASSES))]

        def load_image(self, image_id):
            return picture(RED, GREEN)

        def load_mask(self, image_id):
            masks = np.zeros((*IMAGE_HW, 1), bool)
            masks[10:30, 20:41] = True
            return masks, np.array([BOTTLE])

    dataset = Bottles([], [])
    evaluation = ZooModel(folder / "15.pb", min_confidence=0.5).evaluate(dataset)
    assert evaluation.coco["segm"]["AP"] == pytest.approx(1)
    assert evaluation.min_score == 0.5
    assert set(evaluation.speed["seconds_per_image"]) == {
        *("loading", "network", "unmolding")
    }


def outputs(num=1, box=(0, 0, 1, 1), score=0.9, coco_id=1.0, mask=((1.0,),)):
    arrays = {"num_detections": [num], "detection_boxes": [[box]]}
    arrays |= {"detection_scores": [[score]], "detection_classes": [[coco_id]]}
    arrays["detection_masks"] = [[mask]]
    return {name: np.array(array, np.float32) for name, array in arrays.items()}


def test_class_ids_are_those_of_coco_weights():
    """COCO's list with its gaps, against the list without."""
    gaps = {12, 26, 29, 30, 45, 66, 68, 69, 71, 83}
    names = iter(COCO_CLASSES[1:])
    expected = {i: next(names) for i in range(1, 91) if i not in gaps}
    some = {1: "person", 11: "fire hydrant", 13: "stop sign", 27: "backpack"}
    some |= {44: "bottle", 67: "dining table", 70: "toilet", 72: "tv"}
    some |= {75: "remote", 84: "book", 90: "toothbrush"}
    assert some.items() <= expected.items()
    for coco_id in range(1, 91):
        found = unmold(outputs(coco_id=coco_id), (4, 4), min_confidence=0.5)
        seen = [COCO_CLASSES[i] for i in found.class_ids]
        assert seen == ([] if coco_id in gaps else [expected[coco_id]])


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        # Shares of 7 x 11 pixels, not of 6 x 10: 0.5 * 7 = 3.5, to the even number.
        ((0, 0, 0.5, 0.5), [0, 0, 4, 6]),
        ((-0.2, 0.3, 1.4, 2.0), [0, 3, 7, 11]),
        ((0.5, 0.5, 0.5, 0.9), None),
        ((0.9, 0.1, 0.2, 0.5), None),
        ((0.41, 0, 0.42, 1), None),  # both edges at 3 pixels
        ((np.nan, 0, 1, 1), None),
        ((0, 0, np.inf, 1), [0, 0, 7, 11]),
    ],
)
def test_boxes_in_pixels(box, expected):
    found = unmold(outputs(box=box), (7, 11), min_confidence=0)
    assert found.boxes.tolist() == ([] if expected is None else [expected])
    assert found.masks.shape == (7, 11, 0 if expected is None else 1)
    assert found.boxes.dtype == found.class_ids.dtype == np.int32


def test_scores_that_are_none():
    assert len(unmold(outputs(score=np.nan), (7, 11), min_confidence=0)) == 0
    assert len(unmold(outputs(num=0), (7, 11), min_confidence=0)) == 0


@pytest.mark.parametrize("coco_id", [0, 91, -1, np.nan])
def test_classes_that_coco_has_not(coco_id):
    with pytest.raises(WeightsError, match=r"Expected COCO's classes, 1 to 90\. Rec"):
        unmold(outputs(coco_id=coco_id), (7, 11), min_confidence=0)


@pytest.mark.parametrize("name", sorted(outputs()))
def test_arrays_of_other_shapes(name):
    wrong = outputs()
    wrong[name] = wrong[name][..., None]
    with pytest.raises(WeightsError, match=f"Expected arrays of one.*{name}.*, 1"):
        unmold(wrong, (7, 11), min_confidence=0)
