import base64
import io
import json
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from mrcnn.data.dataset import Dataset
from mrcnn.errors import DatasetError


def shape(points, kind="polygon", label="cat", **more):
    return {
        "label": label,
        "points": points,
        "group_id": None,
        "description": "",
        "shape_type": kind,
        "flags": {},
        **more,
    }


def png(mask) -> str:
    buffer = io.BytesIO()
    Image.fromarray(np.asarray(mask, np.uint8)).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


@pytest.fixture
def labelme_folder(tmp_path, save_image):
    """Write a file as LabelMe 5 saves it, for an image of 20 x 30 pixels."""

    def write(*shapes, name="a", folder=".", **more) -> Path:
        if not (tmp_path / f"{name}.png").exists():
            save_image(f"{name}.png")
        content = {
            "version": "5.5.0",
            "flags": {},
            "shapes": list(shapes),
            "imagePath": f"{name}.png",
            "imageData": None,
            "imageHeight": 20,
            "imageWidth": 30,
            **more,
        }
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / f"{name}.json").write_text(json.dumps(content))
        return tmp_path

    return write


def only_mask(folder) -> np.ndarray:
    masks, class_ids = Dataset.load(folder).load_mask(0)
    assert class_ids.tolist() == [1]
    return masks[..., 0]


def test_folder_of_files(labelme_folder):
    triangle = [[2, 3], [20, 4], [10, 15]]
    labelme_folder(shape(triangle), shape(triangle, label="ant"))
    labelme_folder(name="b")
    folder = labelme_folder(shape(triangle, label="dog"), name="c")
    dataset = Dataset.load(folder)
    assert dataset.class_names == ["BG", "ant", "cat", "dog"]
    assert [info["id"] for info in dataset.image_info] == ["a.png", "b.png", "c.png"]
    assert dataset.image_class_ids(0).tolist() == [2, 1]
    assert dataset.load_mask(1)[0].shape == (20, 30, 0)
    assert Dataset.load(folder, keep_unannotated=False).num_images == 2
    assert Dataset.load(folder / "c.json").num_images == 1


@pytest.mark.parametrize(
    ("points", "kind"),
    [
        ([[2, 3], [20, 4], [10, 15], [4, 18]], "polygon"),
        ([[20, 15], [5, 3]], "rectangle"),
        ([[12, 9], [17, 9]], "circle"),
    ],
)
def test_masks_are_those_of_labelme(labelme_folder, points, kind):
    """LabelMe draws with Pillow, outline and inside."""
    canvas = Image.new("1", (30, 20))
    draw = ImageDraw.Draw(canvas)
    if kind == "polygon":
        draw.polygon([tuple(p) for p in points], outline=1, fill=1)
    elif kind == "rectangle":
        draw.rectangle((5, 3, 20, 15), outline=1, fill=1)
    else:
        draw.ellipse((7, 4, 17, 14), outline=1, fill=1)
    ours, theirs = only_mask(labelme_folder(shape(points, kind))), np.asarray(canvas)
    # Pillow rounds slanting edges and small circles to whole pixels.
    assert (ours & theirs).sum() / (ours | theirs).sum() > 0.8
    if kind == "rectangle":
        assert np.array_equal(ours, theirs)


def test_circle_is_exact(labelme_folder):
    """Centre (12, 9), the second point 5 away by 3 and 4."""
    mask = only_mask(labelme_folder(shape([[12, 9], [15, 13]], "circle")))
    y, x = np.mgrid[:20, :30]
    assert np.array_equal(mask, np.hypot(x - 12, y - 9) <= 5)


def test_mask(labelme_folder):
    part = np.array([[1, 0, 1], [0, 1, 1]])
    for values in (part, part * 255):
        folder = labelme_folder(shape([[4, 5], [6, 6]], "mask", mask=png(values)))
        mask = only_mask(folder)
        assert mask.sum() == 4
        assert np.array_equal(mask[5:7, 4:7], part > 0)


def test_group_is_one_object_of_a_label(labelme_folder):
    left, right = [[1, 1], [4, 1], [4, 4]], [[20, 9], [25, 9], [25, 14]]
    folder = labelme_folder(
        shape(left, group_id=1),
        shape(right, group_id=1),
        shape(left, group_id=1, label="dog"),
        shape(left),
    )
    dataset = Dataset.load(folder)
    masks, class_ids = dataset.load_mask(0)
    assert class_ids.tolist() == [1, 2, 1]
    assert masks[1, 4, 0] and masks[9, 25, 0]
    assert not masks[9, 25, 2]


def test_crowd_flag(labelme_folder):
    triangle = [[2, 3], [20, 4], [10, 15]]
    folder = labelme_folder(shape(triangle, flags={"iscrowd": True, "other": True}))
    assert Dataset.load(folder).image_class_ids(0).tolist() == [-1]


@pytest.mark.parametrize(
    "path", ["../images/a.png", "..\\images\\a.png", "/home/me/a.png", "C:\\x\\a.png"]
)
def test_images_in_another_folder(labelme_folder, tmp_path, path):
    """What leads out of the folder is not followed: the name is looked for in it."""
    labelme_folder(shape([[2, 3], [20, 4], [10, 15]]), imagePath=path)
    dataset = Dataset.load(tmp_path)
    assert dataset.image_info[0]["path"] == str(tmp_path / "a.png")
    (tmp_path / "images").mkdir()
    (tmp_path / "a.png").rename(tmp_path / "images" / "a.png")
    dataset = Dataset.load(tmp_path)
    assert dataset.image_info[0]["path"] == str(tmp_path / "images" / "a.png")


def test_train_and_val(labelme_folder, tmp_path):
    for subset in ("train", "val"):
        (tmp_path / subset).mkdir()
        folder = labelme_folder(shape([[2, 3], [9, 4], [5, 9]]), folder=subset)
        (tmp_path / "a.png").rename(tmp_path / subset / "a.png")
    assert Dataset.load(folder, "val").num_images == 1


def test_other_size_than_stated(labelme_folder):
    folder = labelme_folder(shape([[2, 3], [20, 4], [10, 15]]), imageWidth=31)
    with pytest.raises(DatasetError, match=r"expected \(20, 31\)"):
        Dataset.load(folder).load_image(0)
    folder = labelme_folder(shape([[2, 3], [9, 4], [5, 9]]), imageHeight=None)
    assert Dataset.load(folder).image_info[0]["width"] == 30


EMPTY, WRONG_SIZE = png(np.zeros((2, 3))), png(np.ones((3, 3)))


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ("cat", "a shape with a label. Received: None"),
        ({"label": " "}, "a shape with a label"),
        (shape(None), r"list of points \[x, y\]. Received: None"),
        (shape([[1, 2, 3], [1, 2], [3, 4]]), "list of points"),
        (shape([[1, math.nan], [1, 2], [3, 4]]), "list of points"),
        (shape([[1, 2], [3, 4]]), "at least 3 points"),
        (shape([[1, 1], [2, 2], [3, 3]]), "with an area"),
        (shape([[1, 1], [1, 5]], "rectangle"), "Remove it or outline"),
        (shape([[4, 4], [4, 4]], "circle"), "radius 0"),
        (shape([[4, 4], [9, 4]], "line"), "polygon, rectangle, circle or mask"),
        (shape([[4, 4], [9, 4], [5, 9]], ["polygon"]), "Received: .'polygon'. of 3"),
        (shape([[90, 90], [99, 94], [95, 99]]), "inside the image"),
        (shape([[4, 4], [9, 9], [5, 9]], group_id=[1]), "a number as group_id"),
        (shape([[4, 5], [6, 6]], "mask", mask="!"), "a PNG in base64"),
        (shape([[4, 5], [6, 6]], "mask"), "a PNG in base64. Received: None"),
        (shape([[4, 5], [6, 6]], "mask", mask="AAAA"), "a PNG in base64"),
        (shape([[4, 5], [6, 6]], "mask", mask=EMPTY), "an empty one"),
        (shape([[4, 5], [6, 6]], "mask", mask=WRONG_SIZE), "of 3 x 2 .* 3 x 3"),
        (shape([[4, 5], [36, 6]], "mask", mask=EMPTY), "a mask inside the image"),
    ],
)
def test_broken_shape(labelme_folder, record, message):
    with pytest.raises(DatasetError, match=message) as caught:
        Dataset.load(labelme_folder(record))
    assert "a.json" in str(caught.value) or "a.png" in str(caught.value)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"shapes": {}}, "expected a list of shapes. Received: dict"),
        ({"imagePath": None}, "expected the file name of an image"),
        ({"imagePath": "gone.png"}, "no such file"),
        ({"imageWidth": 10**9, "imageHeight": 10**9}, "height and width, at most"),
        ({"imageWidth": "30"}, "height and width, at most"),
    ],
)
def test_broken_file(labelme_folder, more, message):
    with pytest.raises(DatasetError, match=message):
        Dataset.load(labelme_folder(shape([[2, 3], [9, 4], [5, 9]]), **more))


def test_arguments(labelme_folder):
    folder = labelme_folder(shape([[2, 3], [9, 4], [5, 9]]))
    with pytest.raises(DatasetError, match="class_attribute"):
        Dataset.load(folder, class_attribute="label")
    with pytest.raises(DatasetError, match="one of the classes"):
        Dataset.load(folder, class_names=["cart"])
    assert Dataset.load(folder, class_names=["dog", "cat"]).image_class_ids(0) == [2]
