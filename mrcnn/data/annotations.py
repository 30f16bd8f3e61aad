"""The annotation file: read it, and find the images it names.

Shared by the readers of every format; the errors here name the file.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mrcnn.errors import DatasetError, nearest


@dataclass(frozen=True)
class AnnotationFile:
    """One annotation file and the folders its images may lie in.

    Attributes:
        path: the file.
        image_folders: searched in this order.
    """

    path: Path
    image_folders: tuple[Path, ...]

    def read_json(self):
        """Return what the file holds.

        Raises:
            DatasetError: it is missing, empty or not JSON.
        """
        try:
            text = self.path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise DatasetError(
                f"Expected a JSON file of annotations. Received: {self.path}, which "
                f"cannot be read ({error}). Check the path."
            ) from error
        if not text.strip():
            raise DatasetError(
                f"Expected annotations. Received: {self.path}, which is empty. "
                "Export it again from the annotation tool."
            )
        try:
            content = json.loads(text)
        except ValueError as error:
            raise DatasetError(
                f"Expected a JSON file of annotations. Received: {self.path}, which is "
                f"damaged ({error}). Export it again from the annotation tool."
            ) from error
        if content in ({}, []):
            raise DatasetError(
                f"Expected annotations. Received: {self.path}, which lists no image. "
                "Export it again from the annotation tool."
            )
        return content

    def find_image(self, file_name) -> Path:
        """Return the path of an image by the name the annotations give it.

        Raises:
            DatasetError: the name leaves the folder, or there is no such file.
        """
        if not isinstance(file_name, str) or not file_name.strip():
            raise DatasetError(
                f"{self.path}: expected the file name of an image. "
                f"Received: {file_name!r}. Export the annotations again."
            )
        # Files written on Windows part folders with a backslash.
        relative = PurePosixPath(file_name.replace("\\", "/"))
        if relative.is_absolute() or ".." in relative.parts or ":" in relative.parts[0]:
            raise DatasetError(
                f"{self.path}, image {file_name!r}: expected a name inside the data "
                "set's folder. Received: one that leaves it. Use a relative name."
            )
        for folder in self.image_folders:
            if (folder / relative).is_file():
                return folder / relative
        folders = ", ".join(str(folder) for folder in self.image_folders)
        raise DatasetError(
            f"{self.path}, image {file_name!r}: expected the file in {folders}. "
            "Received: no such file. Put it there or take it out of the annotations."
        )


def is_number(value) -> bool:
    """Tell whether a value read from JSON is a finite number."""
    is_numeric = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_numeric and math.isfinite(value)


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
