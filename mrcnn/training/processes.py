"""Worker processes that make batches, for data sets that threads cannot speed up.

Each process is started afresh ("spawn"): a fork of a process in which a backend
runs its threads may hang for ever. It ends with this one, and one that dies is
noticed at once, which Keras' own pool of processes does not. Called by `batches`.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import pickle
import queue
import signal
import traceback
from collections.abc import Callable

from mrcnn.errors import ConfigError, DatasetError, MrcnnError

# What a process says to the one that started it.
_IMAGE, _BATCH, _ERROR = "image", "batch", "error"


class WorkerProcesses:
    """Calls a function in other processes.

    Args:
        function: called with the arguments of `__call__` and `on_image`; has to be
            picklable, as have its results.
        count: processes.
        prepare: called in each process before `function` is loaded there, or None.

    Raises:
        ConfigError: the function cannot be sent to a process.
    """

    def __init__(self, function: Callable, count: int, prepare: Callable | None = None):
        context = multiprocessing.get_context("spawn")
        payload = _pickled(function)
        self._idle = queue.SimpleQueue()
        self._processes = []
        for _ in range(count):
            connection, other_end = context.Pipe()
            process = context.Process(
                target=_serve,
                args=(other_end, payload, prepare),
                name="batches",
                daemon=True,
            )
            process.start()
            # With this end closed here too, its death ends the connection.
            other_end.close()
            self._processes.append(process)
            self._idle.put((process, connection))

    def __call__(self, *args, on_image: Callable[[int], None]):
        """Return what the function returns; waits for a process that is free.

        Args:
            *args: of the function.
            on_image: called as the function calls its own.

        Raises:
            MrcnnError: the function's own.
            DatasetError: the process died.
            RuntimeError: the function failed in another way; with its traceback.
        """
        process, connection = self._idle.get()
        try:
            connection.send(args)
            while True:
                kind, value = connection.recv()
                if kind == _IMAGE:
                    on_image(value)
                elif kind == _ERROR:
                    raise value
                else:
                    return value
        except (EOFError, OSError) as error:
            process.join(timeout=1)
            raise DatasetError(
                "Expected a worker process that makes batches. Received: one that "
                f"ended with exit code {process.exitcode}. If memory ran out, take "
                "fewer workers. A script that trains needs the line if __name__ == "
                "'__main__': before what it does; or set USE_MULTIPROCESSING to False."
            ) from error
        finally:
            self._idle.put((process, connection))

    def close(self) -> None:
        """End the processes, whatever they do; calls then fail."""
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.join()


def _pickled(function: Callable) -> bytes:
    try:
        return pickle.dumps(function)
    except Exception as error:
        raise ConfigError(
            "Expected a data set and an augmenter that can be sent to another process. "
            f"Received: {type(error).__name__}: {error}. Leave out what cannot be "
            "pickled (lambdas, open files), or set USE_MULTIPROCESSING to False."
        ) from error


def _serve(connection, payload: bytes, prepare: Callable | None) -> None:
    """Answer calls until the connection ends; runs in the process."""
    # Ctrl-C reaches every process of a terminal; the first one ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    function = None
    with contextlib.suppress(EOFError, OSError):
        while True:
            args = connection.recv()
            try:
                function = function or _loaded(payload, prepare)
                answer = _BATCH, function(*args, on_image=_sender(connection))
            except MrcnnError as error:
                answer = _ERROR, error
            except Exception:  # noqa: BLE001 - raised in the process that asked
                answer = _ERROR, RuntimeError(traceback.format_exc())
            connection.send(answer)


def _sender(connection) -> Callable[[int], None]:
    return lambda image_id: connection.send((_IMAGE, image_id))


def _loaded(payload: bytes, prepare: Callable | None) -> Callable:
    try:
        if prepare is not None:
            prepare()
        return pickle.loads(payload)
    except Exception as error:
        raise ConfigError(
            "Expected a data set that another process can load. Received: "
            f"{type(error).__name__}: {error}. Define its class in a file that can be "
            "imported, not in a notebook, or set USE_MULTIPROCESSING to False."
        ) from error
