"""losses.csv of a run: a row for each epoch, a column for each value in its logs."""

from __future__ import annotations

import csv
import logging
from collections.abc import Iterable
from pathlib import Path

import keras

from mrcnn.weights.files import written_whole

logger = logging.getLogger(__name__)


class EpochTable(keras.callbacks.Callback):
    """Keeps a CSV file of what the logs say of each epoch, counted from 0.

    The file is written as a whole after each epoch and then takes the place of the
    one before, so that it is complete at any moment. What an epoch lacks stays
    empty; a value that is new gets a column. A run that goes on keeps its rows, but
    for those of epochs that are trained once more.

    Args:
        path: the file.
        columns: values that get a column from the first epoch on.
    """

    def __init__(self, path: str | Path, columns: Iterable[str] = ()):
        super().__init__()
        self.path = Path(path)
        self.columns = tuple(columns)
        self.rows: list[dict] = []

    def on_train_begin(self, logs=None):
        self.rows = read_rows(self.path)

    def on_epoch_end(self, epoch, logs=None):
        self.rows = [row for row in self.rows if int(row["epoch"]) < epoch]
        self.rows.append({"epoch": epoch, **(logs or {})})
        try:
            write_rows(self.path, self.rows, self.columns)
        except OSError as error:
            # Open in another program, for example. The rows are here for next time.
            logger.warning("%s could not be written: %s", self.path, error)


def read_rows(path: Path) -> list[dict]:
    """Return the rows of a table, values as text; none where there is no such file.

    A warning says how many rows are damaged, and so left out.

    Args:
        path: the file.
    """
    if not path.is_file():
        return []
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    whole = [row for row in rows if None not in row and _names_epoch(row)]
    if len(whole) < len(rows):
        logger.warning(
            "%s: %d rows are damaged and left out.", path, len(rows) - len(whole)
        )
    return whole


def _names_epoch(row: dict) -> bool:
    return (row.get("epoch") or "").isdecimal()


def write_rows(path: Path, rows: list[dict], columns: Iterable[str] = ()) -> None:
    """Write a table: the epoch, then the other columns in alphabetical order.

    Args:
        path: the file; replaced at once when the new one is complete.
        rows: values by column.
        columns: columns to have even where no row has a value.
    """
    names = set(columns).union(*rows) - {"epoch"}
    with (
        written_whole(path) as unfinished,
        open(unfinished, "w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.DictWriter(file, ["epoch", *sorted(names)])
        writer.writeheader()
        writer.writerows(rows)
