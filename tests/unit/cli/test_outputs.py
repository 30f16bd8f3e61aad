from pathlib import Path

import numpy as np
import pytest

from mrcnn.cli import outputs
from mrcnn.errors import ConfigError, DatasetError, VideoError
from mrcnn.structures import Detections


@pytest.fixture
def folder(tmp_path):
    for name in ("b.JPG", "a.png", "clip.mp4", "notes.txt", "deep/c.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


@pytest.fixture
def one():
    """A box of 2 x 3 at (1, 1) in an image of 4 x 6, its left column masked."""
    mask = np.array([[1, 0, 0], [1, 0, 0]], bool)
    return Detections(
        (4, 6),
        np.array([[1, 1, 3, 4]], np.int32),
        np.array([2], np.int32),
        np.array([0.5], np.float32),
        (mask,),
    )


def names(paths):
    return [path.name for path in paths]


def test_folder_gives_its_images_and_videos(folder):
    found = outputs.find_inputs([str(folder)])
    assert names(found) == ["a.png", "b.JPG", "clip.mp4"]


def test_inputs_keep_their_order_and_come_once(folder):
    found = outputs.find_inputs([str(folder / "b.JPG"), str(folder)])
    assert names(found) == ["b.JPG", "a.png", "clip.mp4"]


def test_pattern(folder):
    assert names(outputs.find_inputs([str(folder / "*.p*")])) == ["a.png"]


def test_file_whose_name_looks_like_a_pattern(tmp_path):
    (tmp_path / "photo[1].jpg").touch()
    assert len(outputs.find_inputs([str(tmp_path / "photo[1].jpg")])) == 1


@pytest.mark.parametrize("name", ["gone.jpg", "*.gif"])
def test_missing_input(folder, name):
    with pytest.raises(DatasetError, match="no such file or folder"):
        outputs.find_inputs([str(folder / name)])


def test_folder_without_images(tmp_path):
    with pytest.raises(DatasetError, match="a folder without images or videos"):
        outputs.find_inputs([str(tmp_path)])


def test_require_videos():
    outputs.require_videos([Path("a.mp4"), Path("b.MOV")])
    with pytest.raises(VideoError, match=r"Received: c\.jpg"):
        outputs.require_videos([Path("a.mp4"), Path("c.jpg")])


def test_make_folder_where_a_file_is(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="Expected a folder for the results"):
        outputs.make_folder(tmp_path / "file")


def test_results_never_replace_inputs_or_each_other():
    paths = [Path(name) for name in ("x/1.jpg", "x/1.png", "y/1.jpg", "x/a.b.jpg")]
    targets = outputs.target_stems(paths, Path("x"))
    assert [targets[path].name for path in paths] == [
        "1_masks",
        "1-2_masks",
        "1-3_masks",
        "a.b_masks",
    ]


def test_target_that_another_input_already_has():
    paths = [Path("1.jpg"), Path("1-2.jpg"), Path("1.png")]
    targets = outputs.target_stems(paths, Path("out"))
    assert len(set(targets.values())) == 3


def test_listing(one):
    listing = outputs.listing_of("photo.jpg", one, ["BG", "cell", "remote"])
    assert {key: listing[key] for key in ("image", "height", "width")} == {
        "image": "photo.jpg",
        "height": 4,
        "width": 6,
    }
    (found,) = listing["detections"]
    assert found["category_name"] == "remote" and found["category_id"] == 2
    assert found["bbox"] == [1, 1, 3, 2] and found["score"] == 0.5  # x, y, w, h

    from pycocotools import mask

    decoded = mask.decode(found["segmentation"])
    np.testing.assert_array_equal(decoded, one.masks[..., 0])


def test_listing_of_nothing():
    listing = outputs.listing_of("photo.jpg", Detections.empty((4, 6)), ["BG", "a"])
    assert listing["detections"] == []


def test_summary(one):
    both = Detections(
        one.image_hw,
        np.repeat(one.boxes, 3, axis=0),
        np.array([2, 1, 2], np.int32),
        np.ones(3, np.float32),
        one.box_masks * 3,
    )
    assert outputs.summary(both, ["BG", "cell", "remote"]) == "2 remote, 1 cell"
