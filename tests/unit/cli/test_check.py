"""The commands for data sets, on small folders: what they print, write and return."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mrcnn.cli.main import main
from mrcnn.data.check import check
from mrcnn.data.dataset import Dataset

ROOT = Path(__file__).resolve().parents[3]


def photo(seed, hw=(60, 90)):
    coarse = np.random.default_rng(seed).integers(0, 256, (8, 12, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize(hw[::-1], Image.Resampling.BICUBIC)


def square(x=10, y=10, side=20, label="remote"):
    xs, ys = [x, x + side, x + side, x], [y, y, y + side, y + side]
    return {
        "shape_attributes": {"name": "polygon", "all_points_x": xs, "all_points_y": ys},
        "region_attributes": {"label": label},
    }


def write(folder, images, **save):
    """Write a VIA data set; each image is a file name to (seed, regions)."""
    folder.mkdir(parents=True, exist_ok=True)
    entries = {}
    for name, (seed, regions) in images.items():
        photo(seed).save(folder / name, **save)
        entries[name] = {"filename": name, "size": 1, "regions": regions}
    (folder / "via.json").write_text(json.dumps(entries))
    return folder


@pytest.fixture
def good(tmp_path):
    return write(
        tmp_path / "good",
        {f"{i}.png": (i, [square(3 * i + 1, 9, 20)]) for i in range(12)},
    )


@pytest.fixture
def broken(tmp_path):
    """Train and val with something of everything that can be mended, and more."""
    many = [square(4 * i, 35, 3) for i in range(20)]
    folder = tmp_path / "broken"
    write(
        folder / "train",
        {
            "a.png": (1, [*many, square(), square(11), square(60, 1, 40)]),
            "b.png": (2, [square(label="remtoe"), square(300)]),
            "copy.png": (2, [square(label="remtoe"), square(50)]),
            "leak.png": (3, [square()]),
        },
    )
    write(folder / "val", {"v.png": (3, [square()]), "w.png": (4, [square()])})
    exif = Image.Exif()
    exif[0x0112] = 6
    photo(5).save(folder / "train" / "t.jpg", exif=exif)
    content = json.loads((folder / "train" / "via.json").read_text())
    regions = [square(3, 30), square(65, 5)]
    content["t.jpg"] = {"filename": "t.jpg", "size": 1, "regions": regions}
    (folder / "train" / "via.json").write_text(json.dumps(content))
    return folder


def test_nothing_wrong_is_code_0(good, capsys):
    assert main(["check", str(good)]) == 0
    out = capsys.readouterr().out
    assert "0 errors, 0 warnings, 0 notes" in out
    assert re.search(r"remote +12 \(12\)", out)


def test_errors_are_code_1(broken, capsys):
    assert main(["check", str(broken)]) == 1
    out = capsys.readouterr().out
    assert "error: outlines outside their image (outside): 1" in out
    assert "4 errors" not in out
    assert "3 errors, 4 warnings, 0 notes" in out


def test_bad_arguments_are_code_2(tmp_path, good, capsys):
    assert main(["check", str(tmp_path / "gone")]) == 2
    assert main(["check", str(good), "--set", "NO_KEY=1"]) == 2
    assert main(["check", str(good), "--fix", str(good / "inside")]) == 2
    assert not (good / "inside").exists()
    missing = tmp_path / "no" / "folder" / "report.html"
    assert main(["check", str(good), "--html", str(missing)]) == 2
    assert "error: Expected a file to write the report to" in capsys.readouterr().err


def test_examples_are_cut_and_all_shows_them(tmp_path, capsys):
    regions = [square(200 + i) for i in range(8)]
    folder = write(tmp_path / "set", {"a.png": (1, [square(), *regions])})
    main(["check", str(folder)])
    out = capsys.readouterr().out
    assert out.count("expected an outline inside") == 5
    assert "and 3 more; --all shows them" in out
    main(["check", str(folder), "--all"])
    assert capsys.readouterr().out.count("expected an outline inside") == 8


def test_json_is_all_that_is_printed(broken, capsys):
    assert main(["check", str(broken), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    kinds = [problem["kind"] for problem in found["problems"]]
    assert sorted(kinds) == [
        "duplicate-image",
        "duplicate-object",
        "leak",
        "misspelt-label",
        "outside",
        "points-outside",
        "turned-image",
    ]
    outside = next(p for p in found["problems"] if p["kind"] == "outside")
    assert (outside["severity"], outside["object"]) == ("error", "region 1")
    assert outside["boxes"] == [[10, 300, 30, 320]]
    assert found["statistics"]["images"] == {"train": 5, "val": 2}


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.sources, self.open_tags = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag not in ("img", "meta"):
            self.open_tags.append(tag)
        self.sources += [value for key, value in attrs if key in ("src", "href")]

    def handle_endtag(self, tag):
        assert self.open_tags.pop() == tag


def test_page_is_whole_and_in_one_piece(tmp_path, capsys):
    label = "<b>&remote"
    regions = [square(label=label), square(80, label=label), square(200, label=label)]
    folder = write(tmp_path / "set", {"a'<.png": (1, regions)})
    path = tmp_path / "report.html"
    assert main(["check", str(folder), "--html", str(path)]) == 1
    text = path.read_text("utf-8")
    page = Page(text)
    assert page.open_tags == []
    assert len(page.sources) == 2
    assert all(s.startswith("data:image/jpeg;base64,") for s in page.sources)
    assert "<b>&remote" not in text
    assert "&lt;b&gt;&amp;remote" in text


def test_fix_mends_a_copy(broken, tmp_path, capsys):
    before = {path: path.read_bytes() for path in broken.rglob("*") if path.is_file()}
    fixed = tmp_path / "fixed"
    assert main(["check", str(broken), "--fix", str(fixed)]) == 1
    assert before == {p: p.read_bytes() for p in broken.rglob("*") if p.is_file()}
    assert "changes.txt" in capsys.readouterr().out
    report = check(fixed)
    assert [p.kind for p in report.problems if p.severity != "note"] == []
    train = Dataset.load(fixed, "train")
    assert train.class_names == ["BG", "remote"]
    names = [Path(info["path"]).name for info in train.image_info]
    assert names == ["a.png", "b.png", "t.jpg"]  # copy joined, leak out
    assert [len(info["annotations"]) for info in train.image_info] == [22, 2, 2]
    # Cut at the right and lower edge: 30 columns of 41, 40 rows and one.
    masks, _ = train.load_mask(0)
    assert masks[..., -1].sum() == 30 * 41
    # The photo is shown turned by a quarter, and so are its outlines.
    masks, _ = train.load_mask(2)
    assert masks.shape[:2] == (90, 60)
    stored = np.zeros((60, 90), bool)
    stored[30:51, 3:24] = True
    np.testing.assert_array_equal(masks[..., 0], np.rot90(stored, -1))
    changes = (fixed / "changes.txt").read_text("utf-8")
    for words in ("now 'remote'", "turned upright", "cut to", "joined", "out of train"):
        assert words in changes
    # Nothing is replaced.
    assert main(["check", str(broken), "--fix", str(fixed)]) == 2


def test_stats(good, capsys):
    assert main(["stats", str(good), "--json", "--image-size", "128"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["classes"] == {"remote": {"": {"objects": 12, "images": 12}}}
    # 90 x 60 becomes 128 x 85: 20 pixels are 28.
    assert dict(
        zip(found["sizes"]["from"], found["sizes"]["objects"], strict=True)
    ) == {
        **dict.fromkeys((0, 8, 32, 64, 128, 256, 512, 1024), 0),
        16: 12,
    }
    assert main(["stats", str(good)]) == 0
    assert "objects by size" in capsys.readouterr().out


def test_anchors_that_do_not_suit(tmp_path, capsys):
    images = {f"{i}.png": (i, [square(40, 20, 10)]) for i in range(12)}
    folder = write(tmp_path / "set", images)
    assert main(["check", str(folder), "--image-size", "128"]) == 0
    out = capsys.readouterr().out
    assert "100% of the objects have no anchor that overlaps them by 0.5" in out
    scales = re.search(r"with RPN_ANCHOR_SCALES=(\([\d,]+\)) it would be", out)[1]
    words = ["--image-size", "128", "--set", f"RPN_ANCHOR_SCALES={scales}"]
    main(["check", str(folder), *words])
    assert "(anchors)" not in capsys.readouterr().out


def ids(folder, subset):
    return {Path(i["path"]).name for i in Dataset.load(folder, subset).image_info}


def test_split_keeps_copies_together(good, tmp_path, capsys):
    content = json.loads((good / "via.json").read_text())
    for i in range(3):
        photo(0).resize((80, 50)).save(good / f"again{i}.png")
        content[f"again{i}"] = {**content["0.png"], "filename": f"again{i}.png"}
    (good / "via.json").write_text(json.dumps(content))
    alike = {"0.png", "again0.png", "again1.png", "again2.png"}
    for seed in range(4):
        out = tmp_path / f"out{seed}"
        words = ["--val", "0.2", "--test", "0.2", "--seed", str(seed)]
        assert main(["split", str(good), "--output", str(out), *words]) == 0
        parts = [ids(out, name) for name in ("train", "val", "test")]
        assert sum(alike <= part for part in parts) == 1
        assert (
            set.union(*parts) == set(content) - {"again0", "again1", "again2"} | alike
        )
        assert not any(p.kind.endswith("leak") for p in check(out).problems)
    assert "15 images, 12 that differ" in capsys.readouterr().out


def test_split_needs_something_for_train(good, tmp_path, capsys):
    for words in (["--val", "1"], ["--val", "0"], ["--val", "0.6", "--test", "0.6"]):
        command = ["split", str(good), "--output", str(tmp_path / "out"), *words]
        assert main(command) == 2
    assert "leave something for train" in capsys.readouterr().err


@pytest.mark.parametrize("first", ["via", "coco", "labelme", "yolo"])
@pytest.mark.parametrize("second", ["via", "coco", "labelme", "yolo"])
def test_convert_between_any_two(first, second, tmp_path, good):
    here, there = tmp_path / "here", tmp_path / "there"
    assert main(["convert", str(good), "--to", first, "--output", str(here)]) == 0
    assert main(["convert", str(here), "--to", second, "--output", str(there)]) == 0
    original, result = Dataset.load(good), Dataset.load(there)
    assert result.class_names == original.class_names
    order = {Path(i["path"]).name: k for k, i in enumerate(result.image_info)}
    for image_id, info in enumerate(original.image_info):
        masks, class_ids = original.load_mask(image_id)
        again, again_ids = result.load_mask(order[Path(info["path"]).name])
        np.testing.assert_array_equal(masks, again)
        assert class_ids.tolist() == again_ids.tolist()


def test_convert_gives_all_parts_the_same_classes(tmp_path):
    write(tmp_path / "set" / "train", {"a.png": (1, [square(), square(label="cup")])})
    write(tmp_path / "set" / "val", {"b.png": (2, [square()])})
    out = tmp_path / "out"
    command = ["convert", str(tmp_path / "set"), "--to", "yolo", "--output", str(out)]
    assert main(command) == 0
    for subset, labels in (("train", ["remote", "cup"]), ("val", ["remote"])):
        part = Dataset.load(out, subset)
        assert part.class_names == ["BG", "cup", "remote"]
        found = [part.class_names[i] for i in part.image_class_ids(0)]
        assert found == labels


def test_merge_with_a_mapping(good, tmp_path, capsys):
    regions = [square(label="tv"), square(50, label="Fernbedienung")]
    other = write(tmp_path / "other", {"0.png": (50, regions)})
    out = tmp_path / "out"
    words = ["--map", "Fernbedienung=remote", "--map", "tv="]
    command = ["merge", str(good), str(other), "--output", str(out), *words]
    assert main(command) == 0
    result = Dataset.load(out)
    assert result.class_names == ["BG", "remote"]
    assert result.num_images == 13
    assert sum(len(info["annotations"]) for info in result.image_info) == 13
    assert main(command) == 2
    assert "exists" in capsys.readouterr().err


def test_merge_of_divided_and_not(good, broken, tmp_path, capsys):
    write(tmp_path / "other" / "train", {"a.png": (1, [square()])})
    write(tmp_path / "other" / "val", {"b.png": (2, [square()])})
    command = ["merge", str(good), str(tmp_path / "other"), "--output", "out"]
    assert main(command) == 2
    assert "Divide these with 'mrcnn split'" in capsys.readouterr().err
