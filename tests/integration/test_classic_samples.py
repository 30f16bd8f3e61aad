"""The samples of the original: balloon, nucleus and coco."""

import csv
import importlib.util
import json
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mrcnn.structures import Detections

ROOT = Path(__file__).resolve().parents[2]


def load(name):
    path = ROOT / "samples" / name / f"{name}.py"
    before = list(sys.path)
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.path[:] = before
    return module


balloon, nucleus, coco = map(load, ("balloon", "nucleus", "coco"))


class FakeModel:
    """A detector that finds the upper left quarter, and all of the left half."""

    def detect_images(self, images):
        found = []
        for image in images:
            height, width = image.shape[:2]
            boxes = [(0, 0, height // 2, width // 2), (0, 0, height, width // 2)]
            found.append(
                Detections(
                    image_hw=(height, width),
                    boxes=np.array(boxes, np.int32),
                    class_ids=np.ones(2, np.int32),
                    scores=np.array([0.9, 0.8], np.float32),
                    box_masks=tuple(np.ones((y2, x2), bool) for _, _, y2, x2 in boxes),
                )
            )
        return found


def fake_detector(seen):
    def load_detector(args, **settings):
        seen.append((args, settings))
        return FakeModel(), ("BG", "object")

    return load_detector


def test_balloons_stay_in_colour():
    image = np.full((4, 6, 3), (200, 100, 50), np.uint8)
    image.flags.writeable = False
    masks = np.zeros((4, 6, 2), bool)
    masks[0, 0, 0] = masks[1, 1, 1] = True
    splashed = balloon.color_splash(image, masks)
    assert splashed[0, 0].tolist() == splashed[1, 1].tolist() == [200, 100, 50]
    # 0.299 * 200 + 0.587 * 100 + 0.114 * 50 = 59.8 + 58.7 + 5.7 = 124.2
    assert splashed[2, 2].tolist() == [124] * 3
    nothing = balloon.color_splash(image, masks[:, :, :0])
    assert (nothing == 124).all()


def test_splash_of_an_image(tmp_path, monkeypatch):
    Image.new("RGB", (8, 6), (200, 100, 50)).save(tmp_path / "photo.png")
    monkeypatch.setattr(balloon, "load_detector", fake_detector([]))
    words = ["splash", "--weights=last", f"--image={tmp_path / 'photo.png'}"]
    assert balloon.main([*words, f"--output={tmp_path}"]) == 0
    pixels = np.asarray(Image.open(tmp_path / "photo_splash.png"))
    assert (pixels[:, :4] == (200, 100, 50)).all()
    assert (pixels[:, 4:] == 124).all()


def test_splash_of_a_video(tmp_path, monkeypatch):
    import av

    clip = tmp_path / "clip.mp4"
    with av.open(str(clip), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        frame = np.full((64, 64, 3), (220, 60, 40), np.uint8)
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame)))
        container.mux(stream.encode())
    monkeypatch.setattr(balloon, "load_detector", fake_detector([]))
    words = ["splash", "--weights=last", f"--video={clip}", f"--output={tmp_path}"]
    assert balloon.main(words) == 0
    with av.open(str(tmp_path / "clip_splash.mp4")) as container:
        frames = [f.to_ndarray(format="rgb24") for f in container.decode(video=0)]
    assert len(frames) == 3
    left, right = frames[1][32, 10].astype(int), frames[1][32, 54].astype(int)
    assert left[0] - left[2] > 100 and np.ptp(right) < 12


@pytest.mark.parametrize(
    "words", [["splash"], ["splash", "--image=a", "--video=b"], []]
)
def test_balloon_wants_one_source(words, capsys):
    with pytest.raises(SystemExit) as caught:
        balloon.main(words)
    assert caught.value.code == 2


def test_splash_of_a_missing_image(tmp_path, capsys):
    assert balloon.main(["splash", f"--image={tmp_path / 'gone.jpg'}"]) == 2
    assert "gone.jpg (no such file or folder)" in capsys.readouterr().err


def test_real_balloons_have_their_class(shared_data):
    args = balloon.build_parser().parse_args(
        ["train", f"--dataset={shared_data / 'balloon'}", "--weights=coco"]
    )
    from mrcnn.cli.datasets import load_datasets

    train, val = load_datasets(args)
    assert train.class_names == val.class_names == ["BG", "balloon"]
    assert train.num_images > 30 and val.num_images > 5


def write_nuclei(folder, count):
    for number in range(count):
        rng = np.random.default_rng(number)
        image = folder / f"id{number}" / "images" / f"id{number}.png"
        image.parent.mkdir(parents=True)
        Image.fromarray(rng.integers(0, 255, (40, 50, 4), np.uint8)).save(image)
        (image.parent.parent / "masks").mkdir()
        for k in range(2):
            mask = np.zeros((40, 50), np.uint8)
            mask[5 : 15 + number, 20 * k + 2 : 20 * k + 12] = 255
            Image.fromarray(mask).save(image.parent.parent / "masks" / f"{k}.png")


def test_nuclei_are_divided(tmp_path):
    write_nuclei(tmp_path / "stage1_train", 10)
    parser = nucleus.build_parser()
    words = ["train", f"--dataset={tmp_path}", "--weights=imagenet"]
    train, val = nucleus.load_nuclei(parser.parse_args([*words, "--subset=train"]))
    assert (train.num_images, val.num_images) == (9, 1)
    assert train.class_names == ["BG", "nucleus"]
    masks, class_ids = val.load_mask(0)
    assert masks.shape == (40, 50, 2) and class_ids.tolist() == [1, 1]
    whole, same = nucleus.load_nuclei(
        parser.parse_args([*words, "--subset=stage1_train"])
    )
    assert whole.num_images == 10
    assert same.image_info[0]["path"] == val.image_info[0]["path"]


def test_nuclei_need_a_folder(capsys):
    assert nucleus.main(["train", "--weights=none"]) == 2
    assert "--dataset=FOLDER" in capsys.readouterr().err


def test_settings_of_nuclei_are_right():
    nucleus.NucleusConfig().validate()
    nucleus.NucleusConfig(**nucleus._DETECTING).validate()
    balloon.BalloonConfig().validate()


def test_run_lengths_by_hand():
    # Down the columns: pixels 1, 2, 3 | 4, 5, 6 | 7, 8, 9.
    mask = np.array([[0, 1, 0], [1, 1, 0], [1, 0, 1]], bool)
    assert nucleus.run_lengths(mask) == "2 4 9 1"
    assert nucleus.run_lengths(np.zeros((2, 2), bool)) == ""
    assert nucleus.run_lengths(np.ones((2, 2), bool)) == "1 4"


def test_submission(tmp_path, monkeypatch):
    write_nuclei(tmp_path / "stage1_test", 2)
    seen = []
    monkeypatch.setattr(nucleus, "load_detector", fake_detector(seen))
    words = ["detect", f"--dataset={tmp_path}", "--subset=stage1_test"]
    assert nucleus.main([*words, f"--output={tmp_path / 'out'}"]) == 0
    with open(tmp_path / "out" / "submit.csv", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["ImageId", "EncodedPixels"]
    assert [image_id for image_id, _ in rows] == ["id0", "id0", "id1", "id1"]
    # 40 rows: of the first 25 columns the upper 20 pixels; then the lower 20.
    upper = " ".join(f"{1 + 40 * column} 20" for column in range(25))
    lower = " ".join(f"{21 + 40 * column} 20" for column in range(25))
    assert [text for _, text in rows] == [upper, lower] * 2
    ((args, settings),) = seen
    assert dict(args.set)["IMAGE_RESIZE_MODE"] == "pad64"
    assert settings["class_names"] == ["nucleus"]
    assert (tmp_path / "out" / "id0.jpg").is_file()


def test_image_without_nuclei_has_a_row():
    found = Detections.empty((4, 4))
    assert nucleus.encoded_masks(found) == []


def test_subset_that_is_not_there(tmp_path, capsys):
    assert nucleus.main(["detect", f"--dataset={tmp_path}"]) == 2
    assert "stage1_test" in capsys.readouterr().err


def coco_archives(folder):
    """COCO's own archives, with one image of 20 x 30 pixels."""
    image = folder / "a.png"
    Image.new("RGB", (30, 20)).save(image)
    content = {
        "images": [{"id": 9, "file_name": "a.png", "height": 20, "width": 30}],
        "categories": [
            {"id": 10 * k, "name": name}
            for k, name in enumerate(coco.COCO_CLASSES)
            if k
        ],
        "annotations": [
            {
                **{"id": 1, "image_id": 9, "category_id": 20, "iscrowd": 0},
                "segmentation": [[1, 1, 11, 1, 11, 9, 1, 9]],
            }
        ],
    }
    for name in ("zips", "annotations"):
        (folder / name).mkdir()
    with zipfile.ZipFile(folder / "zips" / "val2017.zip", "w") as packed:
        packed.write(image, "val2017/a.png")
    archive = folder / "annotations" / "annotations_trainval2017.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("annotations/instances_val2017.json", json.dumps(content))
    return folder.as_uri()


def test_coco_is_downloaded_once(tmp_path, monkeypatch):
    (tmp_path / "source").mkdir()
    source = coco_archives(tmp_path / "source")
    coco.download(tmp_path / "coco", "val", "2017", source)
    words = ["evaluate", f"--dataset={tmp_path / 'coco'}", "--model=last"]
    args = coco.build_parser().parse_args([*words, "--limit=1"])
    assert (args.weights, args.year, args.limit) == ("last", "2017", 1)
    nothing, val = coco.load_coco(args, subsets=(None, "val"))
    assert nothing is None
    assert val.class_names == list(coco.COCO_CLASSES)
    assert val.load_mask(0)[1].tolist() == [2]  # bicycle
    assert not list((tmp_path / "coco").glob("*.zip"))
    # What is there is not asked for again.
    coco.download(tmp_path / "coco", "val", "2017", "file:///gone")


def test_coco_that_cannot_be_downloaded(tmp_path):
    with pytest.raises(ValueError, match=r"zips/train2014\.zip.*by hand"):
        coco.download(tmp_path, "train", "2014", (tmp_path / "gone").as_uri())


def test_coco_trains_as_the_original_unless_told_otherwise(monkeypatch):
    seen = []
    monkeypatch.setattr(coco, "train", lambda args, **settings: seen.append(args))
    for words in ([], ["--epochs=3"], ["--model=imagenet"]):
        assert coco.main(["train", "--dataset=coco", *words]) == 0
    assert [args.stages for args in seen] == [coco.STAGES, None, coco.STAGES]
    assert [args.weights for args in seen] == ["coco", "coco", "imagenet"]
    coco.CocoConfig().validate()
