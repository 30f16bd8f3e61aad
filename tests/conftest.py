"""Fixtures shared by all tests."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent

# The same examples in every run; `pytest --hypothesis-profile=default` takes others.
settings.register_profile("same", derandomize=True)
settings.load_profile("same")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real photos and clips, kept outside the repository."""
    folder = Path(os.environ.get("MRCNN_SHARED", ROOT.parent / "shared")) / "data"
    if not folder.is_dir():
        pytest.skip(f"no real photos here: {folder.name}/ is not beside the project")
    return folder
