"""From a folder to a Dataset: which file holds the annotations, and which format it is.

Layouts understood, for VIA and COCO alike:

    FOLDER/train/*.json, FOLDER/val/*.json      images beside each file
    FOLDER/*.json                               one set, images beside it or in images/
    FOLDER/annotations/instances_train*.json    images in FOLDER/train* or FOLDER/images

A format is recognised by what the file holds, not by its name. To add one,
write a file with a `recognises` and a `read` function and `add_format` it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mrcnn.data import coco, via
from mrcnn.data.annotations import AnnotationFile, check_class_names
from mrcnn.data.dataset import Dataset
from mrcnn.errors import DatasetError, nearest

_logger = logging.getLogger(__name__)

SUBSETS = ("train", "val")
_FORMATS: dict[str, Format] = {}


@dataclass(frozen=True)
class Format:
    """One annotation format.

    Attributes:
        name: what to call it.
        recognises: content of a JSON file -> whether it is of this format.
        read: (content, AnnotationFile, *, class_names, class_attribute,
            keep_unannotated) -> Dataset, not yet prepared.
    """

    name: str
    recognises: Callable[[object], bool]
    read: Callable[..., Dataset]


def add_format(new: Format) -> None:
    """Make a format known to `load`.

    Raises:
        DatasetError: there is one of that name.
    """
    if new.name in _FORMATS:
        raise DatasetError(
            f"Expected a new format. Received: {new.name!r}, which is known already. "
            "Give it another name."
        )
    _FORMATS[new.name] = new


def get_format(name: str) -> Format:
    """Return a format by name.

    Raises:
        DatasetError: there is none; lists the known ones and the nearest.
    """
    if name not in _FORMATS:
        raise DatasetError(
            f"Expected one of {list(_FORMATS)}. Received: {name!r}."
            f"{nearest(name, _FORMATS)} Use one of these names."
        )
    return _FORMATS[name]


add_format(Format("VIA", via.recognises, via.read))
add_format(Format("COCO", coco.recognises, coco.read))


def subsets(path: str | os.PathLike) -> tuple[str, ...]:
    """Return which of "train" and "val" a folder is divided into; looks at names only.

    Args:
        path: folder or annotation file; a file is never divided.
    """
    return tuple(name for name in SUBSETS if _subset_files(Path(path), name))


def load(
    path: str | os.PathLike,
    subset: str | None = None,
    *,
    class_names: list[str] | None = None,
    class_attribute: str | None = None,
    keep_unannotated: bool | None = None,
) -> Dataset:
    """Return the data set in a folder or annotation file, prepared.

    Arguments and errors are those of `Dataset.load`.
    """
    check_class_names(class_names)
    annotation, content, known_format = _find(Path(path), subset)
    _logger.info("%s: recognised as %s.", annotation.path, known_format.name)
    dataset = known_format.read(
        content,
        annotation,
        class_names=class_names,
        class_attribute=class_attribute,
        keep_unannotated=keep_unannotated,
    )
    if not dataset.image_info:
        raise DatasetError(
            f"Expected annotated images. Received: {annotation.path}, which has none. "
            "Outline some objects and export it again."
        )
    dataset.prepare()
    _logger.info(
        "%s: %d images, %d objects, classes %s.",
        annotation.path,
        dataset.num_images,
        sum(len(info["annotations"]) for info in dataset.image_info),
        ", ".join(dataset.class_names[1:]),
    )
    return dataset


def recognise(content: object) -> Format | None:
    """Return the format of what a JSON file holds, or None."""
    matching = (known for known in _FORMATS.values() if known.recognises(content))
    return next(matching, None)


def _find(path: Path, subset: str | None) -> tuple[AnnotationFile, object, Format]:
    files = _candidates(path, subset)
    found, other = [], []
    for file in files:
        annotation = AnnotationFile(file, _image_folders(file, subset))
        content = annotation.read_json()
        known_format = recognise(content)
        if known_format is None:
            other.append(file.name)
        else:
            found.append((annotation, content, known_format))
    if len(found) == 1:
        if other:
            _logger.info("%s: not annotations: %s.", path, ", ".join(other))
        return found[0]
    if found:
        names = ", ".join(str(annotation.path) for annotation, _, _ in found)
        raise DatasetError(
            f"Expected one annotation file. Received: {path} with {len(found)}: "
            f"{names}. Name the one to use instead of the folder."
        )
    what = f"which holds other JSON ({', '.join(other)})" if other else "with no JSON"
    raise DatasetError(
        f"Expected annotations of {' or '.join(_FORMATS)} in a JSON file. "
        f"Received: {path}, {what}. Looked for *.json beside the images, in train/ and "
        "val/, and for annotations/instances_*.json. Export the annotations there."
    )


def _candidates(path: Path, subset: str | None) -> list[Path]:
    """Return the JSON files in which the annotations may be."""
    if not path.exists():
        raise DatasetError(
            f"Expected a folder of annotated images or an annotation file. "
            f"Received: {path} (no such file or folder). Check the path."
        )
    divided = subsets(path)
    if subset is None:
        if path.is_file():
            return [path]
        files = sorted(path.glob("*.json"))
        if not files and divided:
            raise DatasetError(
                f"Expected a subset, because {path} is divided. Received: subset=None. "
                f"Choose one of {', '.join(divided)}."
            )
        return files or sorted(path.glob("annotations/instances_*.json"))
    files = _subset_files(path, subset)
    if not files:
        has = f"has only {', '.join(divided)}" if divided else "has no train/ and val/"
        raise DatasetError(
            f"Expected annotations of subset {subset!r} in {path}. Received: a data "
            f"set that {has}. Add {subset}/ with images and their JSON file, or leave "
            "the subset out and split the images."
        )
    return files


def _subset_files(path: Path, subset: str) -> list[Path]:
    if not path.is_dir() or subset in ("", ".", "..") or set("/\\*?[") & set(subset):
        return []
    in_folder = sorted((path / subset).glob("*.json"))
    return in_folder or sorted(path.glob(f"annotations/instances_{subset}*.json"))


def _image_folders(file: Path, subset: str | None) -> tuple[Path, ...]:
    folder = file.parent
    if folder.name != "annotations":
        return folder, folder / "images"
    root = folder.parent
    # instances_train2017.json belongs to train2017/, or to images/train2017/.
    names = dict.fromkeys((file.stem.removeprefix("instances_"), subset))
    parts = [root / where / name for name in names if name for where in ("", "images")]
    return (*(part for part in parts if part.is_dir()), root / "images", root, folder)
