"""Frames out of a video file, in order, upright, with the time each is shown.

`VideoReader` is what `video.pipeline` reads from; any container and codec that
FFmpeg knows goes in, uint8 RGB frames come out.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from mrcnn.errors import VideoError
from mrcnn.structures import VideoInfo

# FFmpeg's number for frames that do not say which YUV matrix they use.
_COLORSPACE_UNSPECIFIED = 2
# Frames a sound file may fall short of what its container announces: a clip cut
# without re-encoding starts with frames that need a predecessor it no longer has.
_TOLERATED_FRAMES = 2


class VideoReader:
    """Reads the frames of a video once, from first to last.

    Frames are turned upright where the file says how the camera was held, and
    `info` describes them after that turn.

    Args:
        path: the video file.

    Raises:
        VideoError: the file is missing, not a video, or no frame can be decoded;
            while iterating, after the last readable frame: it is damaged or ends
            before what its container announces.

    Example:
        >>> with VideoReader("clip.mp4") as reader:  # doctest: +SKIP
        ...     frames = list(reader)
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self._num_given = 0
        self._damaged_after = None
        self._container = _open(self.path)
        try:
            self._stream = _video_stream(self._container, self.path)
            self._frames = self._decode()
            self._first = self._first_frame()
            self.info = self._describe(self._first)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> VideoReader:
        return self

    def __exit__(self, *exception) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._container.close()

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yield each frame, uint8 [H, W, 3], RGB."""
        return (frame for frame, _ in self.timed_frames())

    def timed_frames(self) -> Iterator[tuple[np.ndarray, Fraction]]:
        """Yield each frame with its time, so that varying frame rates survive.

        Yields:
            The frame, uint8 [H, W, 3], RGB, and the seconds between the start of
            the video track and its showing.
        """
        end = Fraction(0)
        while self._first is not None:
            frame, self._first = self._first, next(self._frames, None)
            seconds = self._seconds(frame)
            end = seconds + 1 / self.info.fps
            self._num_given += 1
            yield self._as_array(frame), seconds
        self._check_complete(end)

    def _decode(self) -> Iterator[av.VideoFrame]:
        """Yield what can be decoded; note, rather than raise, what can not."""
        num_decoded = 0
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except (av.FFmpegError, EOFError):
                packet = None
                self._note_damage(num_decoded)
            if packet is None:
                return
            try:
                decoded = packet.decode()
            except av.FFmpegError:
                self._note_damage(num_decoded)
                continue
            num_decoded += len(decoded)
            yield from decoded

    def _note_damage(self, num_decoded: int) -> None:
        if self._damaged_after is None:
            self._damaged_after = num_decoded

    def _first_frame(self) -> av.VideoFrame:
        frame = next(self._frames, None)
        if frame is None:
            raise VideoError(
                "Expected a video with at least one whole frame. Received: "
                f"{self.path}. It is empty or cut short; copy or export it again."
            )
        return frame

    def _describe(self, frame: av.VideoFrame) -> VideoInfo:
        stream = self._stream
        height, width = frame.height, frame.width
        if _quarter_turns(frame) % 2:
            height, width = width, height
        return VideoInfo(
            width=width,
            height=height,
            # Still-image-like tracks name no rate; 25 then, as FFmpeg assumes.
            fps=Fraction(stream.average_rate or stream.guessed_rate or 25),
            num_frames=stream.frames,
            codec=stream.codec_context.name,
            has_audio=bool(self._container.streams.audio),
        )

    def _seconds(self, frame: av.VideoFrame) -> Fraction:
        if frame.pts is None:  # raw streams carry no times
            return self._num_given / self.info.fps
        start = self._stream.start_time or 0
        return frame.pts * frame.time_base - start * self._stream.time_base

    def _as_array(self, frame: av.VideoFrame) -> np.ndarray:
        height, width = self.info.height, self.info.width
        if _quarter_turns(frame) % 2:
            height, width = width, height
        # Untagged high-definition video is BT.709 by convention; FFmpeg would take
        # it for BT.601, and greens would shift.
        guess_bt709 = (
            frame.colorspace == _COLORSPACE_UNSPECIFIED and min(height, width) >= 720
        )
        rgb = frame.reformat(
            format="rgb24",
            width=width,
            height=height,
            src_colorspace="ITU709" if guess_bt709 else None,
        )
        array = np.rot90(rgb.to_ndarray(), _quarter_turns(frame))
        return np.ascontiguousarray(array)

    def _check_complete(self, end: Fraction) -> None:
        if self._damaged_after is None and not self._ends_early(end):
            return
        total = f" of {self.info.num_frames}" if self.info.num_frames else ""
        # A cut last packet is damage too on some versions of FFmpeg; with nothing
        # readable after it, it is the end.
        is_cut = self._damaged_after is None or self._damaged_after >= self._num_given
        what = (
            f"which ends after frame {self._num_given}{total}"
            if is_cut
            else f"damaged after frame {self._damaged_after}{total} "
            f"({self._num_given} could be read)"
        )
        raise VideoError(
            f"Expected a whole video. Received: {self.path}, {what}. Copy or export it "
            "again."
        )

    def _ends_early(self, end: Fraction) -> bool:
        # A trimmed clip still holds, and counts, the frames that its edit list
        # hides, but announces the shorter duration. So count and duration must
        # both fall short, where the container tells both.
        seconds = _announced_seconds(self._stream)
        short = []
        if self.info.num_frames:
            short.append(self._num_given < self.info.num_frames - _TOLERATED_FRAMES)
        if seconds is not None:
            short.append(end < seconds - _TOLERATED_FRAMES / self.info.fps)
        return bool(short) and all(short)


def _open(path: Path) -> av.container.InputContainer:
    if not path.is_file():
        found = "a folder" if path.is_dir() else "no such file"
        raise VideoError(
            f"Expected a video file. Received: {path} ({found}). Check the path."
        )
    try:
        return av.open(str(path))
    except (av.FFmpegError, OSError) as error:
        raise VideoError(
            f"Expected a video file. Received: {path}, which cannot be opened as one "
            f"({error.strerror}). It is of another kind or cut short; copy or export "
            "it again, as mp4 for example."
        ) from error


def _video_stream(container, path: Path):
    kind = container.format.name
    if kind.startswith("image2") or kind.endswith("_pipe"):
        raise VideoError(
            f"Expected a video file. Received: {path}, a still picture. Use the "
            "commands for images."
        )
    # The cover of a music file is a video track of one picture.
    streams = [
        stream
        for stream in container.streams.video
        if not stream.disposition & av.stream.Disposition.attached_pic
    ]
    if not streams:
        raise VideoError(
            f"Expected a video track. Received: {path}, which has none. Check that it "
            "is not a sound file."
        )
    streams[0].thread_type = "AUTO"
    return streams[0]


def _quarter_turns(frame: av.VideoFrame) -> int:
    """Quarter turns, counter-clockwise, that bring the frame upright."""
    return round(frame.rotation / 90) % 4


def _announced_seconds(stream) -> Fraction | None:
    if stream.duration is not None:
        return stream.duration * stream.time_base
    # Matroska keeps the duration of each track in a tag, "00:01:02.040000000".
    parts = stream.metadata.get("DURATION", "").split(":")
    try:
        hours, minutes, seconds = map(Fraction, parts)
    except ValueError:
        return None
    return hours * 3600 + minutes * 60 + seconds
