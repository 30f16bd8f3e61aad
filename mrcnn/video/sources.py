"""Where frames come from: a video file, a URL, numbered images, or a camera.

`video.pipeline` reads every one of them as a `FrameSource`; `open_source` chooses by
the name. `VideoReader` in `video.reader` is the one for files and URLs.
"""

from __future__ import annotations

import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from mrcnn.data.images import read_image
from mrcnn.errors import VideoError
from mrcnn.structures import VideoInfo

# Of image sequences and cameras that name none; FFmpeg assumes the same.
_USUAL_FPS = Fraction(25)
# The number in the name of numbered images, as FFmpeg and printf write it.
NUMBER = re.compile(r"%(0\d+)?d")


@dataclass(frozen=True)
class Cut:
    """Which frames of a source to take.

    Attributes:
        start: seconds from the beginning.
        end: seconds from the beginning, the first that is left out; None for all.
        stride: take every how manieth frame. Times stay as they are, so that the
            result lasts as long and its sound fits.

    Raises:
        VideoError: no frame can lie between start and end, or stride is below 1.
    """

    start: Fraction = Fraction(0)
    end: Fraction | None = None
    stride: int = 1

    def __post_init__(self):
        for name in ("start", "end"):
            value = getattr(self, name)
            if value is not None:
                # The decimal that was written, not the binary number next to it.
                object.__setattr__(self, name, Fraction(str(value)))
        if self.start < 0 or self.stride < 1:
            raise VideoError(
                "Expected a start of 0 or more and a stride of 1 or more. Received: "
                f"start={float(self.start)}, stride={self.stride}. Correct them."
            )
        if self.end is not None and self.end <= self.start:
            raise VideoError(
                "Expected an end after the start. Received: "
                f"start={float(self.start)}, end={float(self.end)} seconds."
            )

    def num_frames(self, info: VideoInfo) -> int:
        """Return about how many frames are taken; 0 where that is not known."""
        last = self.end
        if info.num_frames:
            length = info.num_frames / info.fps
            last = length if last is None else min(last, length)
        if last is None:
            return 0
        return -(-round((last - self.start) * info.fps) // self.stride)


class FrameSource(ABC):
    """Frames in order, upright, with their times. A context manager.

    Attributes:
        name: of the source, for messages.
        info: size, rate and what else is known.
        sound_path: the file or URL whose sound belongs to the frames, or None.
        is_live: whether frames come in their own time and are lost when not read.
    """

    name: str
    info: VideoInfo
    sound_path: Path | str | None = None
    is_live = False

    def __enter__(self) -> FrameSource:
        return self

    def __exit__(self, *exception) -> None:
        self.close()

    @abstractmethod
    def close(self) -> None:
        """Give up what is held open; may be called twice."""

    @abstractmethod
    def _frames_from(
        self, start: Fraction
    ) -> Iterator[tuple[Fraction, Callable[[], np.ndarray]]]:
        """Yield the time of each frame and what makes its array.

        It may begin at any frame that is not after `start`.
        """

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield each frame, uint8 [H, W, 3], RGB."""
        return (frame for frame, _ in self.timed_frames())

    def timed_frames(
        self, cut: Cut | None = None
    ) -> Iterator[tuple[np.ndarray, Fraction]]:
        """Yield each frame with its time, so that varying frame rates survive.

        Args:
            cut: which frames; None is all of them.

        Yields:
            The frame, uint8 [H, W, 3], RGB, and the seconds between the beginning
            of the source and its showing.

        Raises:
            VideoError: after the last readable frame: there should be more.
        """
        cut = cut or Cut()
        num_passed = 0
        for seconds, as_array in self._frames_from(cut.start):
            if seconds < cut.start:
                continue
            if cut.end is not None and seconds >= cut.end:
                return
            if num_passed % cut.stride == 0:
                yield as_array(), seconds
            num_passed += 1


def open_source(
    source: str | Path | int, *, fps: Fraction | float | None = None
) -> FrameSource:
    """Open whatever a name stands for.

    Args:
        source: a video file; a URL (http, rtsp and others that FFmpeg knows); a
            pattern of numbered images, ``shots/%04d.png``; or the number of a
            camera, 0 for the first.
        fps: frames per second of numbered images; None is 25.

    Raises:
        VideoError: it cannot be opened.
        DatasetError: the first of the numbered images cannot be read.

    Example:
        >>> with open_source("clip.mp4") as frames:  # doctest: +SKIP
        ...     print(frames.info.fps)
    """
    text = str(source)
    if text.isdecimal() and not Path(text).exists():
        return Camera(int(text))
    if NUMBER.search(Path(text).name) and not is_url(source):
        return ImageSequence(text, fps=fps)
    from mrcnn.video.reader import VideoReader

    return VideoReader(source)


def is_url(source: str | Path | int) -> bool:
    """Return whether a source is a URL rather than a file.

    Example:
        >>> is_url("rtsp://door/1"), is_url("C:/clip.mp4")
        (True, False)
    """
    return isinstance(source, str) and re.match(r"\w{2,}://", source) is not None


def is_stream_name(text: str) -> bool:
    """Return whether a text names a source of frames that is no single file.

    Example:
        >>> [is_stream_name(text) for text in ("0", "a/%03d.png", "rtsp://door", "a")]
        [True, True, True, False]
    """
    return (
        text.isdecimal() or is_url(text) or NUMBER.search(Path(text).name) is not None
    )


class ImageSequence(FrameSource):
    """Numbered images as the frames of a video.

    Args:
        pattern: their path with ``%d`` or ``%04d`` in place of the number; missing
            numbers are no gap.
        fps: frames per second; None is 25.

    Raises:
        VideoError: there are none; while iterating, one has another size.
        DatasetError: one cannot be read.
    """

    def __init__(self, pattern: str | Path, *, fps: Fraction | float | None = None):
        self.name = str(pattern)
        self._paths = _numbered(Path(pattern))
        self._first = read_image(self._paths[0])
        self.info = VideoInfo(
            width=self._first.shape[1],
            height=self._first.shape[0],
            fps=_USUAL_FPS if fps is None else Fraction(str(fps)),
            num_frames=len(self._paths),
            codec="images",
            has_audio=False,
        )

    def close(self) -> None:
        """Nothing is held open."""

    def _frames_from(self, start):
        for i, path in enumerate(self._paths):
            yield i / self.info.fps, lambda path=path: self._read(path)

    def _read(self, path: Path) -> np.ndarray:
        image = read_image(path)
        if image.shape != self._first.shape:
            raise VideoError(
                f"Expected images of {self.info.width} x {self.info.height} pixels, "
                f"as the first of {self.name}. Received: {path} with "
                f"{image.shape[1]} x {image.shape[0]}. Scale it or leave it out."
            )
        return image


class Camera(FrameSource):
    """A camera of this machine, read by OpenCV; ends when it is unplugged, or never.

    The time of a frame is that of its arrival.

    Args:
        index: 0 for the first camera.

    Raises:
        VideoError: there is none, or it gives no picture; while iterating, it has
            stopped giving any.
    """

    is_live = True

    def __init__(self, index: int):
        import cv2

        self.name = f"camera {index}"
        self._capture = cv2.VideoCapture(index)
        ok, first = self._capture.read()
        if not ok:
            self.close()
            raise VideoError(
                f"Expected a camera with the number {index}. Received: no picture "
                "from it. Check that it is plugged in and that no other program "
                "uses it; the first camera is 0."
            )
        self.info = VideoInfo(
            width=first.shape[1],
            height=first.shape[0],
            fps=Fraction(self._capture.get(cv2.CAP_PROP_FPS) or _USUAL_FPS),
            num_frames=0,
            codec="camera",
            has_audio=False,
        )

    def close(self) -> None:
        """Let go of the camera."""
        self._capture.release()

    def _frames_from(self, start):
        beginning = time.monotonic()
        while True:
            ok, bgr = self._capture.read()
            if not ok:
                raise VideoError(
                    f"Expected pictures until the end. Received: {self.name}, which "
                    "stopped giving any. Check its cable."
                )
            seconds = Fraction(time.monotonic() - beginning).limit_denominator(10**6)
            yield seconds, lambda bgr=bgr: np.ascontiguousarray(bgr[..., ::-1])


def _numbered(pattern: Path) -> list[Path]:
    before, after = re.split(NUMBER, pattern.name, maxsplit=1)[::2]
    name = re.compile(re.escape(before) + r"(\d+)" + re.escape(after))
    folder = pattern.parent
    found = {}
    for path in folder.iterdir() if folder.is_dir() else ():
        if match := name.fullmatch(path.name):
            found[path] = int(match[1])
    if not found:
        raise VideoError(
            f"Expected numbered images. Received: {pattern}, of which there is none. "
            "Check the folder and the digits, shots/%04d.png for example."
        )
    return sorted(found, key=found.get)
