"""Prediction's files: which inputs there are, and what is written for each.

The name of a result is that of its input with ``_masks`` at the end, so that
results never replace inputs, whatever the folder.
"""

import argparse
import glob
import itertools
import json
import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from mrcnn.data.saving import told_apart
from mrcnn.errors import ConfigError, DatasetError, VideoError
from mrcnn.structures import Detections

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif")
# What the names of annotated pictures and videos end in, before the suffix.
MASKS = "_masks"
EXPORTS = ("via", "coco", "labelme", "yolo")
# How near outlines to correct are to the masks: few corners, hardly a pixel off.
_EXPORT_MIN_IOU = 0.99
VIDEO_SUFFIXES = (".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg")


def is_video(path: Path | str) -> bool:
    """Return whether an input is to be read as a video, going by its name."""
    return isinstance(path, str) or path.suffix.lower() in VIDEO_SUFFIXES


def find_inputs(inputs: Iterable[str]) -> list[Path | str]:
    """Return the files that inputs name, each once, in the order given.

    Args:
        inputs: files, folders (their images and videos, not those further down),
            patterns with ``*`` or ``?``, and what else a video can come from: URLs,
            numbered images (``shots/%04d.png``), numbers of cameras.

    Returns:
        Paths; a URL, numbered images and a camera stay the text they are.

    Raises:
        DatasetError: an input is missing or names no image or video.
    """
    return list(dict.fromkeys(path for text in inputs for path in _files_of(text)))


def require_videos(paths: Sequence[Path | str]) -> None:
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


def add_output_flag(
    parser: argparse.ArgumentParser, default: str = "output", what: str = "results"
) -> None:
    """Add the folder of the results.

    Args:
        parser: the parser to add to.
        default: of the flag.
        what: is in the folder, for the help.
    """
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FOLDER",
        default=Path(default),
        help=f"folder of the {what} (default: %(default)s)",
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


def target_stems(
    paths: Sequence[Path | str], folder: Path, ending: str = MASKS
) -> dict[Path | str, Path]:
    """Return the path of each input's result, without suffix.

    Inputs of the same name (from different folders, or a.jpg and a.png) are told
    apart by a number.

    Example:
        >>> stems = target_stems([Path("a/1.jpg"), Path("b/1.png")], Path("out"))
        >>> [stem.name for stem in stems.values()]
        ['1_masks', '1-2_masks']
    """
    stems = told_apart(map(_stem_of, paths))
    return {
        path: folder / f"{stem}{ending}"
        for path, stem in zip(paths, stems, strict=True)
    }


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
    *,
    save_json: bool = True,
) -> Path:
    """Write the annotated picture and the list of its objects.

    Args:
        stem: path of the results, without suffix.
        name: file name of the image, kept in the list.
        image: uint8 [H, W, C], RGB first.
        detections: the objects found in it.
        class_names: K names, the background first.
        save_json: whether to write the list.

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
    if save_json:
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
    return {
        "image": name,
        "height": int(detections.image_hw[0]),
        "width": int(detections.image_hw[1]),
        "detections": _named_results(name, detections, class_names),
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
    source,
    target: Path,
    detect,
    class_names: Sequence[str],
    *,
    save_json: bool = True,
    each: Callable[[int, np.ndarray, Detections], None] | None = None,
    **options,
) -> int:
    """Write a video with its objects drawn in, and a line of JSON for each frame.

    A line has frame, seconds from the beginning of the source, and detections as in
    `listing_of`, their image_id the number of the frame.

    Args:
        source: the video, as `process_video` takes it.
        target: the mp4 to write; the lines lie beside it and end in .jsonl.
        detect: list of uint8 [H, W, 3] frames -> list of `Detections`.
        class_names: K names, the background first.
        save_json: whether to write the lines.
        each: called with the number of each frame, the frame and its detections.
        options: further ones of `process_video`.

    Returns:
        Number of frames.

    Raises:
        VideoError: a video cannot be read or written.
    """
    from mrcnn.draw.annotate import annotate
    from mrcnn.video.pipeline import process_video

    numbers = itertools.count()

    def named(number: int, detections: Detections) -> list[dict]:
        return _named_results(number, detections, class_names)

    def draw(frame: np.ndarray, detections: Detections) -> np.ndarray:
        if each is not None:
            each(next(numbers), frame, detections)
        return annotate(frame, detections, class_names)

    with _FrameLines(target.with_suffix(".jsonl"), named) as lines:
        return process_video(
            source,
            target,
            detect,
            draw,
            record=lines.write if save_json else None,
            **options,
        )


def summary(detections: Detections, class_names: Sequence[str]) -> str:
    """Return what was found, in words.

    Example:
        >>> summary(Detections.empty((4, 4)), ["BG", "remote"])
        'nothing found'
    """
    counts = Counter(class_names[class_id] for class_id in detections.class_ids)
    return ", ".join(f"{n} {name}" for name, n in counts.items()) or "nothing found"


def _named_results(
    image: str | int, detections: Detections, class_names: Sequence[str]
) -> list[dict]:
    from mrcnn.data.coco import detections_to_coco

    return [
        result | {"category_name": class_names[result["category_id"]]}
        for result in detections_to_coco(detections, image)
    ]


class _FrameLines:
    """Writes a line of JSON for each frame; the file is made with the first."""

    def __init__(self, path: Path, named: Callable[[int, Detections], list[dict]]):
        self._path = path
        self._named = named
        self._file = None

    def __enter__(self):
        return self

    def __exit__(self, *exception) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, number: int, seconds: Fraction, detections: Detections) -> None:
        line = {
            "frame": number,
            "seconds": round(float(seconds), 6),
            "detections": self._named(number, detections),
        }
        try:
            if self._file is None:
                self._file = open(self._path, "w", encoding="utf-8")
            self._file.write(json.dumps(line, separators=(",", ":")) + "\n")
        except OSError as error:
            raise VideoError(
                f"Expected to write {self._path}. Received: {error.strerror}. Check "
                "the folder's rights and the space on the disk."
            ) from error


def _stem_of(source: Path | str) -> str:
    """Return a name for the results of an input that is fit for a file.

    Example:
        >>> [_stem_of(text) for text in ("0", "shots/%04d.png", "rtsp://door/1?a=b")]
        ['camera0', 'shots', 'door-1']
    """
    if isinstance(source, Path):
        return source.stem
    if source.isdecimal():
        return f"camera{source}"
    # The last words of a URL, or of numbered images, without their suffix.
    name = source.partition("?")[0].partition("://")[2] or source
    name = re.sub(r"%\d*d|\.\w+$", "", name)
    return "-".join(re.findall(r"\w+", name)[-2:]) or "video"


def _files_of(text: str) -> list[Path | str]:
    from mrcnn.video.sources import is_stream_name

    path = Path(text)
    if os.path.isfile(text):  # a URL can be longer than Path takes for a name
        return [path]
    if is_stream_name(text):
        return [text]
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
