"""Detection of the images of a data set, a few at a time.

Called by the evaluation of a model and by the validation of a training, which hand in
`detect`. Axis letters as in `structures`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from mrcnn.evaluation.speed import Stopwatch
from mrcnn.structures import Detections


def detect_all(
    dataset,
    image_ids: Sequence[int],
    detect: Callable[[list[np.ndarray]], list[Detections]],
    batch_size: int,
    *,
    watch: Stopwatch | None = None,
    progress: Callable[[Sequence], Iterable] = iter,
) -> list[Detections]:
    """Return what is found in images of a data set, loaded a few at a time.

    A network may have more classes than the data set. Detections of those are left
    out: AP counts the classes that have objects, each by itself.

    Args:
        dataset: prepared data set.
        image_ids: its ids of the images.
        detect: callable from a list of images to their `Detections`.
        batch_size: images to load at a time.
        watch: measures how long loading takes.
        progress: is given the batches, such as `tqdm.tqdm`.
    """
    watch = watch or Stopwatch()
    batches = [
        image_ids[start : start + batch_size]
        for start in range(0, len(image_ids), batch_size)
    ]
    found = []
    for batch in progress(batches):
        with watch.step("loading", len(batch)):
            images = [dataset.load_image(image_id) for image_id in batch]
        found += detect(images)
    return [
        detected.select(detected.class_ids < len(dataset.class_names))
        for detected in found
    ]
