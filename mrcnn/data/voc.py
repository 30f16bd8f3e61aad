"""Pascal VOC: an XML file and an instance map for each image.

    FOLDER/Annotations/<x>.xml           names the image and the classes of its objects
    FOLDER/JPEGImages/<x>.jpg
    FOLDER/SegmentationObject/<x>.png    value 1 is the first object of the XML, ...
    FOLDER/ImageSets/Segmentation/train.txt, val.txt      which images belong to what

The boxes of the XML files are not read: a box is no mask. The border that VOC
draws around objects (255) belongs to none.
"""

from __future__ import annotations

import logging
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np

from mrcnn.data.annotations import (
    AnnotationFile,
    AnnotationFolder,
    as_number,
    check_link,
    refuse_class_attribute,
)
from mrcnn.data.images import image_hw
from mrcnn.data.instance_maps import instance_masks, labels_of_image
from mrcnn.data.labelled import LabelledImage, LabelledShape, labelled_dataset
from mrcnn.data.problems import tolerated
from mrcnn.data.regions import AnnotatedDataset
from mrcnn.data.shapes import BoxMask
from mrcnn.errors import DatasetError

_logger = logging.getLogger(__name__)

SOURCE = "voc"
_BORDER = 255
# Share of the box in the XML and that of the mask that must be common to both.
_LEAST_IOU = 0.5


def recognises(content: object) -> bool:
    """Tell whether the root of an XML file is Pascal VOC's."""
    return isinstance(content, Element) and content.tag == "annotation"


def read(
    folder: AnnotationFolder,
    *,
    class_names: list[str] | None = None,
    class_attribute: str | None = None,
    keep_unannotated: bool | None = None,
) -> AnnotatedDataset:
    """Return the data set of some VOC files, not yet prepared.

    Args:
        folder: where the files lie, and the files.
        class_names: names without the background, in the order of their ids; by
            default those of all objects, sorted.
        class_attribute: not for this format.
        keep_unannotated: whether images without objects stay.

    Raises:
        DatasetError: anything is broken; names file and object.
    """
    refuse_class_attribute(class_attribute, folder.path)
    root = folder.path.parent if folder.path.name == "Annotations" else folder.path
    images, unsegmented = [], []
    for file in folder.files:
        with tolerated(file.path):
            image = _image(file, root / "SegmentationObject" / f"{file.path.stem}.png")
            if image is None:
                unsegmented.append(file.path.stem)
            else:
                images.append(image)
    if unsegmented:
        _logger.warning(
            "%s: %d images whose objects have boxes and no masks left out: %s.",
            folder.path,
            len(unsegmented),
            ", ".join(unsegmented[:10]),
        )
    return labelled_dataset(
        SOURCE,
        images,
        folder.path,
        class_names=class_names,
        keep_unannotated=keep_unannotated,
    )


def _image(file: AnnotationFile, map_path: Path) -> LabelledImage | None:
    """Return an image with its objects, None where the file says it has no masks."""
    content = file.content
    path = file.find_image(content.findtext("filename"))
    elements = content.findall("object")
    size = image_hw(path)
    if not elements:
        return LabelledImage(path.name, path, size, ())
    if not map_path.is_file():
        if content.findtext("segmented") == "0":
            return None
        raise DatasetError(
            f"{file.path}: expected masks of its objects in {map_path}. Received: no "
            "such file; the boxes in the XML are no masks. Outline the objects, or "
            "take the image out."
        )
    check_link(map_path.parent, map_path.name)
    labels = labels_of_image(map_path, size, "Export it again.")
    try:
        masks = instance_masks(_numbers(labels), background=(0, _BORDER))
    except DatasetError as error:
        raise DatasetError(f"{map_path}: {error}") from error
    return LabelledImage(path.name, path, size, _objects(elements, masks, file.path))


def _objects(
    elements: list[Element], masks: dict[int, BoxMask], path: Path
) -> tuple[LabelledShape, ...]:
    """Return the objects of an image; value 1 is the first of the XML."""
    objects = []
    for value, mask in masks.items():
        if value > len(elements):
            raise DatasetError(
                f"{path}: expected an object in the XML for each value of its instance "
                f"map. Received: value {value} with {len(elements)} objects. Export "
                "both again."
            )
        element = elements[value - 1]
        label = (element.findtext("name") or "").strip()
        if not label:
            raise DatasetError(
                f"{path}, object {value}: expected a name. Received: none. Label it."
            )
        if _agreement(element, mask) < _LEAST_IOU:
            _logger.warning(
                "%s, object %d (%s): its box in the XML is not where its mask is. Are "
                "the objects of the XML in the order of the instance map?",
                path,
                value,
                label,
            )
        objects.append(LabelledShape(mask, label, f"object {value}"))
    without = sorted(set(range(1, len(elements) + 1)) - set(masks))
    if without:
        _logger.warning("%s: objects %s have no mask; left out.", path, without)
    return tuple(objects)


def _agreement(element: Element, mask: BoxMask) -> float:
    """Return the IoU of an object's box and its mask's; 1 where it has no box."""
    names = ("ymin", "xmin", "ymax", "xmax")
    edges = [as_number(element.findtext(f"bndbox/{name}")) for name in names]
    if np.isnan(edges).any():
        return 1.0
    # VOC counts from 1 and has the last row and column inside.
    y1, x1, y2, x2 = edges[0] - 1, edges[1] - 1, edges[2], edges[3]
    top, left, bottom, right = mask.extent
    height, width = min(y2, bottom) - max(y1, top), min(x2, right) - max(x1, left)
    common = max(height, 0) * max(width, 0)
    union = (y2 - y1) * (x2 - x1) + (bottom - top) * (right - left) - common
    return common / union if union > 0 else 0.0


def _numbers(labels: np.ndarray) -> np.ndarray:
    """Return places in VOC's palette, also where a tool has written its colours.

    The palette spreads the bits of a number: its bits 0, 1, 2 are the highest bits
    of red, green and blue, bits 3, 4, 5 the next lower ones, and so on.
    """
    if labels.max(initial=0) <= _BORDER:
        return labels
    numbers = np.zeros_like(labels)
    for step in range(8):
        for channel in range(3):
            bit = labels >> (23 - 8 * channel - step) & 1
            numbers |= bit << (3 * step + channel)
    return numbers
