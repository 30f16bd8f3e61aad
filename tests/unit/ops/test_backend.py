"""The memory of the process, which depends on the backend and the C library."""

import platform
import subprocess
import sys
from pathlib import Path

import keras
import pytest

ROOT = Path(__file__).resolve().parents[3]

# Pages that the system gives while arrays of 1 MB, 256 pages, come and go.
PAGES = """
import resource
import sys

import numpy as np
import tensorflow as tf

sys.path.insert(0, sys.argv[1])
from mrcnn.ops import backend


def pages():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    ring = [None] * 4
    for i in range(100):
        ring[i % 4] = np.ones(1 << 17)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def read_from_generator():
    list(tf.data.Dataset.from_generator(
        lambda: iter([1.0]), output_signature=tf.TensorSpec(())
    ))


read_from_generator()
print(pages())
backend.keep_freed_memory()
read_from_generator()
pages()
print(pages())
"""


@pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc" or keras.backend.backend() != "tensorflow",
    reason="other C libraries and backends take memory in other ways",
)
def test_freed_memory_is_kept():
    found = subprocess.run(
        [sys.executable, "-c", PAGES, str(ROOT)],
        capture_output=True,
        text=True,
        check=True,
    )
    by_tensorflow, ours = map(int, found.stdout.split())
    # Without the first there would be nothing to mend any more.
    assert by_tensorflow > 50 * 256
    assert ours < 10 * 256


def test_other_backends_and_systems_are_left_alone(monkeypatch):
    from mrcnn.ops import backend

    monkeypatch.setattr(backend, "is_tensorflow_on_cpu", lambda: False)
    monkeypatch.setattr(backend, "tensorflow", pytest.fail)
    backend.keep_freed_memory()
