"""A watchdog over the workers: says what they are at when no batch comes.

`Batches` notes in a `WorkLog` which image each worker is on; `watched` reads the
logs in a thread while training runs. An image on a network drive that does not
answer, or one as large as a wall, is then named instead of training standing
still without a word.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence

_logger = logging.getLogger(__name__)
# Seconds between two looks, at most.
_PERIOD = 1.0


class WorkLog:
    """What workers are at, and since when; for any number of threads."""

    def __init__(self):
        self._lock = threading.Lock()
        # By thread: when its piece of work began, what it is on, since when.
        self._pieces: dict[int, tuple[float, str, float]] = {}
        self._last_finished = time.monotonic()

    @contextlib.contextmanager
    def piece(self) -> Iterator[Callable[[str], None]]:
        """Enclose a piece of work; gives a function to note what it is on."""
        begun, worker = time.monotonic(), threading.get_ident()

        def note(what: str) -> None:
            with self._lock:
                self._pieces[worker] = begun, what, time.monotonic()

        note("the start")
        try:
            yield note
        finally:
            with self._lock:
                del self._pieces[worker]
                self._last_finished = time.monotonic()

    def waiting(self) -> float:
        """Return for how long work is under way and no piece was finished, seconds."""
        with self._lock:
            if not self._pieces:
                return 0.0
            begun = min(begun for begun, _, _ in self._pieces.values())
            return time.monotonic() - max(begun, self._last_finished)

    def in_work(self) -> list[tuple[str, float]]:
        """Return what each worker is on, and for how long, seconds; longest first."""
        with self._lock:
            pieces = list(self._pieces.values())
        now = time.monotonic()
        items = [(what, now - since) for _, what, since in pieces]
        return sorted(items, key=lambda item: -item[1])


@contextlib.contextmanager
def watched(logs: Sequence[WorkLog], patience: float) -> Iterator[None]:
    """Log a warning whenever no batch has come for some time, while in the block.

    Args:
        logs: of the workers.
        patience: seconds; 0 is off.
    """
    if not patience:
        yield
        return
    stop = threading.Event()
    thread = threading.Thread(
        target=_watch, args=(logs, patience, stop), name="watchdog", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _watch(logs: Sequence[WorkLog], patience: float, stop: threading.Event) -> None:
    due = dict.fromkeys(logs, patience)
    while not stop.wait(min(_PERIOD, patience / 4)):
        for log in logs:
            waiting = log.waiting()
            if waiting < patience:
                due[log] = patience
            elif waiting >= due[log]:
                due[log] = waiting + patience
                _logger.warning(
                    "No batch for %.0f s. In work: %s. Training goes on when they are "
                    "done. If it does not, see whether these files can be opened.",
                    waiting,
                    ", ".join(f"{what} for {s:.0f} s" for what, s in log.in_work()),
                )
