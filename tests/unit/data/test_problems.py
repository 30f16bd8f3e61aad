"""Every reader goes on after what is broken, where problems are collected."""

import json

import numpy as np
import pytest
from PIL import Image

from mrcnn.data.check import check
from mrcnn.data.dataset import Dataset
from mrcnn.data.formats import subsets
from mrcnn.data.problems import collected, tolerated, unbroken
from mrcnn.errors import ConfigError, DatasetError

HW = (60, 90)


def photos(folder, names):
    folder.mkdir(parents=True, exist_ok=True)
    for seed, name in enumerate(names):
        coarse = np.random.default_rng(seed).integers(0, 256, (8, 12, 3), np.uint8)
        picture = Image.fromarray(coarse).resize(HW[::-1], Image.Resampling.BICUBIC)
        picture.save(folder / name)


def labelme(folder):
    photos(folder, ["a.png", "b.png"])
    square = [[5, 5], [25, 5], [25, 25]]
    shapes = [{"label": "cat", "points": p} for p in (square, [[1, 1]], square[::-1])]
    for name, chosen in (("a", shapes[:2]), ("b", shapes[2:])):
        content = {"imagePath": f"{name}.png", "shapes": chosen}
        (folder / f"{name}.json").write_text(json.dumps(content))


def yolo(folder):
    photos(folder / "images", ["a.png", "b.png"])
    (folder / "labels").mkdir()
    (folder / "data.yaml").write_text("train: images\nnames: [cat]\n")
    (folder / "labels" / "a.txt").write_text("0 .1 .1 .4 .1 .4 .4\n7 .1 .1 .4 .1 .4 .4")
    (folder / "labels" / "b.txt").write_text("0 .5 .5 .9 .5 .9 .9\n")


def cvat(folder):
    photos(folder, ["a.png", "b.png"])
    box = '<box label="cat" xtl="{0}" ytl="5" xbr="40" ybr="40"/>'
    images = (
        f'<image name="a.png" width="90" height="60">{box.format(5)}'
        '<points label="cat" points="1,1"/></image>'
        f'<image name="b.png" width="90" height="60">{box.format(9)}</image>'
    )
    (folder / "annotations.xml").write_text(f"<annotations>{images}</annotations>")


def label_map(folder):
    photos(folder / "images", ["a.png", "b.png", "c.png"])
    (folder / "masks").mkdir()
    for name, hw in (("a", HW), ("b", HW), ("c", (9, 9))):
        labels = np.zeros(hw, np.uint8)
        labels[2:8, 2:8] = 1
        Image.fromarray(labels).save(folder / "masks" / f"{name}.png")


def mask_files(folder):
    for i, hw in enumerate((HW, HW, (9, 9))):
        photos(folder / str(i) / "images", [f"{i}.png"])
        (folder / str(i) / "masks").mkdir()
        mask = np.zeros(hw, np.uint8)
        mask[2:8, 2:8] = 255
        Image.fromarray(mask).save(folder / str(i) / "masks" / "0.png")


def via_csv(folder):
    photos(folder, ["a.png", "b.png"])
    rect = {"name": "rect", "x": 5, "y": 5, "width": 20, "height": 20}
    rows = [("a.png", json.dumps(rect)), ("a.png", "{"), ("b.png", json.dumps(rect))]
    lines = ["filename,region_shape_attributes,region_attributes"]
    for name, shape in rows:
        quoted = shape.replace('"', '""')
        lines.append(f'{name},"{quoted}","{{""label"":""cat""}}"')
    (folder / "via.csv").write_text("\n".join(lines))


def via3(folder):
    photos(folder, ["a.png", "b.png"])
    content = {
        "project": {"pname": "x"},
        "attribute": {"1": {"aname": "label", "type": 1, "options": {}}},
        "file": {
            k: {"fname": f"{n}.png", "type": 2} for k, n in (("1", "a"), ("2", "b"))
        },
        "view": {"1": {"fid_list": ["1"]}, "2": {"fid_list": ["2"]}},
        "metadata": {
            f"{view}_{i}": {"vid": view, "z": [], "xy": xy, "av": {"1": "cat"}}
            for i, (view, xy) in enumerate(
                [
                    ("1", [2, 5, 5, 20, 20]),
                    ("9", [2, 5, 5, 9, 9]),
                    ("2", [2, 5, 5, 9, 9]),
                ]
            )
        },
    }
    (folder / "via3.json").write_text(json.dumps(content))


def voc(folder):
    photos(folder / "JPEGImages", ["a.png", "b.png", "c.png"])
    for below in ("Annotations", "SegmentationObject"):
        (folder / below).mkdir()
    for name, hw in (("a", HW), ("b", HW), ("c", (9, 9))):
        labels = np.zeros(hw, np.uint8)
        labels[2:8, 2:8] = 1
        Image.fromarray(labels).save(folder / "SegmentationObject" / f"{name}.png")
        text = f"<filename>{name}.png</filename><object><name>cat</name></object>"
        xml = f"<annotation>{text}</annotation>"
        (folder / "Annotations" / f"{name}.xml").write_text(xml)


@pytest.mark.parametrize(
    "write", [labelme, yolo, cvat, label_map, mask_files, via_csv, via3, voc]
)
def test_a_broken_part_is_left_out(tmp_path, write):
    write(tmp_path)
    with pytest.raises(DatasetError) as caught:
        Dataset.load(tmp_path, *subsets(tmp_path))
    report = check(tmp_path)
    broken = [problem for problem in report.problems if problem.kind == "broken"]
    assert [problem.message for problem in broken] == [str(caught.value)]
    assert report.num_errors == 1
    (part,) = report.parts.values()
    assert part.num_images == 2
    assert [len(info["annotations"]) for info in part.image_info] == [1, 1]


def test_only_errors_of_data_sets_are_tolerated():
    with collected() as problems:
        with pytest.raises(ConfigError), tolerated("a"):
            raise ConfigError("x")
        with pytest.raises(KeyError):
            list(unbroken({}.__getitem__, ["x"]))
    assert problems == []
    with pytest.raises(DatasetError, match="strict"), tolerated("a"):
        raise DatasetError("strict")


def test_unbroken_goes_on():
    def read(path):
        if path == "b":
            raise DatasetError("no b", kind="missing-image")
        return path.upper()

    with collected() as problems:
        assert list(unbroken(read, "abc")) == ["A", "C"]
    assert [(p.kind, p.image) for p in problems] == [("missing-image", "b")]
    with pytest.raises(DatasetError, match="no b"):
        list(unbroken(read, "abc"))
