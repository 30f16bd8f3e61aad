"""Why nothing, or so little, was found in an image: what an inspection says in words.

The steps are looked at in the network's order. Each sentence says what the arrays
hold, and what to do where that follows from it. Called by `MaskRCNN.diagnose` and
``mrcnn inspect``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from mrcnn.errors import ConfigError
from mrcnn.inference.inspect import Inspection

# Standard deviation of a picture's values, 0 to 255, below which it shows nothing.
_BLANK = 4
# Of the scores of all anchors: a trained RPN gives nearly 0 to almost every one.
_UNTRAINED_MEDIAN = 0.2
# A trained RPN gives more to the best anchor on an object.
_SEEN = 0.5
# Deviation between ROIs, of a class's probability, of a head that ignores them.
_SAME = 1e-3
_SURE = 0.9
# Share of many ROIs that are on objects where the head was trained.
_MOST_OBJECTS, _MANY = 0.9, 100
_UNTRAINED_HEAD = (
    "Its weights were never trained or never loaded: exclude= of load_weights is for "
    "training alone."
)
# An anchor meets an object of half its side by a quarter, which is too little.
_LEAST_SHARE = 0.5


def diagnose(seen: Inspection, class_names: Sequence[str] | None = None) -> list[str]:
    """Return sentences on what was found, and on where the rest got lost.

    Args:
        seen: from `inspect`.
        class_names: K names, the background first; None numbers them.

    Returns:
        The first sentence says what was found, the others what stood in the way.

    Raises:
        ConfigError: the names are not as many as the network's classes.
    """
    num_classes = seen.class_probs.shape[1]
    if class_names is None:
        class_names = [f"class {i}" for i in range(num_classes)]
    if len(class_names) != num_classes:
        raise ConfigError(
            f"Expected {num_classes} class_names, the background's first. Received: "
            f"{len(class_names)}. Pass those of the data set the network was trained "
            "with."
        )
    found = [_summary(seen, class_names)]
    numbers = seen.anchor_scores, seen.anchor_deltas, seen.class_probs, seen.box_deltas
    if not all(np.isfinite(values).all() for values in numbers):
        return [
            *found,
            "The network puts out values that are no numbers: its weights are damaged, "
            "or of a training that diverged. Load an earlier checkpoint.",
        ]
    lost = _in_weights(seen) or [
        *_in_proposals(seen, class_names),
        *_in_filters(seen, class_names),
        *_by_size(seen),
    ]
    return [*found, *_in_picture(seen), *lost]


def _summary(seen: Inspection, class_names: Sequence[str]) -> str:
    counts = Counter(class_names[i] for i in seen.detections.class_ids)
    if not counts:
        return "Nothing was found."
    return "Found: " + ", ".join(f"{n} {name}" for name, n in counts.items()) + "."


def _in_picture(seen: Inspection) -> list[str]:
    said = []
    y1, x1, y2, x2 = seen.window
    deviation = seen.picture[y1:y2, x1:x2].std(axis=(0, 1)).mean()
    if deviation < _BLANK:
        said.append(
            f"The image is nearly blank: its values, from 0 to 255, deviate by "
            f"{deviation:.1f} from their mean."
        )
    height, width = seen.image_hw
    smallest = _sides(seen.anchors).min()
    if max(height, width) < smallest:
        said.append(
            f"The image of {width} x {height} pixels is smaller than the smallest "
            f"anchor, {smallest:.0f}. Enlarging it shows the network nothing more: "
            "take a larger one."
        )
    return said


def _in_weights(seen: Inspection) -> list[str]:
    """Return why the weights seem to be untrained: then other steps mean nothing."""
    said = []
    median = np.median(seen.anchor_scores)
    if median > _UNTRAINED_MEDIAN:
        said.append(
            f"The RPN gives half of all anchors a score above {median:.2f}; a trained "
            "one gives nearly 0 to almost all. Its weights were never trained or "
            "never loaded: look at what load_weights reports."
        )
    probs, num = seen.class_probs, len(seen.class_ids)
    objects = np.count_nonzero(seen.class_ids)
    # Where there is nothing, a trained one is sure of the background everywhere.
    if num > 1 and probs.std(axis=0).max() < _SAME and probs[0, 0] < _SURE:
        said.append(f"The box head says the same of all {num} ROIs. {_UNTRAINED_HEAD}")
    elif num >= _MANY and objects > _MOST_OBJECTS * num:
        said.append(
            f"The box head takes {objects} of {num} ROIs for objects, where a trained "
            f"one takes most for background. {_UNTRAINED_HEAD}"
        )
    return said


def _in_proposals(seen: Inspection, class_names: Sequence[str]) -> list[str]:
    said = []
    best = seen.anchor_scores.max()
    if best < _SEEN and not len(seen.detections):
        said.append(
            f"No anchor seems to be on an object: of {len(seen.anchor_scores)} the "
            f"best has a score of {best:.2f}. The RPN sees nothing here that is like "
            "the objects of its training."
        )
    if len(seen.proposals) and not seen.class_ids.any():
        objects = seen.class_probs[:, 1:]
        roi, column = np.unravel_index(objects.argmax(), objects.shape)
        said.append(
            f"All {len(seen.proposals)} proposals are background. The nearest to an "
            f"object is {class_names[column + 1]} with {objects[roi, column]:.2f}, of "
            f"which the background has {seen.class_probs[roi, 0]:.2f}."
        )
    return said


def _in_filters(seen: Inspection, class_names: Sequence[str]) -> list[str]:
    removed = Counter(seen.removed_by.tolist())
    said = []
    if removed["confidence"]:
        unsure = np.flatnonzero(seen.removed_by == "confidence")
        best = unsure[seen.scores[unsure].argmax()]
        score = seen.scores[best]
        said.append(
            f"{_rois(removed['confidence'])} a score below DETECTION_MIN_CONFIDENCE, "
            f"{seen.min_confidence:g}. The best is {class_names[seen.class_ids[best]]} "
            f"with {_cut(score, 100):g}: a confidence of {_cut(score, 20):g} lets it "
            "pass."
        )
    if removed["nms"]:
        said.append(
            f"{_rois(removed['nms'])} a surer one of the same class on it, overlapping "
            f"by more than DETECTION_NMS_THRESHOLD, {seen.nms_threshold:g}. Most are "
            "the same object again; where objects stand that close, raise it."
        )
    if removed["limit"]:
        said.append(
            f"{_rois(removed['limit'])} no place among the "
            f"{seen.max_instances} best: raise DETECTION_MAX_INSTANCES."
        )
    if removed["size"]:
        said.append(f"{_rois(removed['size'])} less than a pixel of the image.")
    return said


def _by_size(seen: Inspection) -> list[str]:
    said = []
    smallest = _sides(seen.anchors).min()
    least = smallest * _LEAST_SHARE
    small = (seen.class_ids > 0) & (_sides(seen.clipped_boxes) < least)
    if small.any():
        said.append(
            f"{_rois(small.sum())} a side below {least:.0f} pixels in the resized "
            f"picture, half of the smallest anchors, {smallest:.0f}. Such objects are "
            "hard to find: train with smaller RPN_ANCHOR_SCALES or larger images."
        )
    if seen.scale < _LEAST_SHARE:
        said.append(
            f"The image was reduced to {seen.scale:.0%} of its size, so that objects "
            f"below {least / seen.scale:.0f} pixels of it are too small for the "
            "smallest anchors. Tiles (mrcnn predict --tile) keep their size."
        )
    return said


def _rois(count: int) -> str:
    return "1 ROI has" if count == 1 else f"{count} ROIs have"


def _cut(score: float, steps: int) -> float:
    """Return the last of so many steps from 0 to 1 that is not above a score."""
    return np.floor(np.float64(score) * steps) / steps


def _sides(boxes: np.ndarray) -> np.ndarray:
    """Return the square root of each area, pixels."""
    return np.sqrt(np.maximum(boxes[:, 2:] - boxes[:, :2], 0).prod(axis=1))
