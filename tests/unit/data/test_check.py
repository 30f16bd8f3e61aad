"""One broken data set for each kind of problem, and exactly that problem found."""

import ast
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mrcnn.data.check import check
from mrcnn.data.problems import KINDS, SEVERITIES, collected
from mrcnn.errors import DatasetError

ROOT = Path(__file__).resolve().parents[3]
HW = (60, 90)


def photo(seed, hw=HW):
    coarse = np.random.default_rng(seed).integers(0, 256, (8, 12, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize(hw[::-1], Image.Resampling.BICUBIC)


def polygon(xs, ys, label="remote"):
    return {
        "shape_attributes": {"name": "polygon", "all_points_x": xs, "all_points_y": ys},
        "region_attributes": {"label": label} if label else {},
    }


def square(x=10, y=10, side=20, label="remote"):
    return polygon([x, x + side, x + side, x], [y, y, y + side, y + side], label)


@pytest.fixture
def via(tmp_path):
    """Write a VIA data set; each image is a file name to (picture, regions)."""

    def write(images: dict, subset="") -> Path:
        folder = tmp_path / "set" / subset
        folder.mkdir(parents=True, exist_ok=True)
        entries = {}
        for name, (picture, regions) in images.items():
            if isinstance(picture, bytes):
                (folder / name).write_bytes(picture)
            elif picture is not None:
                picture.save(folder / name)
            entries[f"{name}-1"] = {"filename": name, "size": 1, "regions": regions}
        (folder / "via.json").write_text(json.dumps(entries))
        return tmp_path / "set"

    return write


@pytest.fixture
def coco(tmp_path):
    def write(*annotations, images=((1, "a.png"),), stated_hw=HW) -> Path:
        for image_id, name in images:
            photo(image_id).save(tmp_path / name)
        content = {
            "images": [
                {"id": i, "file_name": n, "height": stated_hw[0], "width": stated_hw[1]}
                for i, n in images
            ],
            "categories": [{"id": 1, "name": "cat"}],
            "annotations": [
                {"id": i, "image_id": 1, "category_id": 1, "iscrowd": 0, **annotation}
                for i, annotation in enumerate(annotations, start=1)
            ],
        }
        (tmp_path / "coco.json").write_text(json.dumps(content))
        return tmp_path

    return write


def kinds(path, **options):
    """The kinds of problems, without the few objects that all small sets have."""
    found = [problem.kind for problem in check(path, **options).problems]
    return [kind for kind in found if kind != "rare-class"]


def only(path, kind, **options):
    """The one problem of a data set, of this kind."""
    report = check(path, **options)
    found = [p for p in report.problems if p.kind != "rare-class"]
    assert [problem.kind for problem in found] == [kind]
    assert report.num_errors == (KINDS[kind][0] == "error")
    return found[0]


def test_nothing_is_wrong(via):
    folder = via({"a.png": (photo(1), [square()]), "b.png": (photo(2), [square()])})
    report = check(folder, limits={"MAX_GT_INSTANCES": 1})
    assert [problem.kind for problem in report.problems] == ["rare-class"]
    assert report.num_errors == 0
    assert report.parts[""].num_images == 2


def test_no_such_folder(tmp_path):
    with pytest.raises(DatasetError, match="no such file or folder"):
        check(tmp_path / "gone")


@pytest.mark.parametrize("content", ["", "{", "[1]", "{}", '{"_via_img_metadata": 5}'])
def test_unreadable_annotations(tmp_path, content):
    (tmp_path / "via.json").write_text(content)
    only(tmp_path, "unreadable-annotations")


def test_one_part_is_unreadable(via):
    via({"a.png": (photo(1), [square()])}, "train")
    folder = via({"b.png": (photo(2), [square()])}, "val")
    (folder / "val" / "via.json").write_text("{")
    problem = only(folder, "unreadable-annotations")
    assert "val/via.json" in problem.message


@pytest.mark.parametrize(
    "region",
    [
        5,
        {"shape_attributes": 5},
        {"shape_attributes": {"name": "point", "cx": 1, "cy": 1}},
        polygon([1, 2, "x"], [1, 2, 3]),
        polygon([1, 2], [1, 2, 3]),
        {
            "shape_attributes": {"name": "circle", "cx": 9, "cy": 9, "r": -1},
            "region_attributes": {"label": "remote"},
        },
    ],
)
def test_broken_region(via, region):
    if isinstance(region, dict) and "region_attributes" not in region:
        region["region_attributes"] = {"label": "remote"}
    folder = via({"a.png": (photo(1), [square(), region, square(50)])})
    problem = only(folder, "broken")
    assert problem.place == "region 1"
    assert check(folder).parts[""].image_class_ids(0).tolist() == [1, 1]


def test_missing_and_unreadable_images(via):
    whole = (ROOT / "datasets/remote/val/val_000.jpg").read_bytes()
    folder = via(
        {
            "gone.png": (None, [square()]),
            "text.png": (b"no image", [square()]),
            "cut.jpg": (whole[: len(whole) // 2], [square()]),
            "a.png": (photo(1), [square()]),
        }
    )
    assert kinds(folder) == ["missing-image", "unreadable-image", "unreadable-image"]
    images = [Path(p.image).name for p in check(folder).problems if p.image]
    assert images == ["gone.png", "text.png", "cut.jpg"]


def test_only_image_is_missing(via):
    only(via({"gone.png": (None, [square()])}), "missing-image")


def exif(orientation):
    data = Image.Exif()
    data[0x0112] = orientation
    return data


@pytest.mark.parametrize("orientation", [6, 8])
def test_outlines_of_a_photo_that_exif_turns(via, orientation):
    # Stored 90 wide and 60 high, shown 60 wide and 90 high.
    folder = via({})
    photo(1).save(folder / "a.jpg", exif=exif(orientation))
    via({"a.jpg": (None, [square(65), square(3, 30), square(64, 35)])})
    problem = only(folder, "turned-image")
    assert "3 outlines do not fit the image of 60 x 90 pixels" in problem.message
    assert "EXIF turns it" in problem.message


def test_outlines_fit_the_photo_that_exif_turns(via):
    folder = via({})
    photo(1).save(folder / "a.jpg", exif=exif(6))
    via({"a.jpg": (None, [square(3, 65)])})
    assert kinds(folder) == []


def test_photo_turned_afterwards(via):
    folder = via({"a.png": (photo(1, (90, 60)), [square(68), square()])})
    problem = only(folder, "turned-image")
    assert "turned after it was annotated" in problem.message


def test_coco_knows_the_size(coco):
    outline = {"segmentation": [[1, 1, 30, 1, 30, 30]]}
    only(coco(outline, stated_hw=(61, 90)), "other-size")


def test_outside(via):
    problem = only(via({"a.png": (photo(1), [square(), square(200)])}), "outside")
    assert problem.regions[0].shape.extent == (10, 200, 30, 220)


def test_no_area(via):
    line = polygon([5, 9, 13], [5, 5, 5])
    # No pixel's whole-number coordinates lie in it.
    between = polygon([5.2, 5.8, 5.8, 5.2], [5.2, 5.2, 5.8, 5.8])
    folder = via({"a.png": (photo(1), [square(), line, between])})
    assert kinds(folder) == ["no-area", "no-area"]


def test_coco_leaves_out_what_covers_nothing(coco):
    between = {"segmentation": [[5.6, 5.6, 5.8, 5.6, 5.8, 5.8]]}
    only(coco({"segmentation": [[1, 1, 30, 1, 30, 30]]}, between), "tiny")


def test_one_pixel(via):
    dot = polygon([50, 50.4, 50.4, 50], [50, 50, 50.4, 50.4])
    problem = only(via({"a.png": (photo(1), [square(), dot])}), "tiny")
    assert problem.place == "region 1"


def test_unlabelled(via):
    folder = via({"a.png": (photo(1), [square(), square(50, label="")])})
    assert only(folder, "unlabelled").place == "region 1"
    # Without any label all objects are of one class.
    assert kinds(via({"a.png": (photo(1), [square(label="")])})) == []


def test_unknown_class(via):
    folder = via({"a.png": (photo(1), [square(), square(50, label="Remot")])})
    problem = only(folder, "unknown-class", class_names=["remote"])
    assert "Did you mean 'remote'?" in problem.message


def test_class_in_val_only(via):
    via({"a.png": (photo(1), [square()])}, "train")
    folder = via({"b.png": (photo(2), [square(label="remotes")])}, "val")
    problem = only(folder, "unknown-class")
    assert "'remotes' is in val, but not in train. Did you mean 'remote'?" in (
        problem.message
    )


def test_misspelt_label(via):
    regions = [square(3 * i, 2 * i, 5) for i in range(20)]
    folder = via({"a.png": (photo(1), [*regions, square(60, label="remtoe")])})
    problem = only(folder, "misspelt-label")
    assert "1 objects are labelled 'remtoe', 20 'remote'" in problem.message


def test_rare_class(via):
    folder = via({"a.png": (photo(1), [square(i, i, 5) for i in range(0, 40, 4)])})
    assert [p.kind for p in check(folder).problems] == []
    folder = via({"a.png": (photo(1), [square(i, i, 5) for i in range(0, 36, 4)])})
    assert [p.kind for p in check(folder).problems] == ["rare-class"]


def test_duplicate_ids(coco, via):
    outline = {"segmentation": [[1, 1, 30, 1, 30, 30]]}
    other = {"segmentation": [[40, 1, 80, 1, 80, 30]]}
    assert (
        "2 annotations have the id 5"
        in only(coco({**outline, "id": 5}, {**other, "id": 5}), "duplicate-id").message
    )


def test_duplicate_image_ids(coco):
    folder = coco(
        {"segmentation": [[1, 1, 30, 1, 30, 30]]}, images=((1, "a.png"), (1, "b.png"))
    )
    # b.png then belongs to no entry.
    assert kinds(folder) == ["duplicate-id", "not-annotated"]


def test_via_lists_an_image_twice(via):
    folder = via({"a.png": (photo(1), [square()])})
    content = json.loads((folder / "via.json").read_text())
    content["again"] = content["a.png-1"]
    (folder / "via.json").write_text(json.dumps(content))
    only(folder, "duplicate-id")


def test_coco_lists_a_file_twice(coco):
    outline = {"segmentation": [[1, 1, 30, 1, 30, 30]]}
    folder = coco(
        outline, {**outline, "image_id": 2}, images=((1, "a.png"), (2, "a.png"))
    )
    only(folder, "listed-twice")


def test_leaks(via):
    near = photo(1).resize((45, 30))
    regions = [square(3, 3, 20)]
    via({"a.png": (photo(1), regions), "c.png": (photo(3), regions)}, "train")
    folder = via({"b.png": (photo(1), regions), "d.png": (photo(4), regions)}, "val")
    problem = only(folder, "leak")
    assert "train/a.png" in problem.message
    assert "val/b.png" in problem.message
    via({"b.png": (near, regions), "d.png": (photo(4), regions)}, "val")
    only(folder, "similar-leak")


def test_copies_in_one_part(via):
    regions = [square(3, 3, 20)]
    only(
        via({"a.png": (photo(1), regions), "b.png": (photo(1), regions)}),
        "duplicate-image",
    )
    near = photo(1).resize((45, 30))
    only(
        via({"a.png": (photo(1), regions), "b.png": (near, regions)}),
        "similar-images",
    )


def test_points_outside(via):
    folder = via({"a.png": (photo(1), [square(60, 20, 35), square(70, 40, 21)])})
    problem = only(folder, "points-outside")  # the other one reaches out by 1
    assert "reaches 5 pixels out of the image of 90 x 60" in problem.message


def test_self_intersection(via):
    # A bow tie of two triangles of 400 pixels each.
    bow = polygon([10, 50, 50, 10], [10, 50, 10, 50])
    problem = only(via({"a.png": (photo(1), [square(60), bow])}), "self-intersection")
    assert "twists 400 pixels" in problem.message


def test_a_hole_tied_to_the_outline_is_no_crossing(via):
    xs = [0, 40, 40, 0, 0, 10, 10, 30, 30, 10, 0]
    ys = [0, 0, 40, 40, 0, 10, 30, 30, 10, 10, 0]
    assert kinds(via({"a.png": (photo(1), [polygon(xs, ys)])})) == []


def test_duplicate_object(via):
    folder = via(
        {"a.png": (photo(1), [square(), square(11), square(label="car"), square(50)])}
    )
    report = check(folder)
    found = [p for p in report.problems if p.kind == "duplicate-object"]
    # 20 of 22 columns in common is 0.91; the third is the same under another name.
    assert [p.place for p in found] == ["region 1", "region 2"]
    assert "under another class as region 0" in found[1].message


def test_too_many_objects(via):
    folder = via({"a.png": (photo(1), [square(5 * i) for i in range(5)])})
    limits = {"MAX_GT_INSTANCES": 4, "DETECTION_MAX_INSTANCES": 5}
    problem = only(folder, "too-many-objects", limits=limits)
    assert "5 objects, over MAX_GT_INSTANCES=4." in problem.message


def test_without_objects(coco):
    folder = coco(
        {"segmentation": [[1, 1, 30, 1, 30, 30]]}, images=((1, "a.png"), (2, "b.png"))
    )
    assert "1 of 2 images" in only(folder, "no-objects").message


def test_not_annotated(via):
    folder = via({"a.png": (photo(1), [square()])})
    photo(2).save(folder / "other.jpg")
    (folder / "notes.txt").write_text("x")
    assert "1 images are not used" in only(folder, "not-annotated").message


def test_readers_are_strict_again_afterwards(via):
    folder = via({"a.png": (photo(1), [square(200)])})
    only(folder, "outside")
    with collected(), pytest.raises(ZeroDivisionError):
        1 / 0  # noqa: B018
    from mrcnn.data.dataset import Dataset

    with pytest.raises(DatasetError, match="inside the image"):
        Dataset.load(folder)


def test_every_kind_that_is_raised_is_known():
    raised = set()
    for path in (ROOT / "mrcnn").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == (
                "DatasetError"
            ):
                given = [key.value for key in node.keywords if key.arg == "kind"]
                words = [n for value in given for n in ast.walk(value)]
                raised |= {n.value for n in words if isinstance(n, ast.Constant)}
    assert len(raised) > 6
    assert raised <= set(KINDS)
    assert {severity for severity, _ in KINDS.values()} == set(SEVERITIES)


@pytest.mark.parametrize(
    ("name", "found"),
    [("balloon", []), ("remote", ["not-annotated"])],
)
def test_real_data_sets_give_no_false_alarm(shared_data, name, found):
    report = check(shared_data / name, limits={"MAX_GT_INSTANCES": 100})
    assert [problem.kind for problem in report.problems] == found


def test_shipped_data_set_is_in_order():
    report = check(ROOT / "datasets" / "remote")
    assert report.problems == ()
    assert {name: part.num_images for name, part in report.parts.items()} == {
        "train": 32,
        "val": 8,
    }
