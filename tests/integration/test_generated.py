"""The generated data sets have the layouts that the samples read, and true masks."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from mrcnn import Dataset
from mrcnn.cli.coco_classes import COCO_CLASSES

SAMPLES = Path(__file__).resolve().parents[2] / "samples"


@pytest.fixture(scope="module")
def generated():
    before = list(sys.path)
    sys.path.insert(0, str(SAMPLES))
    try:
        import generated
    finally:
        sys.path[:] = before
    return generated


def test_balloons_stand_out_from_the_sky(generated, tmp_path):
    generated.balloons(tmp_path / "balloon", train=3, val=1)
    train = Dataset.load(tmp_path / "balloon", "train", ["balloon"])
    val = Dataset.load(tmp_path / "balloon", "val", ["balloon"])
    assert (train.num_images, val.num_images) == (3, 1)
    for image_id in train.image_ids:
        image = train.load_image(image_id).astype(float)
        masks, class_ids = train.load_mask(image_id)
        assert masks.sum(axis=2).max() == 1 and set(class_ids) == {1}
        # The sky has one colour in each row, and a string does not fill half of it.
        sky = np.nanmedian(np.where(masks.any(2)[..., None], np.nan, image), axis=1)
        off = np.abs(image - sky[:, None]).max(axis=2) > 20
        for mask in np.moveaxis(masks, 2, 0):
            assert off[mask].mean() > 0.8
        assert off[~masks.any(2)].mean() < 0.05


def test_balloons_are_outlined_as_via_1_does(generated, tmp_path):
    generated.balloons(tmp_path / "balloon", train=1, val=1)
    file = tmp_path / "balloon" / "train" / "via_region_data.json"
    ((key, entry),) = json.loads(file.read_text("utf-8")).items()
    size = (file.parent / "000.jpg").stat().st_size
    assert key == f"000.jpg{size}" and entry["size"] == size
    # VIA 1 numbers its regions in a dict; VIA 2 has a list.
    assert list(entry["regions"]) == [str(i) for i in range(len(entry["regions"]))]


def test_nuclei_lie_apart_and_stand_out(generated, tmp_path):
    generated.nuclei(tmp_path, 4)
    dataset = Dataset.load(tmp_path / "stage1_train", None, ["nucleus"])
    assert dataset.num_images == 4
    for image_id in dataset.image_ids:
        grey = dataset.load_image(image_id).mean(axis=2)
        masks, _ = dataset.load_mask(image_id)
        assert masks.shape[2] > 20 and masks.sum(axis=2).max() == 1
        ground = np.median(grey[~masks.any(2)])
        contrast = [
            abs(grey[mask].mean() - ground) for mask in np.moveaxis(masks, 2, 0)
        ]
        assert min(contrast) > 20


def test_coco_has_the_objects_of_the_street(generated, tmp_path):
    generated.coco(tmp_path, 2)
    file = tmp_path / "annotations" / "instances_val2017.json"
    dataset = Dataset.load(file, None, list(COCO_CLASSES[1:]))
    for image_id in dataset.image_ids:
        _, seen = next(generated.street.street(image_id, 1, (240, 320)))
        masks, class_ids = dataset.load_mask(image_id)
        assert [dataset.class_names[i] for i in class_ids] == [
            generated.street.CLASS_NAMES[i] for i in seen.class_ids
        ]
        assert (masks == seen.masks).all()


def test_what_is_there_is_used(generated, tmp_path):
    real, made = tmp_path / "real", tmp_path / "made"
    assert generated.folder_of("balloon", real, made) == made
    before = sorted(made.rglob("*"))
    assert before and generated.folder_of("balloon", real, made) == made
    assert sorted(made.rglob("*")) == before
    real.mkdir()
    assert generated.folder_of("balloon", real, made) == real
