r"""Where a training run keeps its checkpoints: the original's folders and file names.

    logs/remote20240131T0930/mask_rcnn_remote_0001.h5

The folder is the configuration's name in lower case with the minute the run
began, the file carries the epochs trained so far. Folders of the original and of
its ports are read alike, with either kind of slash. Beside the checkpoints lie
``best.json``, which names the best of them, and ``state.npz``, from which an
interrupted training goes on (`training.state`).
"""

import json
import re
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

from mrcnn.errors import WeightsError
from mrcnn.weights.files import written_whole

BEST_FILE = "best.json"
STATE_FILE = "state.npz"
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
    for run_name, folder in _runs(model_dir, name):
        found = list_checkpoints(folder, run_name)
        if found:
            return found[-1]
    raise _not_found(
        "a checkpoint mask_rcnn_{name}_NNNN.h5",
        model_dir,
        name,
        "Type --weights=coco to start from COCO, or --logs=FOLDER where the runs are.",
    )


def find_best(model_dir: str | Path, name: str | None = None) -> Path:
    """Return the best checkpoint of the newest run that has one.

    Args:
        model_dir: folder of all runs.
        name: the configuration's NAME; None takes the runs of every name.

    Returns:
        The checkpoint that ``best.json`` of the run names.

    Raises:
        CheckpointNotFoundError: there is none; says where it looked.
        WeightsError: best.json is damaged.
    """
    for _, folder in _runs(model_dir, name):
        best = read_best(folder)
        if best is not None and (folder / best.checkpoint).is_file():
            return folder / best.checkpoint
    raise _not_found(
        f"{BEST_FILE} and the checkpoint it names",
        model_dir,
        name,
        "It is written after the first epoch: type --weights=last for the newest "
        "checkpoint, or --logs=FOLDER where the runs are.",
    )


def find_run(model_dir: str | Path, file_name: str, name: str | None = None) -> Path:
    """Return the newest run folder that holds a file.

    Args:
        model_dir: folder of all runs.
        file_name: the file it must hold, `STATE_FILE` for example.
        name: the configuration's NAME; None takes the runs of every name.

    Raises:
        CheckpointNotFoundError: there is none; says where it looked.
    """
    for _, folder in _runs(model_dir, name):
        if (folder / file_name).is_file():
            return folder
    raise _not_found(
        file_name,
        model_dir,
        name,
        "Name the folder of the run, or --logs=FOLDER where the runs are.",
    )


def list_checkpoints(folder: str | Path, name: str) -> list[Path]:
    """Return the checkpoints of a run, the one with the fewest epochs first.

    Args:
        folder: of the run.
        name: the configuration's NAME.
    """
    is_checkpoint = re.compile(rf"mask_rcnn_{re.escape(name.lower())}_(\d{{4,}})\.h5")
    found = [(is_checkpoint.fullmatch(file.name), file) for file in _entries(folder)]
    return [
        file
        for _, file in sorted((int(match[1]), file) for match, file in found if match)
    ]


def drop_checkpoints(folder: str | Path, name: str, epoch: int, keep: int) -> None:
    """Delete the checkpoints of a run, but for the newest ones and the best one.

    Args:
        folder: of the run.
        name: the configuration's NAME.
        epoch: epochs trained; checkpoints of later ones stay.
        keep: how many of the newest stay.

    Raises:
        WeightsError: one cannot be deleted.
    """
    best = read_best(folder)
    newest = checkpoint_path(folder, name, epoch).name
    paths = list_checkpoints(folder, name)
    names = [path.name for path in paths]
    past = paths[: names.index(newest) + 1] if newest in names else []
    for path in past[:-keep]:
        if best is None or path.name != best.checkpoint:
            try:
                path.unlink()
            except OSError as error:
                raise WeightsError(
                    f"Expected to delete {str(path)!r}, to keep {keep} checkpoints. "
                    f"Received: {error.strerror}. Check the folder's permissions."
                ) from error


@dataclass(frozen=True)
class Best:
    """The best epoch of a run, kept in ``best.json``.

    Attributes:
        epoch: epochs trained by then, as in the checkpoint's name.
        checkpoint: its file name.
        metric: what was compared, "val_loss" for example.
        value: of the metric.
    """

    epoch: int
    checkpoint: str
    metric: str
    value: float


def write_best(folder: str | Path, best: Best) -> None:
    """Write the best.json of a run.

    Raises:
        WeightsError: it cannot be written; one that is there is as before.
    """
    path = Path(folder) / BEST_FILE
    try:
        with written_whole(path) as unfinished:
            unfinished.write_text(json.dumps(asdict(best), indent=2) + "\n")
    except OSError as error:
        raise WeightsError(
            f"Expected to write {str(path)!r}. Received: {error.strerror}. Check the "
            "folder's permissions and free space."
        ) from error


def read_best(folder: str | Path) -> Best | None:
    """Return what the best.json of a run says, None where there is none.

    Raises:
        WeightsError: it is damaged.
    """
    path = Path(folder) / BEST_FILE
    if not path.is_file():
        return None
    try:
        return Best(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError) as error:
        raise WeightsError(
            f"Expected the best epoch of a run. Received: {path}, which cannot be read "
            f"as such ({error}). Restore or delete it."
        ) from error


def _runs(model_dir: str | Path, name: str | None) -> list[tuple[str, Path]]:
    """Return name and folder of the runs, the newest first."""
    of_name = re.escape(name.lower()) if name else r"[\w-]+?"
    run_name = re.compile(rf"({of_name})(\d{{8}}T\d{{4}})")
    runs = [(run_name.fullmatch(entry.name), entry) for entry in _entries(model_dir)]
    runs = [(found, entry) for found, entry in runs if found and entry.is_dir()]
    runs.sort(key=lambda item: item[0].groups()[::-1], reverse=True)
    return [(found[1], entry) for found, entry in runs]


def _entries(folder: str | Path) -> list[Path]:
    return list(Path(folder).iterdir()) if Path(folder).is_dir() else []


def _not_found(what: str, model_dir, name, advice: str) -> CheckpointNotFoundError:
    shown = name.lower() if name else "NAME"
    count = len(_runs(model_dir, name))
    received = f"{count} such folders without it" if count else "none"
    return CheckpointNotFoundError(
        f"Expected {what.format(name=shown)} in a folder {shown}YYYYMMDDTHHMM of "
        f"{str(Path(model_dir).absolute())!r}. Received: {received}. {advice}"
    )
