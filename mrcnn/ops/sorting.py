"""The highest of many numbers, in the same order on every backend."""

from keras import ops

from mrcnn.ops import backend


def top_k(values, k):
    """Return the highest values of each row in order, of equal ones the first.

    Scores near 1 are often equal in float32, and which box comes first decides which
    ones non-maximum suppression drops. PyTorch's own takes equal ones in any order.

    Args:
        values: float [..., N].
        k: how many, at most N.

    Returns:
        values: float [..., k].
        indices: int32 [..., k] into N.
    """
    if backend.tensorflow() is not None:
        return ops.top_k(values, k)
    indices = ops.cast(ops.argsort(-values, axis=-1)[..., :k], "int32")
    return ops.take_along_axis(values, indices, axis=-1), indices
