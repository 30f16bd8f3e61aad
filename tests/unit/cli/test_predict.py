"""Prediction with a network that finds a disc in every image."""

import json
from argparse import Namespace

import numpy as np
import pytest
from PIL import Image

from mrcnn.cli import outputs
from mrcnn.cli import predict as command
from mrcnn.cli.main import build_parser
from mrcnn.config import Config
from mrcnn.data.dataset import Dataset
from mrcnn.errors import ConfigError
from mrcnn.structures import Detections

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


@pytest.mark.parametrize("export", outputs.EXPORTS)
def test_export_can_be_trained_on(photos, tmp_path, export, capsys):
    model = FindsADisc()
    folder = tmp_path / "output"
    folder.mkdir()
    words = ["--batch=2", f"--export={export}"]
    command.predict(model, NAMES, photos, predict_args(folder, *words))
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
    args = predict_args(tmp_path, "--export=via")
    command.predict(FindsADisc(), NAMES, photos[:1], args)
    content = json.loads((tmp_path / "via/via_project.json").read_text())
    (entry,) = content["_via_img_metadata"].values()
    (region,) = entry["regions"]
    assert len(region["shape_attributes"]["all_points_x"]) < 80


def test_without_export(photos, tmp_path):
    before = set(tmp_path.iterdir())
    command.predict(FindsADisc(), NAMES, photos[:1], predict_args(tmp_path))
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
