"""Prediction's files: which inputs there are, and what is written for each.

The name of a result is that of its input with ``_masks`` at the end, so that
results never replace inputs, whatever the folder.
"""

import glob
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from mrcnn.errors import ConfigError, DatasetError, VideoError
from mrcnn.structures import Detections

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif")
EXPORTS = ("via", "coco", "labelme", "yolo")
# How near outlines to correct are to the masks: few corners, hardly a pixel off.
_EXPORT_MIN_IOU = 0.99
VIDEO_SUFFIXES = (".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg")


def is_video(path: Path) -> bool:
    """Return whether a file is to be read as a video, going by its name."""
    return path.suffix.lower() in VIDEO_SUFFIXES


def find_inputs(inputs: Iterable[str]) -> list[Path]:
    """Return the files that inputs name, each once, in the order given.

    Args:
        inputs: files, folders (their images and videos, not those further down)
            and patterns with ``*`` or ``?``.

    Raises:
        DatasetError: an input is missing or names no image or video.
    """
    return list(dict.fromkeys(path for text in inputs for path in _files_of(text)))


def require_videos(paths: Sequence[Path]) -> None:
    """Check that every file is a video, going by its name.

    Raises:
        VideoError: names the first that is not.
    """
    for path in paths:
        if not is_video(path):
            raise VideoError(
                f"Expected a video ({', '.join(VIDEO_SUFFIXES)}). Received: {path}. "
                "Use predict_image.py for images."
            )


def make_folder(folder: Path) -> None:
    """Make the folder of the results, so that a wrong one is noticed at once.

    Raises:
        ConfigError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            f"Expected a folder for the results. Received: {folder} "
            f"({error.strerror}). Choose another one with --output."
        ) from error


def target_stems(paths: Sequence[Path], folder: Path) -> dict[Path, Path]:
    """Return the path of each input's result, without suffix.

    Inputs of the same name (from different folders, or a.jpg and a.png) are told
    apart by a number.

    Example:
        >>> stems = target_stems([Path("a/1.jpg"), Path("b/1.png")], Path("out"))
        >>> [stem.name for stem in stems.values()]
        ['1_masks', '1-2_masks']
    """
    targets, taken = {}, set()
    for path in paths:
        stem, number = path.stem, 1
        while stem in taken:
            number += 1
            stem = f"{path.stem}-{number}"
        taken.add(stem)
        targets[path] = folder / f"{stem}_masks"
    return targets


def read_image(path: Path, num_channels: int = 3) -> np.ndarray:
    """Return the picture in a file, uint8 [H, W, C], RGB where C is 3, upright."""
    from mrcnn.data.images import read_image as read

    return read(path, num_channels)


def write_image(
    stem: Path,
    name: str,
    image: np.ndarray,
    detections: Detections,
    class_names: Sequence[str],
) -> Path:
    """Write the annotated picture and the list of its objects.

    Args:
        stem: path of the results, without suffix.
        name: file name of the image, kept in the list.
        image: uint8 [H, W, C], RGB first.
        detections: the objects found in it.
        class_names: K names, the background first.

    Returns:
        The path of the picture; the list lies beside it as JSON.
    """
    from PIL import Image

    from mrcnn.data.images import to_show
    from mrcnn.draw.annotate import annotate

    picture, listing = stem.with_name(stem.name + ".jpg"), stem.name + ".json"
    Image.fromarray(annotate(to_show(image), detections, class_names)).save(
        picture, quality=95
    )
    text = json.dumps(listing_of(name, detections, class_names), indent=1)
    stem.with_name(listing).write_text(text + "\n", encoding="utf-8")
    return picture


def listing_of(name: str, detections: Detections, class_names: Sequence[str]) -> dict:
    """Return the objects of an image as plain data.

    Args:
        name: file name of the image.
        detections: the objects found in it.
        class_names: K names, the background first.

    Returns:
        image, height, width, and detections in COCO's result format (bbox is x, y,
        width, height; segmentation holds run lengths) with the name of each category.
    """
    from mrcnn.data.coco import detections_to_coco

    results = detections_to_coco(detections, name)
    return {
        "image": name,
        "height": int(detections.image_hw[0]),
        "width": int(detections.image_hw[1]),
        "detections": [
            result | {"category_name": class_names[result["category_id"]]}
            for result in results
        ],
    }


def check_export(paths: Sequence[Path], folder: Path) -> None:
    """Refuse an export that would be empty or replace another, before the long wait.

    Raises:
        ConfigError: there is no image, or the folder exists.
    """
    if all(is_video(path) for path in paths):
        raise ConfigError(
            "Expected images to annotate. Received: --export with videos only. "
            "Export frames of the videos as images first."
        )
    if folder.exists():
        raise ConfigError(
            f"Expected a new folder for the annotations. Received: {folder}, which "
            "exists and may hold corrected ones. Move it, or choose another --output."
        )


def write_export(
    paths: Sequence[Path],
    detections: Iterable[Detections],
    class_names: Sequence[str],
    folder: Path,
    export: str,
) -> Path:
    """Write objects as annotations, with copies of their images.

    Args:
        paths: the images.
        detections: the objects found in each.
        class_names: K names, the background first.
        folder: of the results; the annotations get a folder of their own in it.
        export: one of `EXPORTS`.

    Returns:
        The annotation file, or the folder where each image has its own.
    """
    from mrcnn.data.dataset import Dataset

    dataset = Dataset.from_detections(paths, detections, class_names)
    return dataset.save(
        folder / export, export, copy_images=True, min_iou=_EXPORT_MIN_IOU
    )


def write_video(
    source: Path, target: Path, detect, class_names: Sequence[str], *, batch_size: int
) -> int:
    """Write a video with its objects drawn in; returns the number of frames.

    Args:
        source: the video to read.
        target: the mp4 to write.
        detect: list of uint8 [H, W, 3] frames -> list of `Detections`.
        class_names: K names, the background first.
        batch_size: frames per step.

    Raises:
        VideoError: a video cannot be read or written.
    """
    from mrcnn.draw.annotate import annotate
    from mrcnn.video.pipeline import process_video

    return process_video(
        source,
        target,
        detect,
        lambda frame, detections: annotate(frame, detections, class_names),
        batch_size=batch_size,
    )


def summary(detections: Detections, class_names: Sequence[str]) -> str:
    """Return what was found, in words.

    Example:
        >>> summary(Detections.empty((4, 4)), ["BG", "remote"])
        'nothing found'
    """
    counts = Counter(class_names[class_id] for class_id in detections.class_ids)
    return ", ".join(f"{n} {name}" for name, n in counts.items()) or "nothing found"


def _files_of(text: str) -> list[Path]:
    path = Path(text)
    if path.is_file():
        return [path]
    if path.is_dir():
        found = [file for file in path.iterdir() if _is_known(file)]
        what = "a folder without images or videos"
    else:
        found = [Path(match) for match in glob.glob(text) if Path(match).is_file()]
        what = "no such file or folder"
    if not found:
        raise DatasetError(
            f"Expected an image, a video, or a folder of them. Received: {text} "
            f"({what}). Check the path."
        )
    return sorted(found)


def _is_known(file: Path) -> bool:
    return file.is_file() and file.suffix.lower() in (*IMAGE_SUFFIXES, *VIDEO_SUFFIXES)
