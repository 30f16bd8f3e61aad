import argparse
from types import SimpleNamespace

import numpy as np
import pytest

from mrcnn.cli import arguments, augmentation, datasets, runs
from mrcnn.config import Config
from mrcnn.errors import ConfigError, WeightsError
from mrcnn.structures import Stage


def training_args(*words, dataset="photos"):
    parser = argparse.ArgumentParser()
    arguments.add_training_flags(parser, dataset=dataset)
    return parser.parse_args(words)


def detection_args(*words, **defaults):
    parser = argparse.ArgumentParser()
    arguments.add_detection_flags(parser, **defaults)
    return parser.parse_args(words)


TWO_CLASSES = SimpleNamespace(num_classes=3, num_channels=3)


class Remote(Config):
    NAME = "remote"
    IMAGES_PER_GPU = 4


def test_dataset_is_required_without_a_default():
    with pytest.raises(ConfigError, match="--dataset=FOLDER, or --resume"):
        datasets.load_datasets(training_args(dataset=None))


@pytest.mark.parametrize("words", [["--epochs=0"], ["--batch=2.5"], ["--steps=many"]])
def test_counts_are_whole_numbers(words, capsys):
    with pytest.raises(SystemExit) as caught:
        training_args(*words)
    assert caught.value.code == 2
    assert "expected a whole number of at least 1" in capsys.readouterr().err


def test_class_list():
    assert training_args("--classes=remote, cell phone").classes == [
        "remote",
        "cell phone",
    ]
    assert training_args().classes is None


@pytest.mark.parametrize("text", ["", "a,,b", " , "])
def test_class_list_with_gaps(text, capsys):
    with pytest.raises(SystemExit):
        training_args(f"--classes={text}")
    assert "expected names separated by commas" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "keep"),
    [([], None), (["--negatives=0.5"], True), (["--negatives=0"], True)],
)
def test_photos_without_outlines_stay_when_negatives_are_asked_for(
    words, keep, monkeypatch
):
    asked = []

    def load(path, subset, class_names, **settings):
        asked.append((subset, settings["keep_unannotated"]))
        return SimpleNamespace(class_names=["BG", "remote"])

    monkeypatch.setattr("mrcnn.data.dataset.Dataset.load", load)
    monkeypatch.setattr("mrcnn.data.formats.subsets", lambda path: ["train", "val"])
    datasets.load_datasets(training_args(*words))
    assert asked == [("train", keep), ("val", keep)]


def test_config_of_the_data_set_alone():
    config = arguments.training_config(
        training_args("--weights=coco", dataset="photos/My Remotes"), TWO_CLASSES
    )
    assert (config.NAME, config.NUM_CLASSES) == ("my-remotes", 3)
    assert config.STEPS_PER_EPOCH is None and config.VALIDATION_STEPS is None
    # Everything else is the default of Config.
    same = Config(
        NAME="my-remotes", NUM_CLASSES=3, STEPS_PER_EPOCH=None, VALIDATION_STEPS=None
    )
    for key, value in same.to_dict().items():
        np.testing.assert_array_equal(getattr(config, key), value)


def test_flags_override_the_configuration():
    words = "--weights=none --backbone=resnet18 --image-size=256 --steps=7 --batch=3"
    config = arguments.training_config(
        training_args(*words.split(), "--lr=0.01", "--seed=5"), TWO_CLASSES, Remote
    )
    assert config.NAME == "remote"
    assert (config.BACKBONE, config.STEPS_PER_EPOCH) == ("resnet18", 7)
    assert (config.BATCH_SIZE, config.LEARNING_RATE, config.SEED) == (3, 0.01, 5)
    # 256 * 800 / 1024 = 200
    assert (config.IMAGE_MAX_DIM, config.IMAGE_MIN_DIM) == (256, 200)


@pytest.mark.parametrize(
    ("words", "num_channels", "mean"),
    [
        ([], 3, Config.MEAN_PIXEL),
        (["--mean-pixel"], 3, [1, 2, 3]),
        (["--channels=1"], 1, [1]),
        (["--channels=1", "--set=MEAN_PIXEL=[7]"], 1, [7]),
        (["--channels=5", "--mean-pixel"], 5, [1, 2, 3, 4, 5]),
    ],
)
def test_channels_and_their_mean(words, num_channels, mean):
    dataset = SimpleNamespace(
        num_classes=3,
        num_channels=num_channels,
        mean_pixel=lambda: np.arange(1.0, num_channels + 1),
    )
    config = arguments.training_config(training_args("--weights=coco", *words), dataset)
    assert num_channels == config.IMAGE_CHANNEL_COUNT
    np.testing.assert_array_equal(config.MEAN_PIXEL, mean)


@pytest.mark.parametrize(
    ("flag", "count", "numbers"),
    [("2", 2, None), ("0,3", 2, (0, 3)), ("1,", 1, (1,)), ("1", 1, None)],
)
def test_devices(flag, count, numbers):
    # The run that is gone on with may have had others.
    class Before(Config):
        GPU_COUNT = 3
        DEVICES = (0, 1, 2)

    args = training_args("--weights=coco", f"--devices={flag}", "--batch=4")
    config = arguments.training_config(args, TWO_CLASSES, Before)
    assert (config.GPU_COUNT, config.DEVICES) == (count, numbers)
    assert config.BATCH_SIZE == 4 * count


@pytest.mark.parametrize("flag", ["0", "-1", "gpu0", "0,,1", "1.5", ","])
def test_devices_that_are_none(flag, capsys):
    with pytest.raises(SystemExit):
        training_args("--weights=coco", f"--devices={flag}")
    assert "how many devices, 2 for example, or which ones" in capsys.readouterr().err


def test_flags_left_out_leave_the_class():
    config = arguments.training_config(
        training_args("--weights=coco"), TWO_CLASSES, Remote
    )
    assert (config.IMAGES_PER_GPU, config.IMAGE_MAX_DIM) == (4, 1024)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--image-size=100"], "must divide by 64"),
        (["--lr=-1"], "LEARNING_RATE"),
        (["--seed=-1"], "SEED"),
    ],
)
def test_wrong_flags_are_named(words, said):
    args = training_args("--weights=none", *words)
    with pytest.raises(ConfigError, match=said):
        arguments.training_config(args, TWO_CLASSES)


@pytest.mark.parametrize("start", ["last", "path"])
def test_training_goes_on_with_the_settings_of_its_start(tmp_path, start):
    folder = tmp_path / "photos20250101T1200"
    checkpoint = folder / "mask_rcnn_photos_0004.h5"
    old = Config(NAME="photos", NUM_CLASSES=2, BACKBONE="resnet18", LEARNING_RATE=0.5)
    runs.write(folder, old, ["BG", "remote"])
    checkpoint.touch()
    weights = "last" if start == "last" else checkpoint
    config = arguments.training_config(
        training_args(f"--weights={weights}", f"--logs={tmp_path}", "--lr=0.25"),
        TWO_CLASSES,
    )
    assert config.BACKBONE == "resnet18"  # of the run
    assert config.LEARNING_RATE == 0.25  # the flag
    assert config.NUM_CLASSES == 3  # the data set


def test_start_that_is_missing(tmp_path):
    args = training_args("--weights=last", f"--logs={tmp_path}")
    with pytest.raises(WeightsError, match=r"mask_rcnn_photos_NNNN\.h5 in .*: none"):
        arguments.training_config(args, TWO_CLASSES)
    args = training_args(f"--weights={tmp_path / 'gone.h5'}")
    with pytest.raises(WeightsError, match=r"gone\.h5 \(no such file\)"):
        arguments.training_config(args, TWO_CLASSES)
    args = training_args(f"--weights={tmp_path}")
    with pytest.raises(WeightsError, match=r"\(a folder\)"):
        arguments.training_config(args, TWO_CLASSES)


@pytest.mark.parametrize(
    ("words", "layers"),
    [
        ([], "heads"),
        (["--weights=last"], "heads"),
        (["--weights=imagenet"], "all"),
        (["--weights=none"], "all"),
        (["--weights=none", "--layers=heads"], "heads"),
        (["--layers=4+"], "4+"),
    ],
)
def test_layers_suit_the_start(words, layers):
    assert arguments.training_layers(training_args(*words)) == layers


def stages_of(*words):
    args = training_args(*words)
    return arguments.training_stages(args, Config(LEARNING_RATE=args.lr or 0.001))


def test_one_stage_of_layers_epochs_and_rate():
    assert stages_of() == (Stage("heads", 30, 0.001),)
    words = ("--weights=none", "--epochs=7", "--lr=0.5")
    assert stages_of(*words) == (Stage("all", 7, 0.5),)


def test_stages_stand_alone():
    stages = (Stage("heads", 20, 0.1), Stage("all", 60, 0.01))
    assert stages_of("--stages=heads:20:0.1,all:60:0.01") == stages


@pytest.mark.parametrize("flag", ["--layers=all", "--epochs=30", "--lr=0"])
def test_stages_and_a_flag_that_they_replace(flag):
    with pytest.raises(ConfigError, match=f"Expected --stages alone.*{flag}"):
        stages_of("--stages=heads:20:0.1", flag)


def test_from_scratch_batch_norm_learns_and_anchors_suit_the_size():
    args = training_args("--weights=none", "--image-size=256")
    config = arguments.training_config(args, TWO_CLASSES)
    assert config.TRAIN_BN is None
    assert config.RPN_ANCHOR_SCALES == (8, 16, 32, 64, 128)
    pretrained = training_args("--weights=coco", "--image-size=256")
    config = arguments.training_config(pretrained, TWO_CLASSES)
    assert config.TRAIN_BN is False
    assert config.RPN_ANCHOR_SCALES == Config.RPN_ANCHOR_SCALES


def test_any_setting_can_be_given():
    args = training_args(
        "--weights=none",
        "--set=TRAIN_ROIS_PER_IMAGE=50",
        "--set=RPN_ANCHOR_SCALES=(8, 16, 32, 64, 100)",
        "--set=NAME=squares",
    )
    config = arguments.training_config(args, TWO_CLASSES)
    assert (config.TRAIN_ROIS_PER_IMAGE, config.NAME) == (50, "squares")
    assert config.RPN_ANCHOR_SCALES == (8, 16, 32, 64, 100)
    with pytest.raises(ConfigError, match="Did you mean 'TRAIN_BN'"):
        arguments.training_config(training_args("--set=TRAIN_BM=1"), TWO_CLASSES)
    with pytest.raises(SystemExit):
        training_args("--set=TRAIN_BN")


def test_augmentation_can_be_turned_off():
    assert augmentation.augmenter(training_args("--augment=none")) is None


def test_turning_moves_the_picture():
    turn = augmentation.augmenter(training_args("--augment=turn"))
    image = np.zeros((40, 40, 3), np.uint8)
    image[:10] = 200
    results = [turn.augment_image(image) for _ in range(8)]
    assert len({result.tobytes() for result in results}) == 8
    assert all(result.shape == image.shape for result in results)


def test_augmentation_flips_half_of_the_images():
    flip = augmentation.augmenter(training_args())
    image = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    flip.seed_(1) if hasattr(flip, "seed_") else None
    results = [flip.augment_image(image) for _ in range(200)]
    flipped = sum(np.array_equal(result, image[:, ::-1]) for result in results)
    kept = sum(np.array_equal(result, image) for result in results)
    assert flipped + kept == 200
    assert 60 < flipped < 140  # 100 expected, standard deviation 7


def test_detection_settings():
    args = detection_args("--confidence=0.9", "--batch=2", "--backbone=resnet50")
    assert arguments.network_settings(args) == {
        "BACKBONE": "resnet50",
        "IMAGES_PER_GPU": 2,
        "DETECTION_MIN_CONFIDENCE": 0.9,
    }
    assert arguments.network_settings(detection_args(confidence=0.05)) == {
        "IMAGES_PER_GPU": 1,
        "DETECTION_MIN_CONFIDENCE": 0.05,
    }


def test_confidence_of_zero_is_a_value():
    settings = arguments.network_settings(detection_args("--confidence=0"))
    assert settings["DETECTION_MIN_CONFIDENCE"] == 0


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("photos", "photos"),
        ("a/My photos (2024)/", "my-photos-2024"),
        ("x/été_1", "été_1"),
        ("/", "objects"),
    ],
)
def test_folder_name(path, name):
    assert arguments.folder_name(path) == name
    Config(NAME=name).validate()


def test_folder_name_of_an_annotation_file(tmp_path):
    (tmp_path / "cells v2.json").touch()
    assert arguments.folder_name(tmp_path / "cells v2.json") == "cells-v2"
