"""Where a YOLO data set has its images, their labels and the names of its classes.

    FOLDER/data.yaml                            of any name; train, val, names
    FOLDER/images/train, FOLDER/labels/train    or wherever the YAML file says
    FOLDER/images, FOLDER/labels                one set; the YAML file may be missing

YAML files were often written for another place. Only what lies in the folder of the
file is used: where its `path` leads elsewhere, it is left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from mrcnn.data.annotations import AnnotationFolder, check_link, short
from mrcnn.data.contents import YAML_SUFFIXES, read_content, read_text
from mrcnn.data.layouts import IMAGE_SUFFIXES
from mrcnn.errors import DatasetError


@dataclass(frozen=True)
class YoloPart:
    """A YOLO data set or the part of one that is asked for.

    Attributes:
        root: the folder of the data set; nothing outside of it is looked at.
        described: the YAML file, or the folder where there is none.
        sources: folders of images, or files that list them, as the YAML file has them.
        names: of the classes, as the YAML file has them; None where there is none.
        prefix: what the YAML file has as the start of every source.
    """

    root: Path
    described: Path
    sources: tuple[str, ...]
    names: object = None
    prefix: str = ""

    def class_names(self) -> list[str] | None:
        """Return the names of the classes by number, None where there is no YAML file.

        Raises:
            DatasetError: they are no different texts, or their numbers have gaps.
        """
        if self.names is None:
            return None
        names = self.names
        if isinstance(names, dict) and set(names) == set(range(len(names))):
            names = [names[i] for i in range(len(names))]
        is_list = isinstance(names, list) and names
        if is_list:
            names = [str(name) if type(name) is int else name for name in names]
        if not is_list or not all(isinstance(n, str) and n.strip() for n in names):
            raise DatasetError(
                f"{self.described}: expected a list of class names, or a name for each "
                f"number from 0 on. Received: names={_kind(self.names)}. Put words "
                "like yes and no in quotes."
            )
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise DatasetError(
                f"{self.described}: expected different class names. Received: "
                f"{short(repeated)} more than once. Rename them."
            )
        return names

    def images(self) -> list[Path]:
        """Return the images, in the order of their names.

        Raises:
            DatasetError: there is no such folder, or a listed image is missing.
        """
        images = []
        for source in self.sources:
            place = self._find(source)
            if place.is_dir():
                found = (f for f in place.rglob("*") if _has(f, IMAGE_SUFFIXES))
                for image in sorted(found):
                    check_link(self.root, image)
                    images.append(image)
            else:
                lines = read_text(place).splitlines()
                listed = [line.strip() for line in lines if line.strip()]
                images += [self._find(line, place.parent) for line in listed]
        return list(dict.fromkeys(images))

    def labels_of(self, image: Path) -> Path:
        """Return where the text file of an image is, if there is one."""
        parts = list(image.relative_to(self.root).parts)
        if "images" in parts[:-1]:
            last = len(parts) - 2 - parts[-2::-1].index("images")
            parts[last] = "labels"
        return self.root.joinpath(*parts).with_suffix(".txt")

    def _find(self, name: str, beside: Path | None = None) -> Path:
        """Return the folder or file of a name, inside the data set.

        Raises:
            DatasetError: there is none.
        """
        plain = PurePosixPath(name.replace("\\", "/"))
        # "../train/images" is what Roboflow writes of a folder beside the YAML file.
        inner = PurePosixPath(*(p for p in plain.parts if p not in ("..", "/")))
        for folder in (self.root / self.prefix, self.root, beside or self.root):
            for path in (folder / plain, folder / inner):
                relative = _from_root(path, self.root)
                if relative is not None:
                    return self.root / relative
        raise DatasetError(
            f"{self.described}: expected images of the data set in {self.root}. "
            f"Received: {short(name)}, which is not there. Put the YAML file in the "
            "folder of the data set and give paths from there."
        )


def find_part(folder: AnnotationFolder) -> YoloPart | None:
    """Return the part of a YOLO data set that a folder is, or None.

    Args:
        folder: the folder and the subset asked for; with the YAML file, if one was
            named.

    Raises:
        DatasetError: the YAML file is damaged, or there are several.
    """
    file = folder.files[0].path if folder.files else _yaml_in(folder.path)
    if file is None:
        return _part_without_yaml(folder)
    content = _described(file)
    sources = _sources(content, folder.subset)
    # FOLDER/train/labels: found by that folder's own name.
    is_below = folder.subset and (folder.path / folder.subset / "labels").is_dir()
    if sources is None or (is_below and not folder.files):
        return None
    prefix = content.get("path")
    return YoloPart(
        folder.path,
        file,
        sources,
        content["names"],
        prefix.replace("\\", "/") if isinstance(prefix, str) else "",
    )


def _part_without_yaml(folder: AnnotationFolder) -> YoloPart | None:
    subset = folder.subset or ""
    images, labels = folder.path / "images" / subset, folder.path / "labels" / subset
    if not images.is_dir() or not any(labels.glob("*.txt")):
        return None
    above = _yaml_in(folder.path.parent)
    names = _described(above)["names"] if above and not subset else None
    source = (PurePosixPath("images") / subset).as_posix()
    return YoloPart(folder.path, above if names else folder.path, (source,), names)


def _yaml_in(folder: Path) -> Path | None:
    """Return the YAML file in a folder that describes a YOLO data set."""
    if not folder.is_dir():
        return None
    files = [file for file in sorted(folder.iterdir()) if _has(file, YAML_SUFFIXES)]
    ours = [file for file in files if _names_classes(file)]
    if len(ours) > 1:
        raise DatasetError(
            f"Expected one YAML file. Received: {folder} with {len(ours)}: "
            f"{', '.join(file.name for file in ours)}. Name the one to use instead of "
            "the folder."
        )
    return ours[0] if ours else None


def _names_classes(file: Path) -> bool:
    """Tell by the text alone whether a YAML file may describe a data set."""
    try:
        text = read_text(file)
    except DatasetError:
        return False
    return all(re.search(rf"^{key}\s*:", text, re.M) for key in ("names", "train|val"))


def _described(file: Path) -> dict:
    content = read_content(file)
    if not isinstance(content, dict) or content.get("names") is None:
        raise DatasetError(
            f"{file}: expected train, val and names of a YOLO data set. "
            f"Received: {_kind(content)}. Correct it."
        )
    return content


def _sources(content: dict, subset: str | None) -> tuple[str, ...] | None:
    """Return where the images of a subset are, None where there is no such subset."""
    # With the same images in both, the data set is not divided.
    is_divided = content.get("train") != content.get("val")
    if is_divided == (subset is None):
        return None
    value = content.get(subset or "train")
    values = value if isinstance(value, list) else [value]
    if not values or not all(isinstance(v, str) and v.strip() for v in values):
        return None
    return tuple(values)


def _has(file: Path, suffixes: tuple[str, ...]) -> bool:
    return (
        file.suffix.lower() in suffixes
        and not file.name.startswith(".")
        and file.is_file()
    )


def _from_root(path: Path, root: Path) -> Path | None:
    """Return an existing path relative to the root, None where it leads elsewhere."""
    try:
        resolved = path.resolve(strict=True)
        return resolved.relative_to(root.resolve())
    # Too long a name, a null character in it, links in a circle, or not below it.
    except (OSError, ValueError, RuntimeError):
        return None


def _kind(value) -> str:
    return short(value) if not isinstance(value, dict) else f"a dict of {len(value)}"
