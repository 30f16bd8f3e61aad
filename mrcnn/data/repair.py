"""A repaired copy of a data set: what the doctor can mend without asking.

`repair` takes what `check` found and writes the copy with `Dataset.save`. The
original is not touched. What cannot be mended, such as an outline that crosses
itself, stays as it is and is in the next report.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from mrcnn.data.check import Report
from mrcnn.data.images import image_hw, upright
from mrcnn.data.label_checks import corrections, count_labels
from mrcnn.data.merge import merged
from mrcnn.data.outline_checks import same_objects
from mrcnn.data.problems import Problem
from mrcnn.data.regions import AnnotatedDataset, Region
from mrcnn.data.shapes import BoxMask
from mrcnn.errors import DatasetError
from mrcnn.geometry.masks import paste_masks

# Images that a copy cannot have, and objects that the readers leave out.
_LOST_IMAGES = ("missing-image", "unreadable-image", "other-size")
_LOST_OBJECTS = ("outside", "no-area", "unlabelled", "unknown-class", "broken", "tiny")
CHANGES = "changes.txt"


def repair(
    report: Report, folder: str | os.PathLike, format_name: str
) -> tuple[Path, list[str]]:
    """Write a copy of a data set in which what can be mended is mended.

    Outlines that fit a photo as it was before EXIF turned it are turned, those that
    reach out of their image are cut, objects outlined twice and objects without
    pixels are left out, misspelt labels corrected; entries and copies of the same
    picture are joined, and copies of validation images taken out of train.

    Args:
        report: of the original.
        folder: where the copy goes; a new one.
        format_name: one of `writers.FORMATS`.

    Returns:
        The list of all changes, as a file, and the changes.

    Raises:
        DatasetError: nothing is left, or files are there already.
    """
    folder = Path(folder)
    mapping = corrections(count_labels(report.parts))
    changes = [f"label {old!r}: now {new!r}" for old, new in mapping.items()]
    by_image: dict[str, list[Problem]] = {}
    for problem in report.problems:
        by_image.setdefault(problem.image or "", []).append(problem)
        if problem.kind in (*_LOST_IMAGES, *_LOST_OBJECTS):
            changes.append(f"left out: {problem.message}")
    parts = {}
    for name, part in report.parts.items():
        infos = []
        for info in _joined(part.image_info, report, changes):
            repaired = _repaired(info, by_image.get(str(info["path"]), []), changes)
            infos += [repaired] if repaired else []
        parts[name] = _with_images(part, _without_leaks(infos, name, report, changes))
    everything = [part for part in parts.values() if part.image_info]
    if not everything:
        raise DatasetError(
            f"Expected something to repair. Received: {report.path}, of which no image "
            "can be used. Export the annotations again."
        )
    names = merged(everything, mapping).class_names[1:]
    for name, part in parts.items():
        if part.image_info:
            known = {
                old: new for old, new in mapping.items() if old in part.class_names
            }
            part = merged([part], known, names)
            part.save(folder, format_name, name or None, copy_images=True)
    listing = folder / CHANGES
    listing.write_text("".join(f"{line}\n" for line in changes), encoding="utf-8")
    return listing, changes


def _with_images(part: AnnotatedDataset, infos: list[dict]) -> AnnotatedDataset:
    result = part.select(())
    result.image_info = infos
    result.prepare()
    return result


def _joined(infos: list[dict], report: Report, changes: list[str]) -> list[dict]:
    """Return the images, entries of the same file and exact copies joined to one."""
    first_of = {
        other: problem.image
        for problem in report.problems
        if problem.kind == "duplicate-image"
        for other in problem.others
    }
    joined: dict[Path, dict] = {}
    for info in infos:
        path = str(info["path"])
        key = Path(first_of.get(path, path)).resolve()
        if key not in joined:
            joined[key] = info
            continue
        regions = joined[key]["annotations"] + info["annotations"]
        joined[key] = joined[key] | {"annotations": regions}
        changes.append(f"{path}: joined with {joined[key]['path']}")
    return list(joined.values())


def _without_leaks(
    infos: list[dict], subset: str, report: Report, changes: list[str]
) -> list[dict]:
    """Return the images of a part; of train, without those of other parts."""
    if subset != "train":
        return infos
    leaked = {
        path
        for problem in report.problems
        if problem.kind == "leak"
        for path in (problem.image, *problem.others)
    }
    kept = [info for info in infos if str(info["path"]) not in leaked]
    changes += [
        f"{info['path']}: out of train, because it is in another part, too"
        for info in infos
        if str(info["path"]) in leaked
    ]
    return kept


def _repaired(info: dict, problems: list[Problem], changes: list[str]) -> dict | None:
    """Return an image with its outlines mended, None if it cannot be used."""
    kinds = {problem.kind for problem in problems}
    if kinds & set(_LOST_IMAGES):
        return None
    where = str(info["path"])
    if "turned-image" in kinds:
        info = _turned(info, problems)
        if info is None:
            changes.append(
                f"{where}: left out, because it is turned and EXIF is silent"
            )
            return None
        changes.append(f"{where}: {len(info['annotations'])} outlines turned upright")
    size = (info["height"], info["width"])
    outside = [r for p in problems if p.kind == "points-outside" for r in p.regions]
    tiny = [r for p in problems if p.kind == "tiny" for r in p.regions]
    regions = [region for region in info["annotations"] if region not in tiny]
    for i, region in enumerate(regions):
        if region in outside:
            regions[i] = _cut(region, size)
            changes.append(f"{where}, {region.place}: cut to the image")
    info = info | {"annotations": regions}
    twice = {
        j: i
        for i, j in same_objects(info)
        if regions[i].source_class_id == regions[j].source_class_id
    }
    for j, i in twice.items():
        first, second = regions[i].place, regions[j].place
        changes.append(f"{where}, {second}: left out, the same object as {first}")
    kept = [region for i, region in enumerate(regions) if i not in twice]
    return info | {"annotations": kept}


def _turned(info: dict, problems: list[Problem]) -> dict | None:
    """Return an image whose outlines are turned as EXIF turns its picture."""
    found = next(p for p in problems if p.kind == "turned-image")
    regions = found.regions or tuple(info["annotations"])
    height, width = image_hw(info["path"])
    turned = []
    for region in regions:
        box, mask = region.shape.rasterise((width, height))  # as it is stored
        full = paste_masks(box[None], [mask], (width, height))[..., 0]
        full = upright(full, info["path"])
        if full.shape != (height, width):
            return None
        if full.any():
            turned.append(replace(region, shape=BoxMask.from_mask(full)))
    return info | {"annotations": turned, "height": height, "width": width}


def _cut(region: Region, size: tuple[int, int]) -> Region:
    (top, left, _, _), mask = region.shape.rasterise(size)
    return replace(region, shape=BoxMask.from_mask(mask, int(top), int(left)))
