"""Writing videos: what PyAV reads back, sound, and files broken off in the middle."""

from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from mrcnn.errors import VideoError
from mrcnn.video.reader import VideoReader
from mrcnn.video.writer import VideoWriter


def write(path, frames, fps=Fraction(25), **kwargs):
    height, width = frames[0].shape[:2]
    with VideoWriter(path, width=width, height=height, fps=fps, **kwargs) as writer:
        for frame in frames:
            writer.write(frame)
    return path


def read(path):
    with VideoReader(path) as reader:
        return list(reader)


def sound_packets(path):
    """Codec, and bytes and seconds of every packet, read with PyAV alone."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        packets = [
            (bytes(packet), float(packet.pts * packet.time_base))
            for packet in container.demux(stream)
            if packet.pts is not None
        ]
        return stream.codec_context.name, packets


@pytest.mark.parametrize(
    "fps", [Fraction(25), Fraction(30000, 1001), Fraction(24000, 1001), Fraction(10)]
)
def test_reads_back_with_codec_size_rate_and_number(tmp_path, numbered_frame, fps):
    path = write(tmp_path / "out.mp4", [numbered_frame(i) for i in range(9)], fps)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p"
        assert (stream.width, stream.height, stream.frames) == (128, 48, 9)
        assert stream.average_rate == fps
        assert len(list(container.decode(stream))) == 9


def test_frames_keep_their_order(tmp_path, numbered_frame, number_of):
    path = write(tmp_path / "out.mp4", [numbered_frame(i) for i in range(30)])
    assert [number_of(frame) for frame in read(path)] == list(range(30))


def test_index_comes_before_the_pictures(tmp_path, numbered_frame):
    content = write(tmp_path / "out.mp4", [numbered_frame(0)] * 3).read_bytes()
    assert 0 < content.index(b"moov") < content.index(b"mdat")


@pytest.mark.parametrize("height_width", [(32, 32), (720, 720)])
def test_colours_survive(tmp_path, height_width):
    # 720 lines and more use BT.709: a mix-up of the matrices moves these by 10 or more.
    colours = [(200, 40, 60), (40, 200, 60), (40, 60, 200), (128, 128, 128)]
    frames = [np.full((*height_width, 3), c, np.uint8) for c in colours]
    back = read(write(tmp_path / "out.mp4", frames))
    np.testing.assert_allclose([f[5, 5] for f in back], colours, atol=6)
    with av.open(str(tmp_path / "out.mp4")) as container:
        expected = 1 if height_width[0] >= 720 else 6
        assert container.streams.video[0].codec_context.colorspace == expected


def test_odd_sides_are_padded_by_a_repeated_row_and_column(tmp_path):
    rng = np.random.default_rng(0)
    smooth = np.kron(rng.integers(0, 255, (5, 7, 3)), np.ones((5, 5, 1)))
    frame = smooth.astype(np.uint8)
    assert frame.shape == (25, 35, 3)
    back = read(write(tmp_path / "out.mp4", [frame] * 2))[0]
    assert back.shape == (26, 36, 3)
    padded = np.pad(frame, ((0, 1), (0, 1), (0, 0)), mode="edge").astype(int)
    assert np.abs(back[-2:] - padded[-2:]).mean() < 25
    assert np.abs(back[:, -2:] - padded[:, -2:]).mean() < 25


def test_read_only_frame_is_taken_and_left_alone(tmp_path, numbered_frame):
    frame = numbered_frame(5)
    frame.flags.writeable = False
    write(tmp_path / "out.mp4", [frame[:, ::-1]])  # nor need it be contiguous
    np.testing.assert_array_equal(frame, numbered_frame(5))


def test_varying_times_are_kept(tmp_path, numbered_frame):
    times = [Fraction(0), Fraction(1, 25), Fraction(5, 25), Fraction(11, 50)]
    with VideoWriter(
        tmp_path / "out.mp4", width=128, height=48, fps=Fraction(25)
    ) as writer:
        for i, seconds in enumerate(times):
            writer.write(numbered_frame(i), seconds)
    with VideoReader(tmp_path / "out.mp4") as reader:
        back = [seconds for _, seconds in reader.timed_frames()]
    # 11/50 s is 5.5 frames, and falls on a 16th of a frame exactly.
    assert back == times


def test_times_that_go_back_do_not_stop_it(tmp_path, numbered_frame):
    with VideoWriter(
        tmp_path / "out.mp4", width=128, height=48, fps=Fraction(25)
    ) as writer:
        for i, seconds in enumerate([0, 0.08, 0.04, 0.04]):
            writer.write(numbered_frame(i), Fraction(seconds))
    assert len(read(tmp_path / "out.mp4")) == 4


def test_rates_that_a_container_cannot_hold_exactly(tmp_path, numbered_frame):
    # The average of a phone clip: 16 steps a frame would not fit in 32 bits.
    fps = Fraction(1073741827, 35791397)
    path = write(tmp_path / "out.mp4", [numbered_frame(0)] * 10, fps)
    with VideoReader(path) as reader:
        assert float(reader.info.fps) == pytest.approx(float(fps), rel=1e-4)


def test_file_takes_its_name_at_the_end(tmp_path, numbered_frame):
    path = tmp_path / "new" / "folder" / "out.mp4"
    with VideoWriter(path, width=128, height=48, fps=Fraction(25)) as writer:
        writer.write(numbered_frame(0))
        assert not path.exists()
    assert [p.name for p in path.parent.iterdir()] == ["out.mp4"]


def test_error_of_the_caller_leaves_a_playable_file(
    tmp_path, numbered_frame, number_of
):
    path = tmp_path / "out.mp4"
    with (
        pytest.raises(KeyError, match="theirs"),
        VideoWriter(path, width=128, height=48, fps=Fraction(25)) as writer,
    ):
        for i in range(4):
            writer.write(numbered_frame(i))
        raise KeyError("theirs")
    assert [number_of(frame) for frame in read(path)] == [0, 1, 2, 3]
    assert [p.name for p in tmp_path.iterdir()] == ["out.mp4"]


def test_error_before_the_first_frame_leaves_an_older_file(tmp_path):
    path = tmp_path / "out.mp4"
    path.write_bytes(b"older")
    with (
        pytest.raises(KeyError),
        VideoWriter(path, width=128, height=48, fps=Fraction(25)),
    ):
        raise KeyError
    assert path.read_bytes() == b"older"
    assert [p.name for p in tmp_path.iterdir()] == ["out.mp4"]


def test_no_frames_is_an_error(tmp_path):
    with (
        pytest.raises(VideoError, match="at least one frame"),
        VideoWriter(tmp_path / "out.mp4", width=128, height=48, fps=Fraction(25)),
    ):
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "frame",
    [
        np.zeros((48, 64, 3), np.uint8),
        np.zeros((48, 128), np.uint8),
        np.zeros((48, 128, 4), np.uint8),
        np.zeros((48, 128, 3), np.float32),
    ],
)
def test_frame_that_does_not_fit(tmp_path, frame):
    with (
        pytest.raises(VideoError, match=r"uint8 \(48, 128, 3\).*Received: .*without"),
        VideoWriter(
            tmp_path / "out.mp4", width=128, height=48, fps=Fraction(25)
        ) as writer,
    ):
        writer.write(frame)


def test_name_of_another_format(tmp_path):
    with pytest.raises(VideoError, match=r"out\.avi\. End the name in \.mp4"):
        VideoWriter(tmp_path / "out.avi", width=2, height=2, fps=Fraction(25))


def test_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(VideoError, match="Expected to write .*out.mp4"):
        VideoWriter(tmp_path / "file" / "out.mp4", width=2, height=2, fps=Fraction(25))


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.ts"])
def test_aac_is_copied_unchanged_and_in_step(tmp_path, make_clip, numbered_frame, name):
    source = make_clip(name, frames=25, sound="aac")
    path = tmp_path / "out.mp4"
    write(path, [numbered_frame(i) for i in range(25)], audio_from=source)
    codec, packets = sound_packets(path)
    _, expected = sound_packets(source)
    assert codec == "aac" and len(packets) == len(expected) > 15
    if not name.endswith(".ts"):  # its packets carry headers that an mp4 has once
        assert [content for content, _ in packets] == [c for c, _ in expected]
    with av.open(str(source)) as container:
        video = container.streams.video[0]
        start = float((video.start_time or 0) * video.time_base)
    np.testing.assert_allclose(
        [seconds for _, seconds in packets],
        [seconds - start for _, seconds in expected],
        atol=2e-3,
    )


def test_sound_lies_beside_the_pictures(tmp_path, make_clip, numbered_frame):
    source = make_clip(frames=100, sound="aac")
    path = tmp_path / "out.mp4"
    write(path, [numbered_frame(i) for i in range(100)], audio_from=source)
    with av.open(str(path)) as container:
        kinds = [p.stream.type for p in container.demux() if p.dts is not None]
        positions = {
            kind: [p for p, k in enumerate(kinds) if k == kind]
            for kind in ("audio", "video")
        }
    # Neither all pictures before all sound nor the other way round.
    assert positions["audio"][0] < positions["video"][-1] / 2
    assert positions["video"][0] < positions["audio"][-1] / 2


@pytest.mark.parametrize("codec", ["pcm_s16le", "flac"])
def test_other_sound_becomes_aac(tmp_path, make_clip, numbered_frame, codec):
    source = make_clip("clip.mkv", frames=50, sound=codec)
    path = tmp_path / "out.mp4"
    write(path, [numbered_frame(i) for i in range(50)], audio_from=source)
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        assert stream.codec_context.name == "aac"
        wave = np.concatenate([f.to_ndarray()[0] for f in container.decode(stream)])
    # Two seconds of a 440 Hz tone at 16 kHz: 880 upward crossings of zero.
    assert len(wave) == pytest.approx(32000, abs=3000)
    upward = np.sum((wave[:-1] < 0) & (wave[1:] >= 0))
    assert upward == pytest.approx(880, abs=40)


def test_sound_ends_with_the_pictures_after_an_error(
    tmp_path, make_clip, numbered_frame
):
    source = make_clip(frames=100, sound="aac")
    path = tmp_path / "out.mp4"
    with (
        pytest.raises(KeyError),
        VideoWriter(
            path, width=128, height=48, fps=Fraction(25), audio_from=source
        ) as writer,
    ):
        for i in range(25):
            writer.write(numbered_frame(i))
        raise KeyError
    _, packets = sound_packets(path)
    assert packets[-1][1] == pytest.approx(1.0, abs=0.1)


def test_source_without_sound(tmp_path, make_clip, numbered_frame):
    path = write(tmp_path / "out.mp4", [numbered_frame(0)], audio_from=make_clip())
    with av.open(str(path)) as container:
        assert not container.streams.audio


def test_source_of_sound_that_is_missing(tmp_path):
    with pytest.raises(VideoError, match="sound from. Received: .*none.mp4"):
        VideoWriter(
            tmp_path / "out.mp4",
            width=2,
            height=2,
            fps=Fraction(25),
            audio_from=tmp_path / "none.mp4",
        )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("size_wh", [(64, 40), (63, 41), (1280, 720), (1, 1)])
def test_lossless_colours_are_exact(tmp_path, rng, size_wh):
    frames = rng.integers(0, 256, (3, *size_wh[::-1], 3), np.uint8)
    frames[:, :1] = (100, 150, 200)
    path = write(tmp_path / "out.mkv", frames)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "ffv1"
        decoded = [frame.to_ndarray(format="rgb24") for frame in container.decode()]
    np.testing.assert_array_equal(decoded, frames)
    # And as this project, and OpenCV, read it.
    with VideoReader(path) as reader:
        np.testing.assert_array_equal(list(reader), frames)
    capture = cv2.VideoCapture(str(path))
    np.testing.assert_array_equal(capture.read()[1][..., ::-1], frames[0])
    capture.release()


def test_lossless_keeps_times_and_sound(tmp_path, make_clip, numbered_frame):
    source = make_clip(frames=50, sound="aac")
    path = tmp_path / "out.mkv"
    with VideoWriter(
        path, width=128, height=48, fps=Fraction(25), audio_from=source
    ) as writer:
        for i in range(50):
            writer.write(numbered_frame(i), Fraction(i, 25) + (i > 20))
    with VideoReader(path) as reader:
        times = [float(seconds) for _, seconds in reader.timed_frames()]
        assert reader.info.fps == 25 and reader.info.has_audio
    # Matroska counts milliseconds.
    expected = [i / 25 + (i > 20) for i in range(50)]
    np.testing.assert_allclose(times, expected, atol=1e-3)


def test_lossless_after_an_error(tmp_path, numbered_frame):
    path = tmp_path / "out.mkv"
    with (
        pytest.raises(KeyError),
        VideoWriter(path, width=128, height=48, fps=Fraction(25)) as writer,
    ):
        writer.write(numbered_frame(7))
        raise KeyError
    with VideoReader(path) as reader:
        np.testing.assert_array_equal(list(reader), [numbered_frame(7)])
    assert list(tmp_path.iterdir()) == [path]
