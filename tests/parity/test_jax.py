"""The same tests of the forward pass, with Keras running on JAX."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# The detection of the smaller network, and every function it is made of.
# Without compiling, the networks of `separate_one` take minutes there.
SMALLER = "not resnet101 and not separate_one"
TESTS = ["tests/unit/ops", "tests/unit/network", "tests/parity/test_detect.py"]


def test_forward_pass_on_jax():
    pytest.importorskip("jax")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *TESTS, "-k", SMALLER],
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout
    assert " passed" in run.stdout
