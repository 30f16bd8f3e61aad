"""Which devices a training runs on, and how its batches are divided among them.

On TensorFlow `distribution` gives a strategy of `tf.distribute`: for the devices of
this machine, or of all machines that the environment variable TF_CONFIG names. On
JAX it gives `keras.distribution.DataParallel`. The network is built and fitted
inside its scope. Every device computes the gradients of a part of the batch, and
their sum is that of one device with the whole batch: `ops.replicas` sees to it that
losses divide by the counts of the whole batch, `optimizer_class` that gradients are
clipped by their common norm.
"""

import atexit
import contextlib
import functools
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import keras

from mrcnn.errors import ConfigError, TrainingError
from mrcnn.ops.backend import after
from mrcnn.ops.replicas import num_replicas, sum_over_replicas

# What a run folder holds besides checkpoints: small, and read when a run goes on.
_KEPT_FILES = ("*.npz", "*.json", "*.csv")


class OneDevice:
    """Stands for no distribution at all."""

    scope = staticmethod(contextlib.nullcontext)


def distribution(num_devices: int, indices: Sequence[int] | None = None):
    """Return what divides a training among devices; its `scope()` is a context.

    Args:
        num_devices: how many devices, those of all machines together.
        indices: which of this machine's devices; None takes the first ones.

    Raises:
        ConfigError: there are fewer devices, or the backend trains on one alone.
    """
    backend = keras.backend.backend()
    _, num_machines = machine()
    if num_machines > 1:
        return _machines(num_devices, num_machines, indices)
    if num_devices == 1 and indices is None:
        return OneDevice()
    if backend == "torch":
        raise ConfigError(
            "Expected one device: on the PyTorch backend training uses one. Received: "
            f"GPU_COUNT={num_devices}. Set KERAS_BACKEND=tensorflow or jax, or train "
            "with --devices 1 and more images in a batch."
        )
    devices = _chosen(keras.distribution.list_devices(), num_devices, indices)
    if backend == "jax":
        return keras.distribution.DataParallel(devices=devices)
    import tensorflow as tf

    return tf.distribute.MirroredStrategy([name.upper() for name in devices])


def machine() -> tuple[int, int]:
    """Return the number of this machine, from 0, and how many train together.

    Raises:
        ConfigError: TF_CONFIG cannot be understood.
    """
    text = os.environ.get("TF_CONFIG")
    if not text or keras.backend.backend() != "tensorflow":
        return 0, 1
    try:
        content = json.loads(text)
        jobs = content.get("cluster", {})
        tasks = [
            (job, i)
            for job in ("chief", "worker")
            for i in range(len(jobs.get(job, ())))
        ]
        task = content.get("task", {})
        if len(tasks) <= 1:
            return 0, 1
        return tasks.index((task["type"], int(task["index"]))), len(tasks)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise ConfigError(
            "Expected TF_CONFIG to name the machines and which of them this is: "
            '{"cluster": {"worker": ["host1:port", "host2:port"]}, "task": {"type": '
            f'"worker", "index": 0}}}}. Received: {text!r} ({error}). Mend it, or '
            "unset it to train on this machine alone."
        ) from error


def scratch_folder(run_folder: str | Path) -> Path:
    """Return a folder that takes the place of the run folder on all machines but one.

    Every machine then does the same, and the logs and checkpoints of the first alone
    stay. It is deleted when the process ends.

    Args:
        run_folder: what it has to begin with; may be missing.
    """
    folder = Path(tempfile.mkdtemp(prefix="mrcnn_"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for pattern in _KEPT_FILES:
        for path in Path(run_folder).glob(pattern):
            shutil.copy(path, folder)
    return folder


def optimizer_class(base: type, *, wrapped: bool = False) -> type:
    """Return a class of optimizers for the current scope, from one of Keras'.

    Keras' own clips, accumulates and tests the gradients of each replica and adds
    them afterwards, so that steps depend on the number of devices. And TensorFlow
    begins all its updates, with arrays as large as the weights, when a step begins.

    Args:
        base: `keras.optimizers.SGD` or another one.
        wrapped: whether it gets its gradients from a `LossScaleOptimizer`.
    """
    parents = (_UpdatesInTurn, base)
    if num_replicas() > 1:
        parents = (_UpdatesAlike, *parents)
        if not wrapped:
            parents = (_AddsFirst, *parents)
    return type(base.__name__, parents, {})


class _UpdatesInTurn:
    """Begins to change a weight when its gradient is there."""

    def update_step(self, gradient, variable, learning_rate):
        with after(gradient):
            super().update_step(gradient, variable, learning_rate)


class _AddsFirst:
    """Adds the gradients of all replicas before anything else is done with them."""

    def apply(self, grads, trainable_variables=None):
        super().apply(sum_over_replicas(list(grads)), trainable_variables)


class _UpdatesAlike:
    """Lets each replica change its own copy of the variables.

    They have the same gradients, and so their copies stay the same.
    """

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        for gradient, variable in zip(grads, trainable_variables, strict=True):
            self.update_step(gradient, variable.value, learning_rate)

    def _backend_increment_gradient_accumulators(self, grads, acc_grads):
        for gradient, accumulator in zip(grads, acc_grads, strict=True):
            accumulator.value.assign_add(gradient)


@contextlib.contextmanager
def lost_machines() -> Iterator[None]:
    """Say so when training fails because another machine does not answer any more.

    Raises:
        TrainingError: in place of TensorFlow's own error.
    """
    number, num_machines = machine()
    if num_machines == 1:
        yield
        return
    import tensorflow as tf

    gone = (
        tf.errors.UnavailableError,
        tf.errors.AbortedError,
        tf.errors.CancelledError,
        tf.errors.DeadlineExceededError,
        tf.errors.FailedPreconditionError,
    )
    try:
        yield
    except gone as error:
        raise TrainingError(
            f"Expected {num_machines} machines that train together. Received: machine "
            f"{number} gets no answer from another one ({type(error).__name__}). Look "
            "in the log of the others for the first error, then start all again, with "
            "--resume."
        ) from error


def _machines(num_devices: int, num_machines: int, indices):
    """Return the strategy for the machines of TF_CONFIG."""
    if indices is not None:
        raise ConfigError(
            "Expected the number of devices of all machines: TF_CONFIG names "
            f"{num_machines}. Received: DEVICES={tuple(indices)}. Set GPU_COUNT alone; "
            "the environment variable CUDA_VISIBLE_DEVICES chooses on each machine."
        )
    strategy = _strategy_of_machines()
    found = strategy.num_replicas_in_sync
    if num_devices != found:
        raise ConfigError(
            f"Expected GPU_COUNT={found}: TF_CONFIG names {num_machines} machines, and "
            f"each has {found // num_machines} of the devices. Received: "
            f"GPU_COUNT={num_devices}. Set GPU_COUNT or --devices to {found}."
        )
    return strategy


@functools.cache
def _strategy_of_machines():
    import tensorflow as tf

    class OwnShares(tf.distribute.MultiWorkerMirroredStrategy):
        """Takes the batches of each machine as its share, in equal parts a device.

        By default every machine would make whole batches and drop most of each.
        """

        def experimental_distribute_dataset(self, dataset, options=None):
            num_parts = len(self.extended.worker_devices)

            def parts(batch):
                return tf.data.Dataset.from_tensor_slices(
                    {key: tf.stack(tf.split(x, num_parts)) for key, x in batch.items()}
                )

            if num_parts > 1:
                dataset = dataset.flat_map(parts)
            return self.distribute_datasets_from_function(lambda context: dataset)

        def reduce(self, reduce_op, value, axis):
            # Keras asks for the mean of the losses over an axis that they do not have.
            local = self.experimental_local_results(value)[0]
            return super().reduce(reduce_op, value, axis if local.shape.rank else None)

    try:
        return OwnShares()
    except RuntimeError as error:
        raise ConfigError(
            "Expected TensorFlow to be unused before the machines of TF_CONFIG find "
            f"each other. Received: {error} Build the model first of all."
        ) from error


def _chosen(found: list[str], num_devices: int, indices) -> list[str]:
    wanted = range(num_devices) if indices is None else indices
    if max(wanted) >= len(found):
        what = f"{num_devices} devices" if indices is None else f"devices {indices}"
        raise ConfigError(
            f"Expected {what}. Received: {len(found)} found, {', '.join(found)}. Set "
            f"GPU_COUNT (or --devices) to {len(found)} at most; if there are more in "
            "this machine, the driver or the backend's installation does not see them."
        )
    return [found[i] for i in wanted]
