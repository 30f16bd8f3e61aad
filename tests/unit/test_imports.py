"""Imports go downwards only: the table of CONTRIBUTING.md, read from the sources."""

import ast
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(
    path for folder in ("mrcnn", "samples") for path in (ROOT / folder).rglob("*.py")
)

BASE = {"config", "config_rules", "errors", "structures"}
FACES = {"model", "utils", "visualize", "parallel_model"}
NETWORK = BASE | {"geometry", "ops", "network", "weights"}
PARTS = NETWORK | {"data", "draw", "video", "evaluation"}
# Package or module of mrcnn -> those it may import besides itself.
MAY_IMPORT = {
    "errors": set(),
    "structures": set(),
    "config_rules": {"structures"},
    "config": {"config_rules", "errors", "structures"},
    "geometry": BASE,
    "data": BASE | {"geometry"},
    "ops": BASE | {"geometry"},
    "network": BASE | {"geometry", "ops"},
    "draw": BASE | {"geometry", "data"},
    "video": BASE | {"geometry", "data"},
    "evaluation": BASE | {"geometry", "data"},
    "weights": BASE | {"network"},
    "training": PARTS,
    "inference": PARTS,
    **{face: PARTS | {"training", "inference"} | FACES for face in FACES},
    "__main__": {"cli"},
    "__init__": set(),
}
# What the command line and the samples use of the package.
PUBLIC = {
    *("mrcnn", "mrcnn.config", "mrcnn.errors", "mrcnn.structures"),
    *(f"mrcnn.{face}" for face in FACES),
    *("mrcnn.data.dataset", "mrcnn.data.formats", "mrcnn.data.images"),
    *("mrcnn.data.coco", "mrcnn.data.yolo_writer"),
    *("mrcnn.draw.annotate", "mrcnn.draw.background", "mrcnn.draw.paint"),
    *("mrcnn.draw.palette", "mrcnn.draw.redact"),
    *("mrcnn.video.pipeline", "mrcnn.video.sources", "mrcnn.video.tracking"),
    *("mrcnn.data.check", "mrcnn.data.problems", "mrcnn.data.repair"),
    *("mrcnn.data.statistics", "mrcnn.data.hashes", "mrcnn.data.split"),
    *("mrcnn.data.merge", "mrcnn.data.saving", "mrcnn.data.writers"),
    *("mrcnn.draw.scores", "mrcnn.draw.mistakes", "mrcnn.training.augment"),
    *("mrcnn.inference.suppression", "mrcnn.inference.tiles"),
    *("mrcnn.inference.zoo", "mrcnn.weights.zoo"),
    *("mrcnn.inference.diagnose", "mrcnn.training.epoch_table"),
    *("mrcnn.weights.checkpoints", "mrcnn.weights.download", "mrcnn.weights.files"),
}
READ_CONFIG = {
    *("mrcnn/network/build.py", "mrcnn/training/trainer.py"),
    *("mrcnn/inference/detect.py", "mrcnn/inference/zoo.py", "mrcnn/model.py"),
    "mrcnn/training/inspection.py",
}
SWITCH_BACKEND = {
    *("mrcnn/ops/backend.py", "mrcnn/training/distribute.py"),
    "mrcnn/cli/versions.py",  # reports the backend
    "mrcnn/ops/frozen_graph.py",  # runs on TensorFlow whatever Keras runs on
}
BACKENDS = {"tensorflow", "jax", "torch"}
KERAS = {"keras", *BACKENDS}
FORBIDDEN = {
    **dict.fromkeys(("data", "draw", "video", "evaluation", "geometry"), KERAS),
    "ops": {"cv2", "matplotlib", "skimage"},
}


def part_of(module: str) -> str:
    """The package or module right under mrcnn: "ops" for mrcnn.ops.boxes."""
    return module.split(".")[1] if "." in module else "__init__"


def imported_modules(tree: ast.Module) -> set[str]:
    """Full names of the modules imported anywhere; ``.`` marks a relative import."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level:
            found.add(".")
        elif isinstance(node, ast.ImportFrom):
            # `from mrcnn.ops import boxes` imports a module, `from mrcnn.ops.boxes
            # import clip_boxes` a name of one.
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                path = ROOT / Path(*name.split("."))
                is_module = path.with_suffix(".py").is_file() or path.is_dir()
                found.add(name if is_module else node.module)
    return found


def asks_for_backend(tree: ast.Module) -> bool:
    """Whether a call like keras.backend.backend() or keras.config.backend() occurs."""
    return any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "backend"
        for node in ast.walk(tree)
    )


def violations(file: str, source: str) -> list[str]:
    """What is against the table in a file, by its path from the root."""
    tree = ast.parse(source)
    modules = imported_modules(tree)
    own = [name for name in modules if name.split(".")[0] == "mrcnn"]
    foreign = {name.split(".")[0] for name in modules} - {"mrcnn", "."}
    folder, *inner = Path(file).with_suffix("").parts
    part = inner[0] if folder == "mrcnn" else "samples"
    found = ["relative import"] if "." in modules and folder == "mrcnn" else []
    if part in ("cli", "samples"):
        found += [
            f"{name} is not public"
            for name in own
            if part_of(name) != "cli" and name not in PUBLIC
        ]
    else:
        allowed = MAY_IMPORT[part] | {part}
        found += [name for name in own if part_of(name) not in allowed]
        reads = "mrcnn.config" in own
        if reads and file not in READ_CONFIG and part not in FACES:
            found.append("mrcnn.config: only a few files read it")
    if part in BASE:
        found += sorted(foreign - sys.stdlib_module_names - {"numpy"})
    found += sorted(foreign & FORBIDDEN.get(part, set()))
    if file not in SWITCH_BACKEND:
        found += sorted(foreign & BACKENDS)
        if asks_for_backend(tree):
            found.append("asks for the backend")
    return found


@pytest.mark.parametrize(
    "path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_imports_go_downwards(path):
    file = path.relative_to(ROOT).as_posix()
    assert violations(file, path.read_text("utf-8")) == []


def test_every_part_is_in_the_table():
    parts = {path.stem for path in (ROOT / "mrcnn").iterdir() if path.suffix == ".py"}
    parts |= {path.parent.name for path in (ROOT / "mrcnn").glob("*/__init__.py")}
    assert parts - {"cli"} <= set(MAY_IMPORT)


@pytest.mark.parametrize(
    ("file", "source", "found"),
    [
        ("mrcnn/data/via.py", "import numpy, mrcnn.errors", []),
        ("mrcnn/data/via.py", "import keras", ["keras"]),
        ("mrcnn/data/via.py", "def f():\n    from keras import ops", ["keras"]),
        ("mrcnn/data/via.py", "from .coco import read", ["relative import"]),
        ("mrcnn/errors.py", "import cv2", ["cv2"]),
        ("mrcnn/errors.py", "import mrcnn.geometry", ["mrcnn.geometry"]),
        ("mrcnn/geometry/masks.py", "from mrcnn import data", ["mrcnn.data"]),
        ("mrcnn/ops/nms.py", "import cv2", ["cv2"]),
        ("mrcnn/ops/nms.py", "import tensorflow as tf", ["tensorflow"]),
        ("mrcnn/ops/backend.py", "import tensorflow as tf", []),
        (
            "mrcnn/ops/nms.py",
            "import keras\nkeras.backend.backend()",
            ["asks for the backend"],
        ),
        ("mrcnn/draw/figures.py", "import mrcnn.network", ["mrcnn.network"]),
        ("mrcnn/network/fpn.py", "import mrcnn.draw", ["mrcnn.draw"]),
        ("mrcnn/network/fpn.py", "import mrcnn.data", ["mrcnn.data"]),
        ("mrcnn/training/trainer.py", "import mrcnn.inference", ["mrcnn.inference"]),
        ("mrcnn/training/trainer.py", "from mrcnn.config import Config", []),
        (
            "mrcnn/network/fpn.py",
            "from mrcnn.config import Config",
            ["mrcnn.config: only a few files read it"],
        ),
        ("mrcnn/inference/detect.py", "import mrcnn.model", ["mrcnn.model"]),
        ("mrcnn/utils.py", "import mrcnn.cli.main", ["mrcnn.cli.main"]),
        ("mrcnn/cli/new.py", "import mrcnn.model, mrcnn.cli.runs", []),
        ("mrcnn/cli/new.py", "import mrcnn.ops", ["mrcnn.ops is not public"]),
        ("samples/a/b.py", "import mrcnn.network", ["mrcnn.network is not public"]),
    ],
)
def test_the_check_itself(file, source, found):
    assert violations(file, source) == found


def run_python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "module",
    ["mrcnn", "mrcnn.config", "mrcnn.structures", "mrcnn.cli.main"],
)
def test_light_imports(module):
    loaded = run_python(f"import sys, {module}; print(*sys.modules)").split()
    heavy = {*KERAS, "cv2", "skimage", "matplotlib", "av", "pycocotools", "imgaug"}
    assert module in loaded
    assert heavy & set(loaded) == set()


@pytest.mark.parametrize(
    "module",
    [
        "mrcnn.data.dataset",
        "mrcnn.draw.annotate",
        "mrcnn.utils",
        "mrcnn.visualize",
        "mrcnn.evaluation.report",
        # What a worker process loads.
        "mrcnn.training.processes",
        "mrcnn.training.examples",
    ],
)
def test_what_starts_without_keras(module):
    loaded = run_python(f"import sys, {module}; print(*sys.modules)").split()
    assert KERAS & set(loaded) == set()


def test_import_takes_no_time():
    times = []
    for _ in range(3):
        start = time.perf_counter()
        run_python("import mrcnn")
        times.append(time.perf_counter() - start)
    assert min(times) < 0.3
