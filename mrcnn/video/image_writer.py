"""Frames into numbered PNG files, pixel by pixel as they are.

`video.pipeline` writes to an `ImageWriter` where its target is named like
``masks/%06d.png``; `sources.ImageSequence` reads such images back.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

from mrcnn.errors import VideoError
from mrcnn.video.sources import NUMBER


def is_numbered(path: str | Path) -> bool:
    """Return whether a name stands for numbered PNG images.

    Example:
        >>> is_numbered("masks/%06d.png"), is_numbered("masks.mp4")
        (True, False)
    """
    path = Path(path)
    return path.suffix.lower() == ".png" and NUMBER.search(path.name) is not None


def checked_frame(
    frame: np.ndarray, shape: tuple[int, int, int], path: Path
) -> np.ndarray:
    """Return a frame as an array, refused if it is not what a writer was made for.

    Args:
        frame: uint8 [H, W, 3].
        shape: (H, W, 3) that it has to have.
        path: what is written, for the message.

    Raises:
        VideoError: shape or dtype differ.
    """
    frame = np.asarray(frame)
    if frame.shape != shape or frame.dtype != np.uint8:
        raise VideoError(
            f"Expected a frame uint8 {shape} for {path}. Received: {frame.dtype} "
            f"{frame.shape}. Draw on the frame without resizing it."
        )
    return frame


class ImageWriter:
    """Writes frames as PNG images, numbered from 0; used as a `VideoWriter` is.

    Args:
        path: name of the images with ``%d`` or ``%06d`` in place of the number, and
            .png at its end. Images of these names are replaced, the folder is made.
        width: pixels of the frames.
        height: pixels of the frames.

    Raises:
        VideoError: an image cannot be written, or a frame does not fit.

    Example:
        >>> with ImageWriter(  # doctest: +SKIP
        ...     "masks/%06d.png", width=640, height=480
        ... ) as writer:
        ...     writer.write(np.zeros((480, 640, 3), np.uint8))
    """

    def __init__(self, path: str | Path, *, width: int, height: int):
        self.path = Path(path)
        if not is_numbered(path):
            raise VideoError(
                f"Expected a name for numbered PNG images. Received: {self.path}. End "
                "the name in %06d.png."
            )
        self.num_frames = 0
        self._frame_shape = (height, width, 3)

    def __enter__(self) -> ImageWriter:
        return self

    def __exit__(self, *exception) -> None:
        """Nothing is held open."""

    def write(self, frame: np.ndarray, seconds: Fraction | None = None) -> None:
        """Write the next image.

        Args:
            frame: uint8 [H, W, 3], RGB, of the size the writer was made for.
            seconds: not kept.

        Raises:
            VideoError: shape or dtype differ, or the file cannot be written.
        """
        frame = checked_frame(frame, self._frame_shape, self.path)
        # Not the operator %: there may be another one in the name.
        number = f"{self.num_frames:{NUMBER.search(self.path.name)[1] or ''}d}"
        path = self.path.with_name(NUMBER.sub(number, self.path.name, count=1))
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(frame).save(path)
        except OSError as error:
            raise VideoError(
                f"Expected to write {path}. Received: {error.strerror or error}. "
                "Check the folder's rights and the space on the disk."
            ) from error
        self.num_frames += 1
