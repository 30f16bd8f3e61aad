import json

import numpy as np
import pytest

from mrcnn.data.dataset import Dataset
from mrcnn.errors import DatasetError

ATTRIBUTES = {
    "1": {
        "aname": "kind",
        "anchor_id": "FILE1_Z0_XY1",
        "type": 4,
        "options": {"0": "cat", "1": "dog"},
        "default_option_id": "",
    }
}


@pytest.fixture
def via3_folder(tmp_path, save_image):
    """Write a project of VIA 3 with one image, of 20 x 30 pixels."""

    def write(*metadata, attributes=ATTRIBUTES, **replaced):
        save_image("a.png")
        content = {
            "project": {"pid": "__VIA_PROJECT_ID__", "vid_list": ["1"]},
            "config": {},
            "attribute": attributes,
            "file": {"1": {"fid": 1, "fname": "a.png", "type": 2, "src": "a.png"}},
            "view": {"1": {"fid_list": [1]}},
            "metadata": {
                f"1_{i}": {"vid": "1", "flg": 0, "z": [], "av": {"1": "0"}, **entry}
                for i, entry in enumerate(metadata)
            },
            **replaced,
        }
        (tmp_path / "project.json").write_text(json.dumps(content))
        return tmp_path

    return write


def test_shapes(via3_folder):
    folder = via3_folder(
        {"xy": [2, 4, 5, 10, 3]},
        {"xy": [3, 15, 10, 6]},
        {"xy": [4, 15, 10, 9, 4]},
        {"xy": [7, 2, 3, 12, 3, 12, 9, 2, 9]},
        {"xy": [6, 2, 3, 12, 3, 12, 9, 2, 9]},
        # Left, top, right and bottom of the rectangle of the first.
        {"xy": [8, 4, 6, 9, 5, 14, 7, 9, 8]},
        # Three points at distance 6 from (15, 10).
        {"xy": [9, 9, 10, 15, 4, 21, 10]},
    )
    dataset = Dataset.load(folder)
    masks, class_ids = dataset.load_mask(0)
    assert dataset.class_names == ["BG", "cat"]
    assert class_ids.tolist() == [1] * 7
    y, x = np.ogrid[:20, :30]
    rectangle = (y >= 5) & (y < 8) & (x >= 4) & (x < 14)
    circle = (x - 15) ** 2 + (y - 10) ** 2 <= 36
    ellipse = ((x - 15) / 9) ** 2 + ((y - 10) / 4) ** 2 <= 1
    polygon = (y >= 3) & (y <= 9) & (x >= 2) & (x <= 12)
    expected = [rectangle, circle, ellipse, polygon, polygon, rectangle, circle]
    np.testing.assert_array_equal(masks, np.stack(expected, axis=2))


@pytest.mark.parametrize(
    ("attribute", "value", "name"),
    [
        ({"type": 4, "options": {"0": "cat", "1": "dog"}}, "1", "dog"),
        ({"type": 3, "options": {"0": "cat", "1": "dog"}}, "0", "cat"),
        ({"type": 2, "options": {"0": "cat", "1": "dog"}}, "1", "dog"),
        ({"type": 1, "options": {}}, "cow", "cow"),
    ],
)
def test_labels(via3_folder, attribute, value, name):
    attributes = {"1": {"aname": "class", **attribute}}
    folder = via3_folder(
        {"xy": [2, 4, 5, 10, 3], "av": {"1": value}}, attributes=attributes
    )
    assert Dataset.load(folder).class_names == ["BG", name]


def test_regions_in_time_are_left_out(via3_folder, caplog):
    folder = via3_folder({"xy": [2, 4, 5, 10, 3]}, {"xy": [], "z": [1.5, 2.5]})
    assert Dataset.load(folder).load_mask(0)[0].shape == (20, 30, 1)
    assert "1 regions in time" in caplog.text


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"xy": [1, 4, 5]}, "expected a shape with an area.*'point'"),
        ({"xy": [5, 4, 5, 6, 7]}, "expected a shape with an area.*'shape 5'"),
        ({"xy": [2, 4, 5]}, "expected a positive number in width"),
        ({"xy": [2]}, "metadata '1_0': expected a shape and its coordinates in xy"),
        ({"xy": [7, 1, 2, "3", 4]}, "expected a shape and its coordinates"),
        ({"xy": None}, "expected a shape and its coordinates"),
        ({"xy": [7, 1, 2, 3, 4, 5]}, "as many x as y"),
        ({"xy": [9, 1, 1, 2, 2, 3, 3]}, "points on a line"),
        ({"xy": [2, 4, 5, 10, 3], "vid": "7"}, "expected a view of one image"),
        ({"xy": [2, 4, 5, 10, 3], "vid": []}, "expected a view of one image"),
        ({"xy": [2, 4, 5, 10, 3], "av": 5}, "expected a dict of labels"),
        ({"xy": [2, 4, 5, 10, 3], "av": {"1": [5]}}, "expected a text, an option"),
    ],
)
def test_broken_regions_are_named(via3_folder, entry, message):
    with pytest.raises(DatasetError, match=message) as caught:
        Dataset.load(via3_folder(entry))
    assert "project.json" in str(caught.value)


def test_broken_tables(via3_folder):
    folder = via3_folder(file=[])
    with pytest.raises(DatasetError, match="expected a dict of dicts under 'file'"):
        Dataset.load(folder)
    folder = via3_folder({"xy": [2, 4, 5, 10, 3]}, file={})
    with pytest.raises(DatasetError, match="a region of an image of the project"):
        Dataset.load(folder)
