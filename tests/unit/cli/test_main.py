import argparse
import logging
import subprocess
import sys
from pathlib import Path

import pytest

import mrcnn
from mrcnn.cli import versions
from mrcnn.cli.coco_classes import COCO_CLASSES
from mrcnn.cli.main import COMMANDS, guard, main
from mrcnn.errors import ConfigError

ROOT = Path(__file__).resolve().parents[3]
SAMPLES = sorted(
    path
    for path in (ROOT / "samples" / "remote").glob("*.py")
    if path.stem in ("train", "evaluate", "predict_image", "predict_video")
)


def raising(error):
    def run(args):
        raise error

    return run


def test_bad_input_is_one_line_and_code_2(capsys):
    error = ConfigError("Config has 2 wrong values:\n  A: no.\n  B: no.")
    assert guard(raising(error), argparse.Namespace()) == 2
    captured = capsys.readouterr()
    assert captured.err == "error: Config has 2 wrong values: A: no. B: no.\n"
    assert captured.out == ""


def test_interrupt_is_code_130(capsys):
    assert guard(raising(KeyboardInterrupt()), argparse.Namespace()) == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_other_errors_keep_their_traceback():
    with pytest.raises(ZeroDivisionError):
        guard(raising(ZeroDivisionError()), argparse.Namespace())


def test_log_is_shown_while_a_command_runs(capsys):
    logger = logging.getLogger("mrcnn.weights")
    handlers = list(logging.getLogger("mrcnn").handlers)
    assert guard(lambda args: logger.info("690 arrays"), argparse.Namespace()) == 0
    logger.info("not shown")
    assert capsys.readouterr().out == "690 arrays\n"
    assert logging.getLogger("mrcnn").handlers == handlers


@pytest.mark.parametrize("words", [[], ["fly"], ["train", "--epochs"], ["predict"]])
def test_wrong_usage_is_code_2(words, capsys):
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    assert "usage: mrcnn" in capsys.readouterr().err


def test_version(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out.strip() == mrcnn.__version__


def test_every_command_file_is_a_command():
    files = {path.stem for path in (ROOT / "mrcnn" / "cli").glob("*.py")}
    with_parser = {
        stem
        for stem in files
        if "\ndef add_parser(" in (ROOT / "mrcnn/cli" / f"{stem}.py").read_text("utf-8")
    }
    assert {command.__name__.split(".")[-1] for command in COMMANDS} == with_parser


@pytest.mark.parametrize(
    "command",
    ["train", "evaluate", "predict", "check", "stats", "split", "convert", "merge"],
)
def test_help_shows_examples(command, capsys):
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert caught.value.code == 0
    assert f"examples:\n  mrcnn {command} " in capsys.readouterr().out


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_samples_teach_from_any_folder(path, tmp_path):
    done = subprocess.run(
        [sys.executable, path, "--help"], cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert f"python samples/remote/{path.name}" in done.stdout
    assert "--weights" in done.stdout


def test_all_samples_are_there():
    assert len(SAMPLES) == 4


def test_module_runs_as_a_program():
    done = subprocess.run(
        [sys.executable, "-m", "mrcnn", "predict", "gone.jpg"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("error: Expected an image, a video, or a folder")
    assert done.stderr.count("\n") == 1


def test_versions_names_what_a_report_needs(capsys):
    assert main(["versions"]) == 0
    out = capsys.readouterr().out
    facts = dict(line.split(maxsplit=1) for line in out.splitlines())
    assert facts["mrcnn"] == mrcnn.__version__
    assert facts["Python"] == ".".join(map(str, sys.version_info[:3]))
    for name in ("keras", "tensorflow", "numpy", "opencv-python", "devices"):
        assert facts[name]
    assert facts["backend"] in ("tensorflow", "jax", "torch")


def test_versions_says_what_is_missing(monkeypatch, capsys):
    monkeypatch.setattr(versions, "PACKAGES", ("no-such-package",))
    monkeypatch.setattr(versions, "_backend", dict)
    assert main(["versions"]) == 0
    assert "no-such-package  not installed" in capsys.readouterr().out


def test_coco_has_80_classes_and_the_background():
    assert len(set(COCO_CLASSES)) == 81
    # Ids of the original's class list.
    assert (COCO_CLASSES[1], COCO_CLASSES[66], COCO_CLASSES[80]) == (
        "person",
        "remote",
        "toothbrush",
    )
