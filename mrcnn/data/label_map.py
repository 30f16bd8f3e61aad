"""One picture for each image, in which every object has a value of its own.

    FOLDER/images/<x>.jpg
    FOLDER/masks/<x>.png             all of one class
    FOLDER/masks/<class>/<x>.png     or in a folder for each class

Divided as images/train and masks/train, or train/images and train/masks. Value 0 is
the background; 8 and 16 bits, palettes and colours are understood.
"""

from __future__ import annotations

from pathlib import Path

from mrcnn.data.annotations import AnnotationFolder, refuse_class_attribute
from mrcnn.data.images import image_hw
from mrcnn.data.instance_maps import instance_masks, labels_of_image
from mrcnn.data.labelled import LabelledImage, LabelledShape, labelled_dataset
from mrcnn.data.layouts import image_files, mask_files, only_class
from mrcnn.data.problems import unbroken
from mrcnn.data.regions import AnnotatedDataset
from mrcnn.errors import DatasetError

SOURCE = "label_map"


def recognises(content: object) -> bool:
    """Tell whether a folder has images and masks of the same names."""
    if not isinstance(content, AnnotationFolder):
        return False
    images, masks = _folders(content)
    return images.is_dir() and bool(image_files(images)) and bool(mask_files(masks))


def read(
    folder: AnnotationFolder,
    *,
    class_names: list[str] | None = None,
    class_attribute: str | None = None,
    keep_unannotated: bool | None = None,
) -> AnnotatedDataset:
    """Return the data set in a folder of instance maps, not yet prepared.

    Args:
        folder: the folder, and its subset where images/ and masks/ are divided.
        class_names: names without the background, in the order of their ids; where
            the objects are of one class its name, by default "object".
        class_attribute: not for this format.
        keep_unannotated: whether images without objects stay.

    Raises:
        DatasetError: anything is broken; names the file.
    """
    refuse_class_attribute(class_attribute, folder.path)
    image_folder, mask_folder = _folders(folder)
    maps: dict[str, list[tuple[str | None, Path]]] = {}
    for class_name, path in mask_files(mask_folder):
        maps.setdefault(path.stem, []).append((class_name, path))
    images = image_files(image_folder)
    unknown = sorted(set(maps) - {path.stem for path in images})
    if unknown:
        raise DatasetError(
            f"{mask_folder}: expected an image of the same name in {image_folder} for "
            f"each mask. Received: {', '.join(unknown[:5])} without. Add the images or "
            "take the masks out."
        )
    return labelled_dataset(
        SOURCE,
        unbroken(
            lambda path: _image(path, maps.get(path.stem, []), class_names), images
        ),
        folder.path,
        class_names=class_names,
        keep_unannotated=keep_unannotated,
    )


def _folders(folder: AnnotationFolder) -> tuple[Path, Path]:
    below = folder.subset or ""
    return folder.path / "images" / below, folder.path / "masks" / below


def _image(path: Path, maps: list, class_names: list[str] | None) -> LabelledImage:
    size = image_hw(path)
    objects = []
    for class_name, map_path in maps:
        labels = labels_of_image(map_path, size)
        try:
            masks = instance_masks(labels)
        except DatasetError as error:
            raise DatasetError(f"{map_path}: {error}") from error
        label = class_name or only_class(class_names, map_path)
        objects += [
            LabelledShape(mask, label, f"value {value} of {map_path.name}")
            for value, mask in masks.items()
        ]
    return LabelledImage(path.name, path, size, tuple(objects))
