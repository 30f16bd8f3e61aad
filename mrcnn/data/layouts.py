"""Where in a folder the annotations of a data set, or of its train part, may lie.

`formats` asks for the candidates and finds out by their content what they are.
Here only names are looked at.

    FOLDER                                      one set
    FOLDER/train, FOLDER/val                    divided; each laid out as one set
    FOLDER/annotations/instances_train*.json    divided, as COCO
    FOLDER/ImageSets/Segmentation/train.txt     divided, as Pascal VOC
"""

from __future__ import annotations

from pathlib import Path

from mrcnn.data.annotations import AnnotationFile, AnnotationFolder, check_link
from mrcnn.data.contents import SUFFIXES, YAML_SUFFIXES
from mrcnn.errors import DatasetError

SUBSETS = ("train", "val")
_LOSSLESS = (".png", ".tif", ".tiff", ".bmp")
IMAGE_SUFFIXES = (*_LOSSLESS, ".jpg", ".jpeg", ".webp", ".gif")


def annotation_files(path: Path, subset: str | None = None) -> list[AnnotationFile]:
    """Return the files in which annotations may be, of one part or of the whole.

    Args:
        path: folder or annotation file.
        subset: the part; None when the folder is not divided.
    """
    if path.suffix.lower() in YAML_SUFFIXES:
        return []
    if subset is None:
        if path.is_file():
            return [AnnotationFile(path, _image_folders(path))]
        return _files_in(path) or [
            AnnotationFile(file, _coco_image_folders(file, None))
            for file in sorted(path.glob("annotations/instances_*.json"))
        ]
    if not _is_subset_name(subset) or not path.is_dir():
        return []
    coco = [
        AnnotationFile(file, _coco_image_folders(file, subset))
        for file in sorted(path.glob(f"annotations/instances_{subset}*.json"))
    ]
    voc = [
        AnnotationFile(file, (path / "JPEGImages",)) for file in _voc_part(path, subset)
    ]
    return _files_in(path / subset) + coco + voc


def annotation_folders(path: Path, subset: str | None = None) -> list[AnnotationFolder]:
    """Return the folders that may be a data set without an annotation file.

    Args:
        path: folder, or a YAML file that describes the folder it is in.
        subset: the part; None when the folder is not divided.
    """
    if path.suffix.lower() in YAML_SUFFIXES and path.is_file():
        yaml = AnnotationFile(path, ())
        return [AnnotationFolder(path.parent, subset, files=(yaml,))]
    if subset is None:
        return [AnnotationFolder(path)] if path.is_dir() else []
    if not _is_subset_name(subset) or not path.is_dir():
        return []
    inside = [AnnotationFolder(path / subset)] if (path / subset).is_dir() else []
    return [*inside, AnnotationFolder(path, subset)]


def image_files(folder: Path) -> list[Path]:
    """Return the images right in a folder, by name; hidden files are passed over."""
    return _images_in(folder, IMAGE_SUFFIXES)


def mask_files(folder: Path) -> list[tuple[str | None, Path]]:
    """Return (class, path) of the masks in a folder and in its folders for classes.

    The class is None for those right in the folder.
    """
    if not folder.is_dir():
        return []
    masks = [(None, path) for path in _images_in(folder, _LOSSLESS)]
    for below in subfolders(folder):
        if below.name not in SUBSETS:
            masks += [(below.name, path) for path in _images_in(below, _LOSSLESS)]
    return masks


def subfolders(folder: Path) -> list[Path]:
    """Return the folders in a folder, by name; hidden ones are passed over."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.is_dir() and not path.name.startswith(".")
    )


def only_class(class_names: list[str] | None, where: Path) -> str:
    """Return the class of masks that are in no folder for a class.

    Raises:
        DatasetError: the caller names several.
    """
    if class_names is not None and len(class_names) != 1:
        raise DatasetError(
            f"{where}: expected masks in a folder for each class, "
            f"{', '.join(class_names)}. Received: masks in none. Sort them, or give "
            "one class name."
        )
    return class_names[0] if class_names else "object"


def _listed(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in suffixes and not path.name.startswith(".")
    )


def _images_in(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    paths = _listed(folder, suffixes)
    for path in paths:
        check_link(folder, path.name)
    return paths


def _is_subset_name(subset: str) -> bool:
    is_name = subset not in ("", ".", "..") and subset.isprintable()
    return is_name and not set("/\\*?[") & set(subset)


def _files_in(folder: Path) -> list[AnnotationFile]:
    """Return the files right in a folder, and Pascal VOC's in Annotations/."""
    if not folder.is_dir():
        return []
    files = _listed(folder, SUFFIXES)
    voc = sorted(folder.glob("Annotations/*.xml"))
    if any(_voc_part(folder, subset) for subset in SUBSETS):
        voc = []  # divided: the part has to be named
    return [AnnotationFile(file, _image_folders(file)) for file in files] + [
        AnnotationFile(file, (folder / "JPEGImages",)) for file in voc
    ]


def _image_folders(file: Path) -> tuple[Path, ...]:
    folder = file.parent
    if folder.name == "annotations":
        return _coco_image_folders(file, None)
    if folder.name == "Annotations" and (folder.parent / "JPEGImages").is_dir():
        return (folder.parent / "JPEGImages",)
    return folder, folder / "images"


def _coco_image_folders(file: Path, subset: str | None) -> tuple[Path, ...]:
    folder, root = file.parent, file.parent.parent
    # instances_train2017.json belongs to train2017/, or to images/train2017/.
    names = dict.fromkeys((file.stem.removeprefix("instances_"), subset))
    parts = [root / where / name for name in names if name for where in ("", "images")]
    return (*(part for part in parts if part.is_dir()), root / "images", root, folder)


def _voc_part(root: Path, subset: str) -> list[Path]:
    """Return the XML files that a list of ImageSets names; the segmented ones first."""
    lists = (root / "ImageSets" / kind / f"{subset}.txt" for kind in _VOC_LISTS)
    listing = next((path for path in lists if path.is_file()), None)
    if listing is None:
        return []
    try:
        stems = listing.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(
            f"Expected a list of images. Received: {listing}, which cannot be read "
            f"({error}). Replace it."
        ) from error
    for stem in stems:
        if not _is_subset_name(stem):
            raise DatasetError(
                f"{listing}: expected names of images without folders. "
                f"Received: {stem[:60]!r}. Correct the list."
            )
    return [root / "Annotations" / f"{stem}.xml" for stem in dict.fromkeys(stems)]


_VOC_LISTS = ("Segmentation", "Main")
