"""The whole walk of a video: what comes out, and what happens when a part fails."""

import threading
import time
from fractions import Fraction

import av
import numpy as np
import pytest

from mrcnn.errors import VideoError
from mrcnn.structures import Detections
from mrcnn.video import pipeline
from mrcnn.video.pipeline import process_video
from mrcnn.video.reader import VideoReader
from mrcnn.video.writer import VideoWriter


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
