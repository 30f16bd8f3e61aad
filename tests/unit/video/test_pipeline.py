"""The whole walk of a video: what comes out, and what happens when a part fails."""

import signal
import subprocess
import sys
import threading
import time
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import numpy as np
import pytest

from mrcnn.errors import VideoError
from mrcnn.structures import Detections, VideoInfo
from mrcnn.video import pipeline
from mrcnn.video.pipeline import process_video
from mrcnn.video.reader import VideoReader
from mrcnn.video.sources import Cut, FrameSource
from mrcnn.video.tracking import track
from mrcnn.video.writer import VideoWriter

ROOT = Path(__file__).resolve().parents[3]


class OwnError(Exception):
    """An error that only these tests raise."""


def detect_nothing(frames):
    return [Detections.empty(frame.shape[:2]) for frame in frames]


def draw_nothing(frame, detections):
    return frame


def numbers_in(path, number_of):
    with VideoReader(path) as reader:
        return [number_of(frame) for frame in reader]


@pytest.fixture(autouse=True)
def no_thread_stays():
    yield
    names = [t.name for t in threading.enumerate() if t.name.startswith("video-")]
    assert not names


@pytest.mark.parametrize("batch_size", [1, 4, 7, 100])
def test_frames_arrive_once_and_in_order(
    tmp_path, make_clip, number_of, within_seconds, batch_size
):
    sizes = []

    def detect(frames):
        sizes.append(len(frames))
        return detect_nothing(frames)

    source, target = make_clip(frames=30), tmp_path / "out.mp4"
    written = within_seconds(
        process_video, source, target, detect, draw_nothing, batch_size=batch_size
    )
    assert written == 30
    assert numbers_in(target, number_of) == list(range(30))
    # Full batches, and what is left in the last.
    full, left = divmod(30, batch_size)
    assert sizes == [batch_size] * full + [left] * (left > 0)


def test_each_frame_meets_its_own_detections(
    tmp_path, make_clip, number_of, within_seconds
):
    def detect(frames):
        return [
            Detections(
                image_hw=frame.shape[:2],
                boxes=np.array([[0, 0, 8, 8]], np.int32),
                class_ids=np.array([number_of(frame)], np.int32),
                scores=np.ones(1, np.float32),
                box_masks=(np.ones((8, 8), bool),),
            )
            for frame in frames
        ]

    seen = []

    def draw(frame, detections):
        seen.append((number_of(frame), int(detections.class_ids[0])))
        frame = frame.copy()
        frame[32:] = 255 - frame[32:]
        return frame

    source, target = make_clip(frames=11), tmp_path / "out.mp4"
    within_seconds(process_video, source, target, detect, draw, batch_size=3)
    assert seen == [(i, i) for i in range(11)]
    with VideoReader(target) as reader:
        assert abs(int(next(iter(reader))[40, 60, 0]) - 127) < 8


@pytest.mark.parametrize("fps", [Fraction(25), Fraction(30000, 1001)])
def test_size_rate_and_sound_are_kept(tmp_path, make_clip, within_seconds, fps):
    source = make_clip(frames=25, fps=fps, sound="aac")
    target = tmp_path / "out.mp4"
    within_seconds(process_video, source, target, detect_nothing, draw_nothing)
    with av.open(str(source)) as before, av.open(str(target)) as after:
        old, new = before.streams.video[0], after.streams.video[0]
        assert new.codec_context.name == "h264"
        assert (new.width, new.height, new.frames) == (old.width, old.height, 25)
        assert new.average_rate == fps
        old_sound, new_sound = (
            [bytes(p) for p in c.demux(c.streams.audio[0])] for c in (before, after)
        )
        assert old_sound == new_sound and len(new_sound) > 10


def test_varying_rate_is_kept(tmp_path, make_clip, within_seconds):
    times = [0, 4, 20, 24, 40]
    source = make_clip(frames=5, times=times, time_base=Fraction(1, 100))
    target = tmp_path / "out.mp4"
    within_seconds(process_video, source, target, detect_nothing, draw_nothing)
    with VideoReader(target) as reader:
        back = [float(seconds) for _, seconds in reader.timed_frames()]
    # To a 32nd of the mean interval, 0.1 s.
    np.testing.assert_allclose(back, np.array(times) / 100, atol=0.1 / 32 + 1e-6)


def test_upright_after_a_turned_clip(tmp_path, make_clip, within_seconds):
    source = make_clip(frames=3, rotation=90)
    target = tmp_path / "out.mp4"
    within_seconds(process_video, source, target, detect_nothing, draw_nothing)
    with VideoReader(source) as before, VideoReader(target) as after:
        assert (after.info.height, after.info.width) == (128, 48)
        np.testing.assert_allclose(
            next(iter(after)).astype(int), next(iter(before)), atol=40
        )


@pytest.mark.parametrize("batch_size", [1, 4])
@pytest.mark.parametrize("failing", ["detect", "draw"])
def test_error_of_a_callback(
    tmp_path, make_clip, number_of, within_seconds, failing, batch_size
):
    # It fails at frame 10; of the batches 8-11 the drawn 8 and 9 are kept as well.
    def detect(frames):
        if failing == "detect" and any(number_of(f) == 10 for f in frames):
            raise OwnError("at frame 10")
        return detect_nothing(frames)

    def draw(frame, detections):
        if failing == "draw" and number_of(frame) == 10:
            raise OwnError("at frame 10")
        return frame

    source, target = make_clip(frames=60), tmp_path / "out.mp4"
    with pytest.raises(OwnError, match="at frame 10"):
        within_seconds(
            process_video, source, target, detect, draw, batch_size=batch_size
        )
    kept = 8 if (failing, batch_size) == ("detect", 4) else 10
    assert numbers_in(target, number_of) == list(range(kept))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["clip.mp4", "out.mp4"]


def test_ctrl_c_finishes_the_file(
    tmp_path, make_clip, number_of, within_seconds, caplog
):
    def draw(frame, detections):
        if number_of(frame) == 5:
            raise KeyboardInterrupt
        return frame

    source, target = make_clip(frames=60), tmp_path / "out.mp4"
    with pytest.raises(KeyboardInterrupt):
        within_seconds(process_video, source, target, detect_nothing, draw)
    assert numbers_in(target, number_of) == list(range(5))
    assert "holds the 5 frames up to the error" in caplog.text


def test_error_of_the_writer(
    tmp_path, make_clip, number_of, within_seconds, monkeypatch
):
    write = VideoWriter.write

    def fail_once(self, frame, seconds=None):
        if number_of(frame) == 6:
            raise OwnError("disk on fire")
        write(self, frame, seconds)

    monkeypatch.setattr(VideoWriter, "write", fail_once)
    drawn = []

    def draw(frame, detections):
        drawn.append(number_of(frame))
        time.sleep(0.01)
        return frame

    source, target = make_clip(frames=200), tmp_path / "out.mp4"
    with pytest.raises(OwnError, match="disk on fire"):
        within_seconds(process_video, source, target, detect_nothing, draw)
    # No gap: nothing behind the frame that failed; and it ends soon after it.
    assert numbers_in(target, number_of) == list(range(6))
    assert len(drawn) < 40


def test_drawing_of_another_size_is_the_writers_error(
    tmp_path, make_clip, within_seconds
):
    with pytest.raises(VideoError, match="without resizing"):
        within_seconds(
            process_video,
            make_clip(),
            tmp_path / "out.mp4",
            detect_nothing,
            lambda frame, detections: frame[::2],
        )
    assert not (tmp_path / "out.mp4").exists()


@pytest.mark.parametrize("batch_size", [1, 4])
def test_error_of_the_reader(
    tmp_path, make_clip, number_of, within_seconds, monkeypatch, batch_size
):
    timed_frames = VideoReader.timed_frames

    def break_off(self, cut=None):
        for i, item in enumerate(timed_frames(self)):
            if i == 10:
                raise OwnError("cable pulled")
            yield item

    monkeypatch.setattr(VideoReader, "timed_frames", break_off)
    source, target = make_clip(frames=60), tmp_path / "out.mp4"
    with pytest.raises(OwnError, match="cable pulled"):
        within_seconds(
            process_video,
            source,
            target,
            detect_nothing,
            draw_nothing,
            batch_size=batch_size,
        )
    monkeypatch.undo()
    # All ten frames before the error, the incomplete batch 8-9 among them.
    assert numbers_in(target, number_of) == list(range(10))


def test_truncated_clip(tmp_path, make_clip, random_frames, within_seconds):
    source = make_clip(frames=random_frames, options={"movflags": "faststart"})
    source.write_bytes(source.read_bytes()[: source.stat().st_size * 6 // 10])
    with VideoReader(source) as reader, pytest.raises(VideoError):
        num_readable = 0
        for _ in reader:
            num_readable += 1
    target = tmp_path / "out.mp4"
    with pytest.raises(VideoError, match=f"ends after frame {num_readable} of 40"):
        within_seconds(
            process_video, source, target, detect_nothing, draw_nothing, batch_size=4
        )
    with VideoReader(target) as reader:
        assert len(list(reader)) == num_readable


def test_missing_source_makes_no_file(tmp_path, within_seconds):
    with pytest.raises(VideoError, match="no such file"):
        within_seconds(
            process_video,
            tmp_path / "none.mp4",
            tmp_path / "out.mp4",
            detect_nothing,
            draw_nothing,
        )
    assert not list(tmp_path.iterdir())


def test_source_is_not_overwritten(make_clip, within_seconds):
    source = make_clip()
    content = source.read_bytes()
    with pytest.raises(VideoError, match="another name"):
        within_seconds(process_video, source, source, detect_nothing, draw_nothing)
    assert source.read_bytes() == content


def test_wrong_number_of_detections(tmp_path, make_clip, within_seconds):
    with pytest.raises(ValueError, match="zip"):
        within_seconds(
            process_video,
            make_clip(),
            tmp_path / "out.mp4",
            lambda frames: [],
            draw_nothing,
        )


def test_reads_ahead_no_further_than_its_bound(
    tmp_path, make_clip, within_seconds, monkeypatch
):
    read = []
    timed_frames = VideoReader.timed_frames

    def count(self, cut=None):
        for item in timed_frames(self):
            read.append(1)
            yield item

    monkeypatch.setattr(VideoReader, "timed_frames", count)
    ahead = []

    def draw(frame, detections):
        time.sleep(0.005)
        ahead.append(len(read) - len(ahead) - 1)
        return frame

    within_seconds(
        process_video, make_clip(frames=60), tmp_path / "out.mp4", detect_nothing, draw
    )
    # The reader is ahead, which is its purpose, and by its bound at most.
    assert 1 <= max(ahead) <= pipeline._FRAMES_WAITING


@pytest.mark.parametrize(("progress", "shown"), [(True, True), (False, False)])
def test_progress(tmp_path, make_clip, within_seconds, capfd, progress, shown):
    within_seconds(
        process_video,
        make_clip(frames=12),
        tmp_path / "out.mp4",
        detect_nothing,
        draw_nothing,
        progress=progress,
    )
    text = capfd.readouterr().err
    assert ("clip.mp4" in text and "12/12" in text) == shown


KINDS = {
    "25 fps": {},
    "29.97 fps": {"fps": Fraction(30000, 1001)},
    "23.976 fps in Matroska": {"name": "clip.mkv", "fps": Fraction(24000, 1001)},
    "variable rate": {
        "times": [0, 4, 10, 12, 16, 24, 28, 32, 40, 43, 46, 52],
        "time_base": Fraction(1, 100),
    },
    "rotated": {"rotation": 90},
    "odd size": {"size": (47, 61), "codec": "libx264rgb", "pix_fmt": "rgb24"},
}


@pytest.mark.parametrize("sound", [None, "aac"])
@pytest.mark.parametrize("kind", KINDS)
def test_number_duration_rate_and_sound_equal_the_sources(
    tmp_path, make_clip, within_seconds, kind, sound
):
    options = dict(KINDS[kind])
    size = options.pop("size", (48, 64))
    rng = np.random.default_rng(0)
    frames = [rng.integers(0, 255, (*size, 3), np.uint8) for _ in range(12)]
    source = make_clip(**{"frames": frames, "sound": sound, **options})
    target = tmp_path / "out.mp4"
    within_seconds(process_video, source, target, detect_nothing, draw_nothing)
    before, after = (timings_of(path) for path in (source, target))
    assert len(after["times"]) == len(before["times"]) == 12
    # To a 32nd of the mean interval; the milliseconds of Matroska to half of one.
    np.testing.assert_allclose(after["times"], before["times"], atol=2e-3)
    # The average of a varying rate counts how long the last frame is shown, which
    # its times do not tell.
    if "times" in options:
        assert float(after["rate"]) == pytest.approx(float(before["rate"]), rel=0.02)
    else:
        assert after["rate"] == before["rate"]
    # To a frame; Matroska counts the packet of AAC before the first sound as well.
    leeway = 0.045 + (1024 / 16000 if sound and source.suffix == ".mkv" else 0)
    assert after["seconds"] == pytest.approx(before["seconds"], abs=leeway)
    assert after["sound"] == before["sound"] and bool(after["sound"]) == bool(sound)


def timings_of(path):
    """What PyAV alone sees: times of frames, rate, duration, packets of sound."""
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        rate = video.average_rate.limit_denominator(1001)
        times = [frame.time for frame in container.decode(video)]
        container.seek(0)
        sound = [
            bytes(packet)
            for audio in container.streams.audio
            for packet in container.demux(audio)
            if packet.size
        ]
        return {
            "rate": rate,
            "times": np.array(times) - times[0],
            "seconds": container.duration / av.time_base,
            "sound": sound,
        }


def test_odd_size_loses_nothing(tmp_path, make_clip, within_seconds):
    frame = np.full((47, 61, 3), 90, np.uint8)
    frame[-1], frame[:, -1] = 220, 220
    source = make_clip(frames=[frame] * 3, codec="libx264rgb", pix_fmt="rgb24")
    target = tmp_path / "out.mp4"
    within_seconds(process_video, source, target, detect_nothing, draw_nothing)
    with VideoReader(target) as reader:
        back = next(iter(reader))
    assert back.shape == (48, 62, 3)
    assert (back[46, :61] > 180).all() and (back[:47, 60] > 180).all()


def test_part_of_a_video(tmp_path, make_clip, number_of, within_seconds):
    source, target = make_clip(frames=50, sound="aac", key_every=8), tmp_path / "o.mp4"
    recorded = []
    written = within_seconds(
        process_video,
        source,
        target,
        detect_nothing,
        draw_nothing,
        cut=Cut(start=0.5, end=1.5, stride=2),
        record=lambda *line: recorded.append(line),
    )
    # Frame 12.5 is the start, so 13, 15, ..., 37: 25 a second, every other one.
    expected = list(range(13, 38, 2))
    assert written == 13 and numbers_in(target, number_of) == expected
    assert [(n, seconds * 25) for n, seconds, _ in recorded] == list(
        enumerate(expected)
    )
    timings, whole = timings_of(target), timings_of(source)
    np.testing.assert_allclose(timings["times"], np.arange(13) * 2 / 25, atol=1e-3)
    assert timings["rate"] == Fraction(25, 2)
    # A second of sound from the middle: 16000 / 1024 packets.
    assert len(timings["sound"]) == pytest.approx(15, abs=2)
    first = whole["sound"].index(timings["sound"][0])
    assert first == pytest.approx(0.52 * 16000 / 1024, abs=2)
    assert timings["sound"] == whole["sound"][first : first + len(timings["sound"])]


def test_start_behind_the_end(tmp_path, make_clip, within_seconds):
    with pytest.raises(VideoError, match="frames from second 5.0 on.*ends before"):
        within_seconds(
            process_video,
            make_clip(),
            tmp_path / "out.mp4",
            detect_nothing,
            draw_nothing,
            cut=Cut(start=5),
        )
    assert not (tmp_path / "out.mp4").exists()


def test_without_sound(tmp_path, make_clip, within_seconds):
    source, target = make_clip(sound="aac"), tmp_path / "out.mp4"
    within_seconds(
        process_video, source, target, detect_nothing, draw_nothing, keep_sound=False
    )
    assert timings_of(target)["sound"] == []


def numbered_detections(number_of):
    """A detector that finds one object, whose class id is the frame's number."""

    def detect(frames):
        return [
            Detections(
                image_hw=frame.shape[:2],
                boxes=np.array([[0, 0, 1, 1]], np.int32),
                class_ids=np.array([number_of(frame)], np.int32),
                scores=np.ones(1, np.float32),
                box_masks=(np.ones((1, 1), bool),),
            )
            for frame in frames
        ]

    return detect


@pytest.mark.parametrize("batch_size", [1, 4])
@pytest.mark.parametrize("late", [0, 3, 50])
def test_tracking_that_answers_late(
    tmp_path, make_clip, number_of, within_seconds, late, batch_size
):
    def track(found):
        waiting = []
        for detections in found:
            waiting.append(detections)
            if len(waiting) > late:
                yield waiting.pop(0)
        yield from waiting

    pairs, recorded = [], []

    def draw(frame, detections):
        pairs.append((number_of(frame), int(detections.class_ids[0])))
        return frame

    source, target = make_clip(frames=11), tmp_path / "out.mp4"
    within_seconds(
        process_video,
        source,
        target,
        numbered_detections(number_of),
        draw,
        batch_size=batch_size,
        track=track,
        record=lambda number, *rest: recorded.append(number),
    )
    assert pairs == [(i, i) for i in range(11)] and recorded == list(range(11))
    assert numbers_in(target, number_of) == list(range(11))


def test_error_while_tracking_lags(tmp_path, make_clip, number_of, within_seconds):
    """What the held objects wait for is still written when the detector fails."""
    find = numbered_detections(number_of)

    def detect(frames):
        if number_of(frames[0]) == 10:
            raise OwnError("at frame 10")
        return find(frames)

    source, target = make_clip(frames=60), tmp_path / "out.mp4"
    with pytest.raises(OwnError, match="at frame 10"):
        within_seconds(
            process_video,
            source,
            target,
            detect,
            draw_nothing,
            track=partial(track, hold=5),
        )
    assert numbers_in(target, number_of) == list(range(10))


class Live(FrameSource):
    """A source that gives a frame every 5 ms whether it is read or not."""

    is_live = True

    def __init__(self, frames):
        self.frames, self.name, self.closed = frames, "live", False
        self.info = VideoInfo(128, 48, Fraction(25), 0, "live", False)

    def close(self):
        self.closed = True

    def _frames_from(self, start):
        for i, frame in enumerate(self.frames):
            time.sleep(0.005)
            yield Fraction(i, 200), lambda frame=frame: frame
        raise VideoError("the cable was pulled")


def test_live_source_drops_what_comes_too_fast(
    tmp_path, numbered_frame, number_of, within_seconds, caplog
):
    source = Live([numbered_frame(i) for i in range(100)])

    def detect(frames):
        time.sleep(0.04)
        return detect_nothing(frames)

    target = tmp_path / "out.mp4"
    with (
        caplog.at_level("INFO"),
        pytest.raises(VideoError, match="the cable was pulled"),
    ):
        within_seconds(process_video, source, target, detect, draw_nothing)
    numbers = numbers_in(target, number_of)
    # Eight times as slow as the source, and some frames that wait at its end.
    assert 9 <= len(numbers) <= 40
    assert numbers == sorted(set(numbers)) and numbers[-1] == 99
    np.testing.assert_allclose(
        timings_of(target)["times"], (np.array(numbers) - numbers[0]) / 200, atol=2e-3
    )
    assert f"{100 - len(numbers)} frames came too fast" in caplog.text
    assert source.closed


def test_live_source_ends_when_asked(tmp_path, numbered_frame, within_seconds):
    source = Live([numbered_frame(0)] * 10_000)
    written = within_seconds(
        process_video,
        source,
        tmp_path / "out.mp4",
        detect_nothing,
        draw_nothing,
        cut=Cut(end=0.1),
    )
    assert 10 <= written <= 20


def test_error_of_a_callback_stops_a_live_source(
    tmp_path, numbered_frame, within_seconds
):
    def draw(frame, detections):
        raise OwnError

    source = Live([numbered_frame(0)] * 10_000)
    with pytest.raises(OwnError):
        within_seconds(
            process_video, source, tmp_path / "out.mp4", detect_nothing, draw
        )
    assert source.closed


def test_interrupt_from_the_keyboard(tmp_path, make_clip, number_of):
    """The real signal, to a process that is detecting."""
    source, target = make_clip(frames=100), tmp_path / "out.mp4"
    # A shell that runs something in the background lets it ignore the keyboard.
    code = f"""
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.path.insert(0, {str(ROOT)!r})
from mrcnn.structures import Detections
from mrcnn.video.pipeline import process_video
def detect(frames):
    print("frame", flush=True)
    time.sleep(0.05)
    return [Detections.empty(frame.shape[:2]) for frame in frames]
process_video({str(source)!r}, {str(target)!r}, detect, lambda frame, found: frame)
"""
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        for _ in range(5):
            process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode != 0 and "KeyboardInterrupt" in errors
    numbers = numbers_in(target, number_of)
    assert numbers == list(range(len(numbers))) and 4 <= len(numbers) < 50
