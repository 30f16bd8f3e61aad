"""Run the notebooks of the samples, as CI does, or write their outputs anew.

    python tests/run_notebooks.py                                  every one
    python tests/run_notebooks.py samples/demo.ipynb --steps=10    one, with less training
    python tests/run_notebooks.py --write --logs=logs              and keep what they show

The runs of --logs are what the notebooks look into; those that are not there are
trained first, in the first notebook that needs them. What a network of few steps shows
is not looked at; with --write it is, see `problems`.
"""  # noqa: E501 - a command line to copy

import argparse
import asyncio
import os
import re
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).resolve().parents[1]
# Bytes; pages that show notebooks load them whole.
MOST_BYTES = 600_000
MOST_LINES = 16
# Small pictures, and nothing of what TensorFlow says about the machine.
_KERNEL_ARGUMENTS = (
    "--IPKernelApp.capture_fd_output=False",
    "--InlineBackend.figure_formats=['jpeg']",
    "--InlineBackend.rc={'figure.dpi': 60}",
    "--InlineBackend.print_figure_kwargs="
    "{'bbox_inches': 'tight', 'pil_kwargs': {'quality': 78}}",
)
_METADATA = {
    "kernelspec": {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    },
    "language_info": {"name": "python"},
}
_MACHINE_PATH = re.compile(r"(?<![\w.:/])/(?:home|root|tmp|usr|work|Users)/|[A-Z]:\\")


def notebooks() -> list[Path]:
    """Return every notebook of the samples, the one that is read first first."""
    folder = ROOT / "samples"
    return sorted(folder.glob("*.ipynb")) + sorted(folder.glob("*/*.ipynb"))


async def execute(path: Path):
    """Return a notebook with the outputs of a run from top to bottom.

    Raises:
        CellExecutionError: a cell fails.
    """
    notebook = nbformat.read(path, as_version=4)
    await NotebookClient(
        notebook,
        timeout=900,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,
        extra_arguments=list(_KERNEL_ARGUMENTS),
        resources={"metadata": {"path": str(path.parent)}},
    ).async_execute()
    notebook.metadata = nbformat.from_dict(_METADATA)
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({})
    return notebook


def problems(notebook) -> list[str]:
    """Return what is wrong with a notebook that has been run."""
    found = []
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    if [cell.execution_count for cell in cells] != list(range(1, len(cells) + 1)):
        found.append("cells were not run once each, from top to bottom")
    outputs = [output for cell in cells for output in cell.outputs]
    if not any("image/jpeg" in output.get("data", {}) for output in outputs):
        found.append("no picture in it")
    for number, cell in enumerate(cells, start=1):
        if len(cell.source.splitlines()) > MOST_LINES:
            found.append(f"cell {number} has more than {MOST_LINES} lines")
        for output in cell.outputs:
            if output.output_type == "error" or output.get("name") == "stderr":
                text = output.get("text") or output.get("evalue")
                found.append(f"cell {number} has an error or a warning: {text}")
            data = output.get("data", {})
            texts = [output.get("text", "")]
            texts += [value for kind, value in data.items() if kind.startswith("text/")]
            if path := _MACHINE_PATH.search("".join(texts)):
                found.append(f"cell {number} shows a path of a machine: {path.group()}")
    size = len(nbformat.writes(notebook))
    if size > MOST_BYTES:
        found.append(f"{size} bytes are more than {MOST_BYTES}")
    return found


def main(argv: list[str] | None = None) -> int:
    """Run notebooks; return 1 when one of them fails."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("paths", nargs="*", type=Path, help="which (default: all)")
    parser.add_argument(
        "--write", action="store_true", help="write the outputs into the notebooks"
    )
    parser.add_argument(
        "--logs", type=Path, help="folder of the runs (default: a temporary one)"
    )
    parser.add_argument(
        "--steps", type=int, help="of each training (default: the notebooks' own)"
    )
    parser.add_argument(
        "--jobs", type=int, default=1, help="data sets at a time (default: 1)"
    )
    options = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as temporary:
        os.environ["LOGS"] = str((options.logs or Path(temporary)).resolve())
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        if options.steps:
            os.environ["STEPS"] = str(options.steps)
        paths = [path.resolve() for path in options.paths] or notebooks()
        done = asyncio.run(run_all(paths, options.jobs, write=options.write))
    return 0 if all(done) else 1


async def run_all(paths: list[Path], jobs: int, *, write: bool) -> list[bool]:
    """Return of every notebook whether it did well."""
    of_data = {}
    for path in paths:
        # The demo is on the data and the network of remote.
        is_demo = path.parent.name == "samples"
        of_data.setdefault("remote" if is_demo else path.parent.name, []).append(path)
    places = asyncio.Semaphore(jobs)

    async def run_in_turn(group):
        async with places:
            return [await runs_well(path, write=write) for path in group]

    done = await asyncio.gather(*map(run_in_turn, of_data.values()))
    return sum(done, [])


async def runs_well(path: Path, *, write: bool) -> bool:
    """Run a notebook, say how it went, and return whether it did well."""
    started = time.monotonic()
    try:
        notebook = await execute(path)
        wrong = problems(notebook) if write else []
    except CellExecutionError as error:
        wrong = [f"{error.ename}: {error.evalue}"]
    line = f"{path.relative_to(ROOT)}: {time.monotonic() - started:.0f} s"
    print(line, *wrong, sep="\n    ", flush=True)
    if write and not wrong:
        nbformat.write(notebook, path)
    return not wrong


if __name__ == "__main__":
    sys.exit(main())
