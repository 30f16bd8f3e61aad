"""Several devices train as one: the same losses and weights for the same batches."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
SCRIPT = Path(__file__).with_name("device_training.py")


def start(folder, num_devices, *steps, **environment):
    folder.mkdir()
    inherited = {k: v for k, v in os.environ.items() if k != "TF_CONFIG"}
    with open(folder / "output.txt", "w") as output:
        return subprocess.Popen(
            [sys.executable, str(SCRIPT), str(folder), str(num_devices), *steps],
            env={**inherited, "PYTHONPATH": str(ROOT), **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def start_machines(folder, *steps):
    """Start two processes that find each other on the loopback."""
    with socket.socket() as one, socket.socket() as two:
        for each in (one, two):
            each.bind(("127.0.0.1", 0))
        addresses = [f"127.0.0.1:{each.getsockname()[1]}" for each in (one, two)]
    folder.mkdir()
    return [
        start(
            folder / str(number),
            2,
            *steps,
            KERAS_BACKEND="tensorflow",
            TF_CONFIG=json.dumps(
                {
                    "cluster": {"worker": addresses},
                    "task": {"type": "worker", "index": number},
                }
            ),
        )
        for number in range(2)
    ]


def result(folder, process):
    code = process.wait(timeout=300)
    assert code == 0, (folder / "output.txt").read_text()[-3000:]
    with np.load(folder / "result.npz") as file:
        return {key: file[key] for key in file.files}


@pytest.fixture(scope="module")
def one_device(tmp_path_factory):
    folder = tmp_path_factory.mktemp("one") / "run"
    return result(folder, start(folder, 1, KERAS_BACKEND="tensorflow"))


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    # Of a blank image that fills up a batch Keras counts the loss, 0, in this mean
    # over all images; those of the single losses are over batches.
    for key in set(expected) - {"loss val_loss"}:
        np.testing.assert_allclose(
            found[key], expected[key], rtol=1e-4, atol=1e-4, err_msg=key
        )


def test_something_is_trained(one_device):
    # The comparisons below would pass without these.
    assert all(one_device[f"loss mrcnn_{kind}_loss"] > 0 for kind in ("bbox", "mask"))
    assert all(one_device[f"loss rpn_{kind}_loss"] > 0 for kind in ("bbox", "class"))


def test_two_devices(one_device, tmp_path):
    process = start(tmp_path / "run", 2, KERAS_BACKEND="tensorflow")
    assert_same(result(tmp_path / "run", process), one_device)


def test_two_machines(one_device, tmp_path):
    folder = tmp_path / "machines"
    processes = start_machines(folder)
    for number, process in enumerate(processes):
        assert_same(result(folder / str(number), process), one_device)
    # The first alone keeps logs and checkpoints.
    assert len(list(folder.rglob("*.h5"))) == 1
    assert list((folder / "0" / "logs").rglob("*.h5"))
    assert not (folder / "1" / "logs").exists()


def test_jax(tmp_path):
    pytest.importorskip("jax")
    flags = "--xla_force_host_platform_device_count=2"
    folders = [tmp_path / str(count) for count in (1, 2)]
    processes = [
        start(folder, count, KERAS_BACKEND="jax", XLA_FLAGS=flags)
        for count, folder in enumerate(folders, 1)
    ]
    one, two = map(result, folders, processes)
    assert_same(two, one)


def test_a_machine_that_dies_ends_the_others(tmp_path):
    folder = tmp_path / "machines"
    first, second = start_machines(folder, "1000000")
    output = folder / "0" / "output.txt"
    try:
        # Wait for the third step.
        deadline = time.monotonic() + 300
        while " 3/1000000" not in output.read_text().replace("\x1b[1m", " "):
            assert first.poll() is None, output.read_text()[-3000:]
            assert time.monotonic() < deadline
            time.sleep(0.5)
        second.kill()
        # TensorFlow's heartbeat finds out after ten seconds at most.
        assert first.wait(timeout=60) == 1
    finally:
        for process in (first, second):
            process.kill()
            process.wait()
    assert "Expected 2 machines that train together. Received: machine 0 gets no " in (
        output.read_text()
    )
    # It had begun, and can go on.
    assert list((folder / "0" / "logs").rglob("state.npz"))
