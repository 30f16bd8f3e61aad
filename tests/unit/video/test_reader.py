"""Reading videos: order, times, rotation, and every way in which a file is broken."""

import shutil
import wave
from fractions import Fraction

import cv2
import numpy as np
import pytest

from mrcnn.errors import VideoError
from mrcnn.video.reader import VideoReader

FASTSTART = {"movflags": "faststart"}


def read_until_error(path):
    frames = []
    with VideoReader(path) as reader, pytest.raises(VideoError) as caught:
        for frame in reader:
            frames.append(frame)
    return frames, str(caught.value)


def test_frames_come_in_order_with_their_number(make_clip, number_of):
    with VideoReader(make_clip(frames=20)) as reader:
        frames = list(reader)
    assert [number_of(frame) for frame in frames] == list(range(20))
    assert frames[0].dtype == np.uint8 and frames[0].shape == (48, 128, 3)


def test_colours_are_rgb(make_clip):
    red = np.zeros((32, 32, 3), np.uint8)
    red[..., 0] = 200
    with VideoReader(make_clip(frames=[red])) as reader:
        (frame,) = reader
    np.testing.assert_allclose(frame[16, 16], [200, 0, 0], atol=8)


@pytest.mark.parametrize("fps", [Fraction(25), Fraction(30000, 1001), Fraction(12)])
def test_info_tells_size_rate_and_number(make_clip, fps):
    with VideoReader(make_clip(frames=7, fps=fps, sound="aac")) as reader:
        info = reader.info
    assert (info.width, info.height, info.num_frames) == (128, 48, 7)
    assert (info.fps, info.codec, info.has_audio) == (fps, "h264", True)


def test_silent_clip_says_so(make_clip):
    with VideoReader(make_clip()) as reader:
        assert not reader.info.has_audio


def test_one_frame(make_clip):
    with VideoReader(make_clip(frames=1)) as reader:
        assert len(list(reader)) == 1


@pytest.mark.parametrize("rotation", [90, -90, 180])
def test_rotation_is_applied_as_opencv_applies_it(make_clip, rotation):
    # One bright corner tells the four turns apart.
    corner = np.zeros((32, 64, 3), np.uint8)
    corner[:16, :16] = 255
    path = make_clip(frames=[corner] * 3, rotation=rotation)
    ok, expected = cv2.VideoCapture(str(path)).read()
    assert ok
    with VideoReader(path) as reader:
        frame = next(iter(reader))
        assert (reader.info.height, reader.info.width) == frame.shape[:2]
    assert frame.shape == ((32, 64, 3) if rotation == 180 else (64, 32, 3))
    np.testing.assert_allclose(frame, expected[..., ::-1], atol=3)
    assert frame.flags.c_contiguous


def test_times_of_a_varying_rate(make_clip):
    # Time base 1/100: 0, 0.04, 0.20 and 0.24 s.
    path = make_clip(frames=4, times=[0, 4, 20, 24], time_base=Fraction(1, 100))
    with VideoReader(path) as reader:
        times = [seconds for _, seconds in reader.timed_frames()]
    assert times == [0, Fraction(4, 100), Fraction(20, 100), Fraction(24, 100)]


def test_times_start_at_zero_where_the_container_does_not(make_clip):
    # MPEG transport streams start at an arbitrary time.
    with VideoReader(make_clip("clip.ts", frames=5)) as reader:
        times = [float(seconds) for _, seconds in reader.timed_frames()]
    np.testing.assert_allclose(times, np.arange(5) / 25, atol=1e-4)


def test_raw_stream_without_times(make_clip, number_of):
    with VideoReader(make_clip("clip.h264", frames=5)) as reader:
        timed = list(reader.timed_frames())
    assert [number_of(frame) for frame, _ in timed] == list(range(5))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.mp4", None, "no such file"),
        ("empty.mp4", b"", "cannot be opened as one"),
        ("text.mp4", b"not a video at all\n" * 100, "cannot be opened as one"),
    ],
)
def test_not_a_video(tmp_path, name, content, message):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(VideoError, match=message) as caught:
        VideoReader(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_folder(tmp_path):
    with pytest.raises(VideoError, match="a folder"):
        VideoReader(tmp_path)


def test_sound_file(tmp_path):
    with wave.open(str(tmp_path / "a.wav"), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(16000))
    with pytest.raises(VideoError, match="video track.*a.wav"):
        VideoReader(tmp_path / "a.wav")


@pytest.mark.parametrize("name", ["photo.png", "photo.jpg"])
def test_still_picture(tmp_path, numbered_frame, name):
    cv2.imwrite(str(tmp_path / name), numbered_frame(0))
    with pytest.raises(VideoError, match="still picture"):
        VideoReader(tmp_path / name)


def test_file_without_its_index_is_refused_at_once(make_clip, random_frames):
    path = make_clip(frames=random_frames)  # the index comes last without faststart
    path.write_bytes(path.read_bytes()[:-1500])
    with pytest.raises(VideoError, match="cut short"):
        VideoReader(path)


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv"])
def test_truncated_clip_gives_its_frames_then_raises(make_clip, random_frames, name):
    path = make_clip(
        name, frames=random_frames, options=FASTSTART if name[-1] == "4" else None
    )
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 6 // 10])
    frames, message = read_until_error(path)
    assert 15 <= len(frames) <= 30
    total = " of 40" if name[-1] == "4" else ""
    assert f"{path}, which ends after frame {len(frames)}{total}." in message


def test_damage_in_the_middle_is_skipped_and_counted(make_clip, random_frames, caplog):
    path = make_clip(frames=random_frames, options=FASTSTART)
    with VideoReader(path) as reader:
        whole = dict((seconds, frame) for frame, seconds in reader.timed_frames())
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 4000] = bytes(4000)
    path.write_bytes(content)
    with VideoReader(path) as reader:
        read = list(reader.timed_frames())
        num_damaged = reader.num_damaged
    assert 30 <= len(read) < 40 and num_damaged >= 1
    assert f"{path}: {num_damaged} damaged packets were skipped" in caplog.text
    # What lies before the damage is as it was, and the end is reached at its time.
    np.testing.assert_array_equal(read[9][0], whole[read[9][1]])
    assert read[-1][1] == max(whole)


def test_trimmed_clip_is_not_taken_for_a_broken_one(make_clip, number_of):
    # Frames before time 0 stay in the file, hidden by its edit list: 20 are
    # counted, 8 are shown.
    path = make_clip(
        frames=20,
        times=list(range(-12, 8)),
        options={"avoid_negative_ts": "disabled"},
    )
    with VideoReader(path) as reader:
        assert reader.info.num_frames == 20
        numbers = [number_of(frame) for frame in reader]
    assert numbers == list(range(12, 20))


def test_closed_twice_and_deleted_after(make_clip):
    path = make_clip()
    reader = VideoReader(path)
    reader.close()
    reader.close()
    path.unlink()


def test_street(shared_data, tmp_path):
    path = shutil.copy(shared_data / "video" / "street.mp4", tmp_path)
    with VideoReader(path) as reader:
        info = reader.info
        frame = next(iter(reader))
    assert (info.width, info.height, info.num_frames) == (640, 352, 173)
    assert info.fps == 25
    ok, expected = cv2.VideoCapture(path).read()
    assert ok
    assert np.abs(frame.astype(int) - expected[..., ::-1]).mean() < 2
