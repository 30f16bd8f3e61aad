"""Which images a round of training takes, and how often.

`Batches` draws its images from an endless stream of rounds. Plainly, a round is
every image once. Images of rare classes can come more often (repeat-factor
sampling; Gupta, Dollar and Girshick 2019, LVIS, appendix B) and of the images
without objects some can be left out, others in each round. All rounds of a
stream are equally long, so that a place in the stream tells its round.
"""

from __future__ import annotations

import functools
import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mrcnn.errors import DatasetError
from mrcnn.training.samples import image_name

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Rounds:
    """What the rounds of a stream of images are made of; `len` is that of each.

    Attributes:
        image_ids: int [M], images of every round.
        repeats: float [M], how often each comes in a round on average, at least 1.
        empty_ids: int [E], images without objects, of which each round takes some.
        num_empty: how many of these.
    """

    image_ids: np.ndarray
    repeats: np.ndarray
    empty_ids: np.ndarray
    num_empty: int

    def __len__(self) -> int:
        return int(self._whole.sum()) + self._num_extras + self.num_empty

    def order(self, rng: np.random.Generator) -> np.ndarray:
        """Return the images of one round in random order, int [len(self)].

        The fractions of `repeats` are rounded at random, but with one sum: their
        own, rounded. They are changed alike for it, by half an image together.

        Args:
            rng: source of all randomness.
        """
        parts = [np.repeat(self.image_ids, self._whole)]
        if self._num_extras:
            parts.append(self.image_ids[self._extras(rng)])
        if self.num_empty:
            parts.append(rng.choice(self.empty_ids, self.num_empty, replace=False))
        return rng.permutation(np.concatenate(parts))

    @functools.cached_property
    def _whole(self) -> np.ndarray:
        return np.floor(self.repeats).astype(int)

    @functools.cached_property
    def _num_extras(self) -> int:
        return round(float((self.repeats - self._whole).sum()))

    def _extras(self, rng: np.random.Generator) -> np.ndarray:
        """Return which images come once more, int [_num_extras].

        Systematic sampling: the fractions lie end to end in random order, and
        points at equal distances, behind a random start, pick among them.
        """
        shuffled = rng.permutation(len(self.image_ids))
        ends = np.cumsum((self.repeats - self._whole)[shuffled])
        step = ends[-1] / self._num_extras
        points = (np.arange(self._num_extras) + rng.random()) * step
        picked = np.searchsorted(ends, points, side="right")
        # Rounding may put the last point on the end of all.
        return shuffled[np.minimum(picked, len(ends) - 1)]


def rounds_of_dataset(
    dataset, *, repeat_threshold: float = 0.0, negative_ratio: float | None = None
) -> Rounds:
    """Return the rounds of a data set, as `plan_rounds`.

    The classes of its images are asked for only where they are needed; a data set
    with a `load_mask` alone then draws all its masks once, here.

    Args:
        dataset: a prepared `data.dataset.Dataset`.
        repeat_threshold: see `plan_rounds`.
        negative_ratio: see `plan_rounds`.

    Raises:
        DatasetError: the classes of an image cannot be told, or no image has objects.
    """
    if not repeat_threshold and negative_ratio is None:
        image_ids = np.arange(dataset.num_images)
        return Rounds(image_ids, np.ones(len(image_ids)), image_ids[:0], 0)
    classes = [_class_ids(dataset, image_id) for image_id in range(dataset.num_images)]
    rounds = plan_rounds(
        classes, repeat_threshold=repeat_threshold, negative_ratio=negative_ratio
    )
    _logger.info(
        "A round of training shows %d images: those with objects %.2f times on "
        "average, and %d of %d without, out of %d.",
        len(rounds),
        rounds.repeats.mean(),
        rounds.num_empty,
        len(rounds.empty_ids),
        dataset.num_images,
    )
    return rounds


def plan_rounds(
    classes_of_images: Sequence[Sequence[int]],
    *,
    repeat_threshold: float = 0.0,
    negative_ratio: float | None = None,
) -> Rounds:
    """Return what a round takes of images with these classes.

    Args:
        classes_of_images: class ids of the objects of each image, negative for
            crowds; empty for an image without objects.
        repeat_threshold: classes in a smaller share of the images come more often;
            0 is off.
        negative_ratio: images without objects for each image with some, repeated
            ones counted as often as they come; None takes all once.

    Raises:
        DatasetError: a ratio is given and no image has objects.

    Example:
        >>> rounds = plan_rounds([[1], [2, 1], [], []], negative_ratio=0.5)
        >>> len(rounds), rounds.num_empty
        (3, 1)
    """
    repeats = repeat_factors(classes_of_images, repeat_threshold)
    image_ids = np.arange(len(repeats))
    if negative_ratio is None:
        return Rounds(image_ids, repeats, image_ids[:0], 0)
    has_objects = np.array([len(ids) > 0 for ids in classes_of_images], bool)
    if not has_objects.any():
        raise DatasetError(
            "Expected images with objects beside those without. Received: "
            f"{len(repeats)} images, none with objects. Label some, or set "
            "NEGATIVE_IMAGE_RATIO to None."
        )
    rounds = Rounds(image_ids[has_objects], repeats[has_objects], image_ids[:0], 0)
    empty_ids = image_ids[~has_objects]
    num_empty = min(round(negative_ratio * len(rounds)), len(empty_ids))
    return Rounds(rounds.image_ids, rounds.repeats, empty_ids, num_empty)


def repeat_factors(
    classes_of_images: Sequence[Sequence[int]], threshold: float
) -> np.ndarray:
    """Return how often each image shall come for once of a common one.

    Gupta, Dollar and Girshick 2019, LVIS, appendix B: max(1, sqrt(t / f(c))) for a
    class c in a share f(c) of the images, and for an image the most of its classes.

    Args:
        classes_of_images: class ids of the objects of each image; crowds, which
            are negative, do not count.
        threshold: t.

    Returns:
        float64 [number of images], at least 1.

    Example:
        >>> repeat_factors([[1], [1, 2], [1], [-2]], 1.0)
        array([1.15470054, 2.        , 1.15470054, 1.        ])
    """
    classes = [{int(c) for c in ids if c > 0} for ids in classes_of_images]
    counts = Counter(class_id for ids in classes for class_id in ids)
    factors = {
        class_id: max(1.0, np.sqrt(threshold * len(classes) / count))
        for class_id, count in counts.items()
    }
    return np.array([max((factors[c] for c in ids), default=1.0) for ids in classes])


def _class_ids(dataset, image_id: int) -> np.ndarray:
    try:
        return dataset.image_class_ids(image_id)
    except Exception as error:
        raise DatasetError(
            "Expected an image of which the classes are known. Received: "
            f"{image_name(dataset, image_id)}, which fails with "
            f"{type(error).__name__}: {error}"
        ) from error
