import json
import subprocess
import sys
from pathlib import Path

import keras
import pytest

from mrcnn.errors import ConfigError, TrainingError
from mrcnn.training import distribute

ROOT = Path(__file__).resolve().parents[3]
WORKERS = {"worker": ["a:1", "b:1"]}


@pytest.fixture
def tf_config(monkeypatch):
    """Return a function that sets TF_CONFIG, which is unset otherwise."""
    if keras.backend.backend() != "tensorflow":
        pytest.skip("TF_CONFIG is TensorFlow's")
    monkeypatch.delenv("TF_CONFIG", raising=False)

    def set_to(content):
        text = content if isinstance(content, str) else json.dumps(content)
        monkeypatch.setenv("TF_CONFIG", text)

    return set_to


def task(type_, index, cluster=WORKERS):
    return {"cluster": cluster, "task": {"type": type_, "index": index}}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (task("worker", 0), (0, 2)),
        (task("worker", 1), (1, 2)),
        # A chief is the first of all, whatever the order of the keys.
        (task("worker", 0, {"worker": ["a:1"], "chief": ["c:1"]}), (1, 2)),
        (task("chief", 0, {"worker": ["a:1"], "chief": ["c:1"]}), (0, 2)),
        # One machine alone, as some clouds set it.
        (task("worker", 0, {"worker": ["a:1"]}), (0, 1)),
        ({}, (0, 1)),
        ("", (0, 1)),
    ],
)
def test_which_machine_this_is(tf_config, content, expected):
    tf_config(content)
    assert distribute.machine() == expected


@pytest.mark.parametrize(
    "content",
    ["{worker}", "[1]", {"cluster": WORKERS}, task("worker", 2), task("ps", 0)],
)
def test_tf_config_that_makes_no_sense(tf_config, content):
    tf_config(content)
    with pytest.raises(ConfigError, match='"index": 0}}. Received: .*unset it to'):
        distribute.machine()


def test_tf_config_is_nothing_to_other_backends(tf_config, monkeypatch):
    tf_config(task("worker", 1))
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    assert distribute.machine() == (0, 1)


def test_one_device_needs_nothing():
    one = distribute.distribution(1)
    with one.scope():
        parents = distribute.optimizer_class(keras.optimizers.SGD).__mro__
        assert keras.optimizers.SGD in parents
        assert distribute._AddsFirst not in parents


@pytest.mark.parametrize(
    ("num_devices", "indices", "expected"),
    [(2, None, "Expected 2 devices."), (1, (3,), r"Expected devices \(3,\).")],
)
def test_fewer_devices_than_asked_for(monkeypatch, num_devices, indices, expected):
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    monkeypatch.setattr(keras.distribution, "list_devices", lambda: ["gpu:0"])
    with pytest.raises(ConfigError, match=f"{expected} Received: 1 found, gpu:0. Set"):
        distribute.distribution(num_devices, indices)


def test_torch_trains_on_one_device(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    assert isinstance(distribute.distribution(1), distribute.OneDevice)
    with pytest.raises(ConfigError, match="PyTorch.*GPU_COUNT=2. Set KERAS_BACKEND"):
        distribute.distribution(2)


def test_all_devices_of_all_machines_are_counted(tf_config, monkeypatch):
    tf_config(task("worker", 0))

    class Strategy:
        num_replicas_in_sync = 8

    strategy = Strategy()
    monkeypatch.setattr(distribute, "_strategy_of_machines", lambda: strategy)
    assert distribute.distribution(8) is strategy
    with pytest.raises(ConfigError, match="=8: .* 2 machines.* 4 of the dev.*COUNT=2"):
        distribute.distribution(2)
    with pytest.raises(ConfigError, match=r"DEVICES=\(0, 1\).*CUDA_VISIBLE_DEVICES"):
        distribute.distribution(2, [0, 1])


def test_scratch_folder_has_what_a_run_goes_on_with(tmp_path):
    for name in ("state.npz", "best.json", "losses.csv", "mask_rcnn_x_0001.h5"):
        (tmp_path / name).write_text(name)
    folder = distribute.scratch_folder(tmp_path)
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["best.json", "losses.csv", "state.npz"]
    assert (folder / "state.npz").read_text() == "state.npz"
    assert list(distribute.scratch_folder(tmp_path / "missing").iterdir()) == []


def test_a_lost_machine_is_said(tf_config):
    tf = pytest.importorskip("tensorflow")
    lost = tf.errors.UnavailableError(None, None, "Connection reset by peer")
    # On one machine it is another's business.
    with pytest.raises(tf.errors.UnavailableError), distribute.lost_machines():
        raise lost
    tf_config(task("worker", 1))
    with pytest.raises(TrainingError, match=r"2 machines.* machine 1 gets no.*Unavail"):
        with distribute.lost_machines():
            raise lost
    with pytest.raises(KeyError), distribute.lost_machines():
        raise KeyError("an error of its own")


# Two replicas with batches whose gradients are far from equal, and what one device
# makes of both: [(optimizer, largest difference of the weights, how far they went)].
STEPS = """
import keras, numpy as np, tensorflow as tf
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0],
    [tf.config.LogicalDeviceConfiguration()] * 2,
)
from mrcnn.training.distribute import OneDevice, distribution, optimizer_class

x = np.array([[1, 2], [3, 1], [50, -20], [10, 40]], np.float32)

def weights(num_devices, make):
    with distribution(num_devices).scope() as strategy:
        kernel = keras.Variable([[0.5], [-1.0]])
        optimizer = make()
        optimizer.build([kernel])
    @tf.function
    def step(x):
        with tf.GradientTape() as tape:
            # The sum over replicas is the mean over the batch.
            loss = tf.reduce_sum((x @ kernel.value) ** 2) / 4
            loss = optimizer.scale_loss(loss)
        optimizer.apply([tape.gradient(loss, kernel.value)], [kernel])
    for i in range(8):
        rows = tf.constant(np.roll(x, i, axis=0))
        if strategy is None:
            step(rows)
        else:
            parts = strategy.experimental_distribute_values_from_function(
                lambda c: tf.split(rows, 2)[c.replica_id_in_sync_group]
            )
            strategy.run(step, args=(parts,))
    optimizer.finalize_variable_values([kernel])
    return np.array(kernel.numpy())

def plain(base, **kwargs):
    return lambda: optimizer_class(base)(learning_rate=0.1, **kwargs)

def scaled(scale):
    inner = optimizer_class(keras.optimizers.SGD, wrapped=True)
    outer = optimizer_class(keras.optimizers.LossScaleOptimizer)
    inner = inner(learning_rate=0.1, global_clipnorm=1.0)
    return outer(inner, initial_scale=scale)

SGD, AdamW = keras.optimizers.SGD, keras.optimizers.AdamW
for name, make in [
    ("clipped", plain(SGD, momentum=0.9, global_clipnorm=1.0)),
    ("adamw", plain(AdamW, weight_decay=0.0, global_clipnorm=1.0)),
    ("accumulated", plain(SGD, global_clipnorm=1.0, gradient_accumulation_steps=2)),
    ("averaged", plain(SGD, global_clipnorm=1.0, use_ema=True, ema_momentum=0.5)),
    ("scaled", lambda: scaled(2.0**15)),
    # Gradients of the third image overflow in the first steps, those of others not.
    ("overflowing", lambda: scaled(2.0**119)),
]:
    one, two = weights(1, make), weights(2, make)
    print("RESULT", name, np.abs(one - two).max(), np.abs(one - [[0.5], [-1.0]]).max())
"""


def test_optimizers_do_the_steps_of_one_device():
    if keras.backend.backend() != "tensorflow":
        pytest.skip("replicas are TensorFlow's")
    done = subprocess.run(
        [sys.executable, "-c", STEPS], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr[-3000:]
    lines = [s.split() for s in done.stdout.splitlines() if s.startswith("RESULT")]
    found = {name: (float(diff), float(moved)) for _, name, diff, moved in lines}
    assert len(found) == 6
    for name, (difference, moved) in found.items():
        assert difference < 1e-6, name
        assert moved > 0.01, name
