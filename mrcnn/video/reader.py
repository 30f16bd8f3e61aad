"""Frames out of a video file or URL, in order, upright, with the time each is shown.

`VideoReader` is what `video.pipeline` reads most videos with; any container and
codec that FFmpeg knows goes in, uint8 RGB frames come out.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from mrcnn.errors import VideoError
from mrcnn.structures import VideoInfo
from mrcnn.video.sources import FrameSource, is_url

logger = logging.getLogger(__name__)

# FFmpeg's number for frames that do not say which YUV matrix they use.
_COLORSPACE_UNSPECIFIED = 2
# Frames a sound file may fall short of what its container announces: a clip cut
# without re-encoding starts with frames that need a predecessor it no longer has.
_TOLERATED_FRAMES = 2
# URLs of these kinds do not wait for whoever reads them.
_LIVE = ("rtsp", "rtsps", "rtmp", "rtp", "udp", "srt")
# Seconds without anything from a URL before it counts as gone.
_PATIENCE = 10


class VideoReader(FrameSource):
    """Reads the frames of a video once, from first to last.

    Frames are turned upright where the file says how the camera was held, and
    `info` describes them after that turn. Damaged packets are skipped, counted in
    `num_damaged` and reported in the log.

    Args:
        path: the video file, or a URL that FFmpeg knows: http, rtsp, rtmp, ...

    Raises:
        VideoError: the file is missing, not a video, or no frame can be decoded;
            while iterating, after the last readable frame: it ends before what its
            container announces.

    Example:
        >>> with VideoReader("clip.mp4") as reader:  # doctest: +SKIP
        ...     frames = list(reader)
    """

    def __init__(self, path: str | Path):
        self.path = path if is_url(path) else Path(path)
        self.name = str(path)
        self.is_live = is_url(path) and path.split(":")[0].lower() in _LIVE
        self.num_damaged = 0
        self._damaged_after = None
        self._num_given = 0
        self._has_jumped = False
        self._container = _open(self.path)
        try:
            self._stream = _video_stream(self._container, self.path)
            self._frames = self._decode()
            self._first = self._first_frame()
            self.info = self._describe(self._first)
        except BaseException:
            self.close()
            raise
        # A second connection to a live source would begin at another moment.
        if self.info.has_audio and not self.is_live:
            self.sound_path = self.path

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._container.close()

    def _frames_from(self, start):
        if start and self._first is not None and self._first.pts is not None:
            self._jump(start)
        end = Fraction(0)
        while self._first is not None:
            frame, self._first = self._first, next(self._frames, None)
            seconds = self._seconds(frame)
            end = seconds + 1 / self.info.fps
            self._num_given += 1
            yield seconds, lambda frame=frame: self._as_array(frame)
        self._check_complete(end)

    def _jump(self, start: Fraction) -> None:
        """Go on at the last key frame before a time; where that fails, stay."""
        ticks = int(start / self._stream.time_base) + (self._stream.start_time or 0)
        try:
            self._container.seek(ticks, stream=self._stream)
        except (av.FFmpegError, OSError):
            return
        self._has_jumped = True
        self._begin_anew()
        if self._first is None or self._seconds(self._first) > start:
            # A file without an index can end up behind the key frame.
            self.close()
            self._container = _open(self.path)
            self._stream = _video_stream(self._container, self.path)
            self._has_jumped = False
            self._begin_anew()

    def _begin_anew(self) -> None:
        self._frames = self._decode()
        self._first = next(self._frames, None)
        # What comes before the first key frame is not damaged.
        self._damaged_after, self.num_damaged = None, 0

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
        self.num_damaged += 1
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
        damaged_after = self._damaged_after
        # A cut last packet is damage too on some versions of FFmpeg; with nothing
        # readable after it, it is the end.
        is_cut = damaged_after is not None and damaged_after >= self._num_given
        if is_cut or self._ends_early(end):
            total = f" of {self.info.num_frames}" if self.info.num_frames else ""
            place = (
                f"{float(end):.1f} seconds"
                if self._has_jumped
                else f"frame {self._num_given}{total}"
            )
            raise VideoError(
                f"Expected a whole video. Received: {self.name}, which ends after "
                f"{place}. Copy or export it again."
            )
        if self.num_damaged:
            logger.warning(
                "%s: %d damaged packets were skipped, the first after frame %d.",
                self.name,
                self.num_damaged,
                damaged_after,
            )

    def _ends_early(self, end: Fraction) -> bool:
        # A trimmed clip still holds, and counts, the frames that its edit list
        # hides, but announces the shorter duration. So count and duration must
        # both fall short, where the container tells both.
        seconds = _announced_seconds(self._stream)
        short = []
        if self.info.num_frames and not self._has_jumped:
            short.append(self._num_given < self.info.num_frames - _TOLERATED_FRAMES)
        if seconds is not None:
            short.append(end < seconds - _TOLERATED_FRAMES / self.info.fps)
        return bool(short) and all(short)


def _open(path: Path | str) -> av.container.InputContainer:
    if is_url(path):
        return _connect(path)
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


def _connect(url: str) -> av.container.InputContainer:
    # Pictures that arrive in pieces over UDP lose some of them; only RTSP can choose.
    options = {"rtsp_transport": "tcp"} if url.lower().startswith("rtsp") else {}
    try:
        return av.open(url, options=options, timeout=float(_PATIENCE))
    except (av.FFmpegError, OSError) as error:
        raise VideoError(
            f"Expected a URL of a video. Received: {url}, which cannot be opened "
            f"({error.strerror}). Check the address and the network."
        ) from error


def _video_stream(container, path: Path | str):
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
