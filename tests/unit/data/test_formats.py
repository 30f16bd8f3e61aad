import json
import logging

import pytest

from mrcnn.data import formats
from mrcnn.data.dataset import Dataset
from mrcnn.errors import DatasetError

REGIONS = [
    {
        "shape_attributes": {"name": "rect", "x": 4, "y": 5, "width": 10, "height": 3},
        "region_attributes": {"label": "remote"},
    }
]


def test_one_folder(via_folder, caplog):
    folder = via_folder({"a.png": REGIONS})
    with caplog.at_level(logging.INFO):
        dataset = Dataset.load(folder)
    assert dataset.num_images == 1
    assert "via.json: recognised as VIA." in caplog.text
    assert "1 images, 1 objects, classes remote." in caplog.text
    assert formats.subsets(folder) == ()


def test_one_file(via_folder):
    folder = via_folder({"a.png": REGIONS})
    assert Dataset.load(str(folder / "via.json")).class_names == ["BG", "remote"]
    assert formats.subsets(folder / "via.json") == ()


def test_train_and_val(via_folder):
    via_folder({"a.png": REGIONS, "b.png": REGIONS}, subset="train")
    folder = via_folder({"c.png": REGIONS}, subset="val")
    assert formats.subsets(folder) == ("train", "val")
    assert Dataset.load(folder, "train").num_images == 2
    assert Dataset.load(folder, "val").image_info[0]["id"] == "c.png"
    with pytest.raises(DatasetError, match="is divided.*one of train, val"):
        Dataset.load(folder)
    with pytest.raises(DatasetError, match="subset 'test'.*has only train, val"):
        Dataset.load(folder, "test")


@pytest.mark.parametrize("images", ["train2017", "images/train2017", "images", "."])
def test_coco_root(tmp_path, coco_content, save_image, images):
    save_image(f"{images}/a.png")
    (tmp_path / "annotations").mkdir()
    content = coco_content({"segmentation": [[1, 1, 9, 1, 9, 9]]})
    file = tmp_path / "annotations" / "instances_train2017.json"
    file.write_text(json.dumps(content))
    (tmp_path / "annotations" / "captions_train2017.json").write_text("{}")
    assert formats.subsets(tmp_path) == ("train",)
    for dataset in (Dataset.load(tmp_path, "train"), Dataset.load(file)):
        assert dataset.load_mask(0)[0].any()


def test_flat_folder_has_no_subset(via_folder):
    folder = via_folder({"a.png": REGIONS})
    for subset in ("train", "", "..", "tr*"):
        with pytest.raises(DatasetError, match=r"has no train/ and val/.*split"):
            Dataset.load(folder, subset)
    with pytest.raises(DatasetError, match="subset 'train'"):
        Dataset.load(folder / "via.json", "train")


def test_several_files(via_folder):
    via_folder({"a.png": REGIONS})
    folder = via_folder({"a.png": REGIONS}, file_name="other.json")
    with pytest.raises(
        DatasetError, match=r"with 2: .*other\.json \(VIA\), .*via\.json"
    ):
        Dataset.load(folder)


def test_other_json_does_not_disturb(via_folder, caplog):
    folder = via_folder({"a.png": REGIONS})
    (folder / "notes.json").write_text('{"a": 1}')
    with caplog.at_level(logging.INFO):
        assert Dataset.load(folder).num_images == 1
    assert "not annotations: notes.json" in caplog.text


def test_nothing_to_recognise(tmp_path):
    with pytest.raises(DatasetError, match=r"which holds none\. Looked at .*train/"):
        Dataset.load(tmp_path)
    (tmp_path / "notes.json").write_text("[1, 2]")
    with pytest.raises(DatasetError, match=r"VIA, .*COCO.*other files \(notes.json\)"):
        Dataset.load(tmp_path)
    with pytest.raises(DatasetError, match=r"none \(no such file or folder\)"):
        Dataset.load(tmp_path / "none")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "which is empty"),
        (b" \n", "which is empty"),
        (b"{}", "lists no image"),
        (b"[]", "lists no image"),
        (b'{"a": ', "is damaged"),
        (b"\xff\xfe\xfa", "cannot be read"),
        (b'{"_via_img_metadata": {}}', "expected images in _via_img_metadata"),
        (b'{"_via_img_metadata": 5}', "expected images in _via_img_metadata"),
        (b'{"images": [], "annotations": [], "categories": []}', "categories"),
        (
            b'{"images": [], "categories": [{"id": 1, "name": "a"}]}',
            "annotated images",
        ),
        (
            b'{"a.png9": {"filename": "a.png", "regions": []}}',
            "Expected annotated images",
        ),
    ],
)
def test_empty_and_damaged_files(tmp_path, content, message):
    (tmp_path / "via.json").write_bytes(content)
    for path in (tmp_path, tmp_path / "via.json"):
        with pytest.raises(DatasetError, match=message) as caught:
            Dataset.load(path)
        assert "via.json" in str(caught.value)
        assert "\n" not in str(caught.value)


def test_byte_order_mark(via_folder):
    folder = via_folder({"a.png": REGIONS})
    text = (folder / "via.json").read_text()
    (folder / "via.json").write_text(text, encoding="utf-8-sig")
    assert Dataset.load(folder).num_images == 1


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("remote", r"class_names='remote'\. Write \['remote'\]"),
        ([], "Expected a list of class names"),
        ([1], "Expected a list of class names"),
        (["a", "a"], r"Remove \['a'\]"),
        (["BG", "a"], "Remove BG"),
    ],
)
def test_class_names(via_folder, names, message):
    folder = via_folder({"a.png": REGIONS})
    with pytest.raises(DatasetError, match=message):
        Dataset.load(folder, class_names=names)


def test_registry_is_loud():
    with pytest.raises(DatasetError, match="'VIA', which is known already"):
        formats.add_format(formats.get_format("VIA"))
    with pytest.raises(DatasetError, match=r"\['VIA', .*Did you mean 'COCO'"):
        formats.get_format("COCOA")
