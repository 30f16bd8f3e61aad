"""Where frames come from besides files, and which of them are taken."""

import http.server
import threading
import time
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from PIL import Image

from mrcnn.errors import DatasetError, VideoError
from mrcnn.video import sources
from mrcnn.video.reader import VideoReader
from mrcnn.video.sources import Camera, Cut, ImageSequence, open_source


@pytest.fixture
def write_images(tmp_path, numbered_frame):
    def write(*names):
        for i, name in enumerate(names):
            Image.fromarray(numbered_frame(i)).save(tmp_path / name)
        return tmp_path

    return write


@pytest.fixture
def served(tmp_path):
    """Address of the files in tmp_path."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=str(tmp_path))

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def camera_of(monkeypatch):
    """Let camera 0 show a clip."""
    real = cv2.VideoCapture

    def plug_in(path):
        monkeypatch.setattr(
            cv2, "VideoCapture", lambda index: real(str(path) if index == 0 else "")
        )

    return plug_in


@pytest.mark.parametrize(
    ("cut", "numbers"),
    [
        (Cut(), range(20)),
        (Cut(start=0.2), range(5, 20)),  # 25 frames a second: 0.2 s is frame 5
        (Cut(end=0.2), range(5)),
        (Cut(start=0.21, end=0.4), range(6, 10)),
        (Cut(stride=6), (0, 6, 12, 18)),
        (Cut(start=0.2, end=0.5, stride=3), (5, 8, 11)),
        (Cut(start=1), ()),
    ],
)
@pytest.mark.parametrize("kind", ["clip.mp4", "clip.mkv", "clip.ts", "images"])
def test_cut(make_clip, write_images, number_of, cut, numbers, kind):
    if kind == "images":
        folder = write_images(*[f"{i:03d}.png" for i in range(20)])
        source = folder / "%03d.png"
    else:
        # A key frame every four, so that there is one to jump to, and to miss.
        source = make_clip(kind, frames=20, key_every=4)
    with open_source(source) as reader:
        taken = list(reader.timed_frames(cut))
    assert [number_of(frame) for frame, _ in taken] == list(numbers)
    np.testing.assert_allclose(
        [float(seconds) for _, seconds in taken], np.array(numbers) / 25, atol=2e-3
    )


@pytest.mark.parametrize("name", ["clip.h264", "clip.ts"])
def test_start_where_there_is_nothing_to_jump_to(make_clip, number_of, name):
    # No times, or one key frame and no index: read from the beginning.
    with VideoReader(make_clip(name, frames=12)) as reader:
        numbers = [number_of(f) for f, _ in reader.timed_frames(Cut(start=0.2))]
    assert numbers == list(range(5, 12))


@pytest.mark.parametrize(
    ("cut", "expected"),
    [
        (Cut(), 100),
        (Cut(stride=3), 34),  # 0, 3, ..., 99
        (Cut(start=1), 75),
        (Cut(start=1, end=2), 25),
        (Cut(start=1, end=2, stride=10), 3),
        (Cut(start=3, end=9), 25),
    ],
)
def test_announced_number_of_frames(make_clip, cut, expected):
    with VideoReader(make_clip(frames=4)) as reader:
        info = sources.VideoInfo(8, 8, Fraction(25), 100, "h264", False)
        assert cut.num_frames(info) == expected
        assert Cut().num_frames(reader.info) == 4
    unknown = sources.VideoInfo(8, 8, Fraction(25), 0, "camera", False)
    assert Cut().num_frames(unknown) == 0
    assert Cut(end=2).num_frames(unknown) == 50


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"start": -1}, "start of 0 or more.*start=-1.0"),
        ({"stride": 0}, "stride=0"),
        ({"start": 2, "end": 2}, "end after the start.*start=2.0, end=2.0"),
    ],
)
def test_cut_that_cannot_be(values, message):
    with pytest.raises(VideoError, match=message):
        Cut(**values)


def test_decimal_seconds_are_exact():
    assert Cut(start=0.1).start == Fraction(1, 10)


def test_numbered_images_go_by_number(write_images, number_of):
    folder = write_images("s8.png", "s9.png", "s10.png", "s12.png", "t1.png", "s.png")
    with ImageSequence(folder / "s%d.png", fps=Fraction(30000, 1001)) as images:
        info = images.info
        timed = list(images.timed_frames())
    assert [number_of(frame) for frame, _ in timed] == [0, 1, 2, 3]
    assert timed[3][1] == 3 * Fraction(1001, 30000)
    assert (info.width, info.height, info.num_frames) == (128, 48, 4)
    assert info.fps == Fraction(30000, 1001) and not info.has_audio


def test_no_numbered_images(tmp_path):
    for pattern in (tmp_path / "%d.png", tmp_path / "gone" / "%d.png"):
        with pytest.raises(VideoError, match="numbered images.*of which there is none"):
            open_source(pattern)


def test_numbered_image_of_another_size(write_images):
    folder = write_images("0.png", "1.png")
    Image.new("RGB", (5, 7)).save(folder / "1.png")
    with (
        open_source(folder / "%d.png") as images,
        pytest.raises(VideoError, match=r"128 x 48 pixels.*1\.png with 5 x 7"),
    ):
        list(images)


def test_numbered_image_that_is_damaged(write_images):
    folder = write_images("0.png", "1.png")
    (folder / "1.png").write_bytes(b"no picture")
    with (
        open_source(folder / "%d.png") as images,
        pytest.raises(DatasetError, match=r"1\.png"),
    ):
        list(images)


@pytest.mark.parametrize("cut", [Cut(), Cut(start=0.4)])
def test_url(make_clip, served, number_of, cut):
    path = make_clip(frames=20, sound="aac", options={"movflags": "faststart"})
    with open_source(f"{served}/{path.name}") as reader:
        numbers = [number_of(frame) for frame, _ in reader.timed_frames(cut)]
        assert reader.sound_path == f"{served}/{path.name}"
        assert not reader.is_live
    assert numbers == list(range(20))[int(cut.start * 25) :]


def test_url_that_is_not_there(served):
    with pytest.raises(VideoError, match=f"a URL of a video. Received: {served}/no"):
        open_source(f"{served}/no.mp4")


def test_live_url(number_of, numbered_frame, free_port):
    """MPEG-TS over UDP: nobody waits for the reader."""
    url, done = f"udp://127.0.0.1:{free_port}", threading.Event()

    def send():
        with av.open(url, "w", format="mpegts") as container:
            stream = container.add_stream("libx264", rate=25)
            stream.width, stream.height, stream.pix_fmt = 128, 48, "yuv420p"
            stream.options = {"g": "5", "tune": "zerolatency"}
            for i in range(10_000):
                if done.is_set():
                    break
                frame = av.VideoFrame.from_ndarray(numbered_frame(i % 256), "rgb24")
                container.mux(stream.encode(frame))
                time.sleep(0.005)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        with open_source(url) as reader:
            assert reader.is_live and reader.sound_path is None
            numbers = [number_of(f) for f, _ in reader.timed_frames(Cut(end=0.4))]
    finally:
        done.set()
        sender.join()
    # In order; UDP may lose some on a machine that is busy.
    assert 5 <= len(numbers) <= 10
    assert (np.diff(numbers) % 256 < 20).all()


@pytest.fixture
def free_port():
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_camera(make_clip, camera_of):
    red = np.zeros((32, 32, 3), np.uint8)
    red[..., 0] = 200
    camera_of(make_clip(frames=[red] * 6, fps=Fraction(30000, 1001)))
    with open_source("0") as camera:
        assert isinstance(camera, Camera) and camera.is_live
        assert float(camera.info.fps) == pytest.approx(29.97, abs=0.01)
        frames, times = [], []
        with pytest.raises(VideoError, match="camera 0, which stopped giving any"):
            for frame, seconds in camera.timed_frames():
                frames.append(frame)
                times.append(seconds)
                time.sleep(0.01)
    assert len(frames) == 5  # the first was looked at when it was plugged in
    np.testing.assert_allclose(frames[0][16, 16], [200, 0, 0], atol=8)
    # The clock's time, not the clip's.
    assert (np.diff([float(t) for t in times]) >= 0.009).all()


def test_no_camera(camera_of):
    camera_of("")
    with pytest.raises(VideoError, match="camera with the number 3. Received: no pict"):
        open_source(3)


def test_file_called_like_a_camera(make_clip, tmp_path, monkeypatch):
    make_clip().rename(tmp_path / "7")
    monkeypatch.chdir(tmp_path)
    with open_source("7") as reader:
        assert isinstance(reader, VideoReader)
