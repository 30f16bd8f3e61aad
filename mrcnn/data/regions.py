"""Regions, the objects of an image, and the Dataset whose images carry them.

The readers of annotation files (`via`, `coco`, ...) turn what they find into
`Region`s; `AnnotatedDataset` turns these into masks when an image is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mrcnn.data.dataset import Dataset
from mrcnn.data.shapes import Shape
from mrcnn.errors import DatasetError
from mrcnn.geometry.masks import paste_masks


@dataclass(frozen=True)
class Region:
    """One object in an image.

    Attributes:
        shape: its outline.
        source_class_id: its class, by the id of the annotation file.
        place: what errors call it, "region 3" for example.
        is_crowd: whether it is a group that was outlined as one.
    """

    shape: Shape
    source_class_id: int
    place: str
    is_crowd: bool = False


class AnnotatedDataset(Dataset):
    """A Dataset whose images carry their `Region`s in `image_info["annotations"]`.

    Each `image_info` also has "width" and "height" (pixels, upright) and
    "annotation_file". Made by the readers; `Dataset.load` returns one.
    """

    def prepare(self, class_map=None) -> None:
        """Number classes and images; names stay whole, commas included."""
        super().prepare(class_map)
        self.class_names = [info["name"] for info in self.class_info]

    def image_reference(self, image_id: int) -> str:
        """Return the path of the image."""
        return str(self.image_info[image_id]["path"])

    def load_image(self, image_id: int) -> np.ndarray:
        """Return an image, uint8 [H, W, C], of the size its annotations are for.

        Raises:
            DatasetError: the file cannot be read or has changed its size.
        """
        image = super().load_image(image_id)
        expected = self._image_hw(image_id)
        if image.shape[:2] != expected:
            turned = image.shape[1::-1] == expected
            hint = " Its EXIF turns it: save it upright." if turned else ""
            raise DatasetError(
                f"{self._name(image_id)}: expected {expected} (height, width) as when "
                f"it was annotated. Received: {image.shape[:2]}.{hint} Put the "
                "annotated image there."
            )
        return image

    def load_instances(
        self, image_id: int
    ) -> tuple[np.ndarray, list[np.ndarray], np.ndarray]:
        """Return the objects of an image, each drawn inside its own box only.

        Returns:
            boxes: int32 [N, (y1, x1, y2, x2)], tight, pixels of the image.
            box_masks: N arrays bool [y2 - y1, x2 - x1].
            class_ids: int32 [N], negative for crowds.

        Raises:
            DatasetError: an object covers no pixel; names it.
        """
        regions = self.image_info[image_id]["annotations"]
        boxes = np.zeros((len(regions), 4), np.int32)
        box_masks = []
        for i, region in enumerate(regions):
            boxes[i], mask = region.shape.rasterise(self._image_hw(image_id))
            if not mask.size:
                raise DatasetError(
                    f"{self._name(image_id)}, {region.place}: expected an outline "
                    "that covers a pixel. Received: one that covers none. Remove it."
                )
            box_masks.append(mask)
        return boxes, box_masks, self.image_class_ids(image_id)

    def image_class_ids(self, image_id: int) -> np.ndarray:
        """Return the classes of an image's objects, int32 [N], negative for crowds."""
        info = self.image_info[image_id]
        class_ids = np.zeros(len(info["annotations"]), np.int32)
        for i, region in enumerate(info["annotations"]):
            class_id = self.map_source_class_id(
                f"{info['source']}.{region.source_class_id}"
            )
            class_ids[i] = -class_id if region.is_crowd else class_id
        return class_ids

    def load_mask(self, image_id: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the masks of an image.

        Returns:
            masks: bool [H, W, N], one object in each channel.
            class_ids: int32 [N], negative for crowds.
        """
        boxes, box_masks, class_ids = self.load_instances(image_id)
        return paste_masks(boxes, box_masks, self._image_hw(image_id)), class_ids

    def _name(self, image_id: int) -> str:
        info = self.image_info[image_id]
        return f"{info['annotation_file']}, image {info['path']}"


def check_inside(region: Region, image_hw: tuple[int, int], where: str) -> None:
    """Refuse an outline that lies outside its image.

    Args:
        region: the object.
        image_hw: (height, width) of its image, pixels.
        where: the annotation file and image, for the message.

    Raises:
        DatasetError: names file, image and region.
    """
    height, width = image_hw
    y1, x1, y2, x2 = region.shape.extent
    if y2 < 0 or x2 < 0 or y1 >= height or x1 >= width:
        raise DatasetError(
            f"{where}, {region.place}: expected an outline inside the image of "
            f"{width} x {height} pixels. Received: x from {x1:g} to {x2:g}, y from "
            f"{y1:g} to {y2:g}. Is the image turned or another one? Outline it again."
        )
