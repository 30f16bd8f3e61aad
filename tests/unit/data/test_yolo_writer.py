import logging

import numpy as np
import pytest
import yaml
from scipy import ndimage

from mrcnn.data.yolo import polygon_in_pixels
from mrcnn.data.yolo_writer import detection_lines
from mrcnn.errors import DatasetError
from mrcnn.structures import Detections
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


def test_lines_of_detections_hold_the_masks(rng):
    """Read back, without score and track id, they are the very masks."""
    boxes, masks = [], []
    for y, x, height, width in ((0, 0, 20, 30), (11, 7, 9, 14), (39, 59, 1, 1)):
        y2, x2 = min(y + height, 40), min(x + width, 60)
        boxes.append((y, x, y2, x2))
        mask = ndimage.gaussian_filter(rng.random((y2 - y, x2 - x)), 2) > 0.5
        mask[0, 0] = True
        masks.append(mask)
    found = Detections(
        (40, 60),
        np.array(boxes, np.int32),
        np.array([3, 1, 2], np.int32),
        np.array([0.95, 0.5, 1 / 3], np.float32),
        tuple(masks),
        track_ids=np.array([7, 1, 12], np.int32),
    )
    lines = [line.split() for line in detection_lines(found, min_iou=1)]
    assert [(words[0], *words[-2:]) for words in lines] == [
        *(("2", "0.95", "7"), ("0", "0.5", "1"), ("1", "0.333333", "12"))
    ]
    for i, words in enumerate(lines):
        shares = [float(word) for word in words[1:-2]]
        (y1, x1, y2, x2), mask = polygon_in_pixels(shares, (40, 60)).rasterise((40, 60))
        read = np.zeros((40, 60), bool)
        read[y1:y2, x1:x2] = mask
        np.testing.assert_array_equal(read, found.masks[..., i])
