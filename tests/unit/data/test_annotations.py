import math

import pytest

from mrcnn.data.annotations import AnnotationFile, as_number, is_number, short
from mrcnn.errors import DatasetError


@pytest.fixture
def file(tmp_path, save_image):
    for name in ("data/a.png", "data/images/b.png", "data/images/deep/c.png", "d.png"):
        save_image(name)
    folder = tmp_path / "data"
    return AnnotationFile(folder / "x.json", (folder, folder / "images"))


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("a.png", "a.png"),
        ("./a.png", "a.png"),
        ("images/b.png", "images/b.png"),
        ("b.png", "images/b.png"),
        ("deep\\c.png", "images/deep/c.png"),
        ("deep//c.png", "images/deep/c.png"),
    ],
)
def test_images_are_found(file, name, found):
    assert file.find_image(name).samefile(file.path.parent / found)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("../d.png", "leaves it"),
        ("images/../../d.png", "leaves it"),
        ("..\\d.png", "leaves it"),
        ("/etc/passwd", "leaves it"),
        ("\\\\host\\d.png", "leaves it"),
        ("C:\\d.png", "leaves it"),
        ("C:d.png", "leaves it"),
        ("e.png", "no such file"),
        ("images", "no such file"),
        (".", "no such file"),
        ("a.png\0", "no such file"),
        ("x" * 5000, "no such file"),
        ("", "expected the file name of an image"),
        (None, "expected the file name of an image"),
        ([[]], "expected the file name of an image"),
    ],
)
def test_other_names_are_refused(file, name, message):
    with pytest.raises(DatasetError, match=message):
        file.find_image(name)


def test_links(file, tmp_path):
    folder = file.path.parent
    (folder / "inside.png").symlink_to(folder / "images" / "b.png")
    assert file.find_image("inside.png") == folder / "inside.png"
    (folder / "outside.png").symlink_to(tmp_path / "d.png")
    (folder / "up").symlink_to(tmp_path)
    for name in ("outside.png", "up/d.png"):
        with pytest.raises(DatasetError, match="a link that leaves it"):
            file.find_image(name)
    # The folder itself may be one.
    (tmp_path / "link").symlink_to(folder)
    linked = AnnotationFile(tmp_path / "link" / "x.json", (tmp_path / "link",))
    assert linked.find_image("a.png") == tmp_path / "link" / "a.png"


def test_numbers():
    assert all(map(is_number, (0, -1, 2.5, 1e7)))
    others = (True, "1", None, math.nan, math.inf, 1e8, 10**400, [1])
    assert not any(map(is_number, others))
    assert as_number("-2.5") == -2.5
    for text in (None, "", "x", "nan", "inf", "1e300", "9" * 5000):
        assert math.isnan(as_number(text))


def test_short():
    assert short("a") == "'a'"
    nested = []
    for _ in range(100_000):
        nested = [nested]
    for value in ("x" * 10**6, list(range(10**6)), nested, {"a": nested}):
        assert len(short(value)) <= 60
