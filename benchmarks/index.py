"""Time and memory to index a COCO data set of 10,000 images, none of which is opened.

    python benchmarks/index.py

Writes a COCO file with as many objects as COCO has (7.3 an image, polygons of 26
corners, one in a hundred a crowd in run lengths) and empty files for the images: to
decode one would be an error. Memory is the growth of the process's peak over what it
had after the imports. Exits with 1 above 3 seconds or 200 MB.
"""

import argparse
import json
import resource
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import pycocotools.mask

from mrcnn.data import formats
from mrcnn.data.dataset import Dataset
from mrcnn.data.rle import mask_to_rle

_SECONDS, _MEGABYTES = 3.0, 200
_HW = (480, 640)


def write_coco(folder: Path, num_images: int) -> int:
    """Write the data set; return the number of its objects."""
    rng = np.random.default_rng(0)
    images, annotations = [], []
    for image_id in range(num_images):
        name = f"{image_id:012}.jpg"
        (folder / name).touch()
        images.append(
            {"id": image_id, "file_name": name, "height": _HW[0], "width": _HW[1]}
        )
        for _ in range(rng.poisson(7.3)):
            annotations.append(
                {
                    "id": len(annotations),
                    "image_id": image_id,
                    "category_id": int(rng.integers(1, 81)),
                    "iscrowd": 0,
                    "segmentation": [_outline(rng)],
                }
            )
    for annotation in annotations[::100]:
        mask = np.zeros(_HW, bool)
        for top, left in rng.integers(0, 400, (20, 2)):
            mask[top : top + 30, left : left + 20] = True
        annotation |= {"iscrowd": 1, "segmentation": mask_to_rle(mask)}
    categories = [{"id": i, "name": f"class {i}"} for i in range(1, 81)]
    content = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "coco.json").write_text(json.dumps(content))
    return len(annotations)


def _outline(rng: np.random.Generator) -> list[float]:
    angles = np.sort(rng.uniform(0, 2 * np.pi, 26))
    radius = rng.uniform(4, 100) * rng.uniform(0.8, 1, 26)
    x = np.clip(rng.uniform(0, _HW[1]) + radius * np.cos(angles), 0, _HW[1])
    y = np.clip(rng.uniform(0, _HW[0]) + radius * np.sin(angles), 0, _HW[0])
    return np.round(np.stack([x, y], axis=1).ravel(), 2).tolist()


def peak_megabytes() -> float:
    """Return the peak memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(folder: Path, num_objects: int) -> bool:
    """Index the data set, print a line; return whether the limits hold."""
    before = peak_megabytes()
    start = time.perf_counter()
    dataset = Dataset.load(folder)
    seconds = time.perf_counter() - start
    megabytes = peak_megabytes() - before
    size = (folder / "coco.json").stat().st_size / 1e6
    print(
        f"{dataset.num_images} images, {num_objects} objects, {size:.0f} MB of JSON: "
        f"{seconds:.2f} s (at most {_SECONDS}), {megabytes:.0f} MB (at most "
        f"{_MEGABYTES})"
    )
    return seconds < _SECONDS and megabytes < _MEGABYTES


def main() -> None:
    """Write the data set in a process of its own, then measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.folder:
        print(write_coco(args.folder, args.images))
        return
    import subprocess

    with tempfile.TemporaryDirectory() as name:
        # So that the memory of writing is not counted.
        command = [sys.executable, __file__, f"--images={args.images}"]
        written = subprocess.run(
            [*command, f"--folder={name}"], check=True, capture_output=True, text=True
        )
        held = measure(Path(name), int(written.stdout))
    sys.exit(0 if held else 1)


if __name__ == "__main__":
    # Loaded before the measurement.
    _LOADED = (formats, pycocotools.mask)
    main()
