"""Seconds per image, and the memory of the process."""

import subprocess
import sys
import time

import pytest

from mrcnn.evaluation.speed import Stopwatch


def test_median_of_the_batches(monkeypatch):
    # Begin and end of three batches: 3 s of 1 image, 4 s of 4, 4 s of 2.
    times = iter([0, 3, 10, 14, 20, 24])
    monkeypatch.setattr(time, "perf_counter", lambda: next(times))
    watch = Stopwatch()
    for num_images in (1, 4, 2):
        with watch.step("network", num_images):
            pass
    # 3, 1 and 2 seconds per image
    assert watch.seconds_per_image() == {"network": 2}


def test_what_fails_is_not_measured():
    watch = Stopwatch()
    with pytest.raises(ZeroDivisionError), watch.step("network", 1):
        raise ZeroDivisionError
    assert watch.seconds_per_image() == {}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not tell")
def test_peak_memory_follows_what_is_allocated():
    code = (
        "import numpy as np; from mrcnn.evaluation.speed import peak_memory;"
        "before = peak_memory(); np.ones((before + 100_000_000) // 8);"
        "print(before, peak_memory())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    before, after = map(int, done.stdout.split())
    # As much as the most before and 100 MB, besides what is held at the moment.
    assert before + 100e6 < after < 2 * before + 100e6
