"""A batch taken apart image by image: the original's `batch_slice`.

Nothing here uses it, because a loop over the images is slow; layers of users that
were written for one image do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from keras import ops


def batch_slice(
    inputs, graph_fn: Callable, batch_size: int, names: Sequence | None = None
):
    """Return what a function of one image gives for each image of a batch.

    Args:
        inputs: a tensor [B, ...] or a list of them.
        graph_fn: takes a slice of each input, [...], and returns a tensor or several
            in a list or tuple.
        batch_size: B.
        names: as in the original, where they named the outputs; plays no part.

    Returns:
        A tensor [B, ...], or a list of them where the function returns more than one.
    """
    inputs = inputs if isinstance(inputs, (list, tuple)) else [inputs]
    slices = [graph_fn(*(tensor[i] for tensor in inputs)) for i in range(batch_size)]
    slices = [each if isinstance(each, (list, tuple)) else [each] for each in slices]
    outputs = [ops.stack(each) for each in zip(*slices, strict=True)]
    return outputs[0] if len(outputs) == 1 else outputs
