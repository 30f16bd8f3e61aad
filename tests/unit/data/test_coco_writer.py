import json

import numpy as np

from mrcnn.data.dataset import Dataset
from tests.unit.data.painted import CLASSES, assert_same


def test_coco_file(painted, tmp_path):
    from pycocotools.coco import COCO

    file = painted.save(tmp_path / "coco", "coco", copy_images=True)
    coco = COCO(file)
    assert [c["name"] for c in coco.loadCats(coco.getCatIds())] == CLASSES
    assert coco.imgs[0]["file_name"] == "a.png"
    assert (coco.imgs[0]["height"], coco.imgs[0]["width"]) == (20, 30)
    parts, ring = coco.loadAnns([1, 2])
    # Two polygons, by the edges: 4 x 4 and 9 x 3 pixels.
    assert sorted(parts["segmentation"]) == [
        [2, 1, 6, 1, 6, 5, 2, 5],
        [20, 10, 29, 10, 29, 13, 20, 13],
    ]
    assert parts["area"] == 16 + 27
    assert parts["bbox"] == [2, 1, 27, 12]  # x, y, width, height
    assert set(ring["segmentation"]) == {"size", "counts"} and ring["iscrowd"] == 0
    for annotation, (mask, _) in zip(
        (parts, ring), painted.image_info[0]["objects"], strict=True
    ):
        np.testing.assert_array_equal(coco.annToMask(annotation), mask)


def test_coco_of_polygons_only(painted, tmp_path):
    file = painted.save(tmp_path / "c", "coco", copy_images=True, polygons_only=True)
    parts, ring = json.loads(file.read_text())["annotations"]
    assert len(parts["segmentation"]) == 2 and len(ring["segmentation"]) == 1
    assert_same(Dataset.load(tmp_path / "c", keep_unannotated=True), painted)


def test_coco_keeps_ids_and_polygons(coco_folder, coco_content, tmp_path):
    content = coco_content(
        {"segmentation": [[1.5, 1, 9.25, 1, 9, 9]]},
        {"segmentation": {"size": [20, 30], "counts": [21, 5, 574]}, "iscrowd": 1},
    )
    read = Dataset.load(coco_folder(content))
    file = read.save(tmp_path / "saved", "coco", copy_images=True)
    written = json.loads(file.read_text())
    assert written["images"][0]["id"] == 7
    assert {c["id"]: c["name"] for c in written["categories"]} == {3: "car", 17: "cat"}
    polygon, crowd = written["annotations"]
    assert polygon["segmentation"] == [[1.5, 1, 9.25, 1, 9, 9]]
    assert (crowd["iscrowd"], crowd["area"], crowd["category_id"]) == (1, 5, 17)
    assert_same(Dataset.load(tmp_path / "saved"), read)
