"""Files for each object or picture that ``mrcnn predict`` writes when asked to.

Labels as Ultralytics' YOLO writes them (``--save-txt``), and pictures cut out along
the boxes (``--save-crops``), for images as for the frames of a video.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mrcnn.errors import DatasetError
from mrcnn.structures import Detections

LABELS, CROPS = "labels", "crops"


def add_file_flags(parser: argparse.ArgumentParser) -> None:
    """Add the choice of files."""
    group = parser.add_argument_group("files")
    group.add_argument(
        "--save-json",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="list the objects in JSON, for a video in a line for each frame "
        "(default: yes)",
    )
    group.add_argument(
        "--save-txt",
        action="store_true",
        help=f"write {LABELS}/NAME.txt for each image, {LABELS}/NAME_FRAME.txt for "
        "each frame, as Ultralytics' YOLO does: a line for each object with class "
        "(from 0), outline (shares of width and height), score and track id",
    )
    group.add_argument(
        "--save-crops",
        action="store_true",
        help=f"cut the objects out, along their boxes: {CROPS}/CLASS/NAME_NUMBER.jpg",
    )


class ObjectFiles:
    """Writes the files that flags ask for, of one picture at a time.

    Args:
        folder: of the results.
        class_names: K names, the background first.
        args: flags of `add_file_flags`.
    """

    def __init__(
        self, folder: Path, class_names: Sequence[str], args: argparse.Namespace
    ):
        self._folder = folder
        self._class_names = class_names
        self._has_labels = args.save_txt
        self._has_crops = args.save_crops

    def write(self, name: str, image: np.ndarray, detections: Detections) -> None:
        """Write what there is of one picture.

        Args:
            name: of the files, without suffix.
            image: uint8 [H, W, C], RGB first.
            detections: the objects found in it.

        Raises:
            DatasetError: a file cannot be written.
        """
        try:
            if self._has_labels:
                self._write_labels(name, detections)
            if self._has_crops:
                self._write_crops(name, image, detections)
        except OSError as error:
            raise DatasetError(
                f"Expected a place for {error.filename or name}. Received: "
                f"{error.strerror}. Check the folder's rights and the space on the "
                "disk."
            ) from error

    def _write_labels(self, name: str, detections: Detections) -> None:
        from mrcnn.data.yolo_writer import detection_lines

        folder = self._folder / LABELS
        folder.mkdir(parents=True, exist_ok=True)
        # Also without objects: it says that none were found.
        text = "".join(line + "\n" for line in detection_lines(detections))
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")

    def _write_crops(self, name, image, detections: Detections) -> None:
        from PIL import Image

        from mrcnn.data.images import to_show

        picture = to_show(image)
        for i, (y1, x1, y2, x2) in enumerate(detections.boxes.tolist(), start=1):
            if y1 >= y2 or x1 >= x2:
                continue  # nothing to show
            class_name = self._class_names[detections.class_ids[i - 1]]
            folder = self._folder / CROPS / _folder_name(class_name)
            folder.mkdir(parents=True, exist_ok=True)
            crop = Image.fromarray(np.ascontiguousarray(picture[y1:y2, x1:x2]))
            crop.save(folder / f"{name}_{i}.jpg", quality=95)


def _folder_name(class_name: str) -> str:
    """Return a class's name without what cannot be in the name of a folder.

    Example:
        >>> _folder_name("cell phone"), _folder_name("on/off")
        ('cell phone', 'on_off')
    """
    return re.sub(r'[\\/:*?"<>|\x00-\x1f]', "_", class_name).strip(". ") or "_"
