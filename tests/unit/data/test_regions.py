import pickle

import numpy as np
import pytest
from PIL import Image

from mrcnn.data.regions import (
    AnnotatedDataset,
    Ellipse,
    Polygon,
    Rectangle,
    Region,
    check_inside,
    covers_nothing,
    tighten,
)
from mrcnn.errors import DatasetError

SHAPES = [
    Polygon((2, 12, 12, 2), (3, 3, 9, 9)),
    Polygon((-5, 40, 10), (-5, 10, 40)),
    Rectangle(4, 5, 10, 3),
    Rectangle(-4, -5, 100, 10.5),
    Ellipse(15, 10, 6, 6),
    Ellipse(15.5, 9.2, 9, 3, 0.7),
    Ellipse(0, 0, 9, 30, -2),
]


def full(shape, image_hw=(20, 30)):
    (y1, x1, y2, x2), box_mask = shape.rasterise(image_hw)
    mask = np.zeros(image_hw, bool)
    mask[y1:y2, x1:x2] = box_mask
    return mask


@pytest.mark.parametrize("shape", SHAPES)
def test_box_is_tight_and_within_extent(shape):
    (y1, x1, y2, x2), mask = shape.rasterise((20, 30))
    assert mask.shape == (y2 - y1, x2 - x1)
    assert mask[0].any() and mask[-1].any()
    assert mask[:, 0].any() and mask[:, -1].any()
    top, left, bottom, right = shape.extent
    assert (top <= y1 and left <= x1) or y1 == 0 or x1 == 0
    assert y2 - 1 <= bottom and x2 - 1 <= right


@pytest.mark.parametrize("shape", SHAPES)
def test_cutting_to_the_image_equals_drawing_on_a_larger_one(shape):
    large = full(shape, (60, 70))
    np.testing.assert_array_equal(full(shape, (20, 30)), large[:20, :30])


def test_rectangle_covers_width_times_height():
    mask = full(Rectangle(4, 5, 10, 3))
    assert mask.sum() == 30
    assert mask[5:8, 4:14].all()


@pytest.mark.parametrize("theta", [0, 0.4, np.pi / 2, -1.1])
def test_ellipse_area_and_symmetry(theta):
    shape = Ellipse(100, 100, 80, 30, theta)
    mask = full(shape, (201, 201))
    assert mask.sum() == pytest.approx(np.pi * 80 * 30, rel=0.01)
    np.testing.assert_array_equal(mask, mask[::-1, ::-1])


def test_ellipse_turns_clockwise_on_the_screen():
    # The end of the first axis is (cx + rx cos, cy + rx sin): right and down.
    mask = full(Ellipse(50, 50, 40, 5, np.pi / 4), (101, 101))
    assert mask[50 + 27, 50 + 27]
    assert not mask[50 - 27, 50 + 27]


def test_turned_extent():
    # A quarter turn swaps the radii.
    assert Ellipse(10, 20, 8, 3, np.pi / 2).extent == pytest.approx((12, 7, 28, 13))


def test_circle_equals_the_distance_to_its_centre():
    y, x = np.ogrid[:20, :30]
    expected = (x - 15) ** 2 + (y - 10) ** 2 <= 36
    np.testing.assert_array_equal(full(Ellipse(15, 10, 6, 6)), expected)


def test_covers_nothing():
    assert covers_nothing(Ellipse(5.5, 5.5, 0.2, 0.2), (20, 30))
    assert not covers_nothing(Ellipse(5, 5, 0.2, 0.2), (20, 30))
    # Its extent meets the image in a corner; the triangle does not.
    assert covers_nothing(Polygon((-9, 9, -9), (8, -9, -9)), (20, 30))
    assert covers_nothing(Rectangle(40, 0, 9, 9), (20, 30))


@pytest.mark.parametrize(
    "shape",
    [
        Rectangle(31, 0, 5, 5),
        Rectangle(0, 20, 5, 5),
        Rectangle(-9, 0, 5, 5),
        Polygon((40, 50, 50), (50, 50, 60)),
    ],
)
def test_check_inside(shape):
    with pytest.raises(DatasetError, match="f.json, image 'a', region 3: .*30 x 20"):
        check_inside(Region(shape, 1, "region 3"), (20, 30), "f.json, image 'a'")


def test_tighten_of_nothing():
    box, mask = tighten(np.zeros((4, 5), bool), 7, 8)
    assert box.tolist() == [0, 0, 0, 0]
    assert mask.shape == (0, 0)


@pytest.fixture
def dataset(tmp_path):
    Image.new("RGB", (30, 20)).save(tmp_path / "a.png")
    dataset = AnnotatedDataset()
    dataset.add_class("via", 1, "a, b")
    dataset.add_class("via", 2, "c")
    for regions in (
        [
            Region(Rectangle(1, 2, 3, 4), 2, "region 0"),
            Region(Rectangle(2, 2, 9, 9), 1, "region 1", is_crowd=True),
        ],
        [],
        [Region(Ellipse(5.5, 5.5, 0.2, 0.2), 1, "region 0")],
    ):
        dataset.add_image(
            "via",
            image_id="a",
            path=str(tmp_path / "a.png"),
            width=30,
            height=20,
            annotations=regions,
            annotation_file="via.json",
        )
    dataset.prepare()
    return dataset


def test_masks_and_instances_agree(dataset):
    masks, class_ids = dataset.load_mask(0)
    assert (masks.shape, masks.dtype) == ((20, 30, 2), bool)
    assert (class_ids.dtype, class_ids.tolist()) == (np.int32, [2, -1])
    boxes, box_masks, same_ids = dataset.load_instances(0)
    assert boxes.tolist() == [[2, 1, 6, 4], [2, 2, 11, 11]]
    assert same_ids.tolist() == class_ids.tolist()
    for i, (y1, x1, y2, x2) in enumerate(boxes):
        np.testing.assert_array_equal(masks[y1:y2, x1:x2, i], box_masks[i])
        assert masks[..., i].sum() == box_masks[i].sum()


def test_image_without_objects(dataset):
    masks, class_ids = dataset.load_mask(1)
    assert (masks.shape, class_ids.shape) == ((20, 30, 0), (0,))


def test_empty_object_is_named(dataset):
    with pytest.raises(
        DatasetError, match=r"via.json, image .*a.png, region 0: .*none"
    ):
        dataset.load_mask(2)


def test_class_names_stay_whole(dataset):
    assert dataset.class_names == ["BG", "a, b", "c"]


def test_image_that_changed_its_size(dataset, tmp_path):
    assert dataset.load_image(0).shape == (20, 30, 3)
    assert dataset.image_reference(0) == str(tmp_path / "a.png")
    Image.new("RGB", (20, 30)).save(tmp_path / "a.png")
    with pytest.raises(DatasetError, match=r"\(20, 30\).*Received: \(30, 20\)"):
        dataset.load_image(0)


def test_travels_to_worker_processes(dataset):
    copy = pickle.loads(pickle.dumps(dataset))
    np.testing.assert_array_equal(copy.load_mask(0)[0], dataset.load_mask(0)[0])
