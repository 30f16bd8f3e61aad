import json
import logging

import numpy as np
import pytest
from PIL import Image

from mrcnn.data.dataset import Dataset
from mrcnn.errors import DatasetError


def via_region(shape: dict, **attributes) -> dict:
    return {"shape_attributes": shape, "region_attributes": attributes}


def polygon(xs=(2, 12, 12, 2), ys=(3, 3, 9, 9), name="polygon") -> dict:
    return {"name": name, "all_points_x": list(xs), "all_points_y": list(ys)}


RECT = {"name": "rect", "x": 4, "y": 5, "width": 10, "height": 3}


def test_the_three_forms_are_the_same(via_folder):
    regions = [via_region(polygon(), label="a"), via_region(RECT, label="b")]
    masks = []
    for form in ("list", "dict", "project"):
        as_dict = {str(i): region for i, region in enumerate(regions)}
        folder = via_folder(
            {"a.png": as_dict if form == "dict" else regions},
            project={"_via_attributes": {}} if form == "project" else None,
        )
        dataset = Dataset.load(folder)
        assert dataset.class_names == ["BG", "a", "b"]
        assert dataset.load_image(0).shape == (20, 30, 3)
        masks.append(dataset.load_mask(0)[0])
    np.testing.assert_array_equal(masks[0], masks[1])
    np.testing.assert_array_equal(masks[0], masks[2])
    # x 2..12 and y 3..9, edges included: 11 x 7; and the rectangle 10 x 3.
    assert masks[0].sum(axis=(0, 1)).tolist() == [77, 30]


@pytest.mark.parametrize(
    ("shape", "area"),
    [
        (polygon(), 77),
        (polygon(name="polyline"), 77),
        (polygon(xs=(2, 12, 12, 2, 2), ys=(3, 3, 9, 9, 3)), 77),
        (RECT, 30),
        # Pixels within 2 of the centre: rows of 1, 3, 5, 3, 1.
        ({"name": "circle", "cx": 10, "cy": 10, "r": 2}, 13),
        ({"name": "ellipse", "cx": 10, "cy": 10, "rx": 2, "ry": 2}, 13),
        ({"name": "ellipse", "cx": 10, "cy": 10, "rx": 2, "ry": 2, "theta": 1.5}, 13),
        # On the border and beyond: cut, no IndexError.
        (polygon(xs=(20, 30, 30, 20), ys=(10, 10, 20, 20)), 100),
        (polygon(xs=(-9, 99, 99, -9), ys=(-9, -9, 99, 99)), 600),
        ({"name": "rect", "x": -5, "y": -5, "width": 10, "height": 10}, 25),
    ],
)
def test_shapes(via_folder, shape, area):
    dataset = Dataset.load(via_folder({"a.png": [via_region(shape)]}))
    assert dataset.load_mask(0)[0].sum() == area
    assert dataset.class_names == ["BG", "object"]


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ({"name": "point", "cx": 1, "cy": 2}, "shape with an area.*Received: 'point'"),
        ({"name": "blob"}, "Received: 'blob'"),
        ({}, "Received: None"),
        (polygon(xs=(1, 2), ys=(1, 2)), "at least 3 points. Received: 2"),
        (polygon(xs=(1, 2, 1), ys=(1, 2, 1)), "at least 3 points. Received: 2"),
        (polygon(xs=(1, 2, 3), ys=(1, 2, 3)), "3 points on a line"),
        (polygon(xs=(1, 2, 3, 4)), None),
        (polygon(xs=(1, 2, 3)), "as many x as y coordinates. Received: 3 and 4"),
        (polygon(xs=(1, 2, "3", 4)), "list of numbers in all_points_x"),
        (polygon(xs=(1, 2, None, 4)), "list of numbers in all_points_x"),
        (polygon(ys=(1, 2, float("nan"), 4)), "list of numbers in all_points_y"),
        (polygon(ys=(1, 2, float("inf"), 4)), "list of numbers in all_points_y"),
        ({**polygon(), "all_points_x": 5}, "in all_points_x. Received: 5"),
        ({"name": "polygon"}, "in all_points_x. Received: None"),
        (polygon(xs=(40, 50, 50, 40)), "inside the image of 30 x 20 pixels"),
        (polygon(xs=(1.2, 1.4, 1.4), ys=(1.2, 1.2, 1.4)), "covers a pixel"),
        ({**RECT, "width": 0}, "positive number in width. Received: 0"),
        ({**RECT, "height": -3}, "positive number in height"),
        ({**RECT, "x": "4"}, "a number in x. Received: '4'"),
        ({"name": "circle", "cx": 1, "cy": 1}, "in r. Received: None"),
        ({"name": "circle", "cx": True, "cy": 1, "r": 1}, "in cx. Received: True"),
        (
            {"name": "ellipse", "cx": 9, "cy": 9, "rx": 2, "ry": 2, "theta": "x"},
            "angle in theta",
        ),
    ],
)
def test_broken_shapes_are_named(via_folder, shape, message):
    folder = via_folder({"a.png": [via_region(polygon()), via_region(shape)]})
    if message is None:
        Dataset.load(folder)
        return
    with pytest.raises(DatasetError, match=message) as caught:
        Dataset.load(folder)
    assert "via.json, image 'a.png', region 1" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("regions", "message"),
    [
        (5, "regions in a dict .* Received: 5"),
        (None, "Received: None"),
        ([5], "region 0: expected shape_attributes"),
        ([{"shape_attributes": polygon(), "region_attributes": 5}], "region 0"),
        ([{"region_attributes": {}}], "region 0"),
        ({"7": {"shape_attributes": []}}, "region 7"),
    ],
)
def test_broken_regions_are_named(via_folder, regions, message):
    with pytest.raises(DatasetError, match=message) as caught:
        Dataset.load(via_folder({"a.png": regions}))
    assert "via.json, image 'a.png'" in str(caught.value)


# ---- Classes ----


def load_labelled(via_folder, *attributes, project=None, **options):
    regions = [via_region(polygon(), **values) for values in attributes]
    return Dataset.load(via_folder({"a.png": regions}, project=project), **options)


@pytest.mark.parametrize(
    "value", ["remote", " remote ", {"remote": True}, {"remote": True, "tv": False}]
)
@pytest.mark.parametrize("attribute", ["class", "whatever"])
def test_text_option_and_tick(via_folder, attribute, value):
    dataset = load_labelled(via_folder, {attribute: value})
    assert dataset.class_names == ["BG", "remote"]


def test_numbers_serve_as_labels(via_folder):
    assert load_labelled(via_folder, {"id": 3}, {"id": "1"}).class_names[1:] == [
        "1",
        "3",
    ]


def test_found_classes_are_sorted(via_folder):
    dataset = load_labelled(via_folder, {"c": "b"}, {"c": "a"}, {"c": "b"})
    assert dataset.class_names == ["BG", "a", "b"]
    assert dataset.load_mask(0)[1].tolist() == [2, 1, 2]


def test_given_classes_fix_the_order(via_folder):
    dataset = load_labelled(
        via_folder, {"c": "b"}, {"c": "a"}, class_names=["x", "b", "a"]
    )
    assert dataset.class_names == ["BG", "x", "b", "a"]
    assert dataset.load_mask(0)[1].tolist() == [2, 3]


def test_unknown_label_is_named(via_folder):
    with pytest.raises(DatasetError) as caught:
        load_labelled(
            via_folder, {"c": "remote"}, {"c": "Remote"}, class_names=["tv", "remote"]
        )
    message = str(caught.value)
    assert "via.json, image 'a.png', region 1" in message
    assert "['tv', 'remote']. Received: 'Remote'. Did you mean 'remote'?" in message


@pytest.mark.parametrize("value", ["", "  ", {}, {"remote": False}, None])
def test_missing_label_is_named(via_folder, value):
    other = {} if value is None else {"label": value}
    with pytest.raises(DatasetError, match="region 1: expected a class .*'label'"):
        load_labelled(via_folder, {"label": "remote"}, other)


def test_no_labels_at_all(via_folder):
    blank = ({"label": ""}, {})
    assert load_labelled(via_folder, *blank).class_names == ["BG", "object"]
    dataset = load_labelled(via_folder, *blank, class_names=["balloon"])
    assert dataset.class_names == ["BG", "balloon"]
    assert dataset.load_mask(0)[1].tolist() == [1, 1]
    with pytest.raises(DatasetError, match=r"\['a', 'b'\].*without any label"):
        load_labelled(via_folder, *blank, class_names=["a", "b"])


def test_two_ticks(via_folder):
    with pytest.raises(DatasetError, match=r"one class .*\['a', 'b'\]"):
        load_labelled(via_folder, {"x": {"a": True, "b": True, "c": False}})


@pytest.mark.parametrize("value", [["a"], 1.5, True])
def test_labels_of_wrong_type(via_folder, value):
    with pytest.raises(DatasetError, match="region 0: expected a text, an option"):
        load_labelled(via_folder, {"x": value})


def test_class_like_attribute_is_preferred(via_folder, caplog):
    with caplog.at_level(logging.INFO):
        dataset = load_labelled(
            via_folder,
            {"name": "Plato", "Type": "human", "quality": {"good": True}},
            {"name": "hemlock", "Type": "cup", "quality": {"good": True}},
        )
    assert dataset.class_names == ["BG", "cup", "human"]
    assert "read from attribute 'Type', not from 'name', 'quality'" in caplog.text


def test_rare_class_like_attribute_is_not_preferred(via_folder):
    dataset = load_labelled(
        via_folder, {"w": "a", "type": "x"}, {"w": "b", "type": ""}, {"w": "b"}
    )
    assert dataset.class_names == ["BG", "a", "b"]


def test_attribute_in_doubt(via_folder):
    with pytest.raises(DatasetError, match=r"\['v', 'w'\], equally often"):
        load_labelled(via_folder, {"v": "a", "w": "b"})
    dataset = load_labelled(via_folder, {"v": "a", "w": "b"}, class_attribute="w")
    assert dataset.class_names == ["BG", "b"]
    with pytest.raises(DatasetError, match=r"\['kind'\].*Did you mean 'kind'"):
        load_labelled(via_folder, {"kind": "a"}, class_attribute="kinds")


def test_option_descriptions(via_folder):
    options = {"1": "total", "2": "date", "3": ""}
    project = {"_via_attributes": {"region": {"t": {"options": options}}}}
    labels = ({"t": "2"}, {"t": "1"}, {"t": "3"})
    dataset = load_labelled(via_folder, *labels, project=project)
    assert dataset.class_names == ["BG", "3", "date", "total"]
    # Or by id, when the caller names the classes so.
    dataset = load_labelled(
        via_folder, *labels, project=project, class_names=["1", "2", "3"]
    )
    assert dataset.load_mask(0)[1].tolist() == [2, 1, 3]


# ---- Files ----


def test_unannotated_images(via_folder, caplog):
    folder = via_folder({"a.png": [via_region(polygon())], "b.png": [], "c.png": {}})
    with caplog.at_level(logging.INFO):
        assert Dataset.load(folder).num_images == 1
    assert "2 images without regions left out: b.png, c.png" in caplog.text
    dataset = Dataset.load(folder, keep_unannotated=True)
    assert dataset.num_images == 3
    assert dataset.load_mask(1)[0].shape == (20, 30, 0)


def test_missing_image(via_folder):
    folder = via_folder({"a.png": [via_region(polygon())]})
    (folder / "a.png").unlink()
    with pytest.raises(DatasetError, match=r"via.json, image 'a.png'.*no such file"):
        Dataset.load(folder)


def test_image_that_is_none(via_folder):
    folder = via_folder({"a.png": [via_region(polygon())]})
    (folder / "a.png").write_text("no")
    with pytest.raises(DatasetError, match=r"a\.png, which is none"):
        Dataset.load(folder)


@pytest.mark.parametrize("name", ["../a.png", "/etc/a.png", "x/../../a", "C:\\a.png"])
def test_names_that_leave_the_folder(tmp_path, name):
    entry = {"filename": name, "regions": [via_region(polygon())]}
    (tmp_path / "via.json").write_text(json.dumps({"k": entry}))
    with pytest.raises(DatasetError, match="one that leaves it"):
        Dataset.load(tmp_path)


@pytest.mark.parametrize("name", ["", " ", 5, None])
def test_names_that_are_none(tmp_path, name):
    entry = {"filename": name, "regions": [via_region(polygon())]}
    (tmp_path / "via.json").write_text(json.dumps({"k": entry}))
    with pytest.raises(DatasetError, match=r"via\.json.*file ?name"):
        Dataset.load(tmp_path)


def test_subfolder_written_on_windows(tmp_path, save_image):
    save_image("sub/a.png")
    entry = {"filename": "sub\\a.png", "regions": [via_region(polygon())]}
    (tmp_path / "via.json").write_text(json.dumps({"k": entry}))
    assert Dataset.load(tmp_path).load_image(0).shape == (20, 30, 3)


def test_image_listed_twice(tmp_path, save_image):
    save_image("a.png")
    entry = {"filename": "a.png", "regions": [via_region(polygon())]}
    (tmp_path / "via.json").write_text(json.dumps({"a.png1": entry, "a.png2": entry}))
    with pytest.raises(DatasetError, match="'a.png': .*second entry, 'a.png2'"):
        Dataset.load(tmp_path)


def test_exif_turns_the_image_under_its_regions(via_folder, tmp_path, caplog):
    stored = np.zeros((20, 30, 3), np.uint8)
    stored[:10, :10] = 200  # upright (orientation 6) this is the top right corner
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(stored).save(tmp_path / "a.png", exif=exif)
    corner = polygon(xs=(10, 19, 19, 10), ys=(0, 0, 9, 9))
    dataset = Dataset.load(via_folder({"a.png": [via_region(corner)]}))
    image, (masks, _) = dataset.load_image(0), dataset.load_mask(0)
    assert image.shape[:2] == masks.shape[:2] == (30, 20)
    np.testing.assert_array_equal(masks[..., 0], image[..., 0] == 200)
    assert "reach out" not in caplog.text


def test_outlines_of_a_turned_image_are_reported(via_folder, caplog):
    tall = polygon(xs=(2, 12, 12), ys=(2, 2, 28))
    Dataset.load(via_folder({"a.png": [via_region(polygon()), via_region(tall)]}))
    assert "1 outlines reach out of their image and are cut (a.png region 1)" in (
        caplog.text
    )


# ---- Real files ----


def test_balloon(shared_data):
    counts = {}
    for subset in ("train", "val"):
        dataset = Dataset.load(shared_data / "balloon", subset, ["balloon"])
        assert dataset.class_names == ["BG", "balloon"]
        regions = sum(len(info["annotations"]) for info in dataset.image_info)
        counts[subset] = (dataset.num_images, regions)
    # Counted in the JSON files themselves.
    assert counts == {"train": (61, 255), "val": (13, 50)}


def test_balloon_masks_are_those_of_scikit_image(shared_data):
    from skimage.draw import polygon as draw

    dataset = Dataset.load(shared_data / "balloon", "val")
    for image_id in dataset.image_ids[:3]:
        masks, _ = dataset.load_mask(image_id)
        assert masks.shape[:2] == dataset.load_image(image_id).shape[:2]
        for i, region in enumerate(dataset.image_info[image_id]["annotations"]):
            expected = np.zeros(masks.shape[:2], bool)
            expected[draw(region.shape.ys, region.shape.xs, expected.shape)] = True
            # It rounds, and misses a few of the pixels that lie on an edge.
            assert not (expected & ~masks[..., i]).any()
            assert (masks[..., i] & ~expected).sum() <= 2


def test_remote(shared_data):
    dataset = Dataset.load(shared_data / "remote")
    assert dataset.class_names == ["BG", "AC Remote"]
    assert dataset.num_images == 10
    for image_id in dataset.image_ids:
        masks, class_ids = dataset.load_mask(image_id)
        assert class_ids.tolist() == [1]
        assert masks.shape == (*dataset.load_image(image_id).shape[:2], 1)
    assert [part.num_images for part in dataset.split(0.4)] == [6, 4]
