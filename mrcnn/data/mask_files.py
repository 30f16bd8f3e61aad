"""One picture for each object, in a folder for each image, as in the nucleus data.

    FOLDER/<id>/images/<x>.png
    FOLDER/<id>/masks/*.png             all of one class
    FOLDER/<id>/masks/<class>/*.png     or in a folder for each class

What is not 0 in a mask belongs to the object.
"""

from __future__ import annotations

from pathlib import Path

from mrcnn.data.annotations import AnnotationFolder, refuse_class_attribute
from mrcnn.data.images import image_hw
from mrcnn.data.instance_maps import labels_of_image
from mrcnn.data.labelled import LabelledImage, LabelledShape, labelled_dataset
from mrcnn.data.layouts import image_files, mask_files, only_class, subfolders
from mrcnn.data.problems import unbroken
from mrcnn.data.regions import AnnotatedDataset
from mrcnn.data.shapes import BoxMask
from mrcnn.errors import DatasetError

SOURCE = "masks"


def recognises(content: object) -> bool:
    """Tell whether a folder has a folder with images/ and masks/ for each image."""
    return (
        isinstance(content, AnnotationFolder)
        and content.subset is None
        and not (content.path / "masks").is_dir()
        and any(_is_image_folder(folder) for folder in subfolders(content.path))
    )


def read(
    folder: AnnotationFolder,
    *,
    class_names: list[str] | None = None,
    class_attribute: str | None = None,
    keep_unannotated: bool | None = None,
) -> AnnotatedDataset:
    """Return the data set in a folder of masks, not yet prepared.

    Args:
        folder: the folder.
        class_names: names without the background, in the order of their ids; where
            the masks are of one class its name, by default "object".
        class_attribute: not for this format.
        keep_unannotated: whether images without masks stay.

    Raises:
        DatasetError: anything is broken; names the file.
    """
    refuse_class_attribute(class_attribute, folder.path)
    return labelled_dataset(
        SOURCE,
        unbroken(
            lambda path: _image(path, class_names),
            filter(_is_image_folder, subfolders(folder.path)),
        ),
        folder.path,
        class_names=class_names,
        keep_unannotated=keep_unannotated,
    )


def _is_image_folder(folder: Path) -> bool:
    return (folder / "images").is_dir() and (folder / "masks").is_dir()


def _image(folder: Path, class_names: list[str] | None) -> LabelledImage:
    images = image_files(folder / "images")
    if len(images) != 1:
        raise DatasetError(
            f"{folder}: expected one image in images/. Received: {len(images)}. "
            "Give each image a folder of its own."
        )
    size = image_hw(images[0])
    objects = []
    for class_name, path in mask_files(folder / "masks"):
        labels = labels_of_image(path, size)
        place = str(path.relative_to(folder))
        label = class_name or only_class(class_names, folder)
        objects.append(LabelledShape(BoxMask.from_mask(labels != 0), label, place))
    return LabelledImage(folder.name, images[0], size, tuple(objects))
