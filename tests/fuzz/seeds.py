"""Valid data sets, one for each reader, from which fuzzing starts."""

import base64
import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

HW = (20, 30)
POLYGON = {
    "name": "polygon",
    "all_points_x": [2, 12.5, 9],
    "all_points_y": [3, 4, 17],
}
VIA_SHAPES = [
    POLYGON,
    {"name": "rect", "x": 4, "y": 5, "width": 10, "height": 3},
    {"name": "circle", "cx": 15, "cy": 10, "r": 6.5},
    {"name": "ellipse", "cx": 15, "cy": 10, "rx": 9, "ry": 4, "theta": 0.4},
]


def _image(path: Path, pixels: np.ndarray | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.zeros((*HW, 3), np.uint8) if pixels is None else pixels
    Image.fromarray(pixels).save(path)


def _labels() -> np.ndarray:
    labels = np.zeros(HW, np.uint8)
    labels[2:9, 4:12], labels[10:15, 12:20] = 1, 2
    return labels


def via(folder: Path) -> None:
    """The project form, with labels of every kind."""
    labels = [{"class": "cat"}, {"class": {"cat": True}}, {"class": 3}, {"class": "d"}]
    regions = [
        {"shape_attributes": shape, "region_attributes": label}
        for shape, label in zip(VIA_SHAPES, labels, strict=True)
    ]
    _image(folder / "a.png")
    entries = {"a.png9": {"filename": "a.png", "size": 9, "regions": regions}}
    options = {"options": {"cat": "a cat", "d": "dog"}, "type": "dropdown"}
    project = {
        "_via_settings": {},
        "_via_img_metadata": entries,
        "_via_attributes": {"region": {"class": options}, "file": {}},
    }
    (folder / "via.json").write_text(json.dumps(project))


def via_csv(folder: Path) -> None:
    """A row for each shape."""
    _image(folder / "a.png")
    names = ("filename", "file_size", "file_attributes", "region_count", "region_id")
    with (folder / "via.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow([*names, "region_shape_attributes", "region_attributes"])
        for i, shape in enumerate(VIA_SHAPES):
            cells = json.dumps(shape), json.dumps({"class": "cat"})
            rows.writerow(["a.png", 9, "{}", 4, i, *cells])


def via3(folder: Path) -> None:
    """A region of each kind."""
    _image(folder / "a.png")
    shapes = [
        *([2, 4, 5, 10, 3], [3, 15, 10, 6], [4, 15, 10, 9, 4], [7, 2, 3, 12, 3, 9, 9]),
        *([8, 4, 6, 9, 5, 14, 7, 9, 8], [9, 9, 10, 15, 4, 21, 10]),
    ]
    content = {
        "project": {"pid": "x"},
        "attribute": {"1": {"aname": "class", "type": 2, "options": {"0": "cat"}}},
        "file": {"1": {"fid": 1, "fname": "a.png", "type": 2}},
        "view": {"1": {"fid_list": [1]}},
        "metadata": {
            str(i): {"vid": "1", "z": [], "xy": xy, "av": {"1": "0"}}
            for i, xy in enumerate(shapes)
        },
    }
    (folder / "project.json").write_text(json.dumps(content))


def coco(folder: Path) -> None:
    """Polygons, run lengths of both kinds, a crowd."""
    _image(folder / "a.png")
    segmentations = [
        [[2, 3, 12.5, 4, 9, 17]],
        [[1, 1, 8, 1, 8, 8], [15.5, 3.2, 22.1, 5, 18, 12.8]],
        {"size": [20, 30], "counts": [100, 20, 480]},
        {"size": [20, 30], "counts": "T3d0P?"},
    ]
    content = {
        "images": [{"id": 7, "file_name": "a.png", "height": 20, "width": 30}],
        "categories": [{"id": 3, "name": "cat"}, {"id": 1, "name": "dog"}],
        "annotations": [
            {"id": i, "image_id": 7, "category_id": 3, "iscrowd": 0, "segmentation": s}
            for i, s in enumerate(segmentations)
        ],
    }
    (folder / "coco.json").write_text(json.dumps(content))


def cvat(folder: Path) -> None:
    """A shape of each kind, two of them in a group."""
    _image(folder / "images" / "a.png")
    (folder / "annotations.xml").write_text(
        "<annotations><meta><task><labels><label><name>cat</name></label></labels>"
        "</task></meta>"
        '<image id="0" name="a.png" subset="train" width="30" height="20">'
        '<box label="cat" xtl="4" ytl="5" xbr="14" ybr="8.5" group_id="1"/>'
        '<box label="cat" xtl="8" ytl="7" xbr="22" ybr="12" rotation="30"/>'
        '<ellipse label="dog" cx="15" cy="9" rx="10" ry="4" rotation="30"/>'
        '<polygon label="cat" points="3.6,5;14,5;14,8.4;3.6,8.4" group_id="1"/>'
        '<mask label="dog" rle="1, 2, 3, 2" left="3" top="4" width="4" height="2"/>'
        "</image></annotations>"
    )


def voc(folder: Path) -> None:
    """Two images, one without objects."""
    boxes = ((4, 2, 12, 9), (12, 10, 20, 15))
    objects = "".join(
        f"<object><name>cat</name><bndbox><xmin>{x1 + 1}</xmin><ymin>{y1 + 1}</ymin>"
        f"<xmax>{x2}</xmax><ymax>{y2}</ymax></bndbox></object>"
        for x1, y1, x2, y2 in boxes
    )
    (folder / "Annotations").mkdir()
    for name, content in (("a", objects), ("b", "")):
        _image(folder / "JPEGImages" / f"{name}.png")
        (folder / "Annotations" / f"{name}.xml").write_text(
            f"<annotation><filename>{name}.png</filename><segmented>1</segmented>"
            f"{content}</annotation>"
        )
    _image(folder / "SegmentationObject" / "a.png", _labels())
    (folder / "ImageSets" / "Segmentation").mkdir(parents=True)
    (folder / "ImageSets" / "Segmentation" / "test.txt").write_text("a\nb\n")


def mask_files(folder: Path) -> None:
    """An image with a mask of no class and one of a class."""
    _image(folder / "x" / "images" / "x.png")
    _image(folder / "x" / "masks" / "0.png", (_labels() == 1) * np.uint8(255))
    _image(folder / "x" / "masks" / "cat" / "1.png", (_labels() == 2) * np.uint8(255))


def label_map(folder: Path) -> None:
    """Two images, with maps of 8 and of 16 bits."""
    for name, labels in (("a", _labels()), ("b", _labels().astype(np.uint16) * 300)):
        _image(folder / "images" / f"{name}.png")
        _image(folder / "masks" / f"{name}.png", labels)


def labelme(folder: Path) -> None:
    """Two files; a shape of each kind, two of them in a group."""
    mask = io.BytesIO()
    Image.fromarray(np.eye(3, dtype=np.uint8)).save(mask, "PNG")
    png = base64.b64encode(mask.getvalue()).decode("ascii")
    shapes = [
        ("polygon", [[2, 3], [12.5, 4], [9, 17]], 1, None),
        ("rectangle", [[4, 5], [14, 8]], 1, None),
        ("circle", [[15, 10], [18, 14]], None, None),
        ("mask", [[4, 5], [6, 7]], None, png),
    ]
    records = [
        {"label": "cat", "shape_type": kind, "points": points, "group_id": group}
        | {"mask": text, "flags": {"iscrowd": kind == "mask"}, "description": ""}
        for kind, points, group, text in shapes
    ]
    for name, some in (("a", records), ("b", [])):
        _image(folder / f"{name}.png")
        content = {"version": "5.5.0", "flags": {}, "shapes": some, "imageData": None}
        content |= {"imagePath": f"{name}.png", "imageHeight": 20, "imageWidth": 30}
        (folder / f"{name}.json").write_text(json.dumps(content))


def yolo(folder: Path) -> None:
    """Two images, one of them listed in a file and without objects."""
    _image(folder / "images" / "train" / "a.png")
    _image(folder / "images" / "train" / "more" / "b.png")
    (folder / "labels" / "train").mkdir(parents=True)
    (folder / "labels" / "train" / "a.txt").write_text(
        "1 0.1 0.1 0.8 0.1 0.4 0.9\n0 0.5 0.5 0.75 0.5 0.75 1 0.5 1\n"
    )
    (folder / "list.txt").write_text("images/train/more/b.png\n")
    (folder / "data.yaml").write_text(
        "path: .\ntrain: [images/train, list.txt]\nval: images/val\nnc: 2\n"
        "names:\n  0: dog\n  1: cat\n"
    )


# Name of a reader -> (writes a valid data set into a folder, subset to load).
SEEDS: dict[str, tuple[Callable[[Path], None], str | None]] = {
    "via": (via, None),
    "via_csv": (via_csv, None),
    "via3": (via3, None),
    "coco": (coco, None),
    "cvat": (cvat, None),
    "voc": (voc, "test"),
    "mask_files": (mask_files, None),
    "label_map": (label_map, None),
    "labelme": (labelme, None),
    "yolo": (yolo, "train"),
}
