import logging

import numpy as np
import pytest
import yaml

from mrcnn.errors import DatasetError
from tests.unit.data.painted import CLASSES, block


def test_yolo_files(painted, tmp_path, caplog):
    painted.image_info[0]["objects"].append((block(0, 0, 3, 3), -2))
    with caplog.at_level(logging.WARNING):
        file = painted.save(tmp_path / "yolo", "yolo", copy_images=True)
    assert "1 crowds left out: YOLO has none." in caplog.text
    assert yaml.safe_load(file.read_text()) == {
        "train": "images",
        "val": "images",
        "names": dict(enumerate(CLASSES)),
    }
    lines = (tmp_path / "yolo/labels/a.txt").read_text().splitlines()
    assert [line.split()[0] for line in lines] == ["1", "0"]
    assert (tmp_path / "yolo/labels/b.txt").read_text() == ""
    values = np.array(lines[0].split()[1:], float).reshape(-1, 2)
    assert values.min() >= 0 and values.max() <= 1
    # The corner at pixel (2, 1) of 30 x 20.
    assert np.isclose(values, [2 / 30, 1 / 20]).all(axis=1).any()


def test_yolo_of_other_classes(painted, tmp_path):
    painted.save(tmp_path / "yolo", "yolo", "train", copy_images=True)
    painted.class_names = ["BG", "dog", "cat", "emu"]
    with pytest.raises(DatasetError, match="same classes in all subsets"):
        painted.save(tmp_path / "yolo", "yolo", "val", copy_images=True)


def test_yolo_wants_its_own_folders(painted, tmp_path):
    with pytest.raises(DatasetError, match=r"where YOLO wants them.*copy_images=True"):
        painted.save(tmp_path, "yolo")
