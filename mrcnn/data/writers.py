"""The way back: a Dataset, or what was found in images, saved for an annotation tool.

`Dataset.save` calls `save`. What the formats cannot hold is said by their writers, in
the log with counts; docs/data.md has the table.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from mrcnn.data import coco_writer, labelme_writer, via_writer, yolo_writer
from mrcnn.data.dataset import Dataset
from mrcnn.data.labelled import LabelledImage, LabelledShape, labelled_dataset
from mrcnn.data.regions import AnnotatedDataset
from mrcnn.data.saving import Saving, unique_stems
from mrcnn.data.shapes import BoxMask
from mrcnn.errors import DatasetError, nearest
from mrcnn.structures import Detections

_logger = logging.getLogger(__name__)

_WRITERS = {
    "via": via_writer.write,
    "coco": coco_writer.write,
    "labelme": labelme_writer.write,
    "yolo": yolo_writer.write,
}
FORMATS = tuple(_WRITERS)


def save(
    dataset: Dataset,
    path: str | os.PathLike,
    format_name: str,
    subset: str | None = None,
    *,
    copy_images: bool = False,
    min_iou: float = 1.0,
    polygons_only: bool = False,
) -> Path:
    """Write a data set; arguments and errors are those of `Dataset.save`."""
    if format_name not in _WRITERS:
        raise DatasetError(
            f"Expected one of the formats {', '.join(FORMATS)}. "
            f"Received: {format_name!r}.{nearest(format_name, FORMATS)} "
            "Use one of these names."
        )
    if not 0.5 <= min_iou <= 1:
        raise DatasetError(
            "Expected a min_iou between 0.5 and 1. "
            f"Received: min_iou={min_iou}. Try 0.99."
        )
    if not dataset.image_info:
        raise DatasetError(
            "Expected a data set with images. Received: one without any. "
            "Add images and prepare it."
        )
    folder = Path(path)
    parts = ("images", subset) if format_name == "yolo" else (subset,)
    image_folder = folder.joinpath(*filter(None, parts))
    sources = [_source(info) for info in dataset.image_info]
    if copy_images:
        names = _flat_names(sources, dataset)
    else:
        image_folder = _image_root(sources, image_folder, format_name)
        names = [Path(os.path.relpath(s, image_folder)).as_posix() for s in sources]
    written = _WRITERS[format_name](
        Saving(
            folder=folder,
            subset=subset,
            image_folder=image_folder,
            names=names,
            image_ids=[info["id"] for info in dataset.image_info],
            classes=_classes(dataset),
            min_iou=min_iou,
            polygons_only=polygons_only,
            images=_images(dataset, [image_folder / name for name in names]),
        )
    )
    _logger.info(
        "%s: %d images written for %s.", written, len(dataset.image_info), format_name
    )
    return written


def detected_dataset(
    paths: Sequence[str | os.PathLike],
    detections: Iterable[Detections],
    class_names: Sequence[str],
) -> AnnotatedDataset:
    """Return what was found in images as a data set; see `Dataset.from_detections`."""
    images = []
    num_empty = 0
    for path, found in zip(map(Path, paths), detections, strict=True):
        objects = []
        for i, (box, mask) in enumerate(
            zip(found.boxes.tolist(), found.box_masks, strict=True)
        ):
            if not mask.any():
                num_empty += 1
                continue
            shape = BoxMask.from_mask(mask, top=box[0], left=box[1])
            label = class_names[found.class_ids[i]]
            objects.append(LabelledShape(shape, label, f"detection {i}"))
        size = tuple(map(int, found.image_hw))
        images.append(LabelledImage(str(path), path, size, tuple(objects)))
    if num_empty:
        _logger.warning("%d detections without a pixel left out.", num_empty)
    dataset = labelled_dataset(
        "detected",
        images,
        Path("detections"),
        class_names=list(class_names[1:]),
        keep_unannotated=True,
    )
    dataset.prepare()
    return dataset


def _source(info: dict) -> Path | None:
    return None if info["path"] is None else Path(os.path.abspath(info["path"]))


def _flat_names(sources: list[Path | None], dataset: Dataset) -> list[str]:
    """Return a name for each image in one folder, no two alike but for their suffix."""
    names = [
        source.name if source else f"{info['source']}_{info['id']}.png"
        for source, info in zip(sources, dataset.image_info, strict=True)
    ]
    stems = unique_stems(names)
    return [stem + Path(name).suffix for stem, name in zip(stems, names, strict=True)]


def _image_root(
    sources: list[Path | None], image_folder: Path, format_name: str
) -> Path:
    """Return the folder that the names of images start from when they stay in place.

    Raises:
        DatasetError: an image has no file, or is where the format cannot have it.
    """
    if None in sources:
        raise DatasetError(
            "Expected images in files. Received: one that is made by load_image. "
            "Save with copy_images=True."
        )
    root = Path(os.path.abspath(image_folder))
    if all(source.is_relative_to(root) for source in sources):
        return image_folder
    if format_name == "yolo":
        raise DatasetError(
            f"Expected images in {image_folder}, where YOLO wants them. Received: "
            "images in another folder. Save with copy_images=True."
        )
    return Path(os.path.commonpath([source.parent for source in sources]))


def _classes(dataset: Dataset) -> dict[str, object]:
    """Return the id in its source of each class name, without the background."""
    ids = {}
    for name, info in zip(dataset.class_names[1:], dataset.class_info[1:], strict=True):
        ids.setdefault(name, info["id"])
    return ids


def _images(dataset: Dataset, paths: list[Path]) -> Iterator[LabelledImage]:
    """Yield each image with its objects, after it has been put where it is to be."""
    num_empty = 0
    for image_id, path in enumerate(paths):
        _put_image(dataset, image_id, path)
        if isinstance(dataset, AnnotatedDataset):
            yield _annotated_image(dataset, image_id, path)
            continue
        masks, class_ids = dataset.load_mask(image_id)
        class_ids = np.asarray(class_ids).tolist()
        objects = [
            LabelledShape(
                BoxMask.from_mask(masks[..., i]),
                dataset.class_names[abs(class_id)],
                f"instance {i}",
                class_id < 0,
            )
            for i, class_id in enumerate(class_ids)
            if masks[..., i].any()
        ]
        num_empty += len(class_ids) - len(objects)
        source_id = dataset.image_info[image_id]["id"]
        yield LabelledImage(source_id, path, masks.shape[:2], tuple(objects))
    if num_empty:
        _logger.warning("%d instances without a pixel left out.", num_empty)


def _annotated_image(
    dataset: AnnotatedDataset, image_id: int, path: Path
) -> LabelledImage:
    info = dataset.image_info[image_id]
    class_ids = np.abs(dataset.image_class_ids(image_id)).tolist()
    objects = tuple(
        LabelledShape(
            region.shape, dataset.class_names[class_id], region.place, region.is_crowd
        )
        for region, class_id in zip(info["annotations"], class_ids, strict=True)
    )
    return LabelledImage(info["id"], path, (info["height"], info["width"]), objects)


def _put_image(dataset: Dataset, image_id: int, path: Path) -> None:
    """Copy the file of an image, or write its picture, unless it is there already.

    Raises:
        DatasetError: another image is there, or it cannot be written.
    """
    source = _source(dataset.image_info[image_id])
    if source == Path(os.path.abspath(path)):
        return
    if path.exists():
        raise DatasetError(
            f"Expected a new file for an image. Received: {path}, which exists. "
            "Save to another folder."
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if source is None:
            from PIL import Image

            picture = dataset.load_image(image_id)
            picture = picture.squeeze(2) if picture.shape[2] == 1 else picture
            Image.fromarray(picture).save(path)
        else:
            shutil.copyfile(source, path)
    # TypeError is for channels that PNG cannot hold.
    except (OSError, TypeError) as error:
        raise DatasetError(
            f"Expected an image to copy and a place for it. Received: {source or path} "
            f"({error}). Save to another folder."
        ) from error
