import numpy as np
import pytest
from PIL import Image

from mrcnn.data import formats
from mrcnn.data.dataset import Dataset
from mrcnn.data.instance_maps import instance_masks
from mrcnn.errors import DatasetError


@pytest.fixture
def save_map(tmp_path):
    def save(name, labels) -> None:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(labels).save(path)

    return save


def labels_of(dtype=np.uint8, values=(3, 7)):
    """Two objects in 20 x 30 pixels that touch; the second has a hole and two parts."""
    labels = np.zeros((20, 30), dtype)
    labels[2:9, 4:12] = values[0]
    labels[2:9, 12:20] = labels[15:18, 25:28] = values[1]
    labels[4:6, 14:16] = 0
    return labels


@pytest.mark.parametrize(
    ("dtype", "values"), [(np.uint8, (3, 7)), (np.uint16, (300, 65535))]
)
def test_masks(tmp_path, save_image, save_map, dtype, values):
    labels = labels_of(dtype, values)
    save_image("images/a.jpg")
    save_map("masks/a.png", labels)
    dataset = Dataset.load(tmp_path)
    masks, class_ids = dataset.load_mask(0)
    assert dataset.class_names == ["BG", "object"]
    assert class_ids.tolist() == [1, 1]
    for i, value in enumerate(values):
        np.testing.assert_array_equal(masks[..., i], labels == value)


def test_colours_are_values(tmp_path, save_image, save_map):
    labels = labels_of()
    colors = np.zeros((8, 3), np.uint8)
    colors[3], colors[7] = (10, 20, 30), (10, 20, 31)
    save_image("images/a.jpg")
    save_map("masks/a.png", colors[labels])
    masks, _ = Dataset.load(tmp_path).load_mask(0)
    np.testing.assert_array_equal(masks[..., 0], labels == 3)
    np.testing.assert_array_equal(masks[..., 1], labels == 7)


def test_a_folder_for_each_class(tmp_path, save_image, save_map):
    save_image("images/a.jpg")
    save_image("images/b.jpg")
    save_map("masks/dog/a.png", labels_of())
    save_map("masks/cat/b.png", labels_of())
    dataset = Dataset.load(tmp_path)
    assert dataset.class_names == ["BG", "cat", "dog"]
    assert dataset.load_mask(0)[1].tolist() == [2, 2]
    assert dataset.load_mask(1)[1].tolist() == [1, 1]


@pytest.mark.parametrize("layout", ["{subset}/{kind}", "{kind}/{subset}"])
def test_train_and_val(tmp_path, save_image, save_map, layout):
    for subset, name in (("train", "a"), ("val", "b")):
        save_image(f"{layout.format(subset=subset, kind='images')}/{name}.jpg")
        save_map(
            f"{layout.format(subset=subset, kind='masks')}/{name}.png", labels_of()
        )
    assert formats.subsets(tmp_path) == ("train", "val")
    for subset, name in (("train", "a"), ("val", "b")):
        dataset = Dataset.load(tmp_path, subset)
        assert [info["id"] for info in dataset.image_info] == [f"{name}.jpg"]
        assert dataset.load_mask(0)[0].shape == (20, 30, 2)
    with pytest.raises(DatasetError, match="is divided"):
        Dataset.load(tmp_path)


def test_images_without_masks(tmp_path, save_image, save_map):
    for name in "abc":
        save_image(f"images/{name}.jpg")
    save_map("masks/a.png", labels_of())
    save_map("masks/b.png", np.zeros((20, 30), np.uint8))
    assert Dataset.load(tmp_path).num_images == 1
    assert Dataset.load(tmp_path, keep_unannotated=True).num_images == 3


def test_broken_maps_are_named(tmp_path, save_image, save_map, rng):
    save_image("images/a.jpg", hw=(200, 200))
    save_map("masks/a.png", labels_of())
    with pytest.raises(DatasetError, match=r"a.png: expected the size.*\(200, 200\)"):
        Dataset.load(tmp_path)
    save_map("masks/a.png", rng.integers(0, 256, (200, 200, 3), np.uint8))
    with pytest.raises(DatasetError, match=r"a.png: .*Is it a photo"):
        Dataset.load(tmp_path)
    save_map("masks/b.png", labels_of())
    with pytest.raises(DatasetError, match="an image of the same name.*b without"):
        Dataset.load(tmp_path)


def test_next_to_other_annotations(tmp_path, save_image, save_map, coco_content):
    import json

    save_image("images/a.png")
    save_map("masks/a.png", labels_of())
    (tmp_path / "coco.json").write_text(
        json.dumps(coco_content({"segmentation": [[1, 1, 9, 1, 9, 9]]}))
    )
    with pytest.raises(
        DatasetError, match=r"with 2: .*coco.json \(COCO\).*\(label maps\)"
    ):
        Dataset.load(tmp_path)
    assert Dataset.load(tmp_path / "coco.json").num_images == 1


def test_instance_masks_are_the_values(rng):
    labels = rng.integers(0, 5, (20, 30)) * rng.integers(0, 2, (20, 30))
    masks = instance_masks(labels, background=(0, 3))
    assert list(masks) == [1, 2, 4]
    for value, shape in masks.items():
        (y1, x1, y2, x2), mask = shape.rasterise((20, 30))
        expected = np.zeros((20, 30), bool)
        expected[y1:y2, x1:x2] = mask
        np.testing.assert_array_equal(expected, labels == value)
    assert instance_masks(np.zeros((4, 5), int)) == {}
