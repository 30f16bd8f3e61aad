"""A video to a video: read, detect, draw, write, each in its own time.

The samples and the command line hand `process_video` two callables, so this
module knows neither network nor drawing. Reading and writing run in a thread
each, a bounded number of frames ahead and behind, while detection works in the
caller's thread.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from fractions import Fraction
from itertools import chain
from pathlib import Path

import numpy as np
from tqdm import tqdm

from mrcnn.errors import VideoError
from mrcnn.structures import Detections, VideoInfo
from mrcnn.video.image_writer import ImageWriter, is_numbered
from mrcnn.video.sources import Cut, FrameSource, open_source
from mrcnn.video.writer import VideoWriter

logger = logging.getLogger(__name__)

# Frames that may wait on either side of detection: enough to keep it busy, and the
# fewer the larger they are.
_FRAMES_WAITING = 8
_BYTES_WAITING = 100_000_000


def process_video(
    source: str | Path | int | FrameSource,
    target: str | Path,
    detect: Callable[[list[np.ndarray]], list[Detections]],
    draw: Callable[[np.ndarray, Detections], np.ndarray],
    *,
    batch_size: int = 1,
    cut: Cut | None = None,
    track: Callable[[Iterable[Detections]], Iterable[Detections]] = iter,
    record: Callable[[int, Fraction, Detections], None] | None = None,
    target_hw: tuple[int, int] | None = None,
    keep_sound: bool = True,
    progress: bool | None = None,
) -> int:
    """Write a video with something drawn on every frame; times and sound are kept.

    The first error of any part is raised as it is, after what came before it was
    written: the target is then a shorter, playable file. So it is after Ctrl-C.
    Live sources do not wait: what arrives while `detect` works is dropped, and the
    log tells how much; they have no sound.

    Args:
        source: the video to read, or what else `open_source` opens.
        target: the mp4 file to make or replace; an mkv file, whose colours are exact;
            or numbered images, ``masks/%06d.png``, which have no sound.
        detect: from 1 to `batch_size` frames, uint8 [H, W, 3], RGB, to as many
            detections. Called in this thread.
        draw: a frame and its detections to the frame to write, uint8 [H, W, 3], RGB.
        batch_size: frames handed to `detect` at once; the last may be fewer.
        cut: which frames; None is all of them.
        track: from the detections of all frames, in order, to as many, such as
            `tracking.track`; they may come some frames late.
        record: called after each frame with its number in the target, its seconds
            from the beginning of the source, and its detections.
        target_hw: height and width of what `draw` gives; None is that of the source.
        keep_sound: whether the target has the sound of the source.
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
    target, cut = Path(target), cut or Cut()
    reader = source if isinstance(source, FrameSource) else open_source(source)
    with reader:
        _check_names(reader, target)
        ahead = _newest if reader.is_live else _read_ahead
        depth = _depth(reader.info)
        # Closed before the reader, so that no thread reads from a closed file.
        with closing(ahead(reader.timed_frames(cut), depth)) as frames:
            first = _first_of(frames, reader, cut)
            start = first[1] if cut.start else Fraction(0)
            height, width = target_hw or (reader.info.height, reader.info.width)
            if is_numbered(target):
                writer = ImageWriter(target, width=width, height=height)
            else:
                writer = VideoWriter(
                    target,
                    width=width,
                    height=height,
                    fps=reader.info.fps / cut.stride,
                    audio_from=reader.sound_path if keep_sound else None,
                    audio_start=start,
                    audio_end=cut.end,
                )
            bar = tqdm(
                total=cut.num_frames(reader.info) or None,
                desc=Path(reader.name).name,
                unit=" frames",
                disable=None if progress is None else not progress,
            )
            batches = _batches(chain([first], frames), batch_size)
            with (
                _told_what_is_kept(writer),
                bar,
                writer,
                _WriteBehind(writer, depth) as behind,
            ):
                timed = _tracked(batches, detect, track)
                for number, (image, seconds, found) in enumerate(timed):
                    behind.write(draw(image, found), seconds - start)
                    if record is not None:
                        record(number, seconds, found)
                    bar.update()
    return writer.num_frames


@contextlib.contextmanager
def _told_what_is_kept(writer: VideoWriter | ImageWriter) -> Iterator[None]:
    try:
        yield
    except BaseException:
        if writer.num_frames:
            logger.warning(
                "%s holds the %d frames up to the error.",
                writer.path,
                writer.num_frames,
            )
        raise


def _depth(info: VideoInfo) -> int:
    frames = _BYTES_WAITING // (3 * info.height * info.width)
    return max(2, min(_FRAMES_WAITING, frames))


def _check_names(reader: FrameSource, target: Path) -> None:
    # Of os: a URL can be longer than Path takes for a name.
    both_exist = target.exists() and os.path.exists(reader.name)
    if both_exist and target.samefile(reader.name):
        raise VideoError(
            f"Expected a target other than the source. Received: {target} for both. "
            "Give the result another name."
        )


def _first_of(frames: Iterator, reader: FrameSource, cut: Cut):
    first = next(frames, None)
    if first is None:
        raise VideoError(
            f"Expected frames from second {float(cut.start)} on. Received: "
            f"{reader.name}, which ends before. Choose an earlier start."
        )
    return first


def _tracked(batches: Iterable[list], detect, track) -> Iterator[tuple]:
    """Yield each frame, its seconds, and its detections when `track` gives them."""
    waiting = deque()

    def detected() -> Iterator[Detections]:
        for batch in batches:
            results = detect([frame for frame, _ in batch])
            for item, found in zip(batch, results, strict=True):
                waiting.append(item)
                yield found

    for found in track(detected()):
        yield *waiting.popleft(), found


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


def _newest(items: Iterable, depth: int) -> Iterator:
    """Yield items as they come; of those nobody takes in time the latest `depth`."""
    waiting, end = queue.Queue(depth), object()
    stopped, num_dropped = threading.Event(), 0

    def put(item) -> None:
        nonlocal num_dropped
        with contextlib.suppress(queue.Empty):
            if waiting.full():
                waiting.get_nowait()
                num_dropped += 1
        waiting.put(item)

    def fill() -> None:
        for item in items:
            if stopped.is_set():
                return
            put(item)

    with ThreadPoolExecutor(1, "video-reader") as thread:
        filling = thread.submit(fill)
        filling.add_done_callback(lambda _: put(end))
        try:
            while (item := waiting.get()) is not end:
                yield item
            filling.result()
        finally:
            stopped.set()
            if num_dropped:
                logger.info("%d frames came too fast and were dropped.", num_dropped)


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

    def __init__(self, writer: VideoWriter | ImageWriter, depth: int):
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
