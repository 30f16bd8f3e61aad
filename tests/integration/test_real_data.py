"""The real data sets outside the repository, read in full."""

import csv
import json

import numpy as np
import pytest
from pycocotools.coco import COCO

from mrcnn.data.dataset import Dataset


@pytest.mark.parametrize(
    ("folder", "subset", "counts", "classes"),
    [
        # Pictures with outlines and objects, counted in the files.
        ("remote", None, (10, 10), ["BG", "AC Remote"]),
        ("balloon", "train", (61, 255), ["BG", "object"]),
        ("balloon", "val", (13, 50), ["BG", "object"]),
    ],
)
def test_counts_and_classes(shared_data, folder, subset, counts, classes):
    dataset = Dataset.load(shared_data / folder, subset)
    file = shared_data / folder / (subset or "") / "via_region_data.json"
    content = json.loads(file.read_text("utf-8"))
    entries = content.get("_via_img_metadata", content).values()
    per_image = [len(entry["regions"]) for entry in entries if entry["regions"]]
    assert (len(per_image), sum(per_image)) == counts
    num_objects = 0
    for image_id in dataset.image_ids:
        boxes, masks, _ = dataset.load_instances(image_id)
        assert all(mask.any() for mask in masks)
        assert (boxes[:, 2:] > boxes[:, :2]).all()
        num_objects += len(masks)
    assert (dataset.num_images, num_objects) == counts
    assert dataset.class_names == classes


def balloons(shared_data) -> list[tuple[dict, list[dict]]]:
    """Return (entry, shapes) of each picture of the balloons."""
    file = shared_data / "balloon" / "val" / "via_region_data.json"
    entries = json.loads(file.read_text("utf-8")).values()
    return [
        (entry, [region["shape_attributes"] for region in entry["regions"].values()])
        for entry in entries
    ]


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_counts_and_areas_are_pycocotools_own(shared_data, tmp_path):
    images, annotations = [], []
    reference = Dataset.load(shared_data / "balloon", "val")
    sizes = {info["id"]: info for info in reference.image_info}
    for image_id, (entry, shapes) in enumerate(balloons(shared_data), start=1):
        name = entry["filename"]
        (tmp_path / name).touch()  # its size is stated: it is not opened
        size = {key: sizes[name][key] for key in ("height", "width")}
        images.append({"id": image_id, "file_name": name, **size})
        for shape in shapes:
            points = zip(shape["all_points_x"], shape["all_points_y"], strict=True)
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image_id,
                    "category_id": 1,
                    "iscrowd": 0,
                    "segmentation": [[side for point in points for side in point]],
                }
            )
    categories = [{"id": 1, "name": "balloon"}]
    content = {"images": images, "annotations": annotations, "categories": categories}
    (tmp_path / "coco.json").write_text(json.dumps(content))
    dataset, expected = Dataset.load(tmp_path), COCO(str(tmp_path / "coco.json"))
    for i, info in enumerate(dataset.image_info):
        masks, _ = dataset.load_mask(i)
        ids = expected.getAnnIds(imgIds=[info["id"]])
        assert masks.shape[2] == len(ids)
        for mask, annotation in zip(
            np.moveaxis(masks, 2, 0), expected.loadAnns(ids), strict=True
        ):
            np.testing.assert_array_equal(mask, expected.annToMask(annotation))
    assert sum(len(info["annotations"]) for info in dataset.image_info) == 50


def test_csv_of_the_balloons_equals_the_json(shared_data, tmp_path):
    names = ["filename", "file_size", "file_attributes", "region_count", "region_id"]
    with (tmp_path / "via.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow([*names, "region_shape_attributes", "region_attributes"])
        for entry, shapes in balloons(shared_data):
            name = entry["filename"]
            content = (shared_data / "balloon" / "val" / name).read_bytes()
            (tmp_path / name).write_bytes(content)
            for i, shape in enumerate(shapes):
                cells = [name, entry["size"], "{}", len(shapes), i]
                rows.writerow([*cells, json.dumps(shape), "{}"])
    dataset = Dataset.load(tmp_path)
    expected = Dataset.load(shared_data / "balloon", "val")
    assert [info["annotations"] for info in dataset.image_info] == [
        info["annotations"] for info in expected.image_info
    ]
