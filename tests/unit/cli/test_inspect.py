"""The page of an inspection: a picture or a sentence for every step."""

import base64
import io
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from mrcnn.cli import inspection_page
from mrcnn.cli.main import main
from mrcnn.errors import ConfigError
from tests.unit.inference.seen import inspection

ROOT = Path(__file__).resolve().parents[3]
NAMES = ["BG", "<b>remote", "cup"]
IMAGE = np.full((64, 64, 3), 90, np.uint8)
OF_IMAGE = (
    *("picture", "anchors", "proposals", "levels", "classes", "filters"),
    *("masks", "detections"),
)


class Model:
    """The layers that the page asks for, and no network."""

    names = ("conv1", "res2a_out", "res2b_out", "fpn_p2", "fpn_p5", "res2b_branch2a")

    def __init__(self):
        layers = [SimpleNamespace(name=name) for name in self.names]
        self.keras_model = SimpleNamespace(layers=layers)

    def get_trainable_layers(self):
        paths = ("conv1/kernel", "conv1/bias", "bn_conv1/gamma")
        return [SimpleNamespace(weights=[Weight(path) for path in paths])]


class Weight:
    """A variable with the path that Keras gives it."""

    def __init__(self, path):
        self.path = path

    def __array__(self, dtype=None, copy=None):
        return np.arange(4.0)


def found():
    return inspection(
        [[0.01, 0.98, 0.01], [0.2, 0.1, 0.7], [0.9, 0.1, 0], [0, 0.95, 0.05]],
        ["", "confidence", "background", "nms"],
    )


def write(folder, seen, model=None, layers=None, run_folder=None):
    model = model or Model()
    steps = [
        *inspection_page.steps_of_image(IMAGE, seen, NAMES),
        *inspection_page.steps_of_layers(seen, model, layers),
        *inspection_page.steps_of_training(model, run_folder),
    ]
    page = inspection_page.write(folder, "Inspection of <x>", ["Found: <y>."], steps)
    text = page.read_text("utf-8")
    titles = re.findall("<h2>(.*)</h2>", text)
    assert titles == [step.title for step in steps]
    assert "&lt;x&gt;" in text and "Found: &lt;y&gt;." in text
    assert "<b>remote" not in text
    return text, {path.stem for path in folder.glob("*.png")}


def test_a_picture_for_every_step(tmp_path):
    run_folder = tmp_path / "run"
    run_folder.mkdir()
    (run_folder / "losses.csv").write_text(
        "epoch,loss,val_loss,val_bbox_AP50\n0,3,4,\n1,2,odd,0.5\n", "utf-8"
    )
    folder = tmp_path / "out"
    folder.mkdir()
    text, names = write(folder, found(), run_folder=run_folder)
    layers = ("res2b_out", "fpn_p2", "fpn_p5")
    assert names == {
        *OF_IMAGE,
        *(f"activations_{layer}" for layer in layers),
        *("weights", "curves"),
    }
    inside = [
        base64.b64decode(content)
        for content in re.findall(r'src="data:image/png;base64,([^"]+)"', text)
    ]
    files = [path.read_bytes() for path in folder.glob("*.png")]
    assert sorted(inside) == sorted(files)
    for content in files:
        picture = np.asarray(Image.open(io.BytesIO(content)).convert("L"))
        assert picture.std() > 0
    assert "4 proposals a class" in text and "3 are not background" in text


def test_documentation_lists_the_pictures():
    text = (ROOT / "docs" / "inspection.md").read_text("utf-8")
    listed = re.findall(r"^\| `(\w+)", text, re.M)
    assert listed == [*OF_IMAGE, "activations_", "weights", "curves"]


def test_steps_without_anything_say_so(tmp_path):
    nothing = inspection(np.zeros((0, 3)), [])
    text, names = write(tmp_path, nothing, layers=["rpn_model"])
    assert names == {"picture", "anchors", "activations_rpn_model", "weights"}
    for sentence in (
        *["There are no proposals."] * 4,
        "Nothing was detected, so that there are no masks.",
        "Nothing was detected.",
        "there is no losses.csv",
    ):
        assert sentence in text
        text = text.replace(sentence, "", 1)


def test_all_background_shows_the_nearest(tmp_path):
    seen = inspection([[0.9, 0.1, 0], [0.6, 0.1, 0.3]], ["background"] * 2)
    text, names = write(tmp_path, seen)
    assert {"classes", "filters"} <= names and "masks" not in names
    assert "All are background; those nearest to an object are drawn" in text


def test_outputs_that_are_no_pictures(tmp_path):
    seen = inspection(
        *([[0.9, 0.1]], ["background"]), layer_values=lambda name: [np.ones((3, 2))]
    )
    (step,) = inspection_page.steps_of_layers(seen, Model(), ["mrcnn_class"])
    assert step.picture is None and "no pictures" in step.nothing


def test_a_folder_that_cannot_be_written(tmp_path):
    with pytest.raises(ConfigError, match="--output"):
        inspection_page.write(
            tmp_path / "none", "", [], [inspection_page.Step("a", "A", "", IMAGE)]
        )


def test_a_missing_image_is_one_line(tmp_path, capsys):
    assert main(["inspect", str(tmp_path / "none.jpg")]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and "none.jpg" in error


def test_weights_that_diverged(tmp_path):
    boxes = np.full((1, 4), np.nan)
    seen = inspection([[np.nan] * 3], ["background"], boxes=boxes)
    assert "filters" in write(tmp_path, seen)[1]
