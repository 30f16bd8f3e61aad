"""Dataset: the images, classes and masks that training and evaluation ask for.

Subclass it as with the original library (`load_mask`, `image_reference` and a
`load_...` of your own that calls `add_class` and `add_image`), or let
`Dataset.load` read a folder annotated with a tool. `prepare` comes last.
"""

from __future__ import annotations

import copy
import logging
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from mrcnn.errors import DatasetError
from mrcnn.structures import Detections

_logger = logging.getLogger(__name__)


class Dataset:
    """A list of images with their classes; base of every data set.

    Attributes:
        image_info: one dict per image: "id", "source", "path" and what else was added.
        class_info: one dict per class: "source", "id", "name"; the background first.
        num_channels: C of the images that `load_image` reads; 3 is RGB.

    After `prepare`:
        class_names: names by class id, the background "BG" first.
        class_ids, num_classes, image_ids, num_images: what they say.
        class_from_source_map, image_from_source_map: "source.id" to the id used here.
        sources: where classes come from; source_class_ids: class ids by source.

    Example:
        >>> dataset = Dataset()
        >>> dataset.add_class("shapes", 7, "square")
        >>> dataset.add_image("shapes", image_id="a", path="a.png")
        >>> dataset.prepare()
        >>> dataset.class_names, dataset.map_source_class_id("shapes.7")
        (['BG', 'square'], 1)
    """

    def __init__(self, class_map=None):
        # class_map is the original's argument; it was never used there either.
        self._image_ids = np.zeros(0, int)
        self.image_info = []
        self.class_info = [{"source": "", "id": 0, "name": "BG"}]
        self.source_class_ids = {}
        self.num_channels = 3

    @classmethod
    def load(
        cls,
        path: str | os.PathLike,
        subset: str | None = None,
        class_names: list[str] | None = None,
        *,
        class_attribute: str | None = None,
        keep_unannotated: bool | None = None,
        num_channels: int = 3,
        image_folder: str | os.PathLike | None = None,
    ) -> Dataset:
        """Return the data set in a folder or annotation file, prepared.

        VIA, COCO, CVAT, LabelMe, YOLO, Pascal VOC and folders of masks are recognised
        by content.
        docs/data.md describes the layouts that are understood.

        Args:
            path: folder, or one annotation file.
            subset: "train" or "val": the part of the folder to read; None when
                the folder is not divided.
            class_names: names without the background; fixes their order and ids.
                By default every class of the annotations, in alphabetical order
                (VIA) or by category id (COCO).
            class_attribute: VIA only: the region attribute that holds the class.
            keep_unannotated: whether images without any region stay, as images
                without objects. None does as the original: COCO keeps them, VIA
                (which lists every image that was opened) leaves them out.
            num_channels: of the images, IMAGE_CHANNEL_COUNT; 3 is RGB.
            image_folder: where the images are that an annotation file names, if they
                are not beside it; looked at first.

        Raises:
            DatasetError: nothing can be recognised, or something in the
                annotations is broken; names file, image and region.
        """
        from mrcnn.data import formats

        dataset = formats.load(
            path,
            subset,
            class_names=class_names,
            class_attribute=class_attribute,
            keep_unannotated=keep_unannotated,
            image_folder=image_folder,
        )
        dataset.num_channels = num_channels
        return dataset

    @classmethod
    def from_detections(
        cls,
        paths: Sequence[str | os.PathLike],
        detections: Iterable[Detections],
        class_names: Sequence[str],
    ) -> Dataset:
        """Return what was found in images as a data set, prepared.

        Saved with `save`, it can be corrected in an annotation tool and trained on.

        Args:
            paths: the image files.
            detections: what `MaskRCNN.detect_images` found in each.
            class_names: K names, the background first.
        """
        from mrcnn.data import writers

        return writers.detected_dataset(paths, detections, class_names)

    def save(
        self,
        path: str | os.PathLike,
        format_name: str,
        subset: str | None = None,
        *,
        copy_images: bool = False,
        min_iou: float = 1.0,
        polygons_only: bool = False,
    ) -> Path:
        """Write the data set for an annotation tool; `load` reads it again.

        Nothing is replaced: a file that exists is an error. What a format cannot
        hold is logged; docs/data.md has the table.

        Args:
            path: folder of the annotations, made if it is not there.
            format_name: "via", "coco", "labelme" or "yolo".
            subset: "train" or "val": saves a part, in the format's own layout.
            copy_images: whether the images are put there, too, in one folder. If not
                they stay where they are, and the annotations refer to them.
            min_iou: how near a mask read back has to be to the one saved (IoU). 1 is
                the very same pixels; 0.99 gives outlines of few corners, that are
                easy to correct. Outlines the format knows are kept as they are.
            polygons_only: COCO: writes an object with holes as one polygon that is
                cut open, for tools that read no run lengths.

        Returns:
            The annotation file; for LabelMe, which has one per image, their folder.

        Raises:
            DatasetError: a file exists already or cannot be written.
        """
        from mrcnn.data import writers

        return writers.save(
            self,
            path,
            format_name,
            subset,
            copy_images=copy_images,
            min_iou=min_iou,
            polygons_only=polygons_only,
        )

    def add_class(self, source: str, class_id, class_name: str) -> None:
        """Add a class, unless this source already has one of that id.

        Args:
            source: where the id comes from; without a dot.
            class_id: id of the class in its source.
            class_name: name to show.

        Raises:
            DatasetError: the source has a dot in it.
        """
        if "." in source:
            raise DatasetError(
                f"Expected a source without a dot. Received: source={source!r}. "
                "Use another name: a dot parts source and id."
            )
        known = {(info["source"], info["id"]) for info in self.class_info}
        if (source, class_id) not in known:
            self.class_info.append(
                {"source": source, "id": class_id, "name": class_name}
            )

    def add_image(self, source: str, image_id, path, **kwargs) -> None:
        """Add an image.

        Args:
            source: where the image comes from.
            image_id: its id there.
            path: image file; None when `load_image` makes the picture.
            **kwargs: anything else to keep in its `image_info`.
        """
        self.image_info.append(
            {"id": image_id, "source": source, "path": path, **kwargs}
        )

    def image_reference(self, image_id: int) -> str:
        """Return where to find the image in its source; meant to be overridden."""
        return ""

    def prepare(self, class_map=None) -> None:
        """Number classes and images; call it when all have been added.

        Args:
            class_map: not used; kept for the original's callers.
        """
        self.num_classes = len(self.class_info)
        self.class_ids = np.arange(self.num_classes)
        # Long names are shortened at the comma: "hat, headgear" shows as "hat".
        self.class_names = [info["name"].split(",")[0] for info in self.class_info]
        self.num_images = len(self.image_info)
        self._image_ids = np.arange(self.num_images)
        self.class_from_source_map = _ids_by_source(self.class_info)
        self.image_from_source_map = _ids_by_source(self.image_info)
        self.sources = list(dict.fromkeys(info["source"] for info in self.class_info))
        # The background belongs to every source.
        self.source_class_ids = {
            source: [
                class_id
                for class_id, info in enumerate(self.class_info)
                if class_id == 0 or info["source"] == source
            ]
            for source in self.sources
        }

    def map_source_class_id(self, source_class_id: str) -> int:
        """Return the class id used here for one such as "coco.12"."""
        return self.class_from_source_map[source_class_id]

    def get_source_class_id(self, class_id: int, source: str):
        """Return the id that `source` gives a class.

        Raises:
            DatasetError: the class comes from another source.
        """
        info = self.class_info[class_id]
        if info["source"] != source:
            raise DatasetError(
                f"Expected a class of source {source!r}. Received: class {class_id} "
                f"({info['name']!r}) of source {info['source']!r}. Ask that source."
            )
        return info["id"]

    @property
    def image_ids(self) -> np.ndarray:
        """Ids of all images, int [num_images]."""
        return self._image_ids

    def source_image_link(self, image_id: int):
        """Return the path of the image, or the URL the original kept there."""
        return self.image_info[image_id]["path"]

    def load_image(self, image_id: int) -> np.ndarray:
        """Return an image, uint8 [H, W, C], RGB where C is 3, EXIF applied."""
        from mrcnn.data.images import read_image

        return read_image(self.image_info[image_id]["path"], self.num_channels)

    def mean_pixel(self, max_images: int = 200) -> np.ndarray:
        """Return the mean of each channel over the images, for MEAN_PIXEL.

        Args:
            max_images: of more, so many are read, evenly spread.

        Returns:
            float64 [C], 0 to 255; every pixel counts alike.

        Raises:
            DatasetError: there is no image, or one cannot be read.
        """
        if not len(self.image_ids):
            raise DatasetError(
                "Expected images to take the mean of. Received: none. Call prepare() "
                "after adding images."
            )
        count = min(max_images, len(self.image_ids))
        places = np.linspace(0, len(self.image_ids) - 1, count).astype(int)
        total, num_pixels = np.zeros(1), 0
        for image_id in self.image_ids[places]:
            image = self.load_image(int(image_id))
            total = total + image.sum(axis=(0, 1), dtype=np.float64)
            num_pixels += image.shape[0] * image.shape[1]
        return total / num_pixels

    def load_mask(self, image_id: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the masks of an image; meant to be overridden. Here: no objects.

        Returns:
            masks: bool [H, W, N], one instance in each channel.
            class_ids: int32 [N], negative for crowds.
        """
        _logger.warning(
            "%s does not define load_mask: image %d has no objects.",
            type(self).__name__,
            image_id,
        )
        return np.zeros((*self._image_hw(image_id), 0), bool), np.zeros(0, np.int32)

    def image_class_ids(self, image_id: int) -> np.ndarray:
        """Return the classes of an image's objects, int32 [N], negative for crowds.

        Here by `load_mask`; override it where they are known without masks.
        """
        _, class_ids = self.load_mask(image_id)
        return np.asarray(class_ids, np.int32).reshape(-1)

    def split(self, val_fraction: float, seed: int = 0) -> tuple[Dataset, Dataset]:
        """Return two data sets that share out the images, both prepared.

        Args:
            val_fraction: share of images in the second, between 0 and 1; rounded,
                but never none and never all.
            seed: the same seed gives the same division.

        Returns:
            train: the larger part, images in their order here.
            val: the others, likewise; both with the classes of this data set.

        Raises:
            DatasetError: fewer than two images, or a fraction out of range.
        """
        num_images = len(self.image_info)
        if not 0 < val_fraction < 1:
            raise DatasetError(
                "Expected a share between 0 and 1 for validation. "
                f"Received: val_fraction={val_fraction}. Try 0.2."
            )
        if num_images < 2:
            raise DatasetError(
                "Expected at least two images to divide into train and val. "
                f"Received: {num_images}. Annotate more images."
            )
        num_val = min(max(round(val_fraction * num_images), 1), num_images - 1)
        order = np.random.default_rng(seed).permutation(num_images)
        return self._part(order[num_val:]), self._part(order[:num_val])

    def _part(self, image_ids: np.ndarray) -> Dataset:
        part = copy.copy(self)
        part.image_info = [self.image_info[i] for i in sorted(image_ids)]
        part.class_info = list(self.class_info)
        part.prepare()
        return part

    def _image_hw(self, image_id: int) -> tuple[int, int]:
        info = self.image_info[image_id]
        if "height" in info and "width" in info:
            return info["height"], info["width"]
        return self.load_image(image_id).shape[:2]


def _ids_by_source(infos: list[dict]) -> dict[str, int]:
    return {f"{info['source']}.{info['id']}": i for i, info in enumerate(infos)}
