r"""Where a training run keeps its checkpoints: the original's folders and file names.

    logs/remote20240131T0930/mask_rcnn_remote_0001.h5

The folder is the configuration's name in lower case with the minute the run
began, the file carries the epochs trained so far. Folders of the original and of
its ports are read alike, with either kind of slash.
"""

import re
from datetime import datetime, timedelta
from pathlib import Path

from mrcnn.errors import WeightsError

_STARTED = "%Y%m%dT%H%M"
_CHECKPOINT = re.compile(
    r"(?:.*[/\\])?[^/\\]+\d{8}T\d{4}[/\\]mask_rcnn_[^/\\]+_(\d{4,})\.h5"
)


class CheckpointNotFoundError(WeightsError, FileNotFoundError):
    """There is no checkpoint to continue from; a FileNotFoundError in the original."""


def run_folder(model_dir: str | Path, name: str, now: datetime) -> Path:
    """Return the folder of a run that begins now, without making it.

    Args:
        model_dir: folder of all runs, "logs" for example.
        name: the configuration's NAME.
        now: when the run begins, local time.

    Example:
        >>> run_folder("logs", "Remote", datetime(2024, 1, 31, 9, 30)).as_posix()
        'logs/remote20240131T0930'
    """
    return Path(model_dir) / f"{name.lower()}{now:{_STARTED}}"


def new_run_folder(model_dir: str | Path, name: str, now: datetime) -> Path:
    """Make the folder of a run that begins now, and return it.

    Two runs never share a folder: one that begins in the minute of another takes
    the next minute that is free. The name stays one that the original's scheme
    can read, and the later run stays the newer one.

    Args:
        model_dir: folder of all runs; made when missing.
        name: the configuration's NAME.
        now: when the run begins, local time.

    Raises:
        WeightsError: the folder cannot be made.
    """
    while True:
        folder = run_folder(model_dir, name, now)
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            now += timedelta(minutes=1)
        except OSError as error:
            raise WeightsError(
                f"Expected to make the folder of the run. Received: {error}. Name "
                "another folder (--logs)."
            ) from error
        else:
            return folder


def checkpoint_path(folder: str | Path, name: str, epoch: int) -> Path:
    """Return the checkpoint's path after `epoch` epochs.

    Example:
        >>> checkpoint_path("logs/remote20240131T0930", "Remote", 7).name
        'mask_rcnn_remote_0007.h5'
    """
    return Path(folder) / f"mask_rcnn_{name.lower()}_{epoch:04d}.h5"


def parse_checkpoint(path: str | Path) -> int | None:
    r"""Return how many epochs a checkpoint was trained, None if it is not one.

    Args:
        path: a file inside its run folder, with "/" or Windows' separators.

    Example:
        >>> parse_checkpoint("logs/remote20240131T0930/mask_rcnn_remote_0007.h5")
        7
        >>> parse_checkpoint(r"C:\logs\shapes20171029T2315\mask_rcnn_shapes_0001.h5")
        1
        >>> parse_checkpoint("mask_rcnn_coco.h5") is None
        True
    """
    found = _CHECKPOINT.fullmatch(str(path))
    return int(found[1]) if found else None


def find_last(model_dir: str | Path, name: str | None = None) -> Path:
    """Return the newest checkpoint of the newest run that has one.

    Runs without a checkpoint, stopped in their first epoch, are passed over.

    Args:
        model_dir: folder of all runs.
        name: the configuration's NAME; runs of other names do not count. None
            takes the runs of every name.

    Returns:
        The checkpoint with the most epochs in the newest run folder.

    Raises:
        CheckpointNotFoundError: there is none; says where it looked.
    """
    model_dir = Path(model_dir)
    of_name = re.escape(name.lower()) if name else r"[\w-]+?"
    run_name = re.compile(rf"({of_name})(\d{{8}}T\d{{4}})")
    entries = list(model_dir.iterdir()) if model_dir.is_dir() else []
    runs = [(run_name.fullmatch(entry.name), entry) for entry in entries]
    runs = [(found, entry) for found, entry in runs if found and entry.is_dir()]
    for found, run in sorted(
        runs, key=lambda item: item[0].groups()[::-1], reverse=True
    ):
        is_checkpoint = re.compile(rf"mask_rcnn_{re.escape(found[1])}_\d{{4,}}\.h5")
        checkpoints = [
            file for file in run.iterdir() if is_checkpoint.fullmatch(file.name)
        ]
        if checkpoints:
            return max(checkpoints, key=parse_checkpoint)
    shown = name.lower() if name else "NAME"
    received = f"{len(runs)} such folders without a checkpoint" if runs else "none"
    raise CheckpointNotFoundError(
        f"Expected a checkpoint mask_rcnn_{shown}_NNNN.h5 in a folder "
        f"{shown}YYYYMMDDTHHMM of {str(model_dir.absolute())!r}. Received: "
        f"{received}. Type --weights=coco to start from COCO, or --logs=FOLDER where "
        "the runs are."
    )
