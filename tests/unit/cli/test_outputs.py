from pathlib import Path

import numpy as np
import pytest

from mrcnn.cli import outputs
from mrcnn.errors import ConfigError, DatasetError, VideoError
from mrcnn.structures import Detections


@pytest.fixture
def folder(tmp_path):
    for name in ("b.JPG", "a.png", "clip.mp4", "notes.txt", "deep/c.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


@pytest.fixture
def one():
    """A box of 2 x 3 at (1, 1) in an image of 4 x 6, its left column masked."""
    mask = np.array([[1, 0, 0], [1, 0, 0]], bool)
    return Detections(
        (4, 6),
        np.array([[1, 1, 3, 4]], np.int32),
        np.array([2], np.int32),
        np.array([0.5], np.float32),
        (mask,),
    )


def names(paths):
    return [path.name for path in paths]


def test_folder_gives_its_images_and_videos(folder):
    found = outputs.find_inputs([str(folder)])
    assert names(found) == ["a.png", "b.JPG", "clip.mp4"]


def test_inputs_keep_their_order_and_come_once(folder):
    found = outputs.find_inputs([str(folder / "b.JPG"), str(folder)])
    assert names(found) == ["b.JPG", "a.png", "clip.mp4"]


def test_pattern(folder):
    assert names(outputs.find_inputs([str(folder / "*.p*")])) == ["a.png"]


def test_file_whose_name_looks_like_a_pattern(tmp_path):
    (tmp_path / "photo[1].jpg").touch()
    assert len(outputs.find_inputs([str(tmp_path / "photo[1].jpg")])) == 1


@pytest.mark.parametrize("name", ["gone.jpg", "*.gif"])
def test_missing_input(folder, name):
    with pytest.raises(DatasetError, match="no such file or folder"):
        outputs.find_inputs([str(folder / name)])


def test_folder_without_images(tmp_path):
    with pytest.raises(DatasetError, match="a folder without images or videos"):
        outputs.find_inputs([str(tmp_path)])


def test_require_videos():
    outputs.require_videos([Path("a.mp4"), Path("b.MOV")])
    with pytest.raises(VideoError, match=r"Received: c\.jpg"):
        outputs.require_videos([Path("a.mp4"), Path("c.jpg")])


def test_make_folder_where_a_file_is(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="Expected a folder for the results"):
        outputs.make_folder(tmp_path / "file")


def test_results_never_replace_inputs_or_each_other():
    paths = [Path(name) for name in ("x/1.jpg", "x/1.png", "y/1.jpg", "x/a.b.jpg")]
    targets = outputs.target_stems(paths, Path("x"))
    assert [targets[path].name for path in paths] == [
        "1_masks",
        "1-2_masks",
        "1-3_masks",
        "a.b_masks",
    ]


def test_target_that_another_input_already_has():
    paths = [Path("1.jpg"), Path("1-2.jpg"), Path("1.png")]
    targets = outputs.target_stems(paths, Path("out"))
    assert len(set(targets.values())) == 3


def test_targets_differ_where_capitals_do_not_count():
    targets = outputs.target_stems([Path("x/A.jpg"), Path("y/a.jpg")], Path("out"))
    assert len({str(target).lower() for target in targets.values()}) == 2


def test_listing(one):
    listing = outputs.listing_of("photo.jpg", one, ["BG", "cell", "remote"])
    assert {key: listing[key] for key in ("image", "height", "width")} == {
        "image": "photo.jpg",
        "height": 4,
        "width": 6,
    }
    (found,) = listing["detections"]
    assert found["category_name"] == "remote" and found["category_id"] == 2
    assert found["bbox"] == [1, 1, 3, 2] and found["score"] == 0.5  # x, y, w, h

    from pycocotools import mask

    decoded = mask.decode(found["segmentation"])
    np.testing.assert_array_equal(decoded, one.masks[..., 0])


def test_listing_of_nothing():
    listing = outputs.listing_of("photo.jpg", Detections.empty((4, 6)), ["BG", "a"])
    assert listing["detections"] == []


def test_summary(one):
    both = Detections(
        one.image_hw,
        np.repeat(one.boxes, 3, axis=0),
        np.array([2, 1, 2], np.int32),
        np.ones(3, np.float32),
        one.box_masks * 3,
    )
    assert outputs.summary(both, ["BG", "cell", "remote"]) == "2 remote, 1 cell"


def test_long_url():
    url = "rtsp://door/" + "x" * 400
    assert outputs.find_inputs([url]) == [url]


def test_sources_that_are_no_files(folder, monkeypatch):
    monkeypatch.chdir(folder)
    (folder / "3").touch()
    texts = ["0", "rtsp://door/1", "shots/%04d.png"]
    found = outputs.find_inputs([*texts, "clip.mp4", "3"])
    # What is there is a file, whatever its name.
    assert found == [*texts, Path("clip.mp4"), Path("3")]
    assert [outputs.is_video(source) for source in found] == [True] * 4 + [False]
    stems = outputs.target_stems(
        [*texts, "http://a.org/live/b.m3u8"], Path("out"), "_x"
    )
    assert names(stems.values()) == ["camera0_x", "door-1_x", "shots_x", "live-b_x"]


@pytest.fixture
def clip(tmp_path):
    import av

    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for i in range(6):
            picture = np.full((48, 64, 3), 30 * i, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
        container.mux(stream.encode())
    return path


def square_in_even_frames():
    """A detector of a square that moves a pixel a frame and is missed in odd ones."""
    numbers = iter(range(100))

    def detect(images):
        found = []
        for image, i in zip(images, numbers, strict=False):
            square = Detections(
                image.shape[:2],
                np.array([[5, 5 + i, 25, 25 + i]], np.int32),
                np.array([1], np.int32),
                np.array([0.75], np.float32),
                (np.ones((20, 20), bool),),
            )
            found.append(square if i % 2 == 0 else square.select([]))
        return found

    return detect


def read_lines(path):
    import json

    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_video_has_a_line_for_each_frame(clip, tmp_path):
    from pycocotools import mask

    from mrcnn.video.tracking import track

    target = tmp_path / "clip_masks.mp4"
    detect = square_in_even_frames()
    written = outputs.write_video(clip, target, detect, ["BG", "box"], track=track)
    lines = read_lines(target.with_suffix(".jsonl"))
    assert written == len(lines) == 6
    assert [line["frame"] for line in lines] == list(range(6))
    np.testing.assert_allclose([line["seconds"] for line in lines], np.arange(6) / 10)
    assert [len(line["detections"]) for line in lines] == [1, 0] * 3
    (found,) = lines[4]["detections"]
    rle = found.pop("segmentation")
    assert found == {
        "image_id": 4,
        "category_id": 1,
        "category_name": "box",
        "bbox": [9, 5, 20, 20],
        "score": 0.75,
        "track_id": 1,
    }
    expected = np.zeros((48, 64), bool)
    expected[5:25, 9:29] = True
    np.testing.assert_array_equal(mask.decode(rle), expected)


def test_lines_without_tracking_have_no_ids(clip, tmp_path):
    target = tmp_path / "clip_masks.mp4"
    outputs.write_video(clip, target, square_in_even_frames(), ["BG", "box"])
    first = read_lines(target.with_suffix(".jsonl"))[0]
    assert "track_id" not in first["detections"][0]


def test_lines_up_to_an_error_are_kept(clip, tmp_path):
    target, detect = tmp_path / "clip_masks.mp4", square_in_even_frames()
    calls = []

    def fail_at_the_fourth(images):
        calls.append(1)
        if len(calls) == 4:
            raise KeyError("theirs")
        return detect(images)

    with pytest.raises(KeyError):
        outputs.write_video(clip, target, fail_at_the_fourth, ["BG", "box"])
    assert len(read_lines(target.with_suffix(".jsonl"))) == 3


def test_missing_video_leaves_older_lines(tmp_path):
    lines = tmp_path / "out.jsonl"
    lines.write_text("older")
    with pytest.raises(VideoError):
        outputs.write_video(tmp_path / "no.mp4", tmp_path / "out.mp4", None, ["BG"])
    assert lines.read_text() == "older"


def test_lines_that_cannot_be_written(clip, tmp_path):
    target = tmp_path / "out.mp4"
    target.with_suffix(".jsonl").mkdir()
    with pytest.raises(VideoError, match=r"Expected to write .*out\.jsonl"):
        outputs.write_video(clip, target, square_in_even_frames(), ["BG", "box"])
