"""The table of a run's epochs."""

import csv
import logging
import os

import pytest

from mrcnn.training.epoch_table import EpochTable, read_rows, write_rows


@pytest.fixture
def path(tmp_path):
    return tmp_path / "losses.csv"


def train(path, epochs, columns=()):
    """Let a table see these epochs, (number, logs) each."""
    table = EpochTable(path, columns)
    table.on_train_begin()
    for epoch, logs in epochs:
        table.on_epoch_end(epoch, logs)


def test_columns_exist_from_the_first_epoch(path):
    train(path, [(0, {"loss": 2.5})], columns=["val_segm_AP"])
    assert path.read_text() == "epoch,loss,val_segm_AP\n0,2.5,\n"
    train(path, [(1, {"loss": 1.5, "val_segm_AP": 0.25})])
    assert path.read_text() == "epoch,loss,val_segm_AP\n0,2.5,\n1,1.5,0.25\n"


def test_a_new_value_gets_a_column(path):
    train(path, [(0, {"loss": 1.0}), (1, {"loss": 0.5, "also": 7})])
    assert path.read_text() == "epoch,also,loss\n0,,1.0\n1,7,0.5\n"


def test_epochs_trained_again_replace_their_rows(path):
    train(path, [(0, {"loss": 3.0}), (1, {"loss": 2.0}), (2, {"loss": 1.0})])
    train(path, [(1, {"loss": 1.5}), (2, None)])
    assert path.read_text() == "epoch,loss\n0,3.0\n1,1.5\n2,\n"


def test_a_number_reads_back_as_it_was(path):
    value = 0.1 + 0.2
    write_rows(path, [{"epoch": 3, "loss": value}])
    (row,) = read_rows(path)
    assert (int(row["epoch"]), float(row["loss"])) == (3, value)
    assert read_rows(path.with_name("missing.csv")) == []


def test_damaged_rows_are_left_out_with_a_warning(path, caplog):
    # Cut off, without a number, and with a value too many.
    path.write_text("epoch,loss\n0,1.0\n\n,2.0\nx,3.0\n1,2.0,4.0\n2\n")
    rows = read_rows(path)
    assert [row["epoch"] for row in rows] == ["0", "2"]
    assert "3 rows are damaged" in caplog.text


def test_a_table_that_cannot_be_written_is_written_later(path, monkeypatch, caplog):
    table = EpochTable(path)
    table.on_train_begin()

    def fail(*_):
        raise PermissionError("in use")

    with monkeypatch.context() as patched, caplog.at_level(logging.WARNING):
        patched.setattr("os.replace", fail)
        table.on_epoch_end(0, {"loss": 2.0})
    assert "losses.csv could not be written: in use" in caplog.text
    assert not path.exists()
    table.on_epoch_end(1, {"loss": 1.0})
    with open(path, newline="") as file:
        assert [row["loss"] for row in csv.DictReader(file)] == ["2.0", "1.0"]
    assert os.listdir(path.parent) == ["losses.csv"]
