"""Files that are there whole or not at all, whenever the process or the disk stops.

Checkpoints, the state of a training and its small JSON files are written so.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def written_whole(path: str | Path) -> Iterator[Path]:
    """Give a path to write to; the file takes its own name when the block ends.

    Where the block fails nothing is left of it, and a file of that name is as before.

    Args:
        path: the file to make or replace; its folder is made when missing.

    Raises:
        OSError: the folder cannot be made or written to, or the disk is full.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "notes.txt"
        >>> with written_whole(path) as unfinished:
        ...     _ = unfinished.write_text("whole")
        >>> path.read_text()
        'whole'
    """
    path = Path(path)
    # In the same folder, so that os.replace is one step; not ending as the file does,
    # so that an interrupted write is never taken for it.
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield unfinished
        with open(unfinished, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(unfinished, path)
        _sync_folder(path.parent)
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)


def remove_unfinished(folder: str | Path) -> None:
    """Remove what a killed process left of the files it was writing in a folder.

    Args:
        folder: of a run that no other process is training.
    """
    for unfinished in Path(folder).glob(".*.part"):
        unfinished.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    # The new name is on the disk only when the folder is. Windows cannot open one.
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
