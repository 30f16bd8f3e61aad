import logging

import numpy as np
import pytest
from PIL import Image

from mrcnn.data import formats
from mrcnn.data.dataset import Dataset
from mrcnn.errors import DatasetError


def palette(number: int) -> tuple[int, int, int]:
    """A colour of VOC's palette: three bits of the number for one of each channel."""
    color = [0, 0, 0]
    for step in range(8):
        for channel in range(3):
            color[channel] |= (number >> channel & 1) << (7 - step)
        number >>= 3
    return tuple(color)


def instance_map() -> np.ndarray:
    """Two objects in 20 x 30 pixels, the second in two parts, with their border."""
    labels = np.zeros((20, 30), np.uint8)
    labels[3:10, 4:12] = 255
    labels[4:9, 5:11] = 1
    labels[12:18, 2:8] = labels[12:15, 20:26] = 2
    return labels


@pytest.fixture
def voc_folder(tmp_path, save_image):
    """Write images with their XML file and instance map."""

    def write(name="a", objects=("cat", "dog"), labels=None, box=True, segmented=1):
        save_image(f"JPEGImages/{name}.png")
        boxes = [(5, 4, 11, 9), (2, 12, 26, 18)]  # x1, y1, x2, y2, the last outside
        found = ""
        for label, (x1, y1, x2, y2) in zip(objects, boxes, strict=False):
            # VOC counts from 1, the last inside.
            found += f"<object><name>{label}</name>" + (
                f"<bndbox><xmin>{x1 + 1}</xmin><ymin>{y1 + 1}</ymin>"
                f"<xmax>{x2}</xmax><ymax>{y2}</ymax></bndbox></object>"
                if box
                else "</object>"
            )
        for folder in ("Annotations", "SegmentationObject"):
            (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / "Annotations" / f"{name}.xml").write_text(
            f"<annotation><filename>{name}.png</filename>"
            f"<segmented>{segmented}</segmented>{found}</annotation>"
        )
        if labels is not None:
            image = Image.fromarray(labels)
            image.save(tmp_path / "SegmentationObject" / f"{name}.png")
        return tmp_path

    return write


@pytest.mark.parametrize("kind", ["grey", "palette", "colours"])
def test_masks(voc_folder, kind, caplog):
    labels = instance_map()
    folder = voc_folder(labels=labels)
    image = Image.fromarray(labels)
    if kind != "grey":
        image = image.convert("P")
        image.putpalette([side for number in range(256) for side in palette(number)])
    if kind == "colours":
        image = image.convert("RGB")
    image.save(folder / "SegmentationObject" / "a.png")
    dataset = Dataset.load(folder)
    masks, class_ids = dataset.load_mask(0)
    assert dataset.class_names == ["BG", "cat", "dog"]
    assert class_ids.tolist() == [1, 2]
    np.testing.assert_array_equal(masks[..., 0], labels == 1)
    np.testing.assert_array_equal(masks[..., 1], labels == 2)
    assert "WARNING" not in caplog.text


def test_divided_by_its_lists(voc_folder):
    for name in "abc":
        folder = voc_folder(name, labels=instance_map())
    lists = folder / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("a\nc\n")
    (lists / "val.txt").write_text("b\n")
    assert formats.subsets(folder) == ("train", "val")
    assert Dataset.load(folder, "train").num_images == 2
    assert Dataset.load(folder, "val").image_info[0]["id"] == "b.png"
    with pytest.raises(DatasetError, match="is divided"):
        Dataset.load(folder)
    (lists / "val.txt").write_text("../b\n")
    with pytest.raises(DatasetError, match="names of images without folders"):
        Dataset.load(folder, "val")


def test_one_file(voc_folder):
    folder = voc_folder(labels=instance_map())
    voc_folder("b", labels=instance_map())
    assert Dataset.load(folder / "Annotations" / "b.xml").num_images == 1


def test_objects_in_another_order_are_noticed(voc_folder, caplog):
    labels = instance_map()
    swapped = np.array([0, 2, 1, *range(3, 256)], np.uint8)[labels]
    Dataset.load(voc_folder(labels=swapped))
    assert "object 1 (cat): its box in the XML is not where its mask is" in caplog.text
    caplog.clear()
    Dataset.load(voc_folder(labels=swapped, box=False))
    assert "its box" not in caplog.text


def test_object_without_pixels(voc_folder, caplog):
    labels = instance_map()
    labels[labels == 2] = 0
    assert Dataset.load(voc_folder(labels=labels)).load_mask(0)[1].tolist() == [1]
    assert "objects [2] have no mask; left out" in caplog.text


def test_boxes_alone_are_no_masks(voc_folder, caplog):
    folder = voc_folder()
    with pytest.raises(DatasetError, match="a.xml: expected masks of its objects"):
        Dataset.load(folder)
    voc_folder(segmented=0)
    voc_folder("b", labels=instance_map())
    assert Dataset.load(folder).num_images == 1
    assert "1 images whose objects have boxes and no masks left out: a." in caplog.text


def test_image_without_objects(voc_folder):
    folder = voc_folder(objects=())
    voc_folder("b", labels=instance_map())
    assert Dataset.load(folder).num_images == 1
    assert Dataset.load(folder, keep_unannotated=True).num_images == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"objects": ("cat",)}, "value 2 with 1 objects"),
        ({"objects": ("", "dog")}, "object 1: expected a name"),
        ({"labels": np.zeros((5, 5), np.uint8)}, r"expected the size of its image"),
    ],
)
def test_broken_files_are_named(voc_folder, change, message):
    with pytest.raises(DatasetError, match=message):
        Dataset.load(voc_folder(**{"labels": instance_map(), **change}))


def test_a_file_for_each_image(voc_folder, caplog):
    for name in "abcd":
        folder = voc_folder(name, labels=instance_map())
    with caplog.at_level(logging.INFO):
        dataset = Dataset.load(folder)
    assert "recognised as Pascal VOC." in caplog.text
    assert [info["id"] for info in dataset.image_info] == [f"{n}.png" for n in "abcd"]
