"""Evaluation of whatever detects: find the objects of a data set, and compare.

Called by `MaskRCNN.evaluate` and `ZooModel.evaluate`, which hand in `detect`.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

from mrcnn.evaluation import report
from mrcnn.evaluation.detecting import detect_all
from mrcnn.evaluation.speed import Stopwatch, peak_memory
from mrcnn.ops import backend


def evaluate(
    detect: Callable,
    dataset,
    image_ids: Sequence[int] | None,
    *,
    batch_size: int,
    progress: Callable[[Sequence], Iterable] = iter,
    **options,
) -> report.Evaluation:
    """Find the objects of a data set, and say how good that is.

    Args:
        detect: list of images and ``watch``, a `Stopwatch` -> list of `Detections`.
        dataset: prepared `Dataset` with the classes of the network.
        image_ids: its ids of the images; None takes all.
        batch_size: images to load at a time.
        progress: is given the batches, such as `tqdm.tqdm`.
        **options: further ones of `report.evaluate`.

    Raises:
        DatasetError: an image or its annotation is broken.
    """
    image_ids = dataset.image_ids if image_ids is None else image_ids
    watch = Stopwatch()
    found = detect_all(
        dataset,
        image_ids,
        partial(detect, watch=watch),
        batch_size,
        watch=watch,
        progress=progress,
    )
    return report.evaluate(
        dataset,
        image_ids,
        found,
        speed={
            "seconds_per_image": watch.seconds_per_image(),
            "peak_memory": peak_memory(),
            "peak_device_memory": backend.peak_device_memory(),
        },
        **options,
    )
