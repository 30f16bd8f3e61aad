import pickle

import numpy as np
import pytest
from PIL import Image

from mrcnn.data.regions import AnnotatedDataset, Region, check_inside
from mrcnn.data.shapes import Ellipse, Polygon, Rectangle
from mrcnn.errors import DatasetError


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
