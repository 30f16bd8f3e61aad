"""A short run of the fuzzer, and the inputs that readers once failed on."""

import json
import sys
from pathlib import Path

import pytest

from mrcnn.data.dataset import Dataset
from mrcnn.errors import DatasetError

sys.path.insert(0, str(Path(__file__).resolve().parent))
try:
    from fuzz_readers import Fuzzer
    from seeds import SEEDS
finally:
    sys.path.pop(0)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@pytest.mark.parametrize("reader", SEEDS)
def test_only_dataset_errors(tmp_path, reader):
    fuzzer = Fuzzer(reader, tmp_path, seed=0)
    assert fuzzer.load()  # as it is
    outcomes = [fuzzer.run(number) for number in range(300)]
    assert [wrong for _, wrong in outcomes if wrong] == []
    # Neither all of them nor none are refused: they reach the depth of the reader.
    assert 20 < sum(is_accepted for is_accepted, _ in outcomes) < 280


# Reader and a change of its valid file: each was once another error than DatasetError.
FAILED = {
    "a shape's name that is no text": (
        *("via", "via.json"),
        lambda text: text.replace('"rect"', '{"a": 1}'),
    ),
    "lists without end in a cell": (
        *("via_csv", "via.csv"),
        lambda text: text.replace(',"{""name', "," + "[" * 1400 + ',"{""name', 1),
    ),
    "lists almost without end": (
        *("via", "via.json"),
        lambda text: text.replace("12.5", "[" * 900 + "]" * 900),
    ),
    "brackets without end": ("coco", "coco.json", lambda text: "[" * 10**6),
    "elements without end": ("cvat", "annotations.xml", lambda text: "<a>" * 10**5),
    "a name too long for the file system": (
        *("via3", "project.json"),
        lambda text: text.replace("a.png", "é" * 300),
    ),
    "a name of nothing": ("coco", "coco.json", lambda text: text.replace("a.png", ".")),
    "a whole number of 400 digits": (
        *("coco", "coco.json"),
        lambda text: text.replace("12.5", "9" * 400),
    ),
    "coordinates that overflow": (
        *("via", "via.json"),
        lambda text: text.replace("12.5", "1e300"),
    ),
    "not a number": ("coco", "coco.json", lambda text: text.replace("12.5", "NaN")),
    "a null byte in a list of images": (
        *("voc", "ImageSets/Segmentation/test.txt"),
        lambda text: text + "\0",
    ),
    "an id that is a list": (
        *("coco", "coco.json"),
        lambda text: text.replace('"id": 7', '"id": [7]'),
    ),
    "run lengths without end": (
        *("coco", "coco.json"),
        lambda text: text.replace("T3d0P?", "o" * 20_000),
    ),
    "run lengths of a trillion pixels": (
        *("coco", "coco.json"),
        lambda text: text.replace(
            '"size": [20, 30], "counts": [100, 20, 480]',
            '"size": [1000000, 1000000], "counts": [1000000000000]',
        ),
    ),
    "an image of a trillion pixels": (
        *("coco", "coco.json"),
        lambda text: text.replace('"height": 20', '"height": 50000000000'),
    ),
    "a mask larger than memory": (
        *("cvat", "annotations.xml"),
        lambda text: text.replace('height="2"', 'height="9999999"').replace(
            "1, 2, 3, 2", str(4 * 9999999)
        ),
    ),
    "an entity": (
        *("cvat", "annotations.xml"),
        lambda text: (
            '<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;">]>' + text
        ),
    ),
}


@pytest.mark.parametrize("name", FAILED)
def test_inputs_that_failed_once(tmp_path, name):
    reader, file_name, change = FAILED[name]
    write, subset = SEEDS[reader]
    write(tmp_path)
    path = tmp_path / file_name
    text = path.read_text("utf-8")
    assert change(text) != text
    path.write_text(change(text), "utf-8")
    with pytest.raises(DatasetError) as caught:
        Dataset.load(tmp_path, subset)
    assert len(str(caught.value)) < 3000


def test_a_million_points(tmp_path):
    SEEDS["via"][0](tmp_path)
    content = json.loads((tmp_path / "via.json").read_text())
    shape = content["_via_img_metadata"]["a.png9"]["regions"][0]["shape_attributes"]
    shape["all_points_x"] = list(range(10**6))
    shape["all_points_y"] = [i % 20 for i in range(10**6)]
    (tmp_path / "via.json").write_text(json.dumps(content))
    with pytest.raises(DatasetError, match="at most 100,000 points. Received: 1,000,0"):
        Dataset.load(tmp_path)


def test_an_image_larger_than_memory(tmp_path, monkeypatch):
    # 60,000 x 60,000 pixels in a file of a few bytes; nothing of it is decoded.
    SEEDS["via"][0](tmp_path)
    header = b"P5 60000 60000 255\n"
    (tmp_path / "a.png").write_bytes(header)
    with pytest.raises(DatasetError, match="pixels. Received: .*, which is larger"):
        Dataset.load(tmp_path)
