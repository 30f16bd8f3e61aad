"""What is in an annotation file: JSON, CSV, XML or YAML, read without trusting it.

`AnnotationFile` asks for the content of its file here. Whatever the bytes, the
answer is plain data or a `DatasetError` that names the file; XML may not define
entities and YAML no aliases, so that no small file grows large.
"""

from __future__ import annotations

import csv
import io
import json
from array import array
from pathlib import Path
from xml.etree import ElementTree
from xml.parsers import expat

from mrcnn.errors import DatasetError

# Parsed, a file takes several times its size in memory. LVIS has 1.1 GB.
MAX_BYTES = 2 << 30


def read_content(path: Path):
    """Return what a file holds, by its suffix.

    Args:
        path: a file with one of `SUFFIXES` or `YAML_SUFFIXES`.

    Returns:
        .json, .yaml, .yml: the value; COCO's polygons in JSON are `array`s of float.
        .csv: a list with a dict of texts for each row, by the names in the first one.
        .xml: the root, an `ElementTree.Element`.

    Raises:
        DatasetError: the file is missing, empty, too large or damaged.
    """
    text = read_text(path)
    if not text.strip():
        raise DatasetError(
            f"Expected annotations. Received: {path}, which is empty. "
            "Export it again from the annotation tool."
        )
    kind, parse = _PARSERS[path.suffix.lower()]
    try:
        content = parse(text)
    # RecursionError is for brackets within brackets without end.
    # OverflowError is for whole numbers of hundreds of digits.
    except (
        *(ValueError, RecursionError, OverflowError),
        *(csv.Error, expat.ExpatError),
    ) as error:
        raise DatasetError(
            f"Expected {kind} file of annotations. Received: {path}, which is "
            f"damaged ({error}). Export it again from the annotation tool."
        ) from error
    if content in ({}, []):
        raise DatasetError(
            f"Expected annotations. Received: {path}, which lists no image. "
            "Export it again from the annotation tool."
        )
    return content


def read_text(path: Path) -> str:
    """Return the text of a file.

    Raises:
        DatasetError: it is missing, too large or no UTF-8.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DatasetError(
                f"Expected an annotation file of at most {MAX_BYTES >> 30} GB. "
                f"Received: {path}, which is larger. Divide it into several data sets."
            )
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(
            f"Expected a file of annotations. Received: {path}, which cannot be read "
            f"({error}). Check the path, and that it is saved as UTF-8."
        ) from error


def _parse_json(text: str):
    return json.loads(text, object_hook=_with_compact_outline)


def _with_compact_outline(record: dict) -> dict:
    """Return a JSON object, COCO's outlines as arrays of 8 bytes a number, not 32.

    Of what is no list of numbers nothing is changed.
    """
    parts = record.get("segmentation")
    if isinstance(parts, list):
        record["segmentation"] = [
            array("d", part)
            if isinstance(part, list) and {float, int} >= set(map(type, part))
            else part
            for part in parts
        ]
    return record


def _parse_csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text), strict=True, restval=""))


def _parse_xml(text: str) -> ElementTree.Element:
    def refuse_entity(name, *_):
        raise ValueError(f"it defines the entity {name!r}")

    builder = ElementTree.TreeBuilder()
    parser = expat.ParserCreate()
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.EntityDeclHandler = refuse_entity
    # Text and not bytes: whatever encoding the file claims, it has been decoded.
    parser.Parse(text, True)
    return builder.close()


def _parse_yaml(text: str):
    import yaml

    if len(text) > _MAX_YAML:
        raise ValueError(f"it is longer than {_MAX_YAML} characters")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    depth = 0
    try:
        for event in yaml.parse(text, loader):
            if isinstance(event, yaml.AliasEvent):
                raise ValueError("it has an alias")
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth > _MAX_YAML_DEPTH:
                raise ValueError(f"it is nested deeper than {_MAX_YAML_DEPTH} times")
        return yaml.load(text, loader)
    # A tag such as !!bool on another text is an error of any kind.
    except (yaml.YAMLError, AttributeError, LookupError, TypeError) as error:
        raise ValueError(" ".join(str(error).split())) from error


_MAX_YAML = 200_000  # characters; a thousand classes are a fifth of it
_MAX_YAML_DEPTH = 20  # beyond, the time grows with its square
_PARSERS = {
    ".json": ("a JSON", _parse_json),
    ".csv": ("a CSV", _parse_csv),
    ".xml": ("an XML", _parse_xml),
    ".yaml": ("a YAML", _parse_yaml),
    ".yml": ("a YAML", _parse_yaml),
}
# Of files that may be annotations on their own; YAML only describes a folder of them.
SUFFIXES = (".json", ".csv", ".xml")
YAML_SUFFIXES = (".yaml", ".yml")
