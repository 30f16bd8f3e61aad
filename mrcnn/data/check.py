"""The doctor: everything that is wrong with a data set, instead of the first thing.

`check` reads a data set as training would, but goes on after what is broken, and
then looks at the pixels, the outlines, the labels, and for copies and leaks. The
command ``mrcnn check`` prints what it finds. `problems` has the kinds of problems.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from mrcnn.data import formats
from mrcnn.data.hashes import (
    Fingerprint,
    groups,
    image_fingerprint,
    similar_pairs,
)
from mrcnn.data.label_checks import label_problems
from mrcnn.data.outline_checks import outline_problems
from mrcnn.data.problems import KINDS, Problem, collected, tolerated
from mrcnn.data.regions import AnnotatedDataset
from mrcnn.errors import DatasetError

# Names that a message lists.
_MOST_NAMES = 5
_IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif"}


@dataclass(frozen=True)
class Report:
    """What the doctor found.

    Attributes:
        path: the data set.
        parts: what could be read, by subset; "" where it is not divided.
        problems: in the order of `KINDS`.
    """

    path: Path
    parts: dict[str, AnnotatedDataset]
    problems: tuple[Problem, ...]

    @property
    def num_errors(self) -> int:
        """Problems that stop a training or spoil it."""
        return sum(problem.severity == "error" for problem in self.problems)


def check(
    path: str | os.PathLike,
    *,
    class_names: list[str] | None = None,
    class_attribute: str | None = None,
    num_channels: int = 3,
    limits: dict[str, int] | None = None,
    progress: Callable[[Sequence], Sequence] = iter,
) -> Report:
    """Return everything that is wrong with a data set.

    Args:
        path: folder or annotation file, as `Dataset.load` takes it; of a divided
            folder every part is checked.
        class_names: those that there ought to be; None takes any.
        class_attribute: as `Dataset.load` takes it.
        num_channels: as `Dataset.load` takes it.
        limits: objects that an image may have, by what sets the limit, such as
            {"MAX_GT_INSTANCES": 100}.
        progress: wraps the images while their pixels are read, to show how far it is.

    Raises:
        DatasetError: there is no such file or folder.
    """
    path = Path(path)
    if not path.exists():
        raise DatasetError(
            f"Expected a data set. Received: {path} (no such file or folder). "
            "Check the path."
        )
    parts, found = read_parts(
        path, class_names=class_names, class_attribute=class_attribute
    )
    found = _with_paths(found, parts)
    for part in parts.values():
        part.num_channels = num_channels
        for info in part.image_info:
            refused = [p for p in found if p.image == str(info["path"])]
            problems = outline_problems(info, refused)
            if any(problem.kind == "turned-image" for problem in problems):
                found = [p for p in found if p not in refused or p.kind != "outside"]
            found += problems
        found += _many_objects(part, limits or {})
        found += _without_objects(part, _named(found))
    found += label_problems(parts)
    found += _pixel_problems(parts, progress)
    found += _not_annotated(parts, _named(found))
    order = list(KINDS)
    found.sort(key=lambda problem: order.index(problem.kind))
    return Report(path, parts, tuple(found))


def _with_paths(found: list[Problem], parts: dict) -> list[Problem]:
    """Return the problems with the path of their image where they have its name."""
    paths = {}
    for part in parts.values():
        for info in part.image_info:
            where = f"{info['annotation_file']}, image {info['id']!r}"
            paths[where] = paths[str(info["id"])] = str(info["path"])
    return [replace(p, image=paths.get(p.image, p.image)) for p in found]


def read_parts(
    path: Path, *, class_names=None, class_attribute=None
) -> tuple[dict[str, AnnotatedDataset], list[Problem]]:
    """Return the data sets of a folder by subset, without what is broken, and that.

    Args:
        path: as `check` takes it, and the others likewise.
        class_names: see there.
        class_attribute: see there.
    """
    parts, found = {}, []
    try:
        names = formats.subsets(path) or (None,)
    except DatasetError as error:
        return {}, [Problem("unreadable-annotations", str(error))]
    for name in names:
        with collected() as problems:
            try:
                parts[name or ""] = formats.load(
                    path,
                    name,
                    class_names=class_names,
                    class_attribute=class_attribute,
                )
            except DatasetError as error:
                # Nothing left after what has been listed is no news.
                if not problems:
                    problems.append(Problem("unreadable-annotations", str(error)))
        found += problems
    return parts, found


# ---- Pixels ----


def _pixel_problems(parts: dict, progress) -> list[Problem]:
    """Return the problems of images that cannot be decoded, or that look the same."""
    images = [
        (name, part, image_id)
        for name, part in parts.items()
        for image_id in part.image_ids
    ]
    with collected() as problems, ThreadPoolExecutor() as pool:
        prints: list[tuple[str, str, Fingerprint]] = []
        for (name, part, image_id), reading in progress(
            [(image, pool.submit(image_fingerprint, *image[1:])) for image in images]
        ):
            path = str(part.image_info[image_id]["path"])
            with tolerated(path):
                prints.append((name, path, reading.result()))
    return problems + _listed_twice(prints) + _copies(prints)


def _listed_twice(prints) -> list[Problem]:
    """Return a problem for each image file that one part lists several times."""
    seen: dict[tuple[str, Path], str] = {}
    found = []
    for name, path, _ in prints:
        key = (name, Path(path).resolve())
        if key in seen:
            text = f"{path}: listed twice. Join its objects in one entry."
            found.append(Problem("listed-twice", text, path))
        seen[key] = path
    return found


def _copies(prints) -> list[Problem]:
    """Return the problems of images that are equal or nearly so."""
    found = []
    group_of = groups(len(prints), similar_pairs([each for _, _, each in prints]))
    members: dict[int, list[int]] = {}
    for i, group in enumerate(group_of.tolist()):
        members.setdefault(group, []).append(i)
    for group in members.values():
        by_digest: dict[str, list[int]] = {}
        for i in group:
            by_digest.setdefault(prints[i][2].digest, []).append(i)
        for equal in by_digest.values():
            found += _alike([prints[i] for i in equal], "leak", "duplicate-image")
        if len(by_digest) > 1:
            found += _alike(
                [prints[i] for i in group], "similar-leak", "similar-images"
            )
    return found


def _alike(prints, leak_kind: str, kind: str) -> list[Problem]:
    paths = list(dict.fromkeys(path for _, path, _ in prints))
    if len(paths) < 2:
        return []
    names = ", ".join(paths[:_MOST_NAMES]) + (
        " ..." if len(paths) > _MOST_NAMES else ""
    )
    exactly = "are the same file" if kind == "duplicate-image" else "look the same"
    subsets = sorted({name for name, _, _ in prints if name})
    if len(subsets) > 1:
        advice = (
            f"in {' and '.join(subsets)}: what is measured there is known by heart. "
            "Keep them in one subset; 'mrcnn split' does."
        )
        text = f"{names}: {exactly}, {advice}"
        return [Problem(leak_kind, text, paths[0], others=tuple(paths[1:]))]
    advice = (
        "Keep one of them."
        if kind == "duplicate-image"
        else ("Keep them in one subset when you divide the images; 'mrcnn split' does.")
    )
    text = f"{names}: {exactly}. {advice}"
    return [Problem(kind, text, paths[0], others=tuple(paths[1:]))]


# ---- Counts ----


def _many_objects(part: AnnotatedDataset, limits: dict[str, int]) -> Iterator[Problem]:
    for info in part.image_info:
        count = len(info["annotations"])
        over = [f"{name}={limit}" for name, limit in limits.items() if count > limit]
        if over:
            text = (
                f"{info['annotation_file']}, image {info['path']}: {count} objects, "
                f"over {' and '.join(over)}. Raise that, or cut the image in tiles."
            )
            yield Problem("too-many-objects", text, str(info["path"]))


def _named(found: list[Problem]) -> set[str]:
    """Return the names of the images that have problems of their own."""
    return {Path(problem.image).name for problem in found if problem.image}


def _without_objects(part: AnnotatedDataset, broken: set[str]) -> Iterator[Problem]:
    """Yield a problem if images have no objects, and not because these are broken."""
    paths = [
        str(info["path"])
        for info in part.image_info
        if not info["annotations"] and Path(info["path"]).name not in broken
    ]
    if paths:
        text = (
            f"{len(paths)} of {part.num_images} images have no objects: "
            f"{_some(paths)}. Right for pictures of nothing; else outline them."
        )
        yield Problem("no-objects", text)


def _not_annotated(parts: dict, broken: set[str]) -> list[Problem]:
    """Return a problem for each folder with images that no part uses."""
    used = {Path(info["path"]) for part in parts.values() for info in part.image_info}
    found = []
    for folder in sorted({path.parent for path in used}):
        # A picture of the same name is a mask or another form of the same.
        stems = {path.stem for path in used if path.parent == folder}
        others = sorted(
            path.name
            for path in folder.iterdir()
            if path.suffix.lower() in _IMAGE_SUFFIXES
            and path.stem not in stems
            and path.name not in broken
        )
        if others:
            text = (
                f"{folder}: {len(others)} images are not used, because the annotations "
                f"have no object in them: {_some(others)}. Outline their objects, or "
                "leave them out for good."
            )
            found.append(Problem("not-annotated", text))
    return found


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more
