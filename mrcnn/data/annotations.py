"""Where annotations lie: one file, or a folder; and the images that a file names.

Shared by the readers of every format; the errors here name the file.
"""

from __future__ import annotations

import math
import os
import reprlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mrcnn.data.contents import read_content
from mrcnn.errors import DatasetError, nearest

# Of a coordinate, pixels: far beyond any image, and safe to compute with.
LARGEST = 1e7
_REPR = reprlib.Repr()
_REPR.maxstring = _REPR.maxother = _REPR.maxlong = 80


@dataclass(frozen=True)
class AnnotationFile:
    """One annotation file and the folders its images may lie in.

    Attributes:
        path: the file.
        image_folders: searched in this order.
    """

    path: Path
    image_folders: tuple[Path, ...]

    @cached_property
    def content(self):
        """What the file holds, as `contents.read_content` gives it; read once.

        Raises:
            DatasetError: it is missing, empty or damaged.
        """
        return read_content(self.path)

    def find_image(self, file_name) -> Path:
        """Return the path of an image by the name the annotations give it.

        Raises:
            DatasetError: the name leaves the folder, or there is no such file.
        """
        if not isinstance(file_name, str) or not file_name.strip():
            raise DatasetError(
                f"{self.path}: expected the file name of an image. "
                f"Received: {short(file_name)}. Export the annotations again."
            )
        # Files written on Windows part folders with a backslash.
        parts = [part for part in file_name.replace("\\", "/").split("/") if part]
        is_absolute = file_name[0] in "/\\" or ":" in "".join(parts[:1])
        if is_absolute or ".." in parts:
            raise DatasetError(
                f"{self.path}, image {file_name!r}: expected a name inside the data "
                "set's folder. Received: one that leaves it. Use a relative name."
            )
        # Strings and not paths: there may be a hundred thousand images.
        for folder in self.image_folders:
            path = os.path.join(folder, *parts)
            if os.path.isfile(path):
                check_link(folder, *parts)
                return Path(path)
        folders = ", ".join(str(folder) for folder in self.image_folders)
        raise DatasetError(
            f"{self.path}, image {file_name!r}: expected the file in {folders}. "
            "Received: no such file. Put it there or take it out of the annotations."
        )


@dataclass(frozen=True)
class AnnotationFolder:
    """A folder that is a data set without a file that lists its images.

    Attributes:
        path: the folder.
        subset: "train" or "val" where the formats below divide it in their own way,
            as in images/train and masks/train; None where all of it is meant.
        files: the annotation files, where each image has its own.
    """

    path: Path
    subset: str | None = None
    files: tuple[AnnotationFile, ...] = ()


def check_link(folder: str | os.PathLike, *parts: str) -> None:
    """Refuse a path that is a link out of its folder.

    Args:
        folder: may be a link itself.
        *parts: the way from there to an image or mask.

    Raises:
        DatasetError: it leads elsewhere.
    """
    path = os.fspath(folder)
    is_linked = False
    for part in parts:
        path = os.path.join(path, part)
        is_linked |= os.path.islink(path)
    if is_linked and not Path(path).resolve().is_relative_to(Path(folder).resolve()):
        raise DatasetError(
            f"{path}: expected a file inside the data set's folder. Received: a link "
            "that leaves it. Put the file there instead of the link."
        )


def short(value) -> str:
    """Return a value as text for a message, cut to 60 characters."""
    # Plain `repr` fails where lists nest without end, and takes long for long ones.
    text = _REPR.repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def is_number(value) -> bool:
    """Tell whether a value read from a file is a number that can be a coordinate."""
    is_numeric = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_numeric and abs(value) <= LARGEST  # false for nan


def as_number(text: str | None) -> float:
    """Return the number in a text, nan where there is none or it is too large.

    Example:
        >>> as_number("3.5"), as_number("x")
        (3.5, nan)
    """
    try:
        number = float(text)
    except (TypeError, ValueError):
        return math.nan
    return number if is_number(number) else math.nan


def check_class_names(class_names) -> None:
    """Refuse class names that cannot be a list of classes.

    Args:
        class_names: names without the background, or None.

    Raises:
        DatasetError: not a list, or it is empty, repeats a name, or has the background.
    """
    if class_names is None:
        return
    is_list = isinstance(class_names, (list, tuple)) and len(class_names)
    if not is_list or not all(isinstance(name, str) and name for name in class_names):
        raise DatasetError(
            "Expected a list of class names. "
            f"Received: class_names={class_names!r}. Write ['remote'] for one class."
        )
    repeated = sorted({name for name in class_names if class_names.count(name) > 1})
    if repeated or "BG" in class_names:
        raise DatasetError(
            "Expected different class names, without the background. Received: "
            f"class_names={list(class_names)}. Remove {repeated or 'BG'}."
        )


def refuse_class_attribute(class_attribute: str | None, path: Path) -> None:
    """Refuse a class attribute for a format that has none.

    Raises:
        DatasetError: one is given.
    """
    if class_attribute is not None:
        raise DatasetError(
            f"{path}: expected no class_attribute, which is for VIA alone. "
            f"Received: class_attribute={class_attribute!r}. Leave it out."
        )


def check_known_class(name: str, class_names, where: str) -> None:
    """Refuse a class that is not in the list.

    Raises:
        DatasetError: names the place, the class, the nearest known one and the list.
    """
    if name not in class_names:
        raise DatasetError(
            f"{where}: expected one of the classes {list(class_names)}. "
            f"Received: {name!r}.{nearest(name, class_names)} "
            "Correct the label or add it to the class names."
        )
