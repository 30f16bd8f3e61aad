"""Images of one and of many channels, from the file to a batch of training."""

import json

import numpy as np
import pytest
import tifffile

from mrcnn.cli.augmentation import AUGMENTERS
from mrcnn.config import Config
from mrcnn.data.dataset import Dataset
from mrcnn.training.augment import import_imgaug
from mrcnn.training.trainer import make_batches


@pytest.mark.parametrize("num_channels", [1, 5])
@pytest.mark.parametrize("mode", ["square", "crop"])
@pytest.mark.parametrize(
    "change", ["nothing", "augmenter", "scale_jitter", "copy_paste"]
)
def test_batches(tmp_path, rng, num_channels, mode, change):
    shape = {
        "shape_attributes": {"name": "rect", "x": 9, "y": 9, "width": 30, "height": 40},
        "region_attributes": {},
    }
    entries = {}
    for name in ("a.tif", "b.tif"):
        pixels = rng.integers(100, 110, (70, 90, num_channels), np.uint8)
        pixels += np.arange(num_channels, dtype=np.uint8) * 20
        tifffile.imwrite(tmp_path / name, np.squeeze(pixels), photometric="minisblack")
        entries[name] = {"filename": name, "regions": [shape]}
    (tmp_path / "via.json").write_text(json.dumps(entries))
    dataset = Dataset.load(tmp_path, num_channels=num_channels)
    mean = dataset.mean_pixel()
    np.testing.assert_allclose(mean, 104.5 + 20 * np.arange(num_channels), atol=1)

    config = Config(
        NUM_CLASSES=2,
        IMAGE_MIN_DIM=64,
        IMAGE_MAX_DIM=128,
        IMAGE_RESIZE_MODE=mode,
        IMAGE_CHANNEL_COUNT=num_channels,
        MEAN_PIXEL=mean,
    )
    config.validate()
    settings = {
        "nothing": {},
        "augmenter": {"augmenter": AUGMENTERS["flip"](import_imgaug().augmenters)},
        "scale_jitter": {"scale_jitter": (0.8, 1.2)},
        "copy_paste": {"copy_paste": 1.0},
    }
    batch = make_batches(dataset, config, shuffle=False, **settings[change])[0]
    image = batch["image"]
    assert image.shape == (2, *config.IMAGE_SHAPE)
    # In the middle of the picture nothing is left but noise around the mean.
    middle = image[:, image.shape[1] // 2, image.shape[2] // 2 - 4 :][:, :8]
    assert abs(middle).max() < 6


@pytest.fixture
def rng():
    return np.random.default_rng(0)
