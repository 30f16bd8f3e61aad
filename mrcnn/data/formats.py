"""From a folder to a Dataset: what holds the annotations, and which format it is.

`layouts` says where annotations may lie. A format is recognised by what is there,
not by names. There are three kinds, all read by one function of their file:

    one file lists all images       VIA, COCO, CVAT ...
    one file for each image         LabelMe, Pascal VOC ...
    no file, the folder is enough   PNG masks ...

To add one, write a file with a `recognises` and a `read` function and `add_format`
it.
"""

from __future__ import annotations

import gc
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mrcnn.data import (
    coco,
    cvat,
    label_map,
    labelme,
    mask_files,
    via,
    via3,
    via_csv,
    voc,
    yolo,
)
from mrcnn.data.annotations import (
    AnnotationFile,
    AnnotationFolder,
    check_class_names,
)
from mrcnn.data.contents import SUFFIXES
from mrcnn.data.dataset import Dataset
from mrcnn.data.layouts import SUBSETS, annotation_files, annotation_folders
from mrcnn.errors import DatasetError, nearest

_logger = logging.getLogger(__name__)

_FORMATS: dict[str, Format] = {}


@dataclass(frozen=True)
class Format:
    """One annotation format.

    Attributes:
        name: what to call it.
        recognises: content of a file (a JSON value, the rows of a CSV, the root of
            an XML), or an `AnnotationFolder` -> whether it is of this format.
        read: (AnnotationFile or AnnotationFolder, *, class_names, class_attribute,
            keep_unannotated) -> Dataset, not yet prepared.
        one_file_per_image: whether each image has a file of its own; `read` then
            gets an `AnnotationFolder` with all files that were recognised.
    """

    name: str
    recognises: Callable[[object], bool]
    read: Callable[..., Dataset]
    one_file_per_image: bool = False


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


def known_formats() -> tuple[str, ...]:
    """Return the names of the formats, in the order in which they are tried."""
    return tuple(_FORMATS)


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


def subsets(path: str | os.PathLike) -> tuple[str, ...]:
    """Return which of "train" and "val" a folder is divided into; looks at names only.

    Args:
        path: folder or annotation file; a file is never divided.
    """
    path = Path(path)
    return tuple(
        name
        for name in SUBSETS
        if annotation_files(path, name) or _recognised_folders(path, name)
    )


def load(
    path: str | os.PathLike,
    subset: str | None = None,
    *,
    class_names: list[str] | None = None,
    class_attribute: str | None = None,
    keep_unannotated: bool | None = None,
    image_folder: str | os.PathLike | None = None,
) -> Dataset:
    """Return the data set in a folder or annotation file, prepared.

    Arguments and errors are those of `Dataset.load`.
    """
    check_class_names(class_names)
    with _collector_paused():
        known, source = _find(Path(path), subset, image_folder)
        _logger.info("%s: recognised as %s.", source.path, known.name)
        dataset = known.read(
            source,
            class_names=class_names,
            class_attribute=class_attribute,
            keep_unannotated=keep_unannotated,
        )
    if not dataset.image_info:
        raise DatasetError(
            f"Expected annotated images. Received: {source.path}, which has none. "
            "Outline some objects and export it again."
        )
    dataset.prepare()
    _logger.info(
        "%s: %d images, %d objects, classes %s.",
        source.path,
        dataset.num_images,
        sum(len(info["annotations"]) for info in dataset.image_info),
        ", ".join(dataset.class_names[1:]),
    )
    return dataset


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Keep the garbage collector from walking a million new objects over and over."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def recognise(content: object) -> Format | None:
    """Return the format of a file's content or of an `AnnotationFolder`, or None."""
    matching = (known for known in _FORMATS.values() if known.recognises(content))
    return next(matching, None)


Found = list[tuple[Format, AnnotationFile | AnnotationFolder]]


def _find(
    path: Path, subset: str | None, image_folder: str | os.PathLike | None
) -> tuple[Format, AnnotationFile | AnnotationFolder]:
    """Return the one data set that is there."""
    if not path.exists():
        raise DatasetError(
            f"Expected a folder of annotated images or an annotation file. "
            f"Received: {path} (no such file or folder). Check the path."
        )
    files = annotation_files(path, subset)
    if image_folder is not None:
        files = [
            AnnotationFile(file.path, (Path(image_folder), *file.image_folders))
            for file in files
        ]
    _check_division(path, subset, files)
    found, other = _recognised_files(files)
    found += _recognised_folders(path, subset)
    if len(found) == 1:
        if other:
            _logger.info("%s: not annotations: %s.", path, ", ".join(other))
        return found[0]
    if found:
        names = ", ".join(f"{source.path} ({known.name})" for known, source in found)
        raise DatasetError(
            f"Expected one set of annotations. Received: {path} with {len(found)}: "
            f"{names}. Name the file to use instead of the folder, or move the others."
        )
    what = f"holds other files ({', '.join(other)})" if other else "holds none"
    raise DatasetError(
        f"Expected annotations ({', '.join(_FORMATS)}). Received: {path}, which "
        f"{what}. Looked at {', '.join(SUFFIXES)} files and for folders of masks, also "
        "in train/ and val/. Put the annotations there."
    )


def _recognised_files(files: list[AnnotationFile]) -> tuple[Found, list[str]]:
    """Return the data sets in files, and the names of the files that are none."""
    found: Found = []
    other: list[str] = []
    joined: dict[tuple[str, Path], list[AnnotationFile]] = {}
    for file in files:
        # A copy keeps its content: of a file for each image there may be more than
        # there is memory.
        kept = AnnotationFile(file.path, file.image_folders)
        known = recognise(kept.content)
        if known is None:
            other.append(file.path.name)
        elif known.one_file_per_image:
            joined.setdefault((known.name, file.path.parent), []).append(file)
        else:
            found.append((known, kept))
    found += [
        (_FORMATS[name], AnnotationFolder(folder, files=tuple(members)))
        for (name, folder), members in joined.items()
    ]
    return found, other


def _recognised_folders(path: Path, subset: str | None) -> Found:
    candidates = annotation_folders(path, subset)
    pairs = ((recognise(folder), folder) for folder in candidates)
    return [(known, folder) for known, folder in pairs if known is not None]


def _check_division(path: Path, subset: str | None, files: list) -> None:
    """Refuse a subset that is not there, and none where there are some."""
    divided = subsets(path)
    if subset is None and divided and not files:
        raise DatasetError(
            f"Expected a subset, because {path} is divided. Received: subset=None. "
            f"Choose one of {', '.join(divided)}."
        )
    if subset is not None and not files and not _recognised_folders(path, subset):
        has = f"has only {', '.join(divided)}" if divided else "has no train/ and val/"
        raise DatasetError(
            f"Expected annotations of subset {subset!r} in {path}. Received: a data "
            f"set that {has}. Add {subset}/ with images and their annotations, or "
            "leave the subset out and split the images."
        )


for _format in (
    Format("VIA", via.recognises, via.read),
    Format("VIA CSV", via_csv.recognises, via_csv.read),
    Format("VIA 3", via3.recognises, via3.read),
    Format("COCO", coco.recognises, coco.read),
    Format("LabelMe", labelme.recognises, labelme.read, one_file_per_image=True),
    Format("YOLO", yolo.recognises, yolo.read),
    Format("CVAT", cvat.recognises, cvat.read),
    Format("Pascal VOC", voc.recognises, voc.read, one_file_per_image=True),
    Format("masks by image", mask_files.recognises, mask_files.read),
    Format("label maps", label_map.recognises, label_map.read),
):
    add_format(_format)
