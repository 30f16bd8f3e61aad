"""The project's own files agree with each other."""

import ast
import re
import sys
from pathlib import Path

import pytest

import mrcnn

ROOT = Path(__file__).resolve().parents[2]


def metadata() -> dict:
    if sys.version_info < (3, 11):
        pytest.skip("tomllib came with Python 3.11")
    import tomllib

    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def test_requirements_equal_the_metadata():
    lines = (ROOT / "requirements.txt").read_text("utf-8").split()
    assert lines == metadata()["project"]["dependencies"]


def test_every_import_is_required():
    # Import name, where it is not the name of the distribution.
    names = {"cv2": "opencv-python", "PIL": "pillow", "skimage": "scikit-image"}
    names["yaml"] = "pyyaml"
    required = {
        re.split(r"[<>=!~]", line)[0]
        for line in (ROOT / "requirements.txt").read_text("utf-8").split()
    }
    imported = set()
    for folder in ("mrcnn", "samples"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Import):
                    imported |= {alias.name.split(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module:
                    imported.add(node.module.split(".")[0])
    local = {"mrcnn", *(path.stem for path in (ROOT / "samples").rglob("*"))}
    foreign = imported - sys.stdlib_module_names - local
    # jax and torch are backends that a user installs.
    assert {names.get(name, name) for name in foreign} - {"jax", "torch"} <= required


def test_version_is_in_the_changelog():
    assert re.fullmatch(r"\d+\.\d+\.\d+", mrcnn.__version__)
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert f"## [{mrcnn.__version__}]" in changelog


def test_readme_names_the_commands_of_the_makefile():
    readme = (ROOT / "README.md").read_text("utf-8")
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text("utf-8"), re.M)
    for command in ("demo", "test"):
        assert command in targets
        assert re.search(rf"^ +make {command}\b", readme, re.M)
