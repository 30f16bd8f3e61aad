"""What a writer of a format is given, and what all of them need.

`writers.save` makes a `Saving`; the writers (`via_writer`, `coco_writer`, ...) turn it
into files. The objects are those of `labelled`, in which the readers speak as well.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np

from mrcnn.data.labelled import LabelledImage, LabelledShape
from mrcnn.errors import DatasetError


@dataclass(frozen=True)
class Saving:
    """A data set on its way into files.

    Attributes:
        folder: the data set's folder.
        subset: the part of the data set this is, or None.
        image_folder: what the names of the images start from.
        names: of the images, relative to `image_folder`, with slashes.
        image_ids: of the images, in their source.
        classes: id in its source of each class name, without the background.
        min_iou: how near a mask read back has to be to the one saved; 1 is equal.
        polygons_only: COCO: whether objects with holes have to be polygons, too.
        images: the images with their objects, in the order of the names; made, and
            put into their folder, one by one.
    """

    folder: Path
    subset: str | None
    image_folder: Path
    names: list[str]
    image_ids: list
    classes: dict[str, object]
    min_iou: float
    polygons_only: bool
    images: Iterator[LabelledImage] = field(repr=False)

    @property
    def part(self) -> Path:
        """The folder of the subset, for formats that keep subsets in folders."""
        return self.folder / self.subset if self.subset else self.folder

    def __iter__(self) -> Iterator[tuple[str, LabelledImage]]:
        """Yield each image with its name."""
        return zip(self.names, self.images, strict=True)


def box_and_mask(
    thing: LabelledShape, image: LabelledImage
) -> tuple[tuple[int, int, int, int], np.ndarray]:
    """Return the tight box (y1, x1, y2, x2) of an object, and bool [h, w] in it.

    Raises:
        DatasetError: it covers no pixel.
    """
    box, mask = thing.shape.rasterise(image.image_hw)
    if not mask.size:
        raise DatasetError(
            f"{image.path}, {thing.place}: expected an outline that covers a pixel. "
            "Received: one that covers none. Remove it."
        )
    return tuple(box.tolist()), mask


def plain_numbers(values) -> list[int | float]:
    """Return numbers for JSON: whole ones without a decimal point.

    Example:
        >>> plain_numbers([1.0, 2.5])
        [1, 2.5]
    """
    return [int(v) if float(v).is_integer() else float(v) for v in values]


def unique_stems(names: Iterable[str]) -> list[str]:
    """Return the names without folder and suffix; a number tells those alike apart.

    Example:
        >>> unique_stems(["x/1.jpg", "x/1.png", "y/2.jpg"])
        ['1', '1-2', '2']
    """
    return told_apart(PurePosixPath(name).stem for name in names)


def told_apart(stems: Iterable[str]) -> list[str]:
    """Return the stems of files; a number tells those alike apart.

    Capitals do not count, as in the file systems of macOS and Windows.

    Example:
        >>> told_apart(["cat", "Cat", "dog"])
        ['cat', 'Cat-2', 'dog']
    """
    apart, taken = [], set()
    for first in stems:
        stem, number = first, 1
        while stem.lower() in taken:
            number += 1
            stem = f"{first}-{number}"
        taken.add(stem.lower())
        apart.append(stem)
    return apart


def refuse_existing(*files: Path) -> None:
    """Refuse to replace a file: it may hold the work of a person.

    Raises:
        DatasetError: names the first that exists.
    """
    for file in files:
        if file.exists():
            raise DatasetError(
                f"Expected a new file for the annotations. Received: {file}, which "
                "exists. Save to another folder, or move it away."
            )


def write_json(file: Path, content) -> None:
    """Write plain data as JSON."""
    write_text(file, json.dumps(content, ensure_ascii=False) + "\n")


def write_text(file: Path, text: str) -> None:
    """Write a new text file, with its folder.

    Raises:
        DatasetError: it cannot be written.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DatasetError(
            f"Expected a place for the annotations. Received: {file} "
            f"({error.strerror}). Save to another folder."
        ) from error
