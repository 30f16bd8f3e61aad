"""The data set that ships in datasets/remote, and the program that draws it."""

import json
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
DATASET = ROOT / "datasets" / "remote"
# Pictures and remotes in each.
COUNTS = {"train": (32, 68), "val": (8, 16)}


@pytest.fixture(scope="module")
def generator():
    """The generator's module, imported as the script imports its own parts."""
    folder = str(ROOT / "samples" / "remote")
    sys.path.insert(0, folder)
    try:
        import generate_dataset
    finally:
        sys.path.remove(folder)
    return generate_dataset


def read_project(folder: Path) -> dict:
    return json.loads((folder / "via_region_data.json").read_text(encoding="utf-8"))


def read_polygons(entry: dict) -> list[np.ndarray]:
    shapes = [region["shape_attributes"] for region in entry["regions"]]
    return [
        np.array([shape["all_points_x"], shape["all_points_y"]], np.int32).T
        for shape in shapes
    ]


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    return float((first & second).sum() / (first | second).sum())


def fill(polygon: np.ndarray, image_hw: tuple[int, int]) -> np.ndarray:
    mask = np.zeros(image_hw, np.uint8)
    cv2.fillPoly(mask, [polygon.astype(np.int32)], 1)
    return mask.astype(bool)


@pytest.mark.parametrize("subset", COUNTS)
def test_project_names_every_picture_of_the_folder(subset):
    project = read_project(DATASET / subset)
    metadata = project["_via_img_metadata"]
    pictures = sorted(path.name for path in (DATASET / subset).glob("*.jpg"))
    assert sorted(entry["filename"] for entry in metadata.values()) == pictures
    assert project["_via_image_id_list"] == list(metadata)
    for key, entry in metadata.items():
        size = (DATASET / subset / entry["filename"]).stat().st_size
        assert entry["size"] == size
        assert key == f"{entry['filename']}{size}"


@pytest.mark.parametrize(("subset", "counts"), COUNTS.items())
def test_counts(subset, counts):
    metadata = read_project(DATASET / subset)["_via_img_metadata"]
    per_picture = [len(entry["regions"]) for entry in metadata.values()]
    assert (len(per_picture), sum(per_picture)) == counts
    assert 1 <= min(per_picture) and max(per_picture) <= 4


@pytest.mark.parametrize("subset", COUNTS)
def test_project_is_what_via_saves(subset):
    project = read_project(DATASET / subset)
    assert set(project) == {
        "_via_settings",
        "_via_img_metadata",
        "_via_attributes",
        "_via_data_format_version",
        "_via_image_id_list",
    }
    assert project["_via_attributes"]["region"]["object"]["options"] == {
        "AC Remote": ""
    }
    for entry in project["_via_img_metadata"].values():
        for region in entry["regions"]:
            assert region["shape_attributes"]["name"] == "polygon"
            assert region["region_attributes"] == {"object": "AC Remote"}


@pytest.mark.parametrize("subset", COUNTS)
def test_outlines_lie_inside_pictures_and_are_large_enough_to_learn(subset):
    for entry in read_project(DATASET / subset)["_via_img_metadata"].values():
        image = cv2.imread(str(DATASET / subset / entry["filename"]))
        height, width = image.shape[:2]
        assert 480 <= min(height, width) and max(height, width) <= 800
        for polygon in read_polygons(entry):
            assert 12 <= len(polygon) <= 40
            assert polygon.min() >= 0
            assert (polygon < (width, height)).all()
            assert cv2.contourArea(polygon) > 0
            # A quarter of the long side, less a pixel of rounding at each end.
            long_side = max(cv2.minAreaRect(polygon)[1])
            assert long_side >= 0.25 * max(height, width) - 2


def test_train_and_val_share_no_picture():
    contents = [path.read_bytes() for path in DATASET.glob("*/*.jpg")]
    assert len(set(contents)) == len(contents) == 40


def test_clip_plays():
    with av.open(str(DATASET / "clip.mp4")) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p"
        assert stream.average_rate == Fraction(25)
        frames = [frame.to_ndarray(format="gray") for frame in container.decode(stream)]
    assert len(frames) == 110
    assert {frame.shape for frame in frames} == {(360, 640)}
    changes = [
        np.abs(a.astype(int) - b).mean()
        for a, b in zip(frames[::10], frames[10::10], strict=False)
    ]
    assert min(changes) > 1  # the camera moves throughout


def test_folder_is_small():
    files = [path for path in DATASET.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 5_000_000


def test_same_seed_draws_the_same_files(generator, tmp_path):
    command = ["--seed", "3", "--train", "2", "--val", "1", "--frames", "3"]
    for name in ("first", "second"):
        generator.main(["--output", str(tmp_path / name), *command])
    first = sorted(p for p in (tmp_path / "first").rglob("*") if p.is_file())
    names = [path.relative_to(tmp_path / "first").as_posix() for path in first]
    assert names == [
        "clip.mp4",
        "train/train_000.jpg",
        "train/train_001.jpg",
        "train/via_region_data.json",
        "val/val_000.jpg",
        "val/via_region_data.json",
    ]
    for path, name in zip(first, names, strict=True):
        if name != "clip.mp4":
            assert path.read_bytes() == (tmp_path / "second" / name).read_bytes()


def test_another_seed_draws_other_pictures(generator):
    first = generator.draw_picture(0, "val", 1)[0]
    second = generator.draw_picture(1, "val", 1)[0]
    assert first.shape != second.shape or (first != second).mean() > 0.5


@pytest.mark.parametrize("subset", COUNTS)
def test_shipped_pictures_are_what_the_generator_draws(generator, subset):
    image, view = generator.draw_picture(0, subset, 0)
    entry = next(iter(read_project(DATASET / subset)["_via_img_metadata"].values()))
    shipped = cv2.imread(str(DATASET / subset / entry["filename"]))[..., ::-1]
    assert image.shape == shipped.shape
    # JPEG and the letters of another OpenCV differ a little, another scene a lot.
    assert np.abs(image.astype(int) - shipped).mean() < 4
    drawn = generator.outlines(view)
    for ours, theirs in zip(drawn, read_polygons(entry), strict=True):
        image_hw = image.shape[:2]
        assert overlap(fill(ours, image_hw), fill(theirs, image_hw)) > 0.99


def seen_pixels(generator, view, index: int) -> np.ndarray:
    """Where a thing is seen: the pixels that change when it is painted over."""
    images = []
    for color in ((255, 0, 255), (0, 255, 0)):
        things = list(view.scene.things)
        solid = things[index].solid
        painted = replace(solid, face=np.full_like(solid.face, color), side=color)
        things[index] = replace(things[index], solid=painted)
        scene = replace(view.scene, things=tuple(things))
        images.append(generator.render(scene, view.camera).astype(int))
    return np.abs(images[0] - images[1]).max(axis=2) > 50


@pytest.mark.parametrize("seed", [0, 3, 5])
def test_outline_agrees_with_the_pixels_of_the_remote(generator, seed):
    view = generator.compose(np.random.default_rng(seed), (384, 512), 2)
    polygons = generator.outlines(view)
    assert len(polygons) == 2
    for index, polygon in zip(view.remotes(), polygons, strict=True):
        seen = seen_pixels(generator, view, index)
        assert overlap(fill(polygon, seen.shape), seen) >= 0.97


def test_outline_leaves_out_what_covers_a_remote(generator):
    view = generator.compose(np.random.default_rng(0), (384, 512), 1)
    remote = view.scene.things[0]
    alone = replace(view, scene=replace(view.scene, things=(remote,)))
    lower_end = remote.to_table(np.array([[0, remote.solid.outline[:, 1].max()]]))[0]
    cover = replace(
        remote,
        center=tuple(lower_end),
        turn=remote.turn + np.pi / 2,
        base=remote.solid.height,
        solid=replace(remote.solid, name="cover"),
    )
    scene = replace(view.scene, things=(remote, cover))
    covered = replace(view, scene=scene)
    whole = fill(generator.outlines(alone)[0], (384, 512))
    part = fill(generator.outlines(covered)[0], (384, 512))
    assert 0.4 < part.sum() / whole.sum() < 0.95
    assert overlap(part, seen_pixels(generator, covered, 0)) >= 0.97


def test_thing_out_of_sight_has_no_outline(generator):
    view = generator.compose(np.random.default_rng(0), (384, 512), 1)
    remote = replace(view.scene.things[0], center=(1e4, 1e4))
    away = replace(view, scene=replace(view.scene, things=(remote,)))
    assert generator.outlines(away)[0].shape == (0, 2)
