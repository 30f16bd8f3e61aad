"""The watchdog names what is in work when nothing comes, and else is silent."""

import logging
import threading
import time

import pytest

from mrcnn.training.watchdog import WorkLog, watched


def test_nothing_in_work_is_no_wait():
    log = WorkLog()
    time.sleep(0.02)
    assert log.waiting() == 0 and log.in_work() == []
    with log.piece():
        assert log.waiting() < 0.02  # counted from the beginning of this piece
    assert log.waiting() == 0


def test_wait_counts_from_the_last_arrival_and_names_the_longest_first():
    log = WorkLog()
    other_is_done = threading.Event()

    def other():
        with log.piece() as note:
            note("other")
            other_is_done.wait()

    thread = threading.Thread(target=other)
    with log.piece() as note:
        note("first")
        time.sleep(0.05)
        thread.start()
        time.sleep(0.05)
        (longest, seconds), (latest, fewer_seconds) = log.in_work()
        assert (longest, latest) == ("first", "other")
        assert 0.1 <= seconds and 0.05 <= fewer_seconds <= seconds - 0.05
        assert log.waiting() >= 0.1
        other_is_done.set()
        thread.join()
        assert log.waiting() < 0.1
        note("second")
        assert log.in_work()[0][0] == "second" and log.in_work()[0][1] < 0.05


def test_a_piece_that_fails_is_no_longer_in_work():
    log = WorkLog()
    with pytest.raises(KeyError), log.piece():
        raise KeyError
    assert log.in_work() == []


def test_warnings_come_once_per_patience_and_end_with_the_block(caplog):
    caplog.set_level(logging.WARNING)
    log = WorkLog()
    with watched([WorkLog(), log], patience=0.2):
        with log.piece() as note:
            note("image 3 (a.b)")
            time.sleep(0.7)
        silent_from = len(caplog.records)
        for _ in range(6):
            with log.piece():
                time.sleep(0.1)
    # After 0.2 s, and again each time that as long has gone by.
    assert 2 <= silent_from <= 3
    assert len(caplog.records) == silent_from
    assert "In work: image 3 (a.b) for 0 s" in caplog.text
    assert "watchdog" not in {thread.name for thread in threading.enumerate()}


def test_zero_is_off():
    with watched([WorkLog()], patience=0):
        assert "watchdog" not in {thread.name for thread in threading.enumerate()}


def test_it_does_not_keep_the_process_alive():
    with watched([WorkLog()], patience=9):
        (dog,) = (t for t in threading.enumerate() if t.name == "watchdog")
        assert dog.daemon
    assert not dog.is_alive()
