import json

import pytest

from mrcnn.data.dataset import Dataset
from tests.unit.data.painted import CLASSES, assert_same, block


def test_via_project(painted, tmp_path, save_image):
    mask = block(1, 1, 4, 9)
    painted.add_painted(save_image("photos/c.png"), [(mask, -1)])
    painted.prepare()
    file = painted.save(tmp_path / "via", "via")
    content = json.loads(file.read_text())
    assert set(content) == {
        "_via_settings",
        "_via_img_metadata",
        "_via_attributes",
        "_via_data_format_version",
        "_via_image_id_list",
    }
    # VIA looks for the images from the project on.
    core = content["_via_settings"]["core"]
    assert core["default_filepath"] == "../photos/"
    assert content["_via_image_id_list"] == list(content["_via_img_metadata"])
    first, _, third = content["_via_img_metadata"].items()
    size = (tmp_path / "photos/a.png").stat().st_size
    assert first[0] == f"a.png{size}"
    assert first[1]["filename"] == "a.png" and first[1]["size"] == size
    labels = [region["region_attributes"] for region in first[1]["regions"]]
    assert labels == [{"class": "cat"}, {"class": "dog"}]
    (crowd,) = third[1]["regions"]
    assert crowd["region_attributes"] == {"class": "dog", "iscrowd": "1"}
    assert crowd["shape_attributes"] == {
        "name": "polygon",
        "all_points_x": [1, 1, 8, 8],
        "all_points_y": [1, 3, 3, 1],
    }
    options = content["_via_attributes"]["region"]["class"]["options"]
    assert list(options) == CLASSES


@pytest.mark.parametrize(
    "shape",
    [
        {"name": "rect", "x": 4, "y": 5, "width": 10, "height": 3},
        {"name": "circle", "cx": 9.5, "cy": 8, "r": 4},
        {"name": "ellipse", "cx": 9, "cy": 8, "rx": 6, "ry": 3, "theta": 0.5},
    ],
)
def test_via_keeps_its_own_shapes(via_folder, tmp_path, shape):
    region = {"shape_attributes": shape, "region_attributes": {"class": "cat"}}
    read = Dataset.load(via_folder({"a.png": [region]}))
    file = read.save(tmp_path / "saved", "via", copy_images=True)
    (entry,) = json.loads(file.read_text())["_via_img_metadata"].values()
    assert entry["regions"][0]["shape_attributes"] == shape
    for format_name in ("coco", "labelme", "yolo"):
        read.save(tmp_path / format_name, format_name, copy_images=True)
        assert_same(Dataset.load(tmp_path / format_name), read)
