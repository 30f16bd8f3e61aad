"""Small data sets in the layouts of the samples, for where the real ones are not.

The notebooks of balloon, nucleus and coco run on them. A layout is written once, the
same seed gives the same pictures.

    python samples/generated.py balloon output/generated/balloon
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE / "privacy")]

import cv2
import numpy as np
import street
from PIL import Image

from mrcnn.cli.coco_classes import COCO_CLASSES
from mrcnn.data.dataset import Dataset

_BALLOON_HW = (192, 256)
_NUCLEUS_HW = (256, 320)
_STREET_HW = (240, 320)


def balloons(folder: Path, train: int = 24, val: int = 6) -> None:
    """Write balloons before a sky, outlined in a VIA 1 export.

    Args:
        folder: gets train/ and val/, each with photos and via_region_data.json.
        train: number of pictures to learn from.
        val: number of pictures to measure with.
    """
    for part, (subset, count) in enumerate({"train": train, "val": val}.items()):
        (folder / subset).mkdir(parents=True)
        entries = {}
        for number in range(count):
            rng = np.random.default_rng([part, number])
            image, outlines = _sky_with_balloons(rng)
            path = folder / subset / f"{number:03d}.jpg"
            Image.fromarray(image).save(path, quality=90)
            size = path.stat().st_size
            entries[f"{path.name}{size}"] = _via_1_entry(path.name, size, outlines)
        text = json.dumps(entries, indent=1)
        (folder / subset / "via_region_data.json").write_text(text, "utf-8")


def nuclei(folder: Path, count: int = 24) -> None:
    """Write cell nuclei, each with a mask of its own, as in the Data Science Bowl.

    Args:
        folder: gets stage1_train/<id>/images/<id>.png and stage1_train/<id>/masks/.
        count: number of pictures.
    """
    for number in range(count):
        rng = np.random.default_rng(number)
        image, masks = _slide_with_nuclei(rng)
        name = rng.bytes(6).hex()
        images, its_masks = (
            folder / "stage1_train" / name / part for part in ("images", "masks")
        )
        images.mkdir(parents=True)
        its_masks.mkdir()
        Image.fromarray(image).save(images / f"{name}.png")
        for k, mask in enumerate(masks):
            Image.fromarray(mask.astype(np.uint8) * 255).save(its_masks / f"{k}.png")


def coco(folder: Path, count: int = 24) -> None:
    """Write the generated street of the privacy sample with COCO's classes.

    Args:
        folder: gets val2017/ and annotations/instances_val2017.json.
        count: number of pictures.
    """
    (folder / "val2017").mkdir(parents=True)
    own_ids = np.array([COCO_CLASSES.index(name) for name in street.CLASS_NAMES])
    paths, objects = [], []
    for number in range(count):
        image, seen = next(street.street(number, 1, _STREET_HW))
        paths.append(folder / "val2017" / f"{number:012d}.jpg")
        Image.fromarray(image).save(paths[-1], quality=90)
        class_ids = own_ids[seen.class_ids].astype(np.int32)
        objects.append(replace(seen, class_ids=class_ids))
    dataset = Dataset.from_detections(paths, objects, COCO_CLASSES)
    written = dataset.save(folder / "annotations", "coco")
    written.rename(written.with_name("instances_val2017.json"))


def _sky_with_balloons(rng) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return a picture, and the outline of each balloon, int [N, (x, y)]."""
    height, width = _BALLOON_HW
    top, bottom = rng.uniform(90, 230, (2, 3))
    share = np.linspace(0, 1, height)[:, None, None]
    image = np.repeat(top + share * (bottom - top), width, axis=1)
    outlines = []
    for (y, x), radius in _places(rng, rng.integers(1, 6), (16, 34), _BALLOON_HW):
        color = rng.uniform(30, 255, 3)
        wide, high = int(radius * rng.uniform(0.75, 0.9)), radius
        knot_y, knot = y + high, max(2, radius // 6)
        outline = np.vstack(
            [
                # From the knot's right corner round the balloon to its left one.
                cv2.ellipse2Poly((x, y), (wide, high), 0, -265, 85, 5),
                [(x + knot, knot_y + knot), (x - knot, knot_y + knot)],
            ]
        )
        sway = int(rng.integers(-12, 13))
        end = (x + sway, knot_y + 2 * radius)
        cv2.line(image, (x, knot_y), end, (90, 90, 90), 1, cv2.LINE_AA)
        cv2.fillPoly(image, [outline], color.tolist(), cv2.LINE_AA)
        _shine(image, (y - high // 3, x - wide // 3), radius, outline)
        outlines.append(outline)
    image += rng.normal(0, 3, image.shape)
    return np.clip(image, 0, 255).astype(np.uint8), outlines


def _shine(image: np.ndarray, light_yx, radius: int, outline: np.ndarray) -> None:
    """Brighten a balloon at a point and darken what is far from it, in place."""
    inside = np.zeros(image.shape[:2], np.uint8)
    cv2.fillPoly(inside, [outline], 1)
    ys, xs = np.nonzero(inside)
    distance = np.hypot(ys - light_yx[0], xs - light_yx[1]) / radius
    light = 70 * np.exp(-6 * distance**2) - 45 * np.clip(distance - 0.5, 0, 1)
    image[ys, xs] += light[:, None]


def _via_1_entry(filename: str, size: int, outlines: list[np.ndarray]) -> dict:
    regions = {
        str(i): {
            "shape_attributes": {
                "name": "polygon",
                "all_points_x": outline[:, 0].tolist(),
                "all_points_y": outline[:, 1].tolist(),
            },
            "region_attributes": {},
        }
        for i, outline in enumerate(outlines)
    }
    return {
        "fileref": "",
        "size": size,
        "filename": filename,
        "base64_img_data": "",
        "file_attributes": {},
        "regions": regions,
    }


def _slide_with_nuclei(rng) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return a picture, fluorescent or stained, and masks, bool [H, W] each."""
    light, masks = np.zeros(_NUCLEUS_HW), []
    for center_yx, radius in _places(rng, rng.integers(40, 100), (3, 8), _NUCLEUS_HW):
        mask = np.zeros(_NUCLEUS_HW, np.uint8)
        axes = (radius, max(2, int(radius * rng.uniform(0.6, 1))))
        cv2.ellipse(
            *(mask, center_yx[::-1], axes, rng.uniform(0, 180), 0, 360, 1, cv2.FILLED)
        )
        masks.append(mask.astype(bool))
        light[masks[-1]] = rng.uniform(0.4, 1)
    light = cv2.GaussianBlur(light, (0, 0), 1) + rng.normal(0, 0.02, light.shape)
    dark, bright = ((8, 8, 8), (210, 210, 210))
    if rng.random() < 0.3:
        dark, bright = ((225, 200, 225), (95, 55, 135))
    image = np.array(dark) + light[..., None] * np.subtract(bright, dark)
    return np.clip(image, 0, 255).astype(np.uint8), masks


def _places(rng, count: int, radii, image_hw) -> Iterator[tuple[tuple[int, int], int]]:
    """Yield centres (y, x) and radii of circles that do not touch, at most `count`."""
    taken = []
    for _ in range(count):
        radius = int(rng.integers(*radii))
        y, x = (int(rng.integers(radius, side - radius)) for side in image_hw)
        if all(np.hypot(y - v, x - u) > radius + r + 1 for v, u, r in taken):
            taken.append((y, x, radius))
            yield (y, x), radius


WRITERS = {"balloon": balloons, "nucleus": nuclei, "coco": coco}


def folder_of(name: str, real: Path, generated: Path) -> Path:
    """Return the folder of a data set, or of generated pictures in its layout.

    Args:
        name: "balloon", "nucleus" or "coco".
        real: where the data set is, if it is there.
        generated: where the pictures go otherwise; what is there stays.
    """
    if real.is_dir():
        return real
    if not generated.is_dir():
        WRITERS[name](generated)
    return generated


def main(argv: list[str] | None = None) -> None:
    """Write a data set as the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", choices=WRITERS, help="whose layout")
    parser.add_argument("folder", type=Path, help="new folder to write into")
    options = parser.parse_args(argv)
    WRITERS[options.name](options.folder)


if __name__ == "__main__":
    main()
