"""The same tests of the numbers on the other backends.

Each backend is tested where it is installed, in a process of its own.
"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
# The operations, the original's losses and detections. All the rest of the suite runs
# on another backend with KERAS_BACKEND set, and takes its time there.
TESTS = [
    "tests/unit/ops",
    "tests/parity/test_detect.py",
    "tests/parity/test_train.py",
]


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_backend(backend):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    run_tests(*TESTS, KERAS_BACKEND=backend)


def test_tensorflow_with_onednn():
    # It has kernels and rewrites graphs of its own; processors with AVX-512 have it on.
    run_tests(
        *TESTS,
        "tests/integration/test_training.py",
        KERAS_BACKEND="tensorflow",
        TF_ENABLE_ONEDNN_OPTS="1",
    )


def run_tests(*tests, **environment):
    """Run tests in a process with other environment variables."""
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *tests, "-k", "not resnet101"],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout
    assert " passed" in run.stdout
