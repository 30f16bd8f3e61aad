"""What is wrong with the labels of a data set: misspelt, rare, or only in one part.

Called by `check`; `corrections` also by `repair`.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter

from mrcnn.data.problems import Problem
from mrcnn.data.regions import AnnotatedDataset
from mrcnn.data.statistics import class_counts
from mrcnn.errors import nearest

# A label is taken for a slip of the pen if it is this near to one that is so many
# times as frequent.
_LEAST_RATIO = 0.8
_LEAST_FACTOR = 10
_LEAST_LENGTH = 4
# Fewer objects of a class than this teach little.
_FEW_OBJECTS = 10


def label_problems(parts: dict[str, AnnotatedDataset]) -> list[Problem]:
    """Return what is wrong with the labels.

    Args:
        parts: data sets by subset.
    """
    counts = count_labels(parts)
    meant = corrections(counts)
    found = [
        Problem(
            "misspelt-label",
            f"{counts[label]} objects are labelled {label!r}, {counts[right]} "
            f"{right!r}. If these are one class, give both the same label; "
            "'mrcnn check --fix' does.",
        )
        for label, right in meant.items()
    ]
    train = parts.get("train")
    for name, part in parts.items():
        if train is None or part is train:
            continue
        known = train.class_names[1:]
        for label in sorted(set(part.class_names[1:]) - set(known)):
            text = (
                f"{part.image_info[0]['annotation_file']}: class {label!r} is in "
                f"{name}, but not in train.{nearest(label, known)} Correct the label, "
                "or annotate some for train."
            )
            found.append(Problem("unknown-class", text))
    trained = Counter() if train is None else count_labels({"train": train})
    for label, count in counts.items():
        num = count if train is None else trained[label]
        if num < _FEW_OBJECTS and label not in meant:
            where = "" if train is None else " in train"
            text = (
                f"class {label!r} has {num} object{'' if num == 1 else 's'}{where}. "
                "Annotate more of them."
            )
            found.append(Problem("rare-class", text))
    return found


def corrections(counts: dict[str, int]) -> dict[str, str]:
    """Return the labels that look misspelt, with the label that was meant.

    Labels that differ in case, spaces and hyphens only are the same; those that
    differ otherwise, by a plural for example, if one is rare beside the other.

    Args:
        counts: objects by label.

    Example:
        >>> corrections({"remote": 90, "Remote": 40, "remot": 1, "car": 5})
        {'remot': 'remote', 'Remote': 'remote'}
    """
    found = {}
    by_count = sorted((name for name in counts if counts[name]), key=counts.get)
    for i, label in enumerate(by_count):
        # The most frequent of those that it may stand for.
        for other in reversed(by_count[i + 1 :]):
            is_rare = counts[label] * _LEAST_FACTOR <= counts[other]
            if _plain(label) == _plain(other) or is_rare and _alike(label, other):
                found[label] = other
                break
    return found


def count_labels(parts: dict[str, AnnotatedDataset]) -> dict[str, int]:
    """Return the objects of all parts by label.

    Args:
        parts: data sets by subset.
    """
    counts = Counter()
    for part in parts.values():
        for each in class_counts(part):
            counts[each.name] += each.num_objects
    return counts


def _plain(label: str) -> str:
    return re.sub(r"[\s_-]+", "", label).casefold()


def _alike(label: str, other: str) -> bool:
    first, second = _plain(label), _plain(other)
    # "remote 1" and "remote 2", "type a" and "type b" differ on purpose.
    if min(len(first), len(second)) < _LEAST_LENGTH or _stem(label) == _stem(other):
        return False
    return difflib.SequenceMatcher(None, first, second).ratio() >= _LEAST_RATIO


def _stem(label: str) -> str:
    return re.sub(r"([\s_-]\w|\d+)$", "", label.casefold())
