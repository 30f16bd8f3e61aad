import csv
import json

import numpy as np
import pytest

from mrcnn.data.dataset import Dataset
from mrcnn.errors import DatasetError

COLUMNS = [
    *("filename", "file_size", "file_attributes", "region_count", "region_id"),
    *("region_shape_attributes", "region_attributes"),
]
RECT = {"name": "rect", "x": 4, "y": 5, "width": 10, "height": 3}
TRIANGLE = {
    "name": "polygon",
    "all_points_x": [1, 20, 9],
    "all_points_y": [1, 4, 17],
}
CIRCLE = {"name": "circle", "cx": 15, "cy": 10, "r": 6}


@pytest.fixture
def csv_folder(tmp_path, save_image):
    def write(rows, columns=COLUMNS, images=("a.png", "b.png")):
        for name in images:
            save_image(name)
        with (tmp_path / "via.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(columns)
            writer.writerows(rows)
        return tmp_path

    return write


def row(name, shape, labels, size=99):
    return [name, size, "{}", 1, 0, json.dumps(shape), json.dumps(labels)]


def test_equals_the_json_export(csv_folder, via_folder):
    shapes = {"a.png": [RECT, TRIANGLE], "b.png": [CIRCLE]}
    labels = iter(["cat", 'a "dog"', "cat"])
    regions = {
        name: [
            {"shape_attributes": shape, "region_attributes": {"label": next(labels)}}
            for shape in found
        ]
        for name, found in shapes.items()
    }
    rows = [
        row(name, region["shape_attributes"], region["region_attributes"])
        for name, found in regions.items()
        for region in found
    ]
    expected = Dataset.load(via_folder(regions) / "via.json")
    dataset = Dataset.load(csv_folder(rows) / "via.csv")
    assert dataset.class_names == expected.class_names == ["BG", 'a "dog"', "cat"]
    for image_id in range(2):
        for found, wanted in zip(
            dataset.load_mask(image_id), expected.load_mask(image_id), strict=True
        ):
            np.testing.assert_array_equal(found, wanted)


def test_via_1_marks_its_header_as_a_comment(csv_folder):
    columns = ["#filename", *COLUMNS[1:]]
    folder = csv_folder([row("a.png", RECT, {"class": "cat"})], columns)
    assert Dataset.load(folder).load_mask(0)[0].sum() == 30


def test_image_without_regions(csv_folder):
    rows = [row("a.png", RECT, {}), ["b.png", 99, "{}", 0, 0, "{}", "{}"]]
    folder = csv_folder(rows)
    assert Dataset.load(folder).num_images == 1
    dataset = Dataset.load(folder, keep_unannotated=True)
    assert [len(info["annotations"]) for info in dataset.image_info] == [1, 0]


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (
            ["a.png", 9, "{}", 1, 0, "{'name'}", "{}"],
            "row 2: expected JSON in region_s",
        ),
        (["a.png", 9, "{}", 1, 0, "[1]", "{}"], "row 2: expected a JSON object in"),
        (["a.png", 9, "{}", 1, 0, "[" * 9999, "{}"], "row 2: expected JSON in"),
        (["", 9, "{}", 1, 0, "{}", "{}"], "row 2: expected the file name"),
        (["c.png", 9, "{}", 1, 0, json.dumps(RECT), "{}"], "'c.png'.*no such file"),
        (["a.png", 9, "{}", 1, 0, "x" * 200_000, "{}"], "damaged .field larger"),
    ],
)
def test_broken_rows_are_named(csv_folder, cells, message):
    with pytest.raises(DatasetError, match=message) as caught:
        Dataset.load(csv_folder([cells]))
    assert "via.csv" in str(caught.value)


def test_other_csv(tmp_path):
    (tmp_path / "notes.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DatasetError, match=r"other files \(notes.csv\)"):
        Dataset.load(tmp_path)
