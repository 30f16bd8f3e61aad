"""samples/office, samples/splash and samples/detect.py on a generated street.

What the network would find is known there, so that it is put in its place.
"""

import importlib.util
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from benchmarks.privacy import street
from mrcnn.errors import ConfigError

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
IMAGE_HW, NUM_FRAMES = (180, 320), 6


def load(name):
    path = SAMPLES / f"{name}.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


office, splash, detect = (load(n) for n in ("office/office", "splash/splash", "detect"))
FRAMES = list(street.street(4, NUM_FRAMES, IMAGE_HW))


class KnowsTheStreet:
    """A network that finds what is in the frames, in their order."""

    def __init__(self):
        self._frames = iter(FRAMES)

    def detect_images(self, images, *, mask_threshold):
        return [next(self._frames)[1] for _ in images]


@pytest.fixture(autouse=True)
def network(monkeypatch):
    for sample in (office, splash, detect):
        monkeypatch.setattr(
            sample,
            "load_detector",
            lambda args: (KnowsTheStreet(), street.CLASS_NAMES),
        )


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "in" / "street.png"
    path.parent.mkdir()
    Image.fromarray(FRAMES[0][0]).save(path)
    return path


@pytest.fixture
def frames(tmp_path):
    """The clip as numbered images, so that its pixels are those of the street."""
    folder = tmp_path / "shots"
    folder.mkdir()
    for i, (image, _) in enumerate(FRAMES):
        Image.fromarray(image).save(folder / f"{i:03d}.png")
    return folder


def read(path):
    with Image.open(path) as picture:
        return np.asarray(picture)


def result(folder, ending):
    """The one result; numbered images are named after two folders."""
    (path,) = folder.glob(f"*{ending}")
    return path


def expected_office(found):
    """The issue's table, pixel by pixel; masks of the street do not overlap."""
    painted = np.zeros((*found.image_hw, 3), np.uint8)
    table = {
        "person": (255, 255, 255),
        "tv": (255, 0, 0),
        "laptop": (255, 0, 0),
        "cell phone": (0, 255, 255),
        "book": (255, 0, 255),
    }
    for i, class_id in enumerate(found.class_ids):
        name = street.CLASS_NAMES[class_id]
        painted[found.masks[..., i]] = table.get(name, (0, 0, 0))
    return painted


def test_colours_of_the_office():
    assert office.COLORS == {
        "person": (255, 255, 255),
        "tv": (255, 0, 0),
        "laptop": (255, 0, 0),
        "bottle": (0, 0, 255),
        "cup": (0, 0, 255),
        "wine glass": (0, 0, 255),
        "cell phone": (0, 255, 255),
        "microwave": (255, 255, 0),
        "oven": (255, 255, 0),
        "sink": (100, 150, 200),
        "book": (255, 0, 255),
        "keyboard": (0, 255, 0),
    }
    from mrcnn.cli.coco_classes import COCO_CLASSES

    assert set(office.COLORS) <= set(COCO_CLASSES)


def test_office_video_is_exact(frames, tmp_path):
    words = [str(frames / "%03d.png"), "--output", str(tmp_path)]
    assert office.main(words) == 0
    with av.open(str(result(tmp_path, "shots_office.mkv"))) as video:
        pictures = [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]
    expected = [expected_office(found) for _, found in FRAMES]
    assert any(picture.any() for picture in expected)
    np.testing.assert_array_equal(pictures, expected)


def test_office_of_a_folder_of_frames(frames, tmp_path):
    assert office.main([str(frames), "--output", str(tmp_path / "out")]) == 0
    written = sorted((tmp_path / "out").iterdir())
    assert [path.name for path in written] == [f"{i:03d}_office.png" for i in range(6)]
    for path, (_, found) in zip(written, FRAMES, strict=True):
        np.testing.assert_array_equal(read(path), expected_office(found))


def test_office_for_a_network(frames, tmp_path):
    pattern = str(frames / "%03d.png")
    words = [pattern, "--output", str(tmp_path), "--frames", "--size", "40x64"]
    assert office.main(words) == 0
    written = sorted(result(tmp_path, "shots_office").iterdir())
    assert [path.name for path in written] == [f"{i:06d}.png" for i in range(6)]
    # The centre of each cell: rows 180 / 40 = 4.5 apart, columns 320 / 64 = 5.
    rows = (np.arange(40) * 4.5 + 2.25).astype(int)
    columns = np.arange(64) * 5 + 2
    for path, (_, found) in zip(written, FRAMES, strict=True):
        expected = expected_office(found)[rows][:, columns]
        np.testing.assert_array_equal(read(path), expected)


def test_office_of_chosen_classes(photo, tmp_path):
    words = [str(photo), "--output", str(tmp_path), "--classes", "person"]
    assert office.main(words) == 0
    painted = read(tmp_path / "street_office.png")
    found = FRAMES[0][1]
    people = found.masks[..., found.class_ids == 1].any(axis=-1)
    np.testing.assert_array_equal(
        painted, people[..., None] * np.full(3, 255, np.uint8)
    )


def test_office_classes():
    assert office.painted_classes(None, street.CLASS_NAMES) == [
        *("person", "tv", "laptop", "cell phone", "book")
    ]
    with pytest.raises(ConfigError, match=r"a colour: person.*Received: car\."):
        office.painted_classes(["car"], street.CLASS_NAMES)
    with pytest.raises(ConfigError, match=r"Received: badge\..*COLORS in office"):
        office.painted_classes(None, ["BG", "badge"])


def test_splash_of_an_image(photo, tmp_path):
    words = [str(photo), "--output", str(tmp_path), "--classes", "person"]
    assert splash.main(words) == 0
    drawn = read(tmp_path / "street_splash.png")
    image, found = FRAMES[0]
    people = found.masks[..., found.class_ids == 1].any(axis=-1)
    np.testing.assert_array_equal(drawn[people], image[people])
    assert (np.ptp(drawn[~people].astype(int), axis=-1) == 0).all()
    assert np.ptp(image[~people].astype(int), axis=-1).max() > 30


@pytest.mark.parametrize("background", ["grey", "blur", "10,20,30", "picture"])
def test_splash_of_a_video(frames, photo, tmp_path, background):
    wanted = str(photo) if background == "picture" else background
    words = [str(frames / "%03d.png"), "--output", str(tmp_path)]
    assert splash.main([*words, "--background", wanted]) == 0
    with av.open(str(result(tmp_path, "shots_splash.mp4"))) as video:
        drawn = [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]
    assert len(drawn) == NUM_FRAMES
    for picture, (image, found) in zip(drawn, FRAMES, strict=True):
        objects = found.masks.any(axis=-1)
        behind = {
            "grey": np.repeat(image.mean(axis=-1, keepdims=True), 3, axis=-1),
            "blur": np.full_like(image, image.mean(axis=(0, 1))),
            "10,20,30": np.full_like(image, (10, 20, 30)),
            "picture": FRAMES[0][0],
        }[background]
        expected = np.where(objects[..., None], image, behind)
        # H.264 keeps half the colours; the lower street of the blur is darker.
        apart = np.abs(picture.astype(float) - expected).mean()
        assert apart < (25 if background == "blur" else 8)


def test_splash_with_a_missing_background(photo, tmp_path, capsys):
    words = [str(photo), "--output", str(tmp_path), "--background", "no.jpg"]
    assert splash.main(words) == 2
    assert "Received: no.jpg" in capsys.readouterr().err


def test_detect_writes_three_pictures(photo, tmp_path, capsys):
    assert detect.main([str(photo), "--output", str(tmp_path / "out"), "--show"]) == 0
    written = {path.name: read(path) for path in (tmp_path / "out").iterdir()}
    assert sorted(written) == [
        *("composed.png", "objects_detection.png", "segmentation_masks.png")
    ]
    image, found = FRAMES[0]
    objects = found.masks.any(axis=-1)
    masks = written["segmentation_masks.png"]
    np.testing.assert_array_equal(masks.any(axis=-1), objects)
    for class_id in np.unique(found.class_ids):
        of_class = found.masks[..., found.class_ids == class_id].any(axis=-1)
        assert len(np.unique(masks[of_class], axis=0)) == 1
    # Boxes and captions leave most of the picture; the composed covers objects, too.
    same = (written["objects_detection.png"] == image).all(axis=-1)
    assert 0.4 < same.mean() < 1
    composed = (written["composed.png"] == image).all(axis=-1)
    assert composed[objects].mean() < 0.1 < same[objects].mean()
    assert "person" in capsys.readouterr().out


def test_detect_without_an_image(tmp_path, capsys):
    assert detect.main([str(tmp_path / "gone.jpg")]) == 2
    assert "no such file" in capsys.readouterr().err


@pytest.mark.parametrize(
    "folder", [".", "office", "privacy", "splash", "shapes", "remote"]
)
def test_each_readme_shows_a_picture(folder):
    readme = SAMPLES / folder / "README.md"
    text = readme.read_text("utf-8")
    assert len(text.splitlines()) < 90
    pictures = [
        line.partition("](")[2].rstrip(")")
        for line in text.splitlines()
        if line.startswith("![")
    ]
    assert pictures
    for name in pictures:
        path = readme.parent / name
        assert path.is_file() and path.stat().st_size < 100_000
