"""Prediction with a network that finds a disc in every image."""

import json
from argparse import Namespace
from fractions import Fraction

import cv2
import numpy as np
import pytest
from PIL import Image

from mrcnn.cli import outputs
from mrcnn.cli import predict as command
from mrcnn.cli.main import build_parser
from mrcnn.config import Config
from mrcnn.data.dataset import Dataset
from mrcnn.errors import ConfigError, DatasetError
from mrcnn.structures import Detections
from mrcnn.video.writer import VideoWriter

NAMES = ("BG", "cell", "remote")


def disc(radius=40):
    y, x = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    return np.hypot(y, x) <= radius


def predict_args(folder, *words):
    return build_parser().parse_args(["predict", "-", f"--output={folder}", *words])


class FindsADisc:
    """A remote at (10, 20) in each image but the black ones."""

    config = Config(IMAGE_MAX_DIM=128)

    def __init__(self):
        self.num_images = []

    def detect_images(self, images, *, mask_threshold):
        self.num_images.append(len(images))
        return [self._detect(image) for image in images]

    def _detect(self, image):
        if not image.any():
            return Detections.empty(image.shape[:2])
        mask = disc()
        box = np.array([[10, 20, 10 + len(mask), 20 + len(mask)]], np.int32)
        score, class_id = np.array([0.9], np.float32), np.array([2], np.int32)
        return Detections(image.shape[:2], box, class_id, score, (mask,))


@pytest.fixture
def photos(tmp_path):
    """Two photos of one name in two folders, and a black one."""
    for name, grey in (("x/1.png", 90), ("y/1.png", 120), ("x/black.png", 0)):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(np.full((120, 160, 3), grey, np.uint8)).save(path)
    return [tmp_path / name for name in ("x/1.png", "y/1.png", "x/black.png")]


def predict(model, photos, folder, *flags):
    command.predict(model, NAMES, photos, predict_args(folder, *flags))


@pytest.mark.parametrize("export", outputs.EXPORTS)
def test_export_can_be_trained_on(photos, tmp_path, export, capsys):
    model = FindsADisc()
    folder = tmp_path / "output"
    folder.mkdir()
    predict(model, photos, folder, "--batch=2", f"--export={export}")
    assert model.num_images == [2, 1]
    assert f"annotations to correct -> {folder / export}" in capsys.readouterr().out
    read = Dataset.load(folder / export, class_names=list(NAMES[1:]))
    found = {
        info["path"].rsplit("/", 1)[1]: i for i, info in enumerate(read.image_info)
    }
    assert {"1.png", "1-2.png"} <= set(found)
    expected = np.zeros((120, 160), bool)
    expected[10:91, 20:101] = disc()
    for name, photo in (("1.png", photos[0]), ("1-2.png", photos[1])):
        masks, class_ids = read.load_mask(found[name])
        assert class_ids.tolist() == [2]
        mask = masks[..., 0]
        assert (mask & expected).sum() / (mask | expected).sum() >= 0.99
        np.testing.assert_array_equal(
            read.load_image(found[name]), outputs.read_image(photo)
        )
    # The other results are there as well.
    assert json.loads((folder / "1_masks.json").read_text())["detections"]
    assert (folder / "black_masks.jpg").is_file()


def test_export_has_few_corners(photos, tmp_path):
    """A person can correct it: no corner for every pixel of the edge."""
    predict(FindsADisc(), photos[:1], tmp_path, "--export=via")
    content = json.loads((tmp_path / "via/via_project.json").read_text())
    (entry,) = content["_via_img_metadata"].values()
    (region,) = entry["regions"]
    assert len(region["shape_attributes"]["all_points_x"]) < 80


def test_without_export(photos, tmp_path):
    before = set(tmp_path.iterdir())
    predict(FindsADisc(), photos[:1], tmp_path)
    written = {path.name for path in set(tmp_path.iterdir()) - before}
    assert written == {"1_masks.jpg", "1_masks.json"}


def test_wrong_exports_are_noticed_before_the_network_is_built(photos, tmp_path):
    args = build_parser().parse_args(
        ["predict", str(photos[0]), "--output", str(tmp_path), "--export", "via"]
    )
    (tmp_path / "via").mkdir()
    with pytest.raises(ConfigError, match="may hold corrected ones"):
        args.run(args)
    (tmp_path / "clip.mp4").touch()
    only_video = Namespace(**{**vars(args), "inputs": [str(tmp_path / "clip.mp4")]})
    with pytest.raises(ConfigError, match="--export with videos only"):
        only_video.run(only_video)
    with pytest.raises(SystemExit):
        build_parser().parse_args(["predict", "a.png", "--export", "yolov8"])


def test_labels_and_crops(photos, tmp_path):
    """Lines that Ultralytics reads, and the very pixels of the box."""
    folder = tmp_path / "output"
    folder.mkdir()
    args = predict_args(folder, "--save-txt", "--save-crops", "--no-save-json")
    command.predict(FindsADisc(), NAMES, photos, args)
    assert not list(folder.glob("*.json"))
    labels = {path.name: path.read_text() for path in (folder / "labels").iterdir()}
    assert sorted(labels) == ["1-2.txt", "1.txt", "black.txt"]
    assert labels["black.txt"] == ""
    class_id, *shares, score = labels["1.txt"].split()
    assert (class_id, score) == ("1", "0.9") and len(shares) % 2 == 0
    corners = np.array(shares, float).reshape(-1, 2) * (160, 120)
    drawn = np.zeros((120, 160), np.uint8)
    cv2.fillPoly(drawn, [np.rint(corners).astype(np.int32)], 1)
    expected = np.zeros((120, 160), bool)
    expected[10:91, 20:101] = disc()
    assert (expected & (drawn > 0)).sum() / (expected | (drawn > 0)).sum() > 0.98
    crops = sorted(path.name for path in (folder / "crops" / "remote").iterdir())
    assert crops == ["1-2_1.jpg", "1_1.jpg"]
    with Image.open(folder / "crops" / "remote" / "1_1.jpg") as crop:
        assert crop.size == (81, 81)
        np.testing.assert_allclose(np.asarray(crop), 90, atol=2)


def test_labels_and_crops_of_a_video(tmp_path):
    clip, folder = tmp_path / "clip.mp4", tmp_path / "output"
    with VideoWriter(clip, width=160, height=120, fps=Fraction(10)) as writer:
        for _ in range(3):
            writer.write(np.full((120, 160, 3), 90, np.uint8))
    args = predict_args(folder, "--save-txt", "--save-crops", "--no-save-json")
    command.predict(FindsADisc(), NAMES, [clip], args)
    labels = sorted((folder / "labels").iterdir())
    assert [path.name for path in labels] == [f"clip_{i}.txt" for i in range(3)]
    # Class, corners, score, and the number of the object.
    words = labels[2].read_text().split()
    assert words[0] == "1" and words[-2:] == ["0.9", "1"] and len(words) % 2
    crops = sorted(path.name for path in (folder / "crops" / "remote").iterdir())
    assert crops == [f"clip_{i}_1.jpg" for i in range(3)]
    assert {path.name for path in folder.glob("clip*")} == {"clip_masks.mp4"}


def test_objects_without_pixels_have_no_line(photos, tmp_path, caplog):
    class FindsNoPixel(FindsADisc):
        def _detect(self, image):
            found = super()._detect(image)
            found.box_masks[0][:] = False
            return found

    args = predict_args(tmp_path, "--save-txt")
    command.predict(FindsNoPixel(), NAMES, photos[:1], args)
    assert (tmp_path / "labels" / "1.txt").read_text() == ""
    assert "1 detections without a pixel" in caplog.text


def test_labels_that_cannot_be_written(photos, tmp_path):
    (tmp_path / "labels").touch()
    with pytest.raises(DatasetError, match="Expected a place for .*labels"):
        command.predict(
            FindsADisc(), NAMES, photos[:1], predict_args(tmp_path, "--save-txt")
        )


def test_conf_is_confidence():
    assert predict_args("out", "--conf=0.3").confidence == 0.3
    assert predict_args("out", "--confidence=0.3").confidence == 0.3
