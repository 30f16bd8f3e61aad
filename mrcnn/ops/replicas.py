"""Numbers that belong to a whole batch of which each device sees a part.

TensorFlow's strategies run the same graph once a device, on that device's images;
the copies are called replicas. JAX computes with whole batches wherever they lie,
and PyTorch trains on one device: there, and outside of a strategy, there is one
replica, and these functions change nothing.
"""

from mrcnn.ops import backend


def num_replicas() -> int:
    """Return how many copies of the graph run at once, each on a part of the batch."""
    tf = backend.tensorflow()
    return 1 if tf is None else tf.distribute.get_strategy().num_replicas_in_sync


def sum_over_replicas(values):
    """Return the sum of each tensor over all replicas, the same on every one.

    Args:
        values: a tensor, or a list of them, of one shape on all replicas.
    """
    if num_replicas() == 1:
        return values
    tf = backend.tensorflow()
    context = tf.distribute.get_replica_context()
    # None while Keras only asks for shapes, outside of every replica.
    return values if context is None else context.all_reduce("sum", values)
