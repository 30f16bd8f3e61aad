"""When and where TensorFlow keeps arrays, which other backends decide themselves."""

import platform
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest

from mrcnn.ops import backend

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
    monkeypatch.setattr(backend, "is_tensorflow_on_cpu", lambda: False)
    monkeypatch.setattr(backend, "tensorflow", pytest.fail)
    backend.keep_freed_memory()


def test_values_wait_for_a_tensor():
    tensor, values = np.full((2, 3), np.nan, np.float32), np.array([1, -2.5], "float16")
    waiting = backend.wait_for(*map(keras.ops.convert_to_tensor, (tensor, values)))
    assert keras.backend.standardize_dtype(waiting.dtype) == "float16"
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(waiting), values)


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="others order what they compute"
)
def test_what_is_computed_of_waiting_values_comes_later():
    import tensorflow as tf

    done = []

    def noting(name, seconds, tensor):
        def note(x):
            time.sleep(seconds)
            done.append(name)
            return x

        return tf.numpy_function(note, [tensor], tf.float32, stateful=False)

    @tf.function(input_signature=2 * [tf.TensorSpec([None], tf.float32)])
    def graph(tensor, values):
        tensor = noting("tensor", 0.5, tensor)
        values = backend.wait_for(tensor, values)
        return tensor, noting("values", 0.0, values)

    graph(tf.ones(3), tf.ones(2))
    assert done == ["tensor", "values"]
