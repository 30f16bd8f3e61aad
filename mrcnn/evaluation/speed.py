"""How long the steps of detection take, and how much memory the process has used."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

STEPS = ("loading", "molding", "network", "unmolding")


class Stopwatch:
    """Adds up what is measured, step by step and batch by batch.

    Example:
        >>> watch = Stopwatch()
        >>> with watch.step("loading", num_images=2):
        ...     images = [1, 2]
        >>> list(watch.seconds_per_image())
        ['loading']
    """

    def __init__(self):
        self._batches: dict[str, list[float]] = {}

    @contextmanager
    def step(self, name: str, num_images: int) -> Iterator[None]:
        """Measure a block of code.

        Args:
            name: of the step.
            num_images: how many images the block is about.
        """
        start = time.perf_counter()
        yield
        seconds = (time.perf_counter() - start) / max(num_images, 1)
        self._batches.setdefault(name, []).append(seconds)

    def seconds_per_image(self) -> dict[str, float]:
        """Return the median over the batches of each step.

        A median, because the first batch of each size builds the graph, which takes
        many times as long.
        """
        return {
            name: float(np.median(seconds)) for name, seconds in self._batches.items()
        }


def peak_memory() -> int | None:
    """Return the most memory the process has held so far, bytes.

    None on Windows, which does not tell.
    """
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
