"""VGG Image Annotator: what its JSON files hold, read into an AnnotatedDataset.

Read are the annotations exported by VIA 1.x (regions in a dict) and 2.x (in a
list), and the project that 2.x saves (`_via_img_metadata`). The browser shows
photos the way EXIF turns them, so the outlines fit the upright picture.

`via_classes` finds the class of each region; here are the file and the shapes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mrcnn.data.annotations import AnnotationFile, is_number, short
from mrcnn.data.images import image_hw
from mrcnn.data.labelled import LabelledImage, LabelledShape, labelled_dataset
from mrcnn.data.regions import AnnotatedDataset
from mrcnn.data.shapes import Ellipse, Polygon, Rectangle, Shape, checked_polygon
from mrcnn.data.via_classes import RawRegion, class_labels, is_crowd
from mrcnn.errors import DatasetError

SOURCE = "via"


def recognises(content: object) -> bool:
    """Tell whether the content of a file is VIA's JSON."""
    if not isinstance(content, dict):
        return False
    if "_via_img_metadata" in content:
        return True
    return any(
        isinstance(entry, dict) and {"filename", "regions"} <= set(entry)
        for entry in content.values()
    )


def read(
    annotation: AnnotationFile,
    *,
    class_names: list[str] | None = None,
    class_attribute: str | None = None,
    keep_unannotated: bool | None = None,
) -> AnnotatedDataset:
    """Return the data set in a VIA file, not yet prepared.

    Args:
        annotation: the file and its image folders.
        class_names: names without the background, in the order of their ids; by
            default all labels found, sorted.
        class_attribute: region attribute that holds the class; by default the one
            with a name like class, label or type that most regions have, else the
            one that is filled in most often.
        keep_unannotated: whether images without regions stay.

    Raises:
        DatasetError: anything is broken; names file, image and region.
    """
    return dataset_of(
        annotation.content, annotation, class_names, class_attribute, keep_unannotated
    )


def dataset_of(
    content: dict,
    annotation: AnnotationFile,
    class_names: list[str] | None,
    class_attribute: str | None,
    keep_unannotated: bool | None,
) -> AnnotatedDataset:
    """Return the data set of what VIA 2 would have saved, as `read` does.

    `via_csv` and `via3` bring their files into this form.
    """
    images = list(_raw_images(content, annotation))
    labels = class_labels(
        [region for _, regions in images for region in regions],
        content,
        annotation.path,
        class_names,
        class_attribute,
    )
    return labelled_dataset(
        SOURCE,
        _images(images, labels, annotation, keep_unannotated),
        annotation.path,
        class_names=class_names,
        keep_unannotated=keep_unannotated,
    )


def _images(images, labels: dict[str, str], annotation: AnnotationFile, keep):
    """Yield a `LabelledImage` for each (file name, regions)."""
    for file_name, raw_regions in images:
        # VIA lists every image that was opened; those left out may be missing.
        is_used = raw_regions or keep
        path = annotation.find_image(file_name) if is_used else Path(file_name)
        objects = tuple(
            LabelledShape(_shape(raw), labels[raw.where], raw.place, is_crowd(raw))
            for raw in raw_regions
        )
        yield LabelledImage(
            file_name, path, image_hw(path) if is_used else (0, 0), objects
        )


def _raw_images(
    content: dict, annotation: AnnotationFile
) -> Iterator[tuple[str, list[RawRegion]]]:
    """Yield (file name, regions) of each image, with their types checked."""
    entries = content.get("_via_img_metadata", content)
    if not isinstance(entries, dict) or not entries:
        raise DatasetError(
            f"{annotation.path}: expected images in _via_img_metadata. "
            f"Received: {short(entries)}. Add images in VIA and save it again."
        )
    seen = set()
    for key, entry in entries.items():
        if not isinstance(entry, dict) or not isinstance(entry.get("filename"), str):
            raise DatasetError(
                f"{annotation.path}, entry {key!r}: expected an image with a filename. "
                f"Received: {short(entry)}. Export the annotations again."
            )
        file_name = entry["filename"]
        where = f"{annotation.path}, image {file_name!r}"
        if file_name in seen:
            raise DatasetError(
                f"{where}: expected each image once. Received: a second entry, "
                f"{key!r}. Remove one of them."
            )
        seen.add(file_name)
        yield file_name, _raw_regions(entry.get("regions", []), where)


def _raw_regions(regions, where: str) -> list[RawRegion]:
    if not isinstance(regions, (dict, list)):
        raise DatasetError(
            f"{where}: expected regions in a dict (VIA 1) or a list (VIA 2). "
            f"Received: {short(regions)}. Export the annotations again."
        )
    pairs = regions.items() if isinstance(regions, dict) else enumerate(regions)
    raw_regions = []
    for key, region in pairs:
        place = f"region {key}"
        shape = attributes = None
        if isinstance(region, dict):
            shape = region.get("shape_attributes")
            attributes = region.get("region_attributes", {})
        if not isinstance(shape, dict) or not isinstance(attributes, dict):
            raise DatasetError(
                f"{where}, {place}: expected shape_attributes and region_attributes. "
                f"Received: {short(region)}. Outline it again."
            )
        raw_regions.append(RawRegion(shape, attributes, where, place))
    return raw_regions


# ---- Shapes ----


def _shape(region: RawRegion) -> Shape:
    name = region.shape_attributes.get("name")
    if not isinstance(name, str) or name not in _SHAPES:
        raise DatasetError(
            f"{region.where}: expected a shape with an area, one of "
            f"{', '.join(_SHAPES)}. Received: {short(name)}. Outline it instead."
        )
    return _SHAPES[name](region)


def _polygon(region: RawRegion) -> Polygon:
    xs, ys = (
        region.shape_attributes.get(name) for name in ("all_points_x", "all_points_y")
    )
    for name, values in (("all_points_x", xs), ("all_points_y", ys)):
        if not isinstance(values, list) or not all(map(is_number, values)):
            raise DatasetError(
                f"{region.where}: expected a list of numbers in {name}. "
                f"Received: {short(values)}. Outline it again."
            )
    if len(xs) != len(ys):
        raise DatasetError(
            f"{region.where}: expected as many x as y coordinates. Received: "
            f"{len(xs)} and {len(ys)}. Outline it again."
        )
    return checked_polygon(xs, ys, region.where)


def _rectangle(region: RawRegion) -> Rectangle:
    return Rectangle(*_numbers(region, ("x", "y"), ("width", "height")))


def _circle(region: RawRegion) -> Ellipse:
    cx, cy, radius = _numbers(region, ("cx", "cy"), ("r",))
    return Ellipse(cx, cy, radius, radius)


def _ellipse(region: RawRegion) -> Ellipse:
    theta = region.shape_attributes.get("theta", 0)  # VIA before 2.0.9 has none
    if not is_number(theta):
        raise DatasetError(
            f"{region.where}: expected an angle in theta. Received: {short(theta)}. "
            "Outline it again."
        )
    return Ellipse(*_numbers(region, ("cx", "cy"), ("rx", "ry")), theta)


def _numbers(region: RawRegion, positions, lengths) -> list[float]:
    """Return the named numbers; those in `lengths` must be above 0."""
    values = [region.shape_attributes.get(name) for name in (*positions, *lengths)]
    for name, value in zip((*positions, *lengths), values, strict=True):
        if not is_number(value) or (name in lengths and value <= 0):
            expected = "a positive number" if name in lengths else "a number"
            raise DatasetError(
                f"{region.where}: expected {expected} in {name}. "
                f"Received: {short(value)}. Remove it or outline the object again."
            )
    return values


_SHAPES = {
    "polygon": _polygon,
    "polyline": _polygon,  # closed from the last point to the first
    "rect": _rectangle,
    "circle": _circle,
    "ellipse": _ellipse,
}
