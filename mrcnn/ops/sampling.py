"""Choosing a fixed number of candidates at random, with validity."""

import keras
from keras import ops


def sample(candidates, *, num_samples, seed):
    """Return the indices of candidates drawn at random without replacement.

    Args:
        candidates: bool [B, N].
        num_samples: S, how many to draw at most; at most N.
        seed: `keras.random.SeedGenerator`, or an int for a fixed draw.

    Returns:
        indices: int32 [B, S] into N; candidates come first.
        num_found: int32 [B], how many of the S are candidates.
    """
    noise = keras.random.uniform(ops.shape(candidates), dtype="float32", seed=seed)
    # Candidates rank in (1, 2], the others in [0, 1).
    rank = noise + ops.cast(candidates, "float32")
    _, indices = ops.top_k(rank, num_samples)
    count = ops.sum(ops.cast(candidates, "int32"), axis=1)
    return ops.cast(indices, "int32"), ops.minimum(count, num_samples)
