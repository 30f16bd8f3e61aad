"""The one place that asks which backend runs; `ops` branches on its answer."""

import contextlib
import ctypes
import os

import keras
from keras import ops

# The C library's name for the size from which a block is the system's, in malloc.h,
# and the largest value it takes.
_M_MMAP_THRESHOLD, _LARGEST_THRESHOLD = -3, 32 * 1024 * 1024


def tensorflow():
    """Return the tensorflow module when Keras runs on it, otherwise None.

    A caller uses TensorFlow's own kernel where there is one, beside a portable
    form on `keras.ops` that gives the same numbers.
    """
    if keras.backend.backend() != "tensorflow":
        return None
    import tensorflow

    return tensorflow


def is_tensorflow_on_cpu() -> bool:
    """Return whether Keras runs on TensorFlow, and TensorFlow has no other device."""
    tf = tensorflow()
    return tf is not None and not tf.config.list_logical_devices("GPU")


def after(tensor):
    """Return a context whose operations wait for a tensor.

    TensorFlow computes what it can as soon as it can, and keeps it until it is used.
    """
    tf = tensorflow()
    return contextlib.nullcontext() if tf is None else tf.control_dependencies([tensor])


def wait_for(tensor, values):
    """Return values, of which what is computed next waits for a tensor.

    It does by an operand that is 0. Control dependencies, as of `after`, at each layer
    of a backbone become a cycle in TensorFlow's dependency optimizer with oneDNN.

    Args:
        tensor: float [B, ...].
        values: float array.
    """
    if not is_tensorflow_on_cpu():
        return values
    nothing = tensorflow().reduce_sum(ops.stop_gradient(tensor)[:0])
    return values + ops.cast(nothing, values.dtype)


def keep_freed_memory() -> None:
    """Let a process keep the memory that a training step frees for the next one.

    The first time that TensorFlow reads from a Python generator, as it reads the
    batches of a training, it tells the GNU C library to give back freed blocks from
    128 kB on. To get them again and again takes a third of a step on a processor.
    Here it has read from one before, and then the limit is 32 MB. Nothing changes on
    GPUs, other backends and other C libraries.
    """
    if os.name != "posix" or not is_tensorflow_on_cpu():
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return
    tf = tensorflow()
    empty = tf.data.Dataset.from_generator(
        lambda: iter(()), output_signature=tf.TensorSpec(())
    )
    list(empty)
    mallopt(_M_MMAP_THRESHOLD, _LARGEST_THRESHOLD)


def peak_device_memory() -> int | None:
    """Return the most memory that the first GPU has held so far, bytes.

    None without a GPU, and on backends other than TensorFlow.
    """
    tf = tensorflow()
    if tf is None or not tf.config.list_logical_devices("GPU"):
        return None
    return int(tf.config.experimental.get_memory_info("GPU:0")["peak"])


def bias_add(features, bias):
    """Return features with a number added to each channel.

    Args:
        features: float [B, H, W, C].
        bias: float [C].
    """
    tf = tensorflow()
    # TensorFlow fuses its own addition with the convolution before it.
    return features + bias if tf is None else tf.nn.bias_add(features, bias)
