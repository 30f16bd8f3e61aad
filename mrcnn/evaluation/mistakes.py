"""The worst mistakes: what is found where nothing is, missed, or outlined badly.

Called by `evaluation.report`; a command draws them. Axis letters as in `structures`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np

from mrcnn.evaluation.matching import ImageOverlaps, pair

KINDS = ("false_positive", "false_negative", "mask_error")


@dataclass(frozen=True)
class Mistake:
    """One mistake.

    Attributes:
        kind: one of `KINDS`.
        position: of the image, from 0.
        found: index of the detection in its `Detections`; None if nothing was found.
        object: index of the object in `load_mask`: the one taken for another class,
            the one missed, or the one outlined badly; None if nothing is there.
        overlap: intersection over union of the two masks; of what was found where no
            object is left, that with the nearest one; 0 for what was missed.
    """

    kind: str
    position: int
    found: int | None
    object: int | None
    overlap: float


def worst_mistakes(
    images: Sequence[ImageOverlaps],
    *,
    iou_threshold: float = 0.5,
    min_score: float = 0.5,
    limit: int = 12,
) -> dict[str, list[Mistake]]:
    """Return the worst mistakes of each kind, the worst first.

    - False positives, the surest first: nothing is there, it was found already, or it
      is of another class.
    - False negatives, the largest first: objects that nothing overlaps far enough.
    - Mask errors, the least overlap first: objects found with the right class.

    Args:
        images: objects and detections of each image.
        iou_threshold: least overlap of masks at which a detection is of an object.
        min_score: least score at which something counts as found.
        limit: how many of each kind.

    Returns:
        Mistakes by kind, `KINDS` in order.
    """
    ranked: dict[str, list] = {kind: [] for kind in KINDS}
    for position, image in enumerate(images):
        pairs = pair(image, iou_threshold, min_score)
        for found in np.flatnonzero(pairs.counts):
            there = int(pairs.object_of[found])
            if there >= 0 and image.gt_class_ids[there] == image.class_ids[found]:
                kind, rank = "mask_error", image.overlaps[found, there]
            else:
                kind, rank = "false_positive", -image.scores[found]
            # Of what fits no object that is left: the nearest one.
            near = image.overlaps[found, there if there >= 0 else ~image.gt_crowd]
            mistake = Mistake(
                kind,
                position,
                int(found),
                object=there if there >= 0 else None,
                overlap=float(np.max(near, initial=0)),
            )
            ranked[kind].append((rank, mistake))
        ranked["false_negative"] += [
            (-image.gt_areas[i], Mistake("false_negative", position, None, int(i), 0.0))
            for i in np.flatnonzero(pairs.missed)
        ]
    return {
        kind: [mistake for _, mistake in sorted(of_kind, key=itemgetter(0))[:limit]]
        for kind, of_kind in ranked.items()
    }
