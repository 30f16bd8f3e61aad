"""Frames into an mp4 that plays everywhere or an exact mkv, with their source's sound.

`VideoWriter` is what `video.pipeline` writes to: uint8 RGB frames go in; a file
appears under its name only when it is finished, and is then playable, also when
the work was broken off in the middle.
"""

from __future__ import annotations

import contextlib
import logging
import os
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from mrcnn.errors import VideoError
from mrcnn.video.image_writer import checked_frame
from mrcnn.video.sound import SoundTracks

logger = logging.getLogger(__name__)

# Steps between two frames of a regular video. Times fall on the nearest: coarse
# enough that the rounded milliseconds of Matroska land on the regular grid again,
# fine enough that a varying rate keeps its times to a 32nd of a frame.
_TICKS_PER_FRAME = 16
# Near-transparent quality; the slower presets save few bytes beside detection's cost.
_H264 = {
    "codec": "libx264",
    "pix_fmt": "yuv420p",
    "options": {"crf": "19", "preset": "veryfast"},
}
# RGB as it is: Matroska's usual lossless codec, all of its frames key frames.
_FFV1 = {"codec": "ffv1", "pix_fmt": "bgr0", "options": {"level": "3", "g": "1"}}
_KINDS = {
    ".mp4": ("mp4", _H264),
    ".m4v": ("mp4", _H264),
    ".mkv": ("matroska", _FFV1),
}


class VideoWriter:
    """Writes frames as H.264 (yuv420p, metadata first) or, lossless, as FFV1.

    Use it in a `with` statement: at its end the file is finished and takes its
    name; after an error likewise, with the frames written so far. H.264 with
    yuv420p needs even sides: a last odd row or column is repeated once, so the
    file may be a pixel wider or higher than the frames. FFV1 keeps size and colours
    exactly.

    Args:
        path: the file to make or replace; .mp4 is H.264, .mkv is FFV1. Its folder is
            created.
        width: pixels of the frames.
        height: pixels of the frames.
        fps: frames per second, exact.
        audio_from: file or URL whose sound tracks are kept, or None. They are
            copied unchanged where an mp4 can hold them, else encoded as AAC.
        audio_start: seconds of it that are left out before the first frame.
        audio_end: seconds of it, the first that are left out again; None for all.

    Raises:
        VideoError: the file cannot be written, or a frame does not fit.

    Example:
        >>> with VideoWriter(  # doctest: +SKIP
        ...     "out.mp4", width=640, height=480, fps=Fraction(25)
        ... ) as writer:
        ...     writer.write(np.zeros((480, 640, 3), np.uint8))
    """

    def __init__(
        self,
        path: str | Path,
        *,
        width: int,
        height: int,
        fps: Fraction,
        audio_from: str | Path | None = None,
        audio_start: Fraction = Fraction(0),
        audio_end: Fraction | None = None,
    ):
        self.path = Path(path)
        kind = _KINDS.get(self.path.suffix.lower())
        if kind is None:
            raise VideoError(
                f"Expected the name of an mp4 or mkv file. Received: {self.path}. End "
                "the name in .mp4; or in .mkv or %06d.png to lose nothing."
            )
        self._format, self._encoding = kind
        self.num_frames = 0
        self._frame_shape = (height, width, 3)
        # Beside the target, so that the renaming stays on one disk and is atomic.
        self._partial = self.path.with_name(
            f".{self.path.stem}.partial{self.path.suffix}"
        )
        self._container = self._sound = None
        try:
            self._open(width, height, fps)
            with self._reported():
                if audio_from is not None:
                    self._sound = SoundTracks(
                        audio_from, self._container, start=audio_start, end=audio_end
                    )
                self._container.start_encoding()
        except BaseException:
            self._discard()
            raise

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(self, kind, error, traceback) -> None:
        if error is None:
            self.close()
            return
        try:
            self._finish(whole=False)
        except VideoError as second:  # the caller's own error is the one to raise
            logger.warning("%s", second)

    def write(self, frame: np.ndarray, seconds: Fraction | None = None) -> None:
        """Append a frame.

        Args:
            frame: uint8 [H, W, 3], RGB, of the size the writer was made for.
            seconds: when to show it, from the start; None is one regular interval
                after the frame before. Times out of order move to the next tick.

        Raises:
            VideoError: shape or dtype differ, or the file cannot be written.
        """
        frame = checked_frame(frame, self._frame_shape, self.path)
        ticks = self._next_ticks
        if seconds is not None:
            ticks = max(self._last_ticks + 1, round(seconds / self._time_base))
        picture = self._as_picture(frame)
        picture.pts, picture.time_base = ticks, self._time_base
        with self._reported():
            if self._sound is not None:
                self._sound.copy_until(ticks * self._time_base)
            self._mux(self._stream.encode(picture))
        self._last_ticks, self._next_ticks = ticks, ticks + _TICKS_PER_FRAME
        self.num_frames += 1

    def close(self) -> None:
        """Finish the file and give it its name.

        Raises:
            VideoError: no frame was written, or the file cannot be finished.
        """
        self._finish(whole=True)

    def _open(self, width, height, fps) -> None:
        # limit_denominator keeps every broadcast rate (30000/1001) and spares the
        # container time bases beyond 32 bits, which averages of phone clips give.
        self._time_base = 1 / (Fraction(fps).limit_denominator(1001) * _TICKS_PER_FRAME)
        self._last_ticks, self._next_ticks = -1, 0
        options = {"movflags": "faststart"} if self._format == "mp4" else {}
        with self._reported():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._container = av.open(
                str(self._partial), "w", self._format, options=options
            )
            self._stream = self._container.add_stream(
                self._encoding["codec"], rate=Fraction(fps)
            )
        stream, context = self._stream, self._stream.codec_context
        stream.pix_fmt = self._encoding["pix_fmt"]
        stream.options = dict(self._encoding["options"])
        context.time_base = self._time_base
        if self._encoding is _FFV1:
            stream.width, stream.height = width, height
            return
        stream.width, stream.height = width + width % 2, height + height % 2
        # Say which YUV matrix is used, BT.709 from high definition on: players
        # that must guess shift the colours.
        self._matrix, number = (
            ("ITU709", 1) if min(width, height) >= 720 else ("ITU601", 6)
        )
        context.colorspace = context.color_primaries = context.color_trc = number
        context.color_range = 1

    def _as_picture(self, frame: np.ndarray) -> av.VideoFrame:
        if self._encoding is _FFV1:
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), "rgb24")
            return picture.reformat(format=_FFV1["pix_fmt"])
        height, width = frame.shape[:2]
        if height % 2 or width % 2:
            pad = ((0, height % 2), (0, width % 2), (0, 0))
            frame = np.pad(frame, pad, mode="edge")
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), "rgb24")
        return picture.reformat(format="yuv420p", dst_colorspace=self._matrix)

    def _mux(self, packets) -> None:
        for packet in packets:
            if not packet.duration:
                packet.duration = round(
                    _TICKS_PER_FRAME * self._time_base / packet.time_base
                )
            self._container.mux(packet)

    def _finish(self, *, whole: bool) -> None:
        """Close the file; keep what it holds unless that is nothing."""
        if self._container is None:
            return
        try:
            if not self.num_frames:
                if whole:
                    raise VideoError(
                        f"Expected at least one frame for {self.path}. Received: none. "
                        "Check the source."
                    )
                return
            with self._reported():
                self._mux(self._stream.encode(None))
                if self._sound is not None:
                    end = None if whole else self._next_ticks * self._time_base
                    self._sound.copy_until(end)
                    self._sound.finish()
                self._container.close()
                os.replace(self._partial, self.path)
        finally:
            self._discard()

    def _discard(self) -> None:
        if self._sound is not None:
            self._sound.close()
        if self._container is not None:
            # Closing a broken file fails a second time; the first error is known.
            with contextlib.suppress(av.FFmpegError, OSError):
                self._container.close()
            self._container = None
        with contextlib.suppress(OSError):  # its folder may not even exist
            self._partial.unlink()

    @contextlib.contextmanager
    def _reported(self):
        try:
            yield
        except (av.FFmpegError, OSError) as error:
            raise VideoError(
                f"Expected to write {self.path}. Received: {error.strerror or error}. "
                "Check the folder's rights and the space on the disk."
            ) from error
