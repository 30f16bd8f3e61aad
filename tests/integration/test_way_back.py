"""Real outlines, drawn by people, through every format and back."""

from pathlib import Path

import numpy as np
import pytest

from mrcnn.data.dataset import Dataset
from mrcnn.data.writers import FORMATS

ROOT = Path(__file__).resolve().parents[2]


def assert_same_objects(read, original, min_iou=1.0):
    assert read.num_images == original.num_images
    # LabelMe and YOLO list nothing: their images come by name.
    by_name = {Path(info["path"]).name: i for i, info in enumerate(read.image_info)}
    for image_id in original.image_ids:
        name = Path(original.image_info[image_id]["path"]).name
        masks, class_ids = read.load_mask(by_name[name])
        expected, expected_ids = original.load_mask(image_id)
        assert [read.class_names[i] for i in class_ids] == [
            original.class_names[i] for i in expected_ids
        ]
        together = (masks & expected).sum(axis=(0, 1))
        assert (together >= min_iou * (masks | expected).sum(axis=(0, 1))).all()


def as_masks(dataset):
    """The same objects, known by their pixels alone, as a network finds them."""

    class Masks(Dataset):
        def load_mask(self, image_id):
            return dataset.load_mask(image_id)

    masks = Masks()
    masks.image_info = [dict(info) for info in dataset.image_info]
    masks.class_info = dataset.class_info
    masks.prepare()
    return masks


@pytest.mark.parametrize("format_name", FORMATS)
def test_balloons(format_name, shared_data, tmp_path):
    original = Dataset.load(shared_data / "balloon", "val")
    original.save(tmp_path, format_name, "val", copy_images=True)
    read = Dataset.load(tmp_path, "val")
    assert_same_objects(read, original)
    assert sum(len(info["annotations"]) for info in read.image_info) == 50


@pytest.mark.parametrize("min_iou", [1, 0.99])
@pytest.mark.parametrize("format_name", FORMATS)
def test_remotes_by_their_pixels(format_name, min_iou, tmp_path):
    original = Dataset.load(ROOT / "datasets" / "remote", "val")
    saved = as_masks(original)
    saved.save(tmp_path, format_name, copy_images=True, min_iou=min_iou)
    assert_same_objects(Dataset.load(tmp_path), original, min_iou)


def test_chain_of_formats(tmp_path):
    """No pixel is lost on the way through all of them."""
    original = read = Dataset.load(ROOT / "datasets" / "remote", "val")
    areas = original.load_mask(0)[0].sum(axis=(0, 1))
    for i, format_name in enumerate(("coco", "yolo", "labelme", "coco", "via", "yolo")):
        folder = tmp_path / str(i)
        read.save(folder, format_name, copy_images=True)
        read = Dataset.load(folder)
    assert_same_objects(read, original)
    np.testing.assert_array_equal(read.load_mask(0)[0].sum(axis=(0, 1)), areas)
