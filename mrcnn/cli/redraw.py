"""Images and videos anew, each with something drawn in its place.

The samples that change pictures (privacy, splash, office) call `redraw` with two
callables: what finds the objects, and what draws.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from mrcnn.cli import arguments, outputs
from mrcnn.cli.objects import Finder, add_object_flags
from mrcnn.cli.videos import add_video_flags, open_video
from mrcnn.errors import DatasetError, VideoError
from mrcnn.structures import Detections

Draw = Callable[[np.ndarray, Detections], np.ndarray]


def add_redraw_flags(parser: argparse.ArgumentParser, logs: str | Path) -> None:
    """Add inputs and output, and the flags of objects, network and videos.

    Args:
        parser: the parser to add to.
        logs: default of --logs.
    """
    parser.add_argument(
        "inputs", nargs="+", metavar="INPUT", help="image, video, folder or pattern"
    )
    outputs.add_output_flag(parser)
    add_object_flags(parser)
    arguments.add_detection_flags(parser, logs=logs, confidence=0.5)
    add_video_flags(parser, numbers=False)
    parser.set_defaults(weights="coco")


def redraw(
    paths: Sequence[Path | str],
    find: Finder,
    draw: Draw,
    args: argparse.Namespace,
    *,
    ending: str,
    exact: bool = False,
    video_suffix: str = ".mp4",
    **options,
) -> None:
    """Write each input anew, and print where.

    An input that cannot be read does not keep the others waiting; the first error is
    raised behind the last of them.

    Args:
        paths: images and videos, from `outputs.find_inputs`.
        find: list of uint8 [H, W, 3] images -> list of `Detections`.
        draw: an image and its detections to the image to write.
        args: output, batch, and the flags of `videos.add_video_flags`.
        ending: of the names of the results.
        exact: whether images that come as JPEG shall not be written as such.
        video_suffix: .mp4, .mkv, or the end of a name for numbered images.
        options: further ones of `process_video`.

    Raises:
        DatasetError: an image cannot be read.
        VideoError: a video cannot be read or written.
    """
    targets, errors = outputs.target_stems(paths, args.output, ending=ending), []
    for path in paths:
        stem = targets[path]
        try:
            if outputs.is_video(path):
                target = stem.with_name(stem.name + video_suffix.partition("/")[0])
                target /= video_suffix.partition("/")[2]
                frames = redraw_video(path, target, find, draw, args, **options)
                print(f"{path}: {frames} frames -> {target}")
            else:
                image = outputs.read_image(path)
                (found,) = find([image])
                target = write_image(stem, path, draw(image, found), exact=exact)
                print(f"{path}: {len(found)} objects -> {target}")
        except (DatasetError, VideoError) as error:
            print(f"{path}: not done, or not to its end")
            errors.append(error)
    if errors:
        raise errors[0]


def redraw_video(
    source: Path | str,
    target: Path,
    find: Finder,
    draw: Draw,
    args: argparse.Namespace,
    *,
    track: Callable[[Iterable[Detections]], Iterable[Detections]] = iter,
    **options,
) -> int:
    """Write one video anew; returns the number of frames.

    Args:
        source: the video.
        target: what `process_video` writes.
        find: as in `redraw`.
        draw: likewise.
        args: likewise.
        track: as in `process_video`.
        options: further ones of it.
    """
    from mrcnn.video.pipeline import process_video

    reader, cut = open_video(source, args)
    return process_video(
        reader,
        target,
        find,
        draw,
        batch_size=args.batch,
        cut=cut,
        track=track,
        **options,
    )


def write_image(stem: Path, source: Path, image: np.ndarray, *, exact: bool) -> Path:
    """Write a picture without metadata: as JPEG where it came as such, else as PNG.

    Args:
        stem: its path without suffix.
        source: the file it came from.
        image: uint8 [H, W, 3], RGB.
        exact: whether it shall be PNG in any case.

    Returns:
        The path written.

    Raises:
        DatasetError: it cannot be written.
    """
    from PIL import Image

    is_jpeg = not exact and source.suffix.lower() in (".jpg", ".jpeg")
    target = stem.with_name(stem.name + (".jpg" if is_jpeg else ".png"))
    try:
        Image.fromarray(image).save(target, quality=95)
    except OSError as error:
        raise DatasetError(
            f"Expected to write {target}. Received: {error.strerror or error}. Check "
            "the folder's rights and the space on the disk."
        ) from error
    return target
