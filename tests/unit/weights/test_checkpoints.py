"""Run folders and checkpoint names of the original."""

import re
from datetime import datetime
from pathlib import Path

import pytest

from mrcnn.errors import WeightsError
from mrcnn.weights.checkpoints import (
    Best,
    CheckpointNotFoundError,
    checkpoint_path,
    drop_checkpoints,
    find_best,
    find_last,
    find_run,
    list_checkpoints,
    new_run_folder,
    parse_checkpoint,
    read_best,
    run_folder,
    write_best,
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


def test_find_best(tmp_path):
    old, new = tmp_path / "remote20240101T0000", tmp_path / "remote20240201T0000"
    make(old, "mask_rcnn_remote_0003.h5", "mask_rcnn_remote_0004.h5")
    best = Best(3, "mask_rcnn_remote_0003.h5", "val_loss", 0.25)
    write_best(old, best)
    assert read_best(old) == best
    make(new, "mask_rcnn_remote_0001.h5")  # no epoch of it is measured yet
    assert find_best(tmp_path, "Remote") == old / "mask_rcnn_remote_0003.h5"
    assert find_best(tmp_path) == find_best(tmp_path, "Remote")
    write_best(new, Best(2, "mask_rcnn_remote_0002.h5", "val_loss", 0.2))
    # A best.json whose checkpoint somebody deleted does not help anybody.
    assert find_best(tmp_path, "Remote").parent == old
    with pytest.raises(
        CheckpointNotFoundError, match=r"best\.json and.*--weights=last"
    ):
        find_best(tmp_path, "other")


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"epoch": 3}'])
def test_damaged_best(tmp_path, text):
    (tmp_path / "best.json").write_text(text)
    with pytest.raises(WeightsError, match=r"best\.json, which cannot be read"):
        read_best(tmp_path)


def test_no_best(tmp_path):
    assert read_best(tmp_path) is None
    (tmp_path / "file").touch()
    with pytest.raises(WeightsError, match=r"Expected to write .*best\.json"):
        write_best(tmp_path / "file", Best(1, "a.h5", "val_loss", 1.0))


def test_find_run(tmp_path):
    make(tmp_path / "remote20240101T0000", "state.npz")
    make(tmp_path / "other20240301T0000", "state.npz")
    make(tmp_path / "remote20240201T0000", "mask_rcnn_remote_0001.h5")
    found = find_run(tmp_path, "state.npz", "Remote")
    assert found == tmp_path / "remote20240101T0000"
    assert find_run(tmp_path, "state.npz").name == "other20240301T0000"
    with pytest.raises(CheckpointNotFoundError, match=r"Expected x\.npz.*2 such"):
        find_run(tmp_path, "x.npz", "remote")


@pytest.mark.parametrize(
    ("epoch", "keep", "left"),
    [
        # Epoch 1 is the best; 12 is of a training that went on from epoch 9 before.
        (10, 1, [1, 10, 12]),
        (10, 2, [1, 9, 10, 12]),
        (10, 9, [1, 2, 9, 10, 12]),
        (9, 1, [1, 9, 10, 12]),
        (11, 1, [1, 2, 9, 10, 12]),  # its checkpoint is not there: delete nothing
    ],
)
def test_drop_checkpoints(tmp_path, epoch, keep, left):
    names = [f"mask_rcnn_remote_{e:04d}.h5" for e in (1, 2, 9, 10, 12)]
    make(tmp_path, *names, "mask_rcnn_other_0001.h5", "state.npz")
    write_best(tmp_path, Best(1, names[0], "val_loss", 0.5))
    drop_checkpoints(tmp_path, "Remote", epoch, keep)
    paths = list_checkpoints(tmp_path, "Remote")
    assert paths == [tmp_path / f"mask_rcnn_remote_{e:04d}.h5" for e in left]
    assert (tmp_path / "mask_rcnn_other_0001.h5").exists()
    assert (tmp_path / "state.npz").exists()
