"""The class of each region in a VIA file.

It stands in one of the region's attributes, of any name: a text, the option of
a dropdown or of radio buttons, or a checkbox with one tick. Of an option the
description is the name if the project gives one, else its id. Where no region
has a label, all are one class: the one given, or "object".
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from mrcnn.data.annotations import short
from mrcnn.errors import DatasetError, nearest

_logger = logging.getLogger(__name__)

# Names an attribute that holds the class usually has, the surest first.
_CLASS_LIKE = ("class", "label", "category", "object", "type", "name")
# Says "1" of a region that is a group outlined as one, as in COCO.
CROWD_ATTRIBUTE = "iscrowd"


@dataclass(frozen=True)
class RawRegion:
    """A region as it stands in the file.

    Attributes:
        shape_attributes: its outline.
        region_attributes: its labels.
        image: annotation file and image, for messages.
        place: "region 3".
    """

    shape_attributes: dict
    region_attributes: dict
    image: str
    place: str

    @property
    def where(self) -> str:
        """Annotation file, image and region."""
        return f"{self.image}, {self.place}"


def class_labels(
    regions: list[RawRegion],
    content: dict,
    file: Path,
    class_names: list[str] | None = None,
    class_attribute: str | None = None,
) -> dict[str, str]:
    """Return the class name of every region, by its `where`.

    Args:
        regions: all regions of the file.
        content: the whole file; a project describes the options of its attributes.
        file: the annotation file, for messages.
        class_names: names the caller expects, or None.
        class_attribute: the attribute to use; by default the one with a name like
            class, label or type that most regions have, else the one that is
            filled in most often.

    Raises:
        DatasetError: a region has no label or two, or the attribute is in doubt.
    """
    if not regions:
        return {}
    option_names = _option_names(content)
    attribute = _class_attribute(regions, class_attribute, file)
    if attribute is None:
        if class_names is not None and len(class_names) != 1:
            raise DatasetError(
                f"{file}: expected regions labelled with one of "
                f"{list(class_names)}. Received: regions without any label. Label them "
                "in VIA, or give one class name."
            )
        name = class_names[0] if class_names else "object"
        return {region.where: name for region in regions}
    labels = {}
    for region in regions:
        option = _option(region, attribute)
        if not option:
            raise DatasetError(
                f"{region.where}: expected a class in attribute {attribute!r}, as the "
                f"other regions have. Received: {short(region.region_attributes)}. "
                "Label it."
            )
        # A caller may name the classes by id although the project describes them.
        by_id = class_names is not None and option in class_names
        names = {} if by_id else option_names.get(attribute, {})
        labels[region.where] = names.get(option, option)
    return labels


def is_crowd(region: RawRegion) -> bool:
    """Tell whether a region is marked as a group that was outlined as one."""
    return str(region.region_attributes.get(CROWD_ATTRIBUTE)).strip() == "1"


def _class_attribute(
    regions: list[RawRegion], wanted: str | None, file: Path
) -> str | None:
    """Return the attribute that holds the class, or None where none is filled in."""
    counts: dict[str, int] = {}
    for region in regions:
        for name, value in region.region_attributes.items():
            if name == CROWD_ATTRIBUTE:
                continue
            filled = bool(value.strip() if isinstance(value, str) else value)
            counts[name] = counts.get(name, 0) + filled
    if wanted is not None:
        if not counts.get(wanted):
            raise DatasetError(
                f"{file}: expected the class in one of the attributes "
                f"{sorted(counts)}. Received: class_attribute={wanted!r}."
                f"{nearest(wanted, counts)} Use one of these names."
            )
        return wanted
    if not any(counts.values()):
        return None
    for class_like in _CLASS_LIKE:
        for name, count in counts.items():
            if name.strip().lower() == class_like and count > len(regions) / 2:
                return _chosen(name, counts, file)
    most = max(counts.values())
    fullest = sorted(name for name, count in counts.items() if count == most)
    if len(fullest) > 1:
        raise DatasetError(
            f"{file}: expected one attribute with the class. Received: "
            f"{fullest}, equally often. Say which with class_attribute."
        )
    return _chosen(fullest[0], counts, file)


def _chosen(name: str, counts: dict[str, int], file: Path) -> str:
    others = sorted(set(counts) - {name})
    if others:
        _logger.info(
            "%s: classes are read from attribute %r, not from %s.",
            file,
            name,
            ", ".join(map(repr, others)),
        )
    return name


def _option(region: RawRegion, attribute: str) -> str:
    """Return the text, option or tick in an attribute; empty when there is none."""
    value = region.region_attributes.get(attribute, "")
    if isinstance(value, dict):
        ticks = [name for name, is_ticked in value.items() if is_ticked is True]
        if len(ticks) > 1:
            raise DatasetError(
                f"{region.where}: expected one class in attribute {attribute!r}. "
                f"Received: {short(ticks)}. Tick one only."
            )
        value = ticks[0] if ticks else ""
    elif isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise DatasetError(
            f"{region.where}: expected a text, an option or a tick in attribute "
            f"{attribute!r}. Received: {short(value)}. Label it again."
        )
    return value.strip()


def _option_names(content: dict) -> dict[str, dict[str, str]]:
    """Return {attribute: {option id: description}} of a project, where it has any."""
    attributes = content.get("_via_attributes")
    regions = attributes.get("region") if isinstance(attributes, dict) else None
    names = {}
    for attribute, about in (regions if isinstance(regions, dict) else {}).items():
        options = about.get("options") if isinstance(about, dict) else None
        names[attribute] = {
            option.strip(): description.strip()
            for option, description in (
                options if isinstance(options, dict) else {}
            ).items()
            if isinstance(description, str) and description.strip()
        }
    return names
