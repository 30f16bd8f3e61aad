"""The sound tracks of one file into another, in step with its pictures.

`video.writer` calls `SoundTracks.copy_until` before each frame it writes, so that
sound and pictures lie side by side in the file and a broken-off video ends with
both.
"""

from __future__ import annotations

import contextlib
import logging
from fractions import Fraction
from pathlib import Path

import av

from mrcnn.errors import VideoError

logger = logging.getLogger(__name__)

# What an mp4 may hold and players understand; anything else becomes AAC.
_COPIED_CODECS = ("aac", "mp3", "ac3", "eac3", "alac", "opus")
# Samples per second that AAC knows.
_AAC_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)


class SoundTracks:
    """Hands the sound of a file on to an mp4 that is being written.

    Times are shifted by the start of the file's video track, as those of
    `VideoReader.timed_frames` are.

    Args:
        path: the file or URL with the sound; one without any is no error.
        target: the open output container, before its header is written.
        start: seconds from the start of the video track; what begins earlier is
            left out, and the rest moved to the front by as much.
        end: seconds likewise, the first that are left out; None for all.

    Raises:
        VideoError: the file cannot be opened.
    """

    def __init__(
        self,
        path: str | Path,
        target: av.container.OutputContainer,
        *,
        start: Fraction = Fraction(0),
        end: Fraction | None = None,
    ):
        self._path = path
        self._is_cut = start > 0
        self._end = None if end is None else end - start
        self._target = target
        self._waiting = None
        try:
            self._source = av.open(str(path))
        except (av.FFmpegError, OSError) as error:
            raise VideoError(
                f"Expected a file to take the sound from. Received: {path} "
                f"({error.strerror}). Check the path."
            ) from error
        streams = self._source.streams.audio
        self._tracks = {stream.index: _Track(stream, target) for stream in streams}
        self._packets = self._source.demux(*streams) if streams else iter(())
        self._start = Fraction(0)
        for video in self._source.streams.video[:1]:
            self._start = (video.start_time or 0) * video.time_base
        self._start += start
        if start and streams:
            # What cannot jump is read from its beginning.
            with contextlib.suppress(av.FFmpegError, OSError):
                self._source.seek(int(self._start * av.time_base))

    def copy_until(self, seconds: Fraction | None) -> None:
        """Hand on what begins before a time.

        Args:
            seconds: from the first picture; None is everything.
        """
        if seconds is None or (self._end is not None and seconds > self._end):
            seconds = self._end
        while (packet := self._next_packet()) is not None:
            shift = round(self._start / packet.time_base)
            start = (packet.pts - shift) * packet.time_base
            if seconds is not None and start >= seconds:
                return
            self._waiting = None
            if self._is_cut and start < 0:
                continue
            self._target.mux(self._tracks[packet.stream.index].packets(packet, shift))

    def finish(self) -> None:
        """Write what the encoders still hold."""
        for track in self._tracks.values():
            self._target.mux(track.last_packets())

    def close(self) -> None:
        """Close the source; may be called twice."""
        self._source.close()

    def _next_packet(self) -> av.Packet | None:
        """Return the packet whose turn it is, without taking it."""
        while self._waiting is None:
            try:
                packet = next(self._packets, None)
            except (av.FFmpegError, EOFError) as error:
                # The reader of the pictures raises for a damaged file.
                logger.warning("The sound of %s ends early: %s", self._path, error)
                packet, self._packets = None, iter(())
            if packet is None:
                return None
            # Each track ends with an empty packet that has no time.
            if packet.dts is not None and packet.pts is not None:
                self._waiting = packet
        return self._waiting


class _Track:
    """One sound track: copied as it is, or encoded as AAC."""

    def __init__(self, source, target):
        context = source.codec_context
        self._copies = context.name in _COPIED_CODECS
        if self._copies:
            self._stream = target.add_stream_from_template(source)
            return
        rate = context.sample_rate if context.sample_rate in _AAC_RATES else 48000
        layout = "mono" if context.channels == 1 else "stereo"
        self._stream = target.add_stream("aac", rate=rate, layout=layout)
        self._resampler = av.AudioResampler("fltp", layout, rate)

    def packets(self, packet: av.Packet, shift: int) -> list[av.Packet]:
        if self._copies:
            packet.pts -= shift
            packet.dts -= shift
            packet.stream = self._stream
            return [packet]
        try:
            frames = packet.decode()
        except av.FFmpegError as error:
            logger.warning("A piece of the sound is damaged and left out: %s", error)
            frames = []
        encoded = []
        for decoded in frames:
            if decoded.pts is not None:
                decoded.pts -= shift
            for frame in self._resampler.resample(decoded):
                encoded += self._stream.encode(frame)
        return encoded

    def last_packets(self) -> list[av.Packet]:
        return [] if self._copies else self._stream.encode(None)
