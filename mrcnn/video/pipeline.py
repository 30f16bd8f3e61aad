"""A video to a video: read, detect, draw, write, each in its own time.

The samples and the command line hand `process_video` two callables, so this
module knows neither network nor drawing. Reading and writing run in a thread
each, a bounded number of frames ahead and behind, while detection works in the
caller's thread.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import numpy as np
from tqdm import tqdm

from mrcnn.errors import VideoError
from mrcnn.structures import Detections
from mrcnn.video.reader import VideoReader
from mrcnn.video.writer import VideoWriter

logger = logging.getLogger(__name__)

# Frames that may wait on either side of detection: enough to keep it busy, and
# some 200 MB each at 4K.
_FRAMES_WAITING = 8


def process_video(
    source: str | Path,
    target: str | Path,
    detect: Callable[[list[np.ndarray]], list[Detections]],
    draw: Callable[[np.ndarray, Detections], np.ndarray],
    *,
    batch_size: int = 1,
    progress: bool | None = None,
) -> int:
    """Write a video with something drawn on every frame; times and sound are kept.

    The first error of any part is raised as it is, after what came before it was
    written: the target is then a shorter, playable file. So it is after Ctrl-C.

    Args:
        source: the video to read.
        target: the mp4 file to make or replace.
        detect: from 1 to `batch_size` frames, uint8 [H, W, 3], RGB, to as many
            detections. Called in this thread.
        draw: a frame and its detections to a frame of the same size.
        batch_size: frames handed to `detect` at once; the last may be fewer.
        progress: whether to show a bar with rate and remaining time; None shows
            it on a terminal only.

    Returns:
        Number of frames written.

    Raises:
        VideoError: source cannot be read or is damaged; target cannot be written.

    Example:
        >>> process_video(  # doctest: +SKIP
        ...     "clip.mp4", "out.mp4", detect, draw, batch_size=4
        ... )
        173
    """
    source, target = Path(source), Path(target)
    if target.exists() and source.exists() and target.samefile(source):
        raise VideoError(
            f"Expected a target other than the source. Received: {target} for both. "
            "Give the result another name."
        )
    with VideoReader(source) as reader:
        info = reader.info
        writer = VideoWriter(
            target,
            width=info.width,
            height=info.height,
            fps=info.fps,
            audio_from=source if info.has_audio else None,
        )
        bar = tqdm(
            total=info.num_frames or None,
            desc=source.name,
            unit=" frames",
            disable=None if progress is None else not progress,
        )
        try:
            with (
                bar,
                writer,
                _WriteBehind(writer, _FRAMES_WAITING) as behind,
                # Closed here, so that no thread reads from a closed file.
                closing(_read_ahead(reader.timed_frames(), _FRAMES_WAITING)) as frames,
            ):
                for batch in _batches(frames, batch_size):
                    images = [frame for frame, _ in batch]
                    results = detect(images)
                    for (image, seconds), found in zip(batch, results, strict=True):
                        behind.write(draw(image, found), seconds)
                        bar.update()
        except BaseException:
            if writer.num_frames:
                logger.warning(
                    "%s holds the %d frames up to the error.", target, writer.num_frames
                )
            raise
    return writer.num_frames


def _read_ahead(items: Iterable, depth: int) -> Iterator:
    """Yield the items in order while a thread takes up to `depth` more."""
    iterator = iter(items)
    end = object()
    # One worker, so that the calls of next() neither overlap nor overtake.
    with ThreadPoolExecutor(1, "video-reader") as thread:
        waiting = deque(thread.submit(next, iterator, end) for _ in range(depth))
        try:
            while (item := waiting.popleft().result()) is not end:
                waiting.append(thread.submit(next, iterator, end))
                yield item
        finally:
            for future in waiting:
                future.cancel()


def _batches(items: Iterable, size: int) -> Iterator[list]:
    batch = []
    try:
        for item in items:
            batch.append(item)
            if len(batch) == size:
                yield batch
                batch = []
    except Exception:
        # What was read before the damage is still worth writing.
        if batch:
            yield batch
        raise
    if batch:
        yield batch


class _WriteBehind:
    """Writes frames in a thread; `write` waits while `depth` frames wait."""

    def __init__(self, writer: VideoWriter, depth: int):
        self._writer = writer
        self._depth = depth
        self._waiting = deque()
        self._broken = False
        self._thread = ThreadPoolExecutor(1, "video-writer")

    def __enter__(self) -> _WriteBehind:
        return self

    def __exit__(self, kind, error, traceback) -> None:
        try:
            # After an error elsewhere what is drawn is still written, but that
            # error is the one to raise.
            while error is None and self._waiting:
                self._waiting.popleft().result()
        finally:
            self._thread.shutdown()

    def write(self, frame: np.ndarray, seconds: Fraction) -> None:
        """Queue a frame; raises what an earlier one met."""
        while self._waiting and (
            len(self._waiting) >= self._depth or self._waiting[0].done()
        ):
            self._waiting.popleft().result()
        self._waiting.append(self._thread.submit(self._write, frame, seconds))

    def _write(self, frame, seconds) -> None:
        # Frames queued behind one that failed would leave a gap in the video.
        if self._broken:
            return
        self._broken = True
        self._writer.write(frame, seconds)
        self._broken = False
