"""Files that are whole or not there."""

import os
import stat

import pytest

from mrcnn.weights.files import remove_unfinished, written_whole


def test_new_and_replaced_file(tmp_path):
    path = tmp_path / "folder" / "notes.txt"
    for text in ("one", "two"):
        with written_whole(path) as unfinished:
            unfinished.write_text(text)
            # Beside it, under a name that nothing takes for it.
            assert unfinished.parent == path.parent
            assert unfinished.suffix == ".part"
            assert path.exists() == (text == "two")
        assert path.read_text() == text
        assert os.listdir(path.parent) == ["notes.txt"]


def test_failure_leaves_what_was_there(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("one")
    with pytest.raises(KeyError), written_whole(path) as unfinished:
        unfinished.write_text("half")
        raise KeyError
    assert path.read_text() == "one"
    assert os.listdir(tmp_path) == ["notes.txt"]


def test_order_of_the_calls_to_the_system(tmp_path, monkeypatch):
    """Bytes are on the disk before the name is, and the name before the end."""
    calls = []
    replace, fsync = os.replace, os.fsync

    def note_replace(*names):
        calls.append("replace")
        replace(*names)

    def note_fsync(handle):
        is_folder = stat.S_ISDIR(os.fstat(handle).st_mode)
        calls.append("folder" if is_folder else "file")
        fsync(handle)

    monkeypatch.setattr(os, "replace", note_replace)
    monkeypatch.setattr(os, "fsync", note_fsync)
    with written_whole(tmp_path / "notes.txt") as unfinished:
        unfinished.write_text("one")
    assert calls == ["file", "replace", "folder"]


def test_nothing_written_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError), written_whole(tmp_path / "notes.txt"):
        pass


def test_leftovers_of_a_killed_process(tmp_path):
    for name in (".state.npz.123.part", ".a.h5.9.part", "a.part", ".hidden", "a.h5"):
        (tmp_path / name).touch()
    remove_unfinished(tmp_path)
    assert sorted(os.listdir(tmp_path)) == [".hidden", "a.h5", "a.part"]
    remove_unfinished(tmp_path / "missing")
