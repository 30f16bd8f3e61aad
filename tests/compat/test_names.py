"""The public names and signatures stay as they are.

names.json holds them. After adding a name write it anew, and commit it:

    python tests/compat/test_names.py
"""

import importlib
import importlib.util
import inspect
import json
import sys
from pathlib import Path

import pytest

FILE = Path(__file__).with_name("names.json")
FACES = (
    *("mrcnn.config", "mrcnn.model", "mrcnn.utils", "mrcnn.visualize"),
    "mrcnn.parallel_model",
)
FROZEN = json.loads(FILE.read_text("utf-8")) if FILE.is_file() else {}


def signature(thing) -> str:
    """Parameters with defaults, without annotations: what callers depend on."""
    plain = inspect.signature(thing)
    parameters = [
        parameter.replace(annotation=parameter.empty)
        for parameter in plain.parameters.values()
    ]
    return str(plain.replace(parameters=parameters, return_annotation=plain.empty))


def names_of_class(cls: type) -> dict[str, str]:
    """Public methods and properties that a class of ours adds, and its constructor."""
    found = {"__init__": signature(cls.__init__)}
    ours = [base for base in cls.__mro__ if base.__module__.startswith("mrcnn")]
    for name in sorted({name for base in ours for name in vars(base)}):
        if name.startswith("_") or name.isupper():
            continue
        static = inspect.getattr_static(cls, name)
        if isinstance(static, property):
            found[name] = "property"
        elif callable(getattr(cls, name)):
            found[name] = signature(getattr(cls, name))
    return found


def names_of(face: str) -> dict:
    """Name -> signature, or a dict of them for a class."""
    module = importlib.import_module(face)
    public = getattr(module, "__all__", None) or [
        name for name in vars(module) if not name.startswith("_")
    ]
    found = {}
    for name in sorted(public):
        thing = getattr(module, name)
        home = getattr(thing, "__module__", "")
        if not home.startswith("mrcnn") or home == "mrcnn.errors":
            continue  # what the module merely uses
        if inspect.isclass(thing):
            found[name] = names_of_class(thing)
        elif callable(thing):
            found[name] = signature(thing)
    return found


def test_every_face_is_frozen():
    there = [face for face in FACES if importlib.util.find_spec(face)]
    assert sorted(FROZEN) == sorted(there), "see the top of this file"


@pytest.mark.parametrize("face", FROZEN)
def test_names_and_signatures_are_as_frozen(face):
    now = names_of(face)
    assert now == FROZEN[face], "names.json differs: see the top of this file"


def test_a_changed_default_is_noticed():
    def before(image, alpha=0.5): ...
    def after(image, alpha=0.6): ...

    assert signature(before) == "(image, alpha=0.5)"
    assert signature(before) != signature(after)


def write() -> None:
    names = {face: names_of(face) for face in FACES if importlib.util.find_spec(face)}
    FILE.write_text(json.dumps(names, indent=1, sort_keys=True) + "\n", "utf-8")


if __name__ == "__main__":
    sys.path.insert(0, str(FILE.parents[2]))
    write()
