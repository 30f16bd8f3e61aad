"""Worker processes: results, errors, deaths, and what cannot be sent."""

import os
import time

import pytest

from mrcnn.errors import ConfigError, DatasetError
from mrcnn.training.processes import WorkerProcesses


def work(order, on_image):
    """Does as it is told; runs in the process."""
    on_image(7)
    if order == "die":
        os._exit(9)
    if order == "refuse":
        raise DatasetError("image 7 is broken")
    if order == "fail":
        raise KeyError("a bug")
    if order == "sleep":
        time.sleep(60)
    return order, os.getpid()


class LoadsNowhere:
    def __call__(self, order, on_image):
        raise NotImplementedError

    def __reduce__(self):
        return int, ("not a number",)


@pytest.fixture(scope="module")
def processes():
    workers = WorkerProcesses(work, 1)
    yield workers
    workers.close()


def test_results_errors_and_progress(processes):
    images = []
    order, pid = processes("anything", on_image=images.append)
    assert order == "anything" and pid != os.getpid() and images == [7]
    with pytest.raises(DatasetError, match="image 7 is broken"):
        processes("refuse", on_image=images.append)
    # Of a bug the whole traceback, which the process alone can see.
    with pytest.raises(RuntimeError, match="in work(.|\n)*KeyError: 'a bug'"):
        processes("fail", on_image=images.append)
    assert processes("again", on_image=images.append) == ("again", pid)
    assert images == [7] * 4


def test_a_process_that_dies_is_an_error_and_no_wait():
    workers = WorkerProcesses(work, 1)
    for order in ("die", "anything"):
        with pytest.raises(DatasetError, match=r"exit code 9.*USE_MULTIPROCESSING"):
            workers(order, on_image=print)
    workers.close()


def test_closing_ends_them_whatever_they_do():
    workers = WorkerProcesses(work, 2)
    process, connection = workers._idle.get()
    connection.send(("sleep",))
    connection.recv()  # it is on its image
    start = time.perf_counter()
    workers.close()
    assert time.perf_counter() - start < 10
    assert not process.is_alive()


def test_what_cannot_be_pickled_is_refused_at_once():
    with pytest.raises(ConfigError, match="be sent to another process.*USE_MULTIPRO"):
        WorkerProcesses(lambda order, on_image: order, 1)


def test_what_a_process_cannot_load_says_why():
    workers = WorkerProcesses(LoadsNowhere(), 1)
    with pytest.raises(ConfigError, match="can load.*'not a number'.*notebook"):
        workers("anything", on_image=print)
    workers.close()
