"""What can be wrong with a data set, and how readers go on after it.

A reader raises `DatasetError` at the first thing that is broken, which is right
for training. For ``mrcnn check`` the same reader has to go on: inside `collected`
each part that it reads within `tolerated` is left out when it is broken, and the
error becomes a `Problem` in the list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from mrcnn.errors import DatasetError

SEVERITIES = ("error", "warning", "note")
# Kind -> severity, and what is wrong, in the order of the report. Errors stop a
# training or spoil it; warnings cost quality; notes are worth knowing.
KINDS = {
    "unreadable-annotations": ("error", "annotations that cannot be read"),
    "broken": ("error", "broken annotations, left out here"),
    "missing-image": ("error", "images that are not there"),
    "unreadable-image": ("error", "images that cannot be read"),
    "other-size": ("error", "images of another size than annotated"),
    "turned-image": ("error", "outlines that fit the image turned by a quarter"),
    "outside": ("error", "outlines outside their image"),
    "no-area": ("error", "objects that cover no pixel"),
    "unlabelled": ("error", "objects without a class"),
    "unknown-class": ("error", "unknown classes"),
    "duplicate-id": ("error", "ids that occur twice"),
    "leak": ("error", "the same image in two subsets"),
    "misspelt-label": ("warning", "labels that look misspelt"),
    "points-outside": ("warning", "outlines that reach out of their image"),
    "self-intersection": ("warning", "outlines that cross themselves"),
    "tiny": ("warning", "objects of one pixel or less"),
    "duplicate-object": ("warning", "objects outlined twice"),
    "listed-twice": ("warning", "images listed twice"),
    "duplicate-image": ("warning", "copies of an image"),
    "similar-leak": ("warning", "nearly the same image in two subsets"),
    "too-many-objects": ("warning", "images with more objects than there is room for"),
    "anchors": ("warning", "anchors that do not suit the objects"),
    "rare-class": ("note", "classes with hardly any objects"),
    "similar-images": ("note", "images that are nearly the same"),
    "no-objects": ("note", "images without objects"),
    "not-annotated": ("note", "images beside the annotated ones, not used"),
}


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        kind: a key of `KINDS`.
        message: what, where, and what to do.
        image: path of the image; its name where there is no file; None if the
            problem is not that of one image.
        place: the object, "region 3" for example.
        regions: the objects, where they could be read.
        others: paths of the images that look the same, where that is the problem.
    """

    kind: str
    message: str
    image: str | None = None
    place: str | None = None
    regions: tuple = field(default=(), repr=False)
    others: tuple[str, ...] = ()

    @property
    def severity(self) -> str:
        """One of `SEVERITIES`."""
        return KINDS[self.kind][0]


_collecting: ContextVar[list[Problem] | None] = ContextVar("problems", default=None)


@contextmanager
def collected() -> Iterator[list[Problem]]:
    """Make what is broken and `tolerated` an entry of the list that this gives.

    Example:
        >>> with collected() as problems:
        ...     with tolerated("a.jpg"):
        ...         raise DatasetError("a.jpg is not there", kind="missing-image")
        >>> problems[0].severity, problems[0].image
        ('error', 'a.jpg')
    """
    problems: list[Problem] = []
    token = _collecting.set(problems)
    try:
        yield problems
    finally:
        _collecting.reset(token)


class tolerated:  # noqa: N801 - a context manager, used as a function
    """Leave out the rest of the block if it is broken, where problems are collected.

    Elsewhere the error goes on. A class, because readers enter it for each object.

    Args:
        image: path or name of the image that the block reads.
        place: the object that it reads, "region 3" for example.
    """

    __slots__ = ("image", "place")

    def __init__(self, image=None, place: str | None = None):
        self.image = image
        self.place = place

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind, error, traceback) -> bool:
        problems = _collecting.get()
        if problems is None or not isinstance(error, DatasetError):
            return False
        image = None if self.image is None else str(self.image)
        regions = () if error.region is None else (error.region,)
        problems.append(Problem(error.kind, str(error), image, self.place, regions))
        return True


def unbroken(read: Callable, items: Iterable) -> Iterator:
    """Yield ``read(item)`` for each item, those left out that are broken.

    Args:
        read: returns what an item holds.
        items: paths and such, that name what is read.
    """
    for item in items:
        with tolerated(item):
            yield read(item)


def note(problem: Problem) -> None:
    """Add a problem to the list that is collected, if there is one."""
    problems = _collecting.get()
    if problems is not None:
        problems.append(problem)
