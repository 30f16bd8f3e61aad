"""Images with labelled shapes, as most annotation files have them, made a Dataset.

A reader yields a `LabelledImage` for each image; `labelled_dataset` numbers the
classes, checks every object and says what was left out. COCO has rules of its own
and does this by itself.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from mrcnn.data.annotations import check_known_class
from mrcnn.data.regions import AnnotatedDataset, Region, check_inside
from mrcnn.data.shapes import Compound, Shape, covers_nothing
from mrcnn.errors import DatasetError

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class LabelledShape:
    """One object of an image.

    Attributes:
        shape: its outline.
        label: name of its class.
        place: what errors call it, "region 3" for example.
        is_crowd: whether it is a group that was outlined as one.
    """

    shape: Shape
    label: str
    place: str
    is_crowd: bool = False


@dataclass(frozen=True)
class LabelledImage:
    """One image with its objects.

    Attributes:
        image_id: its id in the source, often the file name; each once.
        path: the image file.
        image_hw: (height, width), pixels, upright.
        objects: what is outlined in it.
    """

    image_id: str | int
    path: Path
    image_hw: tuple[int, int]
    objects: tuple[LabelledShape, ...]


def labelled_dataset(
    source: str,
    images: Iterable[LabelledImage],
    annotation_path: Path,
    *,
    class_names: list[str] | None = None,
    keep_unannotated: bool | None = None,
    known_labels: Iterable[str] = (),
) -> AnnotatedDataset:
    """Return the data set of some images, not yet prepared.

    Args:
        source: name of the format, without a dot.
        images: in the order they are to have.
        annotation_path: the file or folder they come from, for messages.
        class_names: names without the background, in the order of their ids; by
            default all labels there are, sorted.
        keep_unannotated: whether images without objects stay.
        known_labels: those the file declares, used or not.

    Raises:
        DatasetError: an image comes twice, or an object has an unknown class, lies
            outside its image or covers no pixel; names file, image and object.
    """
    images = list(images)
    if class_names is None:
        used = {thing.label for image in images for thing in image.objects}
        class_names = sorted(used | set(known_labels))
    class_ids = {name: class_id for class_id, name in enumerate(class_names, start=1)}
    dataset = AnnotatedDataset()
    for name, class_id in class_ids.items():
        dataset.add_class(source, class_id, name)
    seen = set()
    without = []
    for image in images:
        where = f"{annotation_path}, image {image.image_id!r}"
        if image.image_id in seen:
            raise DatasetError(
                f"{where}: expected each image once. Received: it a second time. "
                "Remove one of them."
            )
        seen.add(image.image_id)
        if not image.objects:
            without.append(str(image.image_id))
            if not keep_unannotated:
                continue
        dataset.add_image(
            source,
            image_id=image.image_id,
            path=str(image.path),
            width=image.image_hw[1],
            height=image.image_hw[0],
            annotations=[
                _region(thing, class_ids, image.image_hw, where)
                for thing in image.objects
            ],
            annotation_file=str(annotation_path),
        )
    if without:
        _logger.info(
            "%s: %d images without regions %s: %s.",
            annotation_path,
            len(without),
            "kept" if keep_unannotated else "left out",
            ", ".join(without[:10]) + (" ..." if len(without) > 10 else ""),
        )
    _warn_of_cut_regions(dataset, annotation_path)
    return dataset


def joined_parts(
    parts: Iterable[tuple[object | None, LabelledShape]],
) -> tuple[LabelledShape, ...]:
    """Return objects from parts: those of one group and one label are one object.

    Args:
        parts: (group, part) in the order of the file; None is a group of its own.

    Returns:
        The objects, each where its first part stood.
    """
    objects: dict[object, list[LabelledShape]] = {}
    for i, (group, part) in enumerate(parts):
        key = (i,) if group is None else (group, part.label)
        objects.setdefault(key, []).append(part)
    return tuple(
        replace(first, shape=Compound(tuple(part.shape for part in (first, *others))))
        if others
        else first
        for first, *others in objects.values()
    )


def _region(
    thing: LabelledShape,
    class_ids: dict[str, int],
    image_hw: tuple[int, int],
    where: str,
) -> Region:
    check_known_class(thing.label, list(class_ids), f"{where}, {thing.place}")
    region = Region(thing.shape, class_ids[thing.label], thing.place, thing.is_crowd)
    check_inside(region, image_hw, where)
    if covers_nothing(thing.shape, image_hw):
        raise DatasetError(
            f"{where}, {thing.place}: expected an outline that covers a pixel. "
            "Received: one that covers none. Remove it or outline the object again."
        )
    return region


def _warn_of_cut_regions(dataset: AnnotatedDataset, annotation_path: Path) -> None:
    """Tell of outlines that reach well out of their image: it may be turned."""
    cut = []
    for info in dataset.image_info:
        for region in info["annotations"]:
            y1, x1, y2, x2 = region.shape.extent
            over = max(-y1, -x1, y2 - info["height"], x2 - info["width"])
            if over > 0.05 * max(info["height"], info["width"]):
                cut.append(f"{info['id']} {region.place}")
    if cut:
        _logger.warning(
            "%s: %d outlines reach out of their image and are cut (%s). Were these "
            "outlined on an image that was turned or of another size?",
            annotation_path,
            len(cut),
            ", ".join(cut[:10]),
        )
