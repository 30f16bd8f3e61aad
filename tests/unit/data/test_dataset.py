import logging
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from mrcnn.data.dataset import Dataset
from mrcnn.errors import DatasetError


class Shapes(Dataset):
    """Written the way the original's samples are."""

    def load_shapes(self, count, height, width):
        self.add_class("shapes", 1, "square")
        self.add_class("shapes", 2, "circle")
        for i in range(count):
            self.add_image(
                "shapes", image_id=i, path=None, width=width, height=height, side=i + 1
            )

    def load_image(self, image_id):
        info = self.image_info[image_id]
        return np.full((info["height"], info["width"], 3), image_id, np.uint8)

    def image_reference(self, image_id):
        info = self.image_info[image_id]
        if info["source"] == "shapes":
            return info["side"]
        return super().image_reference(image_id)

    def load_mask(self, image_id):
        info = self.image_info[image_id]
        mask = np.zeros((info["height"], info["width"], 1), bool)
        mask[: info["side"], : info["side"]] = True
        return mask, np.array([self.class_names.index("square")], np.int32)


@pytest.fixture
def shapes():
    dataset = Shapes()
    dataset.load_shapes(5, height=8, width=9)
    dataset.prepare()
    return dataset


def test_a_subclass_as_in_the_samples(shapes):
    assert shapes.num_images == 5
    assert shapes.image_ids.tolist() == [0, 1, 2, 3, 4]
    assert shapes.class_names == ["BG", "square", "circle"]
    assert shapes.class_ids.tolist() == [0, 1, 2]
    assert shapes.num_classes == 3
    assert shapes.load_image(3).tolist() == np.full((8, 9, 3), 3).tolist()
    masks, class_ids = shapes.load_mask(2)
    assert (masks.sum(), class_ids.tolist()) == (9, [1])
    assert shapes.image_class_ids(2).tolist() == [1]
    assert shapes.image_reference(2) == 3
    assert shapes.source_image_link(2) is None


def test_two_sources():
    dataset = Dataset()
    dataset.add_class("coco", 17, "cat, kitten")
    dataset.add_class("own", 1, "remote")
    dataset.add_class("coco", 3, "car")
    dataset.add_class("coco", 17, "again")  # known: not added twice
    dataset.add_image("own", "x", "x.png")
    dataset.add_image("coco", 99, "y.png", note="kept")
    dataset.prepare()
    assert dataset.class_names == ["BG", "cat", "remote", "car"]
    assert dataset.sources == ["", "coco", "own"]
    assert dataset.source_class_ids == {
        "": [0],
        "coco": [0, 1, 3],
        "own": [0, 2],
    }
    assert dataset.map_source_class_id("coco.3") == 3
    assert dataset.get_source_class_id(3, "coco") == 3
    assert dataset.get_source_class_id(1, "coco") == 17
    assert dataset.image_from_source_map == {"own.x": 0, "coco.99": 1}
    assert dataset.image_info[1]["note"] == "kept"
    assert dataset.source_image_link(0) == "x.png"
    assert dataset.image_reference(0) == ""
    with pytest.raises(DatasetError, match=r"'coco'.*class 2 \('remote'\)"):
        dataset.get_source_class_id(2, "coco")


def test_a_dot_in_the_source():
    with pytest.raises(DatasetError, match=r"without a dot.*'a\.b'"):
        Dataset().add_class("a.b", 1, "x")


def test_base_reads_images_and_has_no_masks(tmp_path, caplog):
    Image.fromarray(np.full((4, 6), 9, np.uint8)).save(tmp_path / "a.png")
    dataset = Dataset()
    dataset.add_image("x", 0, tmp_path / "a.png")
    dataset.prepare()
    assert dataset.load_image(0).shape == (4, 6, 3)
    with caplog.at_level(logging.WARNING):
        masks, class_ids = dataset.load_mask(0)
    assert (masks.shape, masks.dtype) == ((4, 6, 0), bool)
    assert (class_ids.shape, class_ids.dtype) == ((0,), np.int32)
    assert "Dataset does not define load_mask: image 0" in caplog.text


def test_split_shares_out_all_images(shapes):
    train, val = shapes.split(0.4, seed=3)
    sides = [[info["side"] for info in part.image_info] for part in (train, val)]
    assert [len(part) for part in sides] == [3, 2]
    assert sorted(sides[0] + sides[1]) == [1, 2, 3, 4, 5]
    assert sides == [sorted(part) for part in sides]
    for part in (train, val):
        assert type(part) is Shapes
        assert part.class_names == shapes.class_names
        assert part.image_ids.tolist() == list(range(part.num_images))
        assert part.load_mask(0)[0].sum() == part.image_info[0]["side"] ** 2
    assert shapes.num_images == 5


def test_split_repeats_and_depends_on_the_seed(shapes):
    def val_sides(seed):
        return tuple(info["side"] for info in shapes.split(0.4, seed)[1].image_info)

    assert val_sides(1) == val_sides(1)
    assert len({val_sides(seed) for seed in range(10)}) > 1


@pytest.mark.parametrize(("fraction", "num_val"), [(0.01, 1), (0.99, 4), (0.5, 2)])
def test_split_leaves_both_an_image(shapes, fraction, num_val):
    assert shapes.split(fraction)[1].num_images == num_val


@pytest.mark.parametrize("fraction", [0, 1, -1, 2, float("nan")])
def test_split_refuses_a_fraction(shapes, fraction):
    with pytest.raises(DatasetError, match="between 0 and 1"):
        shapes.split(fraction)


def test_split_needs_two_images():
    dataset = Shapes()
    dataset.load_shapes(1, 8, 9)
    with pytest.raises(DatasetError, match="at least two images.*Received: 1"):
        dataset.split(0.5)


def test_import_is_light():
    code = (
        "import sys, mrcnn.data.dataset; "
        "print([m for m in ('PIL', 'skimage', 'pycocotools', 'cv2', 'keras', "
        "'tensorflow') if m in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"


def test_mean_pixel(tmp_path, rng):
    dataset = Dataset()
    pictures = [rng.integers(0, 256, (h, 9, 3), np.uint8) for h in (4, 8, 20)]
    for i, picture in enumerate(pictures):
        Image.fromarray(picture).save(tmp_path / f"{i}.png")
        dataset.add_image("x", i, tmp_path / f"{i}.png")
    dataset.prepare()
    expected = np.concatenate(pictures).mean(axis=(0, 1))
    np.testing.assert_allclose(dataset.mean_pixel(), expected)
    # Of two the first and the last.
    expected = np.concatenate(pictures[::2]).mean(axis=(0, 1))
    np.testing.assert_allclose(dataset.mean_pixel(max_images=2), expected)
    dataset.num_channels = 1
    assert dataset.mean_pixel().shape == (1,)
    with pytest.raises(DatasetError, match="images to take the mean of"):
        Dataset().mean_pixel()


def test_channels_of_a_loaded_data_set(via_folder):
    region = {
        "shape_attributes": {"name": "rect", "x": 4, "y": 5, "width": 9, "height": 3},
        "region_attributes": {},
    }
    folder = via_folder({"a.png": [region], "b.png": [region]})
    dataset = Dataset.load(folder, num_channels=1)
    assert dataset.load_image(0).shape == (20, 30, 1)
    assert dataset.split(0.5)[1].load_image(0).shape == (20, 30, 1)
