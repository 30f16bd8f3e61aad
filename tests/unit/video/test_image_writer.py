import numpy as np
import pytest

from mrcnn.errors import VideoError
from mrcnn.structures import Detections
from mrcnn.video.image_writer import ImageWriter, is_numbered
from mrcnn.video.pipeline import process_video
from mrcnn.video.sources import open_source


def find_nothing(images):
    return [Detections.empty(image.shape[:2]) for image in images]


def test_what_is_written_is_read_back(tmp_path, rng):
    frames = list(rng.integers(0, 256, (12, 5, 7, 3), np.uint8))
    pattern = tmp_path / "masks" / "%06d.png"
    with ImageWriter(pattern, width=7, height=5) as writer:
        for frame in frames:
            writer.write(frame)
    assert writer.num_frames == 12
    assert (tmp_path / "masks" / "000011.png").is_file()
    with open_source(pattern) as source:
        np.testing.assert_array_equal(list(source), frames)


def test_percent_in_the_name(tmp_path):
    frame = np.zeros((4, 4, 3), np.uint8)
    with ImageWriter(tmp_path / "50%_%03d.png", width=4, height=4) as writer:
        writer.write(frame)
    assert (tmp_path / "50%_000.png").is_file()


def test_pipeline_into_images_of_another_size(tmp_path, make_clip, number_of):
    clip = make_clip(frames=5, sound="aac")
    written = process_video(
        clip,
        tmp_path / "small" / "%02d.png",
        find_nothing,
        lambda frame, found: frame[::4, ::2],
        target_hw=(12, 64),
    )
    assert written == 5
    with open_source(tmp_path / "small" / "%02d.png") as source:
        sizes = [frame.shape for frame in source]
    assert sizes == [(12, 64, 3)] * 5


def test_error_keeps_the_images_before_it(tmp_path, make_clip):
    calls = []

    def fail_at_the_third(images):
        calls.append(1)
        if len(calls) == 3:
            raise KeyError("theirs")
        return find_nothing(images)

    with pytest.raises(KeyError):
        process_video(
            make_clip(),
            tmp_path / "out" / "%03d.png",
            fail_at_the_third,
            lambda frame, found: frame,
        )
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "000.png",
        "001.png",
    ]


@pytest.mark.parametrize("name", ["masks.png", "%06d.jpg", "masks"])
def test_wrong_name(tmp_path, name):
    with pytest.raises(VideoError, match=r"numbered PNG images.*%06d\.png"):
        ImageWriter(tmp_path / name, width=4, height=4)


def test_frame_that_does_not_fit(tmp_path):
    with ImageWriter(tmp_path / "%d.png", width=4, height=4) as writer:
        with pytest.raises(VideoError, match=r"Expected a frame uint8 \(4, 4, 3\)"):
            writer.write(np.zeros((4, 5, 3), np.uint8))
        with pytest.raises(VideoError, match="float"):
            writer.write(np.zeros((4, 4, 3)))
    assert not list(tmp_path.iterdir())


def test_folder_that_is_a_file(tmp_path):
    (tmp_path / "out").touch()
    with (
        ImageWriter(tmp_path / "out" / "%d.png", width=4, height=4) as writer,
        pytest.raises(VideoError, match=r"Expected to write .*0\.png"),
    ):
        writer.write(np.zeros((4, 4, 3), np.uint8))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *(("%d.png", True), ("a/%06d.PNG", True), ("%06d/a.png", False)),
        *(("a.mp4", False), ("clip%d.mp4", False)),
    ],
)
def test_numbered_names(name, expected):
    assert is_numbered(name) is expected
