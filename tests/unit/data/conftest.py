"""Small annotated folders, written as the annotation tools write them."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.unit.data.painted import Painted, block


@pytest.fixture
def save_image(tmp_path):
    def save(name: str | Path = "a.png", hw=(20, 30), **options) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(0)
        pixels = rng.integers(0, 256, (*hw, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path, **options)
        return path

    return save


@pytest.fixture
def via_folder(tmp_path, save_image):
    """Write a VIA 2 file for images of 20 x 30 pixels; returns the folder."""

    def write(images: dict, subset="", project=None, file_name="via.json") -> Path:
        entries = {}
        for name, regions in images.items():
            if not (tmp_path / subset / name).exists():
                save_image(Path(subset, name))
            entries[f"{name}99"] = {"filename": name, "size": 99, "regions": regions}
        content = entries
        if project is not None:
            content = {"_via_img_metadata": entries, "_via_settings": {}, **project}
        (tmp_path / subset / file_name).write_text(json.dumps(content))
        return tmp_path

    return write


@pytest.fixture
def coco_content():
    """A COCO data set of one image, 20 x 30 pixels, with gaps in its category ids."""

    def make(*annotations: dict) -> dict:
        return {
            "images": [{"id": 7, "file_name": "a.png", "height": 20, "width": 30}],
            "categories": [{"id": 17, "name": "cat"}, {"id": 3, "name": "car"}],
            "annotations": [
                {"id": i, "image_id": 7, "category_id": 17, **annotation}
                for i, annotation in enumerate(annotations, start=1)
            ],
        }

    return make


@pytest.fixture
def coco_folder(tmp_path, save_image):
    def write(content: dict, file="coco.json") -> Path:
        if not (tmp_path / "a.png").exists():
            save_image("a.png")
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))
        return tmp_path

    return write


@pytest.fixture
def painted(save_image, tmp_path):
    """Two images in photos/: a cat in two parts and a ring of a dog; nothing."""
    dataset = Painted()
    parts = block(1, 2, 5, 6) | block(10, 20, 13, 29)
    ring = block(5, 5, 15, 18) & ~block(8, 8, 12, 12)
    dataset.add_painted(save_image("photos/a.png"), [(parts, 2), (ring, 1)])
    dataset.add_painted(save_image("photos/b.png"), [])
    dataset.prepare()
    return dataset
