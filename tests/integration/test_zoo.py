"""Commands and samples with a graph of the zoo's signature, as a user types them."""

import importlib.util
import io
import json
import tarfile
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mrcnn.cli.coco_classes import COCO_CLASSES
from mrcnn.cli.main import main
from mrcnn.video.writer import VideoWriter
from tests.unit.ops import graphs
from tests.unit.ops.graphs import GREEN, IMAGE_HW, RED, picture

tf = pytest.importorskip("tensorflow", reason="graphs of the zoo run on TensorFlow")

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
BOTTLE = np.zeros(IMAGE_HW, bool)
BOTTLE[10:30, 20:41] = True  # see test_masks_fill_their_boxes


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """A graph packed as in the zoo, not as one that could be unpacked anywhere."""
    path = tmp_path_factory.mktemp("archive") / "mask_rcnn.tar.gz"
    content = graphs.frozen(tf)
    with tarfile.open(path, "w:gz") as file:
        info = tarfile.TarInfo("mask_rcnn/frozen_inference_graph.pb")
        info.size = len(content)
        file.addfile(info, io.BytesIO(content))
    return path


@pytest.fixture(scope="module")
def graph(tmp_path_factory):
    path = tmp_path_factory.mktemp("graph") / "graph.pb"
    path.write_bytes(graphs.frozen(tf))
    return path


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(picture(RED, GREEN)).save(path)
    return path


def read(path):
    with Image.open(path) as image:
        return np.asarray(image)


def sample(name):
    path = SAMPLES / f"{name}.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def decoded(detection):
    from pycocotools import mask

    return mask.decode(detection["segmentation"]).astype(bool)


def test_predict(graph, photo, tmp_path, capsys):
    words = ["predict", photo, "--model", graph, "--output", tmp_path / "out"]
    assert main([str(word) for word in words]) == 0
    assert "1 bottle -> " in capsys.readouterr().out
    (found,) = json.loads((tmp_path / "out/photo_masks.json").read_text())["detections"]
    assert (found["category_name"], found["category_id"]) == ("bottle", 40)
    assert found["bbox"] == [20, 10, 40, 20]
    assert found["score"] == pytest.approx(0.9)
    np.testing.assert_array_equal(decoded(found), BOTTLE)
    assert read(tmp_path / "out/photo_masks.jpg").shape == (*IMAGE_HW, 3)


def test_predict_a_video_and_tiles_with_an_archive(archive, photo, tmp_path):
    clip = tmp_path / "clip.mp4"
    with VideoWriter(clip, width=80, height=50, fps=Fraction(10)) as writer:
        for _ in range(3):
            writer.write(picture(RED, GREEN))
    large = np.concatenate([picture(), picture(RED, GREEN)], axis=1)
    Image.fromarray(large).save(tmp_path / "large.png")
    words = ["predict", clip, tmp_path / "large.png", f"--weights={archive}"]
    words += ["--conf=0.5", "--classes=bottle", "--tile=80", f"--output={tmp_path}"]
    assert main([str(word) for word in words]) == 0
    frames = (tmp_path / "clip_masks.jsonl").read_text().splitlines()
    for frame in map(json.loads, frames):
        (found,) = frame["detections"]
        assert found["category_name"] == "bottle"
        # Compression moves the edges of the red area a little.
        assert (decoded(found) & BOTTLE).sum() > 0.9 * (decoded(found) | BOTTLE).sum()
    assert len(frames) == 3
    (found,) = json.loads((tmp_path / "large_masks.json").read_text())["detections"]
    # 80 columns further to the right.
    np.testing.assert_array_equal(decoded(found)[:, 80:], BOTTLE)
    assert not decoded(found)[:, :80].any()


def test_evaluate(graph, tmp_path, capsys):
    """Two photos, one to train on and one to evaluate: their bottles are all found."""
    Image.fromarray(picture(RED, GREEN)).save(tmp_path / "0.png")
    Image.fromarray(picture(RED)).save(tmp_path / "1.png")
    size = {"height": IMAGE_HW[0], "width": IMAGE_HW[1]}
    bottle = {"category_id": 40, "bbox": [20, 10, 21, 20], "area": 420, "iscrowd": 0}
    bottle["segmentation"] = [[20, 10, 41, 10, 41, 30, 20, 30]]
    content = {
        "images": [{"id": i, "file_name": f"{i}.png", **size} for i in (0, 1)],
        "annotations": [{"id": i + 1, "image_id": i, **bottle} for i in (0, 1)],
        "categories": [
            {"id": i, "name": name} for i, name in enumerate(COCO_CLASSES) if i
        ],
    }
    (tmp_path / "instances.json").write_text(json.dumps(content))
    words = ["evaluate", f"--dataset={tmp_path / 'instances.json'}", f"--model={graph}"]
    words += [f"--output={tmp_path / 'out'}", "--val-fraction=0.5"]
    assert main(words) == 0
    assert f"Evaluation of {graph}" in (tmp_path / "out/evaluation.html").read_text()
    numbers = json.loads((tmp_path / "out/evaluation.json").read_text())
    assert numbers["images"] == 1
    assert numbers["segm"]["AP"] == pytest.approx(1)
    assert "network, per image" in capsys.readouterr().out
    assert main([*words, "--classes=bottle"]) == 2
    assert "--classes=bottle. Leave it out" in capsys.readouterr().err


def test_privacy(graph, photo, tmp_path):
    privacy = sample("privacy/privacy")
    words = ["--input", photo, "--model", graph, "--output", tmp_path / "out"]
    words += ["--hide=bottle", "--method=fill", "--dilate=0", "--mask-threshold=0.5"]
    assert privacy.main([str(word) for word in words]) == 0
    expected = picture(RED, GREEN)
    expected[BOTTLE] = 0
    np.testing.assert_array_equal(read(tmp_path / "out/photo_private.png"), expected)


def test_every_sample_that_detects_takes_the_flag(graph, photo, tmp_path):
    out = tmp_path / "out"
    words = [str(photo), f"--model={graph}", f"--output={out}", "--classes=bottle"]
    assert sample("office/office").main(words) == 0
    painted = read(out / "photo_office.png")
    np.testing.assert_array_equal((painted == (0, 0, 255)).all(axis=2), BOTTLE)
    assert sample("splash/splash").main(words) == 0
    assert read(out / "photo_splash.png").shape == (*IMAGE_HW, 3)
    assert sample("detect").main(words) == 0
    assert (out / "composed.png").is_file()


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--backbone=resnet50"], "Received: --backbone beside --model="),
        (["--image-size=512"], "Leave --image-size out"),
        (["--set=NAME=x"], "--set beside"),
        (["--batch=2"], "--batch beside"),
        (["--classes=remot"], "Received: remot. Did you mean 'remote'?"),
        (["--confidence=7"], "DETECTION_MIN_CONFIDENCE: expected a number from 0 to 1"),
        (["--model=zoo:inception"], "Did you mean 'zoo:inception_v2'?"),
        (["--model=gone.pb"], "gone.pb (No such file or directory)"),
    ],
)
def test_what_does_not_go_together_is_one_line(graph, photo, words, problem, capsys):
    assert main(["predict", str(photo), f"--model={graph}", *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: Expected ") or "wrong value" in line
    assert problem in line


def test_a_graph_cannot_be_inspected(graph, photo, capsys):
    assert main(["inspect", str(photo), f"--model={graph}"]) == 2
    assert "a graph of the model zoo, which only detects" in capsys.readouterr().err
