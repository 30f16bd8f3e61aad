import json

import numpy as np
import pytest

from mrcnn.cli import runs
from mrcnn.config import Config
from mrcnn.errors import ConfigError


def touch(logs, *names):
    for name in names:
        path = logs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_round_trip(tmp_path):
    config = Config(
        NAME="remote",
        NUM_CLASSES=np.int64(3),
        BACKBONE="resnet18",
        RPN_ANCHOR_SCALES=(8, 16, 32, 64, 128),
        MEAN_PIXEL=np.array([1.5, 2, 3]),
        LOSS_WEIGHTS=dict.fromkeys(Config.LOSS_WEIGHTS, np.float32(0.5)),
    )
    path = runs.write(tmp_path / "run", config, ["BG", "remote", "cell phone"])
    run = runs.read_beside(path.with_name("mask_rcnn_remote_0001.h5"))
    assert run.class_names == ("BG", "remote", "cell phone")
    again = Config(**run.settings)
    again.validate()
    for key, value in config.to_dict().items():
        np.testing.assert_array_equal(getattr(again, key), value)
        assert type(getattr(again, key)) is type(getattr(Config(), key)) or key in (
            "NAME",
            "NUM_CLASSES",
        )


def test_code_is_left_out(tmp_path):
    config = Config(BACKBONE=lambda image: [], COMPUTE_BACKBONE_SHAPE=len)
    runs.write(tmp_path, config, ["BG", "a"])
    settings = runs.read_beside(tmp_path / "a.h5").settings
    assert not {"BACKBONE", "COMPUTE_BACKBONE_SHAPE", "BATCH_SIZE"} & set(settings)


def test_no_run_beside(tmp_path):
    assert runs.read_beside(tmp_path / "mask_rcnn_coco.h5") is None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"class_names": 3, "config": {}}']
)
def test_damaged_run_file(tmp_path, text):
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(ConfigError, match=r"Received: .*run\.json, which cannot"):
        runs.read_beside(tmp_path / "a.h5")


def test_setting_of_another_version(tmp_path):
    content = {"class_names": ["BG", "a"], "config": {"LERNING_RATE": 1}}
    (tmp_path / "run.json").write_text(json.dumps(content))
    with pytest.raises(ConfigError, match="LERNING_RATE is not a known key"):
        Config(**runs.read_beside(tmp_path / "a.h5").settings)


def test_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="Expected a folder to write to"):
        runs.write(tmp_path / "file" / "run", Config(), ["BG"])
