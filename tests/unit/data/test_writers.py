"""What is saved reads back the same, in every format."""

import logging

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mrcnn.data import writers
from mrcnn.data.dataset import Dataset
from mrcnn.data.images import image_hw
from mrcnn.data.shapes import Polygon
from mrcnn.errors import DatasetError
from mrcnn.structures import Detections
from tests.unit.data.masks import masks
from tests.unit.data.painted import CLASSES, Painted, assert_same, block, things


@pytest.mark.parametrize("format_name", writers.FORMATS)
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(
        st.lists(
            st.tuples(masks(16), st.sampled_from((1, 2, 3, -1, -2))),
            min_size=1,
            max_size=3,
        ),
        min_size=1,
        max_size=2,
    )
)
def test_reader_after_writer(format_name, tmp_path_factory, images):
    """Any masks, classes and crowds: the same pixels, whatever the parts and holes."""
    dataset = Painted()
    for objects in images:
        hw = tuple(max(mask.shape[axis] for mask, _ in objects) for axis in (0, 1))
        dataset.add_painted(None, objects, hw)
    dataset.prepare()
    folder = tmp_path_factory.mktemp("saved")
    dataset.save(folder, format_name, copy_images=True)
    read = Dataset.load(folder, keep_unannotated=True)
    assert_same(read, dataset, without_crowds=format_name == "yolo")


@pytest.mark.parametrize("format_name", writers.FORMATS)
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(mask=masks(40))
def test_few_corners_are_near_enough(format_name, tmp_path_factory, mask):
    dataset = Painted()
    dataset.add_painted(None, [(mask, 1)], mask.shape)
    dataset.prepare()
    folder = tmp_path_factory.mktemp("saved")
    dataset.save(folder, format_name, copy_images=True, min_iou=0.9)
    assert_same(Dataset.load(folder), dataset, min_iou=0.9)


@pytest.mark.parametrize("format_name", writers.FORMATS)
def test_images_stay_where_they_are(format_name, painted, tmp_path):
    """Beside them or below: nothing is copied, and the names lead to them."""
    if format_name == "yolo":
        (tmp_path / "photos").rename(tmp_path / "images")
        for info in painted.image_info:
            info["path"] = info["path"].replace("photos", "images")
    before = sorted(tmp_path.rglob("*.png"))
    painted.save(tmp_path, format_name)
    read = Dataset.load(tmp_path, keep_unannotated=True)
    assert_same(read, painted)
    assert sorted(tmp_path.rglob("*.png")) == before
    assert [info["path"] for info in read.image_info] == [
        info["path"] for info in painted.image_info
    ]


@pytest.mark.parametrize("format_name", ["via", "coco", "labelme"])
def test_images_in_another_folder(format_name, painted, tmp_path):
    """The annotations refer to them; the reader leaves its folder only when told to."""
    painted.save(tmp_path / "saved", format_name)
    assert not list((tmp_path / "saved").glob("*.png"))
    with pytest.raises(DatasetError, match="no such file"):
        Dataset.load(tmp_path / "saved", keep_unannotated=True)
    read = Dataset.load(
        tmp_path / "saved", keep_unannotated=True, image_folder=tmp_path / "photos"
    )
    assert_same(read, painted)


@pytest.mark.parametrize("format_name", writers.FORMATS)
def test_train_and_val(format_name, painted, tmp_path):
    train, val = painted.split(0.5)
    for part, subset in ((train, "train"), (val, "val")):
        part.prepare()
        part.save(tmp_path / "saved", format_name, subset, copy_images=True)
    for part, subset in ((train, "train"), (val, "val")):
        read = Dataset.load(tmp_path / "saved", subset, CLASSES, keep_unannotated=True)
        assert_same(read, part)
        assert read.class_names[1:] == CLASSES
    with pytest.raises(DatasetError, match="is divided"):
        Dataset.load(tmp_path / "saved")


@pytest.mark.parametrize("format_name", writers.FORMATS)
def test_nothing_is_replaced(format_name, painted, tmp_path):
    painted.save(tmp_path / "saved", format_name, copy_images=True)
    files = {p: p.read_bytes() for p in (tmp_path / "saved").rglob("*") if p.is_file()}
    with pytest.raises(DatasetError, match="Expected a new file.*which exists"):
        painted.save(tmp_path / "saved", format_name, copy_images=True)
    assert files == {path: path.read_bytes() for path in files}
    # An image that is in the way is kept, too.
    (tmp_path / "other/images").mkdir(parents=True)
    for folder in ("other", "other/images"):
        (tmp_path / folder / "a.png").write_bytes(b"mine")
    with pytest.raises(DatasetError, match="new file for an image"):
        painted.save(tmp_path / "other", format_name, copy_images=True)
    assert (tmp_path / "other/a.png").read_bytes() == b"mine"


@pytest.mark.parametrize("format_name", writers.FORMATS)
def test_images_of_one_name(format_name, save_image, tmp_path):
    dataset = Painted()
    for i, name in enumerate(("x/1.png", "y/1.png", "y/1.jpg")):
        mask = block(i, i, i + 5, i + 9)
        dataset.add_painted(save_image(name), [(mask, i + 1)])
    dataset.prepare()
    dataset.save(tmp_path / "saved", format_name, copy_images=True)
    read = Dataset.load(tmp_path / "saved")
    names = sorted(info["path"].rsplit("/", 1)[1] for info in read.image_info)
    assert names == ["1-2.png", "1-3.jpg", "1.png"]
    found = {
        info["path"][-5:]: things(read, i) for i, info in enumerate(read.image_info)
    }
    assert len(found) == 3
    for path, i in (("1.png", 0), ("2.png", 1), ("3.jpg", 2)):
        ((label, _, mask),) = found.get(path) or found["/" + path]
        assert label == CLASSES[i] and mask[i, i] and mask.sum() == 45


def test_polygons_keep_their_corners(via_folder, tmp_path):
    """What a person outlined stays as it is, fractions and all."""
    xs, ys = [2, 25.5, 12], [3, 4.25, 17]
    shape = {"name": "polygon", "all_points_x": xs, "all_points_y": ys}
    region = {"shape_attributes": shape, "region_attributes": {"class": "cat"}}
    read = Dataset.load(via_folder({"a.png": [region]}))
    for format_name in ("via", "labelme", "yolo"):
        folder = tmp_path / format_name
        read.save(folder, format_name, copy_images=True, min_iou=0.9)
        again = Dataset.load(folder)
        assert again.image_info[0]["annotations"][0].shape == Polygon(
            tuple(map(float, xs)), tuple(map(float, ys))
        )
    read.save(tmp_path / "coco", "coco", copy_images=True)
    assert_same(Dataset.load(tmp_path / "coco"), read)


def test_outline_beyond_the_image(via_folder, tmp_path):
    shape = {
        "name": "polygon",
        "all_points_x": [-9, 25, 12],
        "all_points_y": [3, 4, 30],
    }
    region = {"shape_attributes": shape, "region_attributes": {"class": "cat"}}
    read = Dataset.load(via_folder({"a.png": [region]}))
    for format_name in writers.FORMATS:
        read.save(tmp_path / format_name, format_name, copy_images=True)
        assert_same(Dataset.load(tmp_path / format_name), read)


def test_every_format_into_every_other(painted, tmp_path):
    painted.save(tmp_path / "0", "via", copy_images=True)
    read = Dataset.load(tmp_path / "0", keep_unannotated=True)
    chain = ("coco", "via", "labelme", "via", "yolo", "coco", "labelme", "coco", "yolo")
    for i, format_name in enumerate((*chain, "labelme", "yolo", "via"), start=1):
        read.save(tmp_path / f"{i}", format_name, copy_images=True)
        read = Dataset.load(tmp_path / f"{i}", keep_unannotated=True)
    assert_same(read, painted)


# ---- What was found ----


def test_detections(save_image, tmp_path, caplog):
    mask = np.array([[1, 0, 1], [1, 1, 1]], bool)
    found = Detections(
        (20, 30),
        np.array([[4, 7, 6, 10], [1, 1, 3, 4]], np.int32),
        np.array([2, 1], np.int32),
        np.array([0.9, 0.8], np.float32),
        (mask, np.zeros((2, 3), bool)),
    )
    paths = [save_image("a.png"), save_image("b.png")]
    nothing = Detections.empty((20, 30))
    with caplog.at_level(logging.WARNING):
        dataset = Dataset.from_detections(paths, [found, nothing], ["BG", *CLASSES])
    assert "1 detections without a pixel left out." in caplog.text
    assert dataset.class_names == ["BG", *CLASSES]
    ((label, is_crowd, pixels),) = things(dataset, 0)
    assert (label, is_crowd) == ("cat", False)
    np.testing.assert_array_equal(pixels, found.masks[..., 0])
    assert things(dataset, 1) == []
    for format_name in writers.FORMATS:
        dataset.save(tmp_path / format_name, format_name, copy_images=True)
        read = Dataset.load(tmp_path / format_name, keep_unannotated=True)
        assert_same(read, dataset)


# ---- What cannot be saved ----


def test_unknown_format(painted, tmp_path):
    with pytest.raises(DatasetError, match=r"Received: 'yolov8'\. Did you mean 'yolo'"):
        painted.save(tmp_path, "yolov8")
    with pytest.raises(DatasetError, match="min_iou between"):
        painted.save(tmp_path, "via", min_iou=2)
    with pytest.raises(DatasetError, match="data set with images"):
        Painted().save(tmp_path, "via")


def test_generated_pictures_need_files(tmp_path):
    dataset = Painted()
    dataset.add_painted(None, [(block(1, 1, 3, 3), 1)])
    dataset.prepare()
    with pytest.raises(DatasetError, match="copy_images=True"):
        dataset.save(tmp_path, "via")
    dataset.save(tmp_path, "via", copy_images=True)
    assert image_hw(tmp_path / "painted_0.png") == (20, 30)


def test_folder_that_is_a_file(painted, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DatasetError, match="to copy and a place for it"):
        painted.save(tmp_path / "file", "via", copy_images=True)
    with pytest.raises(DatasetError, match="Expected a place for the annotations"):
        painted.save(tmp_path / "file", "via")


def test_empty_masks_are_left_out(painted, tmp_path, caplog):
    painted.image_info[0]["objects"].append((np.zeros((20, 30), bool), 1))
    with caplog.at_level(logging.WARNING):
        painted.save(tmp_path, "via")
    assert "1 instances without a pixel left out." in caplog.text
    assert len(things(Dataset.load(tmp_path), 0)) == 2
