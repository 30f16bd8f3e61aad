"""The notebooks as they are committed; `make notebooks` runs them."""

import nbformat
import pytest

from tests.run_notebooks import ROOT, notebooks, problems

NAMES = {
    "demo",
    *("remote/inspect_data", "remote/inspect_model", "remote/inspect_weights"),
    "shapes/train_shapes",
    *("balloon/inspect_balloon_data", "balloon/inspect_balloon_model"),
    *("nucleus/inspect_nucleus_data", "nucleus/inspect_nucleus_model"),
    *("coco/inspect_data", "coco/inspect_model", "coco/inspect_weights"),
}


def test_every_notebook_of_the_original_is_there():
    found = {
        path.relative_to(ROOT / "samples").with_suffix("").as_posix()
        for path in notebooks()
    }
    assert found == NAMES


@pytest.mark.parametrize("path", notebooks(), ids=lambda path: path.stem)
def test_committed_outputs(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert problems(notebook) == []
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert not any(cell.metadata for cell in notebook.cells)


def run_notebook(source, *outputs):
    """A notebook of one cell with a picture, as a run leaves it."""
    picture = nbformat.v4.new_output("display_data", {"image/jpeg": "/9j/4AAQ"})
    cell = nbformat.v4.new_code_cell(
        source, execution_count=1, outputs=[picture, *outputs]
    )
    return nbformat.v4.new_notebook(cells=[cell])


def printed(text, name="stdout"):
    return nbformat.v4.new_output("stream", name=name, text=text)


def test_a_run_without_problems():
    output = printed("a/b, https://x.org/usr/lib and 1/home/2")
    assert problems(run_notebook("print()", output)) == []


@pytest.mark.parametrize(
    ("notebook", "problem"),
    [
        (run_notebook("1", printed("in /home/me/logs")), "shows a path of a machine"),
        (run_notebook("1", printed("old", "stderr")), "an error or a warning: old"),
        (
            run_notebook("1", nbformat.v4.new_output("error", evalue="no file")),
            "an error or a warning: no file",
        ),
        (run_notebook("1\n" * 17), "cell 1 has more than 16 lines"),
        (run_notebook("1", printed("x" * 600_000)), "bytes are more than 600000"),
        (nbformat.v4.new_notebook(), "no picture"),
        (
            nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")]),
            "not run once each",
        ),
    ],
)
def test_problems_of_a_run(notebook, problem):
    assert any(problem in found for found in problems(notebook))
