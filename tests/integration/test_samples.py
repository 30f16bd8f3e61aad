"""The scripts of samples/remote, one after the other, as a user types them."""

import csv
import importlib.util
import json
import re
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from mrcnn.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
# A network small enough to train for some steps in a test.
SMALL = (
    "--backbone=resnet18",
    "--image-size=64",
    "--batch=2",
    "--set=TOP_DOWN_PYRAMID_SIZE=16",
    "--set=FPN_CLASSIF_FC_LAYERS_SIZE=16",
    "--set=TRAIN_ROIS_PER_IMAGE=8",
    "--set=POST_NMS_ROIS_TRAINING=50",
    "--set=POST_NMS_ROIS_INFERENCE=20",
    "--set=DETECTION_MIN_CONFIDENCE=0.0",
    "--set=DETECTION_MAX_INSTANCES=3",
)


@pytest.fixture(scope="module")
def script():
    """Run a script of samples/remote by name with these words."""

    def run(name, *words):
        path = ROOT / "samples" / "remote" / f"{name}.py"
        before = list(sys.path)
        try:
            spec = importlib.util.spec_from_file_location(name, path)
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            assert module.main([str(word) for word in words]) == 0
        finally:
            sys.path[:] = before

    return run


@pytest.fixture(scope="module")
def logs(script, tmp_path_factory):
    """Log folder after two short trainings, the second continuing the first."""
    logs = tmp_path_factory.mktemp("logs")
    script(
        "train", "--weights=none", "--epochs=1", "--steps=2", f"--logs={logs}", *SMALL
    )
    script("train", "--weights=last", "--epochs=2", "--steps=2", f"--logs={logs}")
    return logs


def losses(logs, name="loss"):
    (folder,) = logs.iterdir()
    with open(folder / "losses.csv", newline="") as file:
        return [float(row[name]) for row in csv.DictReader(file)]


def streams(path):
    """Codec, size, rate, number of frames and sound of a video."""
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        return (
            video.codec_context.name,
            (video.width, video.height),
            video.average_rate,
            sum(1 for _ in container.decode(video)),
            bool(container.streams.audio),
        )


def test_resume_of_a_finished_training_trains_nothing(script, logs, capsys):
    (folder,) = logs.iterdir()
    before = (folder / "state.npz").read_bytes()
    script("train", "--resume", f"--logs={logs}")
    assert "Up to epoch 2 the run is trained already" in capsys.readouterr().out
    assert (folder / "state.npz").read_bytes() == before


def test_train_continues_in_its_folder(logs):
    (folder,) = logs.iterdir()
    assert sorted(path.name for path in folder.glob("*.h5")) == [
        "mask_rcnn_remote_0001.h5",
        "mask_rcnn_remote_0002.h5",
    ]
    run = json.loads((folder / "run.json").read_text())
    assert run["class_names"] == ["BG", "AC Remote"]
    assert run["config"]["IMAGE_MAX_DIM"] == 64
    assert len(losses(logs)) == 2


def test_evaluate(script, logs, tmp_path):
    script("evaluate", f"--logs={logs}", f"--output={tmp_path}")
    scores = json.loads((tmp_path / "evaluation.json").read_text())
    assert 0 <= scores["segm"]["AP50"] <= 1
    assert set(scores["per_class"]) == {"AC Remote"}
    assert list(scores["speed"]["seconds_per_image"]) == [
        *("loading", "molding", "network", "unmolding")
    ]
    page = (tmp_path / "evaluation.html").read_text("utf-8")
    assert page.count("<img") > 3


def test_predict_image(script, logs, tmp_path):
    photo = sorted((ROOT / "datasets" / "remote" / "val").glob("*.jpg"))[0]
    script("predict_image", photo, f"--logs={logs}", f"--output={tmp_path}")
    with Image.open(tmp_path / f"{photo.stem}_masks.jpg") as picture:
        size = picture.size
    with Image.open(photo) as original:
        assert original.size == size
    listing = json.loads((tmp_path / f"{photo.stem}_masks.json").read_text())
    assert (listing["width"], listing["height"]) == size
    assert {"category_name", "score", "bbox", "segmentation"} <= set(
        listing["detections"][0]
    )


def test_inspect(logs, tmp_path, capsys):
    photo = sorted((ROOT / "datasets" / "remote" / "val").glob("*.jpg"))[0]
    words = ("inspect", photo, f"--logs={logs}", f"--output={tmp_path}")
    assert main([str(word) for word in words]) == 0
    said = capsys.readouterr().out
    page = (tmp_path / "inspection.html").read_text("utf-8")
    assert f"Written to {tmp_path / 'inspection.html'}" in said
    # What is printed, and every picture, is on the page.
    assert re.search(r"^(Found|Nothing)", said, re.M)[0] in page
    names = {path.stem for path in tmp_path.glob("*.png")}
    assert {"anchors", "filters", "activations_res5b_out", "weights", "curves"} <= names
    assert page.count("<img") == len(names)


def test_predict_video_keeps_size_rate_and_sound(script, logs, tmp_path):
    clip = tmp_path / "clip.mp4"
    with av.open(str(clip), "w") as container:
        video = container.add_stream("libx264", rate=Fraction(30000, 1001))
        video.width, video.height, video.pix_fmt = 96, 64, "yuv420p"
        audio = container.add_stream("aac", rate=44100)
        for i in range(6):
            picture = np.full((64, 96, 3), 40 * i, np.uint8)
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture)))
        silence = av.AudioFrame.from_ndarray(
            np.zeros((1, 1024), np.float32), "fltp", "mono"
        )
        silence.sample_rate = 44100
        for i in range(8):
            silence.pts = i * 1024
            container.mux(audio.encode(silence))
        container.mux(video.encode())
        container.mux(audio.encode())
    script("predict_video", clip, f"--logs={logs}", f"--output={tmp_path / 'out'}")
    found = streams(tmp_path / "out" / "clip_masks.mp4")
    assert found == ("h264", (96, 64), Fraction(30000, 1001), 6, True)


def test_real_clip(script, logs, tmp_path, shared_data):
    clip = shared_data / "video" / "street.mp4"
    script("predict_video", clip, f"--logs={logs}", f"--output={tmp_path}")
    found = streams(tmp_path / "street_masks.mp4")
    assert found[:4] == ("h264", (640, 352), 25, 173)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("folder", "words"), [("remote", ["--val-fraction=0.4"]), ("balloon", [])]
)
def test_real_photos(script, tmp_path, shared_data, folder, words):
    dataset = shared_data / folder
    script(
        "train",
        f"--dataset={dataset}",
        "--weights=none",
        "--epochs=3",
        "--steps=6",
        "--lr=0.002",
        "--set=OPTIMIZER=adamw",
        f"--logs={tmp_path}",
        *SMALL,
        *words,
    )
    assert np.isfinite(losses(tmp_path)).all()
    # Of so few steps the RPN's classes learn for sure; the heads see other ROIs then.
    first, *later = losses(tmp_path, "rpn_class_loss")
    assert min(later) < first
