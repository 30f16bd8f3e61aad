"""Run folders and checkpoint names of the original."""

import re
from datetime import datetime
from pathlib import Path

import pytest

from mrcnn.errors import WeightsError
from mrcnn.weights.checkpoints import (
    CheckpointNotFoundError,
    checkpoint_path,
    find_last,
    new_run_folder,
    parse_checkpoint,
    run_folder,
)

NOW = datetime(2024, 12, 31, 23, 59, 58)
# How the original takes a checkpoint's path apart when it continues a training.
ORIGINAL = (
    r".*[/\\][\w-]+(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})[/\\]"
    r"mask\_rcnn\_[\w-]+(\d{4})\.h5"
)


def make(folder, *names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()


def test_the_original_reads_our_names(tmp_path):
    folder = run_folder(tmp_path, "AC-Remote", NOW)
    path = checkpoint_path(folder, "AC-Remote", 12)
    assert path == tmp_path / "ac-remote20241231T2359" / "mask_rcnn_ac-remote_0012.h5"
    groups = re.match(ORIGINAL, str(path)).groups()
    assert groups == ("2024", "12", "31", "23", "59", "0012")
    assert not folder.exists()


def test_two_runs_of_one_minute_get_folders_of_their_own(tmp_path):
    folders = [new_run_folder(tmp_path / "logs", "Remote", NOW) for _ in range(3)]
    # 23:59 on New Year's Eve, and the two minutes after it.
    assert [folder.name for folder in folders] == [
        "remote20241231T2359",
        "remote20250101T0000",
        "remote20250101T0001",
    ]
    assert all(folder.is_dir() for folder in folders)
    for folder in folders:
        make(folder, "mask_rcnn_remote_0001.h5")
    assert find_last(tmp_path / "logs", "Remote").parent == folders[-1]


def test_run_folder_where_a_file_is_in_the_way(tmp_path):
    (tmp_path / "file").touch()
    for model_dir in (tmp_path / "file", tmp_path / "file" / "logs"):
        with pytest.raises(WeightsError, match="make the folder of the run.*--logs"):
            new_run_folder(model_dir, "remote", NOW)


@pytest.mark.parametrize(
    ("path", "epoch"),
    [
        ("logs/remote20240131T0930/mask_rcnn_remote_0007.h5", 7),
        ("remote20240131T0930/mask_rcnn_remote_0007.h5", 7),
        (Path("/a b/ac-remote20240131T0930/mask_rcnn_ac-remote_0160.h5"), 160),
        (r"\path\to\logs\coco20171029T2315\mask_rcnn_coco_0001.h5", 1),
        (r"C:\logs\coco20171029T2315\mask_rcnn_coco_0001.h5", 1),
        ("logs/a b20240131T0930/mask_rcnn_a b_0002.h5", 2),
        ("logs/remote20240131T0930/mask_rcnn_remote_10000.h5", 10000),
        ("logs/remote2_20240131T0930/mask_rcnn_remote2_0003.h5", 3),
        ("mask_rcnn_coco.h5", None),
        ("logs/mask_rcnn_remote_0007.h5", None),
        ("logs/remote20240131T0930/mask_rcnn_remote_0007.weights.h5", None),
        ("logs/remote20240131T0930/mask_rcnn_remote_007.h5", None),
        ("logs/remote20240131T0930/.mask_rcnn_remote_0007.h5.12.part", None),
        ("logs/remote20240131T0930/other/mask_rcnn_remote_0007.h5", None),
        ("", None),
    ],
)
def test_parse_checkpoint(path, epoch):
    assert parse_checkpoint(path) == epoch


def test_find_last_takes_the_newest_run_and_its_last_epoch(tmp_path):
    make(tmp_path / "remote20230101T0000", "mask_rcnn_remote_0099.h5")
    make(
        tmp_path / "remote20240101T0000",
        "mask_rcnn_remote_0009.h5",
        "mask_rcnn_remote_9999.h5",
        "mask_rcnn_remote_10000.h5",  # by name it would come before _9999
        "mask_rcnn_remote_0010.h5",
        ".mask_rcnn_remote_20000.h5.1.part",
        "mask_rcnn_remote_best.h5",
        "events.out",
    )
    make(tmp_path / "remote20240301T0000")  # stopped in its first epoch
    # Another configuration whose name begins alike, and one that ends in digits.
    make(tmp_path / "remote220250101T0000", "mask_rcnn_remote2_0001.h5")
    make(tmp_path / "remotes20250101T0000", "mask_rcnn_remotes_0001.h5")
    make(tmp_path, "remote20260101T0000")  # a file
    last = find_last(str(tmp_path), "Remote")
    assert last.relative_to(tmp_path).as_posix() == (
        "remote20240101T0000/mask_rcnn_remote_10000.h5"
    )
    assert find_last(tmp_path, "remote2").name == "mask_rcnn_remote2_0001.h5"
    # Of any name two are of 2025; the later name comes first.
    assert find_last(tmp_path).parent.name == "remotes20250101T0000"


@pytest.mark.parametrize(
    ("folders", "found"),
    [(None, "none"), ([], "none"), (["remote20240101T0000"], "1 such folders without")],
)
def test_find_last_says_where_it_looked(tmp_path, folders, found):
    logs = tmp_path / "logs"
    for folder in folders or []:
        make(logs / folder)
    if folders == []:
        logs.mkdir()
    with pytest.raises(CheckpointNotFoundError) as caught:
        find_last(logs, "Remote")
    message = str(caught.value)
    assert f"of {str(logs)!r}. Received: {found}" in message
    assert "mask_rcnn_remote_NNNN.h5" in message
    assert "--weights=coco" in message
    # Scripts for the original catch FileNotFoundError, the command line WeightsError.
    assert isinstance(caught.value, FileNotFoundError)
    assert isinstance(caught.value, WeightsError)
