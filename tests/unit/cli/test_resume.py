"""Flags of an interrupted training, kept and held against those typed."""

import argparse
import json

import pytest

from mrcnn.cli import arguments, resume, runs
from mrcnn.config import Config
from mrcnn.errors import ConfigError, WeightsError


class Remote(Config):
    NAME = "remote"


def parse(*words, **defaults):
    parser = argparse.ArgumentParser()
    arguments.add_training_flags(parser, **defaults)
    return parser.parse_args([str(word) for word in words])


FLAGS = (
    "--dataset=photos",
    "--classes=remote, cell phone",
    "--set=TRAIN_ROIS_PER_IMAGE=50",
    "--scale-jitter=0.5,2",
    "--lr=0.01",
    "--epochs=12",
    "--processes",
    "--workers=3",
)


@pytest.fixture
def logs(tmp_path, monkeypatch):
    """A log folder with an interrupted run, begun with FLAGS in `tmp_path`."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "logs" / "remote20240101T0000"
    flags = resume.flags_to_keep(parse(*FLAGS))
    runs.write(folder, Remote(IMAGES_PER_GPU=7), ["BG", "remote", "cell phone"], flags)
    (folder / "state.npz").touch()
    return folder.parent


def resumed(logs, *words):
    return resume.resumed(parse("--resume", f"--logs={logs}", *words), Remote)


def test_flags_come_back(logs, tmp_path, monkeypatch):
    typed = parse(*FLAGS)
    monkeypatch.chdir("/")  # the data set is found from everywhere
    args, folder, run = resumed(logs)
    assert folder == logs / "remote20240101T0000"
    assert run.class_names == ("BG", "remote", "cell phone")
    assert run.settings["IMAGES_PER_GPU"] == 7
    assert args.dataset == tmp_path / "photos"
    assert args.workers is None
    same = vars(typed).keys() - {"dataset", "workers", "typed", "resume", "logs"}
    assert {"classes", "lr", "epochs", "USE_MULTIPROCESSING", "augment"} <= same
    for key in same - {"set", "SCALE_JITTER"}:
        assert getattr(args, key) == getattr(typed, key), key
    assert dict(args.set) == {"TRAIN_ROIS_PER_IMAGE": 50}
    # What was kept is what would be kept again.
    assert resume.flags_to_keep(args) == run.flags


def test_folder_of_the_run(logs, tmp_path):
    newer = tmp_path / "logs" / "remote20250101T0000"
    newer.mkdir()
    (newer / "run.json").write_bytes(
        (logs / "remote20240101T0000/run.json").read_bytes()
    )
    other = tmp_path / "logs" / "other20260101T0000"
    other.mkdir()
    (other / "state.npz").touch()
    # Without a state there is nothing to resume; other names are other runs.
    assert resumed(logs)[1].name == "remote20240101T0000"
    (newer / "state.npz").touch()
    assert resumed(logs)[1] == newer
    old = logs / "remote20240101T0000"
    assert resume.resumed(parse("--resume", old), Remote)[1] == old
    with pytest.raises(ConfigError, match=r"flags in run\.json.*MaskRCNN\.resume"):
        resume.resumed(parse("--resume", other), Remote)
    with pytest.raises(WeightsError, match=r"Expected state\.npz in a folder"):
        resume.resumed(parse("--resume", "--logs=elsewhere"), Remote)


@pytest.mark.parametrize(
    "word",
    ["--lr=0.02", "--epochs=11", "--schedule=cosine", "--set=SEED=3", "--seed=9"],
)
def test_contradicting_flag(logs, word):
    with pytest.raises(ConfigError, match="as the run|begun with") as caught:
        resumed(logs, word)
    assert f"Received: {word.split('=')[0]}=" in str(caught.value)


def test_contradicting_flag_without_a_value(logs):
    resumed(logs, "--processes")
    path = logs / "remote20240101T0000" / "run.json"
    path.write_text(path.read_text().replace('MULTIPROCESSING": true', 'M": 1'))
    with pytest.raises(ConfigError, match="--processes=True, where the run has None"):
        resumed(logs, "--processes")


def test_a_default_that_is_typed_contradicts_too(logs):
    assert parse().weights == "coco" and parse().val_fraction == 0.2
    resumed(logs, "--weights=coco")
    path = logs / "remote20240101T0000" / "run.json"
    content = json.loads(path.read_text())
    content["flags"]["weights"] = "none"
    path.write_text(json.dumps(content))
    assert resumed(logs)[0].weights == "none"
    with pytest.raises(ConfigError, match="--weights=coco, where the run has none"):
        resumed(logs, "--weights=coco")


def test_flags_that_may_be_given(logs):
    args, _, _ = resumed(
        logs, "--epochs=40", "--workers=2", "--lr=0.01", "--dataset=photos"
    )
    assert (args.epochs, args.workers) == (40, 2)
    assert resume.flags_to_keep(args)["epochs"] == 40


def test_run_of_an_older_version_or_script(logs):
    path = logs / "remote20240101T0000" / "run.json"
    content = json.loads(path.read_text())
    del content["flags"]
    path.write_text(json.dumps(content))
    assert runs.read_beside(path).flags == {}
    with pytest.raises(ConfigError, match="Expected a run with its flags"):
        resumed(logs)


def test_other_classes(tmp_path):
    resume.check_same_classes(["BG", "a"], ("BG", "a"), tmp_path)
    with pytest.raises(ConfigError, match="classes of the run.*: a. Received: a, b"):
        resume.check_same_classes(["BG", "a", "b"], ("BG", "a"), tmp_path)


def test_typed_flags_are_noted_in_subcommands_too():
    parser = argparse.ArgumentParser()
    subparser = parser.add_subparsers().add_parser("train")
    arguments.add_training_flags(subparser)
    args = parser.parse_args(["train", "--epochs=3", "--lr", "0.1"])
    assert args.typed == {"epochs": "--epochs", "lr": "--lr"}
    assert (args.epochs, args.lr, args.resume) == (3, 0.1, None)
