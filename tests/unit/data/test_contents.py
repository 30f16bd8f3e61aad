from array import array

import pytest

from mrcnn.data import contents
from mrcnn.data.contents import read_content
from mrcnn.errors import DatasetError


@pytest.fixture
def write(tmp_path):
    def write(name, text):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
        return path

    return write


def test_kinds(write):
    assert read_content(write("a.json", '{"a": [1, 2.5, null]}')) == {
        "a": [1, 2.5, None]
    }
    rows = read_content(write("a.CSV", 'a,b\n1,"x, ""y"""\n2\n'))
    assert rows == [{"a": "1", "b": 'x, "y"'}, {"a": "2", "b": ""}]
    root = read_content(write("a.xml", '<?xml version="1.0"?><a b="&lt;">c<d/></a>'))
    assert (root.tag, root.attrib, root.text, root[0].tag) == (
        "a",
        {"b": "<"},
        "c",
        "d",
    )


def test_outlines_of_coco_are_arrays(write):
    record = read_content(
        write("a.json", '{"segmentation": [[1, 2.5], [3, "4"], [true], {}, []]}')
    )
    first, *others = record["segmentation"]
    assert first == array("d", [1, 2.5])
    # What holds no numbers alone stays as it is, for the reader to refuse.
    assert others == [[3, "4"], [True], {}, array("d")]
    runs = '{"segmentation": {"counts": [1, 2]}}'
    assert read_content(write("a.json", runs)) == {"segmentation": {"counts": [1, 2]}}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.json", "", "which is empty"),
        ("a.json", "{", "a JSON file.*damaged"),
        ("a.json", "[" * 10**6, "a JSON file.*damaged .*recursion"),
        ("a.json", "9" * 5000, "damaged"),
        ("a.json", b"\xff\xfe\x00", "cannot be read"),
        ("a.csv", 'a,b\n"1,2\n', "a CSV file.*damaged"),
        ("a.csv", "a,b\n", "lists no image"),
        ("a.xml", "<a><b></a>", "an XML file.*damaged"),
        ("a.xml", '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "defines the entity 'b'"),
        (
            "a.xml",
            '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
            "defines the entity 'b'",
        ),
        ("a.xml", "<a>&b;</a>", "undefined entity"),
    ],
)
def test_what_cannot_be_read_is_named(write, name, text, message):
    path = write(name, text)
    with pytest.raises(DatasetError, match=message) as caught:
        read_content(path)
    assert str(path) in str(caught.value)


def test_too_large(write, monkeypatch):
    monkeypatch.setattr(contents, "MAX_BYTES", 1 << 30)
    path = write("a.json", "")
    with path.open("wb") as file:
        file.truncate((1 << 30) + 1)  # a hole, that takes no room
    with pytest.raises(DatasetError, match="at most 1 GB"):
        read_content(path)
