import os
from pathlib import Path

import numpy as np
import pytest
import yaml

from mrcnn.data import formats
from mrcnn.data.dataset import Dataset
from mrcnn.data.polygons import fill_polygon
from mrcnn.errors import DatasetError

# Corners (3, 2), (24, 2), (12, 18) of 30 x 20 pixels, six digits as Ultralytics has.
LINE = "1 0.1 0.1 0.8 0.1 0.4 0.9"
NAMES = ["dog", "cat"]


@pytest.fixture
def yolo_folder(tmp_path, save_image):
    """Write images of 20 x 30 pixels, their labels and a YAML file."""

    def write(files: dict, content=None, root=".", yaml_name="data.yaml") -> Path:
        """Args: {path of an image: label lines, or None for no text file}."""
        for name, lines in files.items():
            image = save_image(Path(root, name))
            text = Path(str(image).replace("images", "labels")).with_suffix(".txt")
            text.parent.mkdir(parents=True, exist_ok=True)
            if lines is not None:
                text.write_text("".join(f"{line}\n" for line in lines))
        if content is not None:
            (tmp_path / root / yaml_name).write_text(yaml.safe_dump(content))
        return tmp_path / root

    return write


def describe(**more):
    return {"train": "images/train", "val": "images/val", "names": NAMES, **more}


def test_train_and_val(yolo_folder):
    folder = yolo_folder(
        {
            "images/train/a.png": [LINE, "", LINE.replace("1", "0", 1)],
            "images/train/b.png": None,
            "images/val/c.png": [LINE],
        },
        describe(path="../datasets/mine", nc=2),
    )
    assert formats.subsets(folder) == ("train", "val")
    train = Dataset.load(folder, "train")
    assert train.class_names == ["BG", *NAMES]
    assert [info["id"] for info in train.image_info] == ["a.png", "b.png"]
    masks, class_ids = train.load_mask(0)
    assert class_ids.tolist() == [2, 1]
    expected = fill_polygon([3, 24, 12], [2, 2, 18], (20, 30))
    assert np.array_equal(masks[..., 0], expected)
    assert train.load_mask(1)[0].shape == (20, 30, 0)
    assert Dataset.load(folder, "train", keep_unannotated=False).num_images == 1
    assert Dataset.load(folder / "data.yaml", "val").num_images == 1
    assert formats.subsets(folder / "data.yaml") == ("train", "val")
    for path in (folder, folder / "data.yaml"):
        with pytest.raises(DatasetError, match="is divided"):
            Dataset.load(path)


def test_corners_of_six_digits_are_whole_pixels(yolo_folder, save_image):
    """1/3 of 3000 pixels is 999.999 when it comes out of a file."""
    folder = yolo_folder({"images/a.png": ["0 0.333333 0 0.5 0 0.333333 1"]}, None)
    save_image("images/a.png", hw=(4, 3000))
    mask = Dataset.load(folder, class_names=["dog"]).load_mask(0)[0]
    # The left edge, x = 1000, is on the outline: all 4 rows, the last beyond it.
    assert mask[:, 1000, 0].all() and not mask[:, 999, 0].any()


@pytest.mark.parametrize(
    "names", [{0: "dog", 1: "cat"}, {1: "cat", 0: "dog"}, ["dog", "cat"]]
)
def test_names(yolo_folder, names):
    folder = yolo_folder({"images/train/a.png": [LINE]}, describe(names=names))
    assert Dataset.load(folder, "train").class_names == ["BG", "dog", "cat"]
    read = Dataset.load(folder, "train", class_names=["cat", "dog"])
    assert read.image_class_ids(0).tolist() == [1]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([True, "a"], "list of class names.*words like yes and no in quotes"),
        ({0: "a", 2: "b"}, "a name for each number from 0 on"),
        ([], "list of class names"),
        ("dog", "list of class names"),
        (["a", "a"], "different class names"),
        (["only"], r"line 1: expected the number of a class, from 0 to 0"),
    ],
)
def test_broken_names(yolo_folder, names, message):
    folder = yolo_folder({"images/train/a.png": [LINE]}, describe(names=names))
    with pytest.raises(DatasetError, match=message):
        Dataset.load(folder, "train")


def test_one_set(yolo_folder):
    """Without a YAML file, or with one that names the same images for both."""
    folder = yolo_folder({"images/a.png": [LINE], "images/deep/b.png": [LINE]})
    assert formats.subsets(folder) == ()
    with pytest.raises(DatasetError, match="class names in a YAML file"):
        Dataset.load(folder)
    assert Dataset.load(folder, class_names=NAMES).image_class_ids(0).tolist() == [2]
    both = describe(train="images", val="images")
    yolo_folder({}, both)
    assert formats.subsets(folder) == ()
    read = Dataset.load(folder)
    assert [info["id"] for info in read.image_info] == ["a.png", "deep/b.png"]
    assert all(read.image_class_ids(i).tolist() == [2] for i in (0, 1))


def test_roboflow(yolo_folder):
    """Folders train/ and valid/ beside the YAML file, named one folder too high."""
    folder = yolo_folder(
        {"train/images/a.png": [LINE], "valid/images/b.png": [LINE]},
        describe(train="../train/images", val="../valid/images"),
    )
    assert formats.subsets(folder) == ("train", "val")
    for subset in ("train", "val"):
        read = Dataset.load(folder, subset)
        assert read.class_names == ["BG", *NAMES]
        assert read.image_class_ids(0).tolist() == [2]
    assert Dataset.load(folder / "train").class_names == ["BG", *NAMES]


@pytest.mark.parametrize("path", ["sets/mine", "./sets/mine", "sets\\mine"])
def test_path_in_the_yaml_file(yolo_folder, path):
    folder = yolo_folder({"sets/mine/images/train/a.png": [LINE]}, describe(path=path))
    assert Dataset.load(folder, "train").num_images == 1


def test_lists_of_images(yolo_folder):
    names = [f"images/train/{name}.png" for name in "abcd"]
    folder = yolo_folder(
        {name: [LINE] for name in names}, describe(train=["one.txt", "two.txt"])
    )
    (folder / "one.txt").write_text("images/train/c.png\n\n./images/train/a.png\n")
    (folder / "two.txt").write_text(f"{folder.resolve()}/images/train/d.png\n")
    read = Dataset.load(folder, "train")
    assert [info["id"] for info in read.image_info] == ["c.png", "a.png", "d.png"]
    (folder / "one.txt").write_text("images/train/gone.png\n")
    with pytest.raises(DatasetError, match="train/gone.png', which is not there"):
        Dataset.load(folder, "train")


def test_labels_beside_photos(yolo_folder):
    folder = yolo_folder({"photos/a.png": [LINE]}, describe(train="photos"))
    assert Dataset.load(folder, "train").image_class_ids(0).tolist() == [2]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("1 0.5 0.5 0.2 0.2", "expected an outline.* a box. Outline the objects"),
        ("1 0.1 0.1 0.8 0.1 0.4", "x and y of at least 3 corners.*Received: 5 numbers"),
        ("1", "Received: 0 numbers"),
        ("2 0.1 0.1 0.8 0.1 0.4 0.9", "from 0 to 1. Received: '2'"),
        ("-1 0.1 0.1 0.8 0.1 0.4 0.9", "from 0 to 1. Received: '-1'"),
        ("0.5 0.1 0.1 0.8 0.1 0.4 0.9", "number of a class"),
        ("cat 0.1 0.1 0.8 0.1 0.4 0.9", "number of a class.*Received: 'cat'"),
        ("1 3 2 24 2 12 18", "shares of the image's width.*Received: '3'"),
        ("1 nan 0.1 0.8 0.1 0.4 0.9", "Received: 'nan'"),
        ("1 0.1 0.1 0.8 0.1 0.1 0.1", "at least 3 points"),
        ("1 0.1 0.1 0.2 0.2 0.3 0.3", "with an area"),
    ],
)
def test_broken_line(yolo_folder, line, message):
    folder = yolo_folder({"images/train/a.png": [LINE, line]}, describe())
    with pytest.raises(DatasetError, match=message) as caught:
        Dataset.load(folder, "train")
    assert f"a.txt{''}" in str(caught.value) and "line 2" in str(caught.value)


def test_class_number_written_as_a_decimal(yolo_folder):
    line = LINE.replace("1", "1.0", 1)
    folder = yolo_folder({"images/train/a.png": [line]}, describe())
    assert Dataset.load(folder, "train").image_class_ids(0).tolist() == [2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("train: a\nval: b\nnames: [", "a YAML file.*damaged"),
        ("train: a\nval: b\nnames: !!python/object:os.system x", "damaged"),
        ("train: &a [x]\nval: *a\nnames: [dog]", "it has an alias"),
        ("train: a\nval: b\nnames: !!bool x", "damaged"),
        ("train: a\nval: b\nnames: " + "[" * 100_000, "nested deeper than 20"),
        ("train: a\nval: b\nnames:\n " + "- " * 9_000, "nested deeper than 20"),
        ("train: a\nval: b\nnames: [" + "dog, " * 50_000, "longer than 200000"),
        ("train: a\nval: b\nnames:", "expected train, val and names"),
        ("train: gone\nval: b\nnames: [dog]", "'gone', which is not there"),
        ("train: ../../etc\nval: b\nnames: [dog]", "which is not there"),
        ("train: /etc\nval: b\nnames: [dog]", "'/etc', which is not there"),
    ],
)
def test_broken_yaml(tmp_path, text, message):
    (tmp_path / "data.yaml").write_text(text)
    for path in (tmp_path, tmp_path / "data.yaml"):
        with pytest.raises(DatasetError, match=message):
            Dataset.load(path, "train")


def test_other_yaml_files_do_not_disturb(yolo_folder):
    folder = yolo_folder({"images/train/a.png": [LINE]}, describe())
    (folder / "a_training.yaml").write_text("lr: [")
    (folder / "b.yml").write_bytes(b"\xff")
    assert Dataset.load(folder, "train").num_images == 1
    yolo_folder({}, describe(), yaml_name="second.yaml")
    with pytest.raises(DatasetError, match=r"one YAML file.*data\.yaml, second\.yaml"):
        Dataset.load(folder, "train")


def test_link_out_of_the_folder(yolo_folder, save_image, tmp_path):
    outside = save_image("outside/b.png")
    folder = yolo_folder({"images/train/a.png": [LINE]}, describe(), root="inside")
    os.symlink(outside, folder / "images/train/b.png")
    with pytest.raises(DatasetError, match="a link that leaves it"):
        Dataset.load(folder, "train")
    (folder / "images/train/b.png").unlink()
    os.symlink(outside.parent, folder / "images/val")
    with pytest.raises(DatasetError, match="which is not there"):
        Dataset.load(folder, "val")


def test_class_attribute(yolo_folder):
    folder = yolo_folder({"images/train/a.png": [LINE]}, describe())
    with pytest.raises(DatasetError, match="class_attribute"):
        Dataset.load(folder, "train", class_attribute="label")


def test_no_images(yolo_folder):
    folder = yolo_folder({}, describe())
    (folder / "images/train").mkdir(parents=True)
    with pytest.raises(DatasetError, match="Expected annotated images"):
        Dataset.load(folder, "train")
