"""Objects that the detector missed for some frames, put back from their neighbours.

`tracking.track` uses it where a missed object costs more than a wrong one, as in
making people unreadable: one open frame shows the face.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace

import cv2
import numpy as np

from mrcnn.structures import Detections


def hold_missed(found: Iterable[Detections], frames: int) -> Iterator[Detections]:
    """Yield detections with the objects that nearby frames show and theirs does not.

    A gap between two frames is closed by both masks, each moved and scaled into the
    box between; before an object's first frame and behind its last, where it may
    have been missed as well, its mask moves on for `frames` frames as it moved
    before. What is put back keeps its score and stands behind what was found.

    Args:
        found: the tracked detections of each frame, in order.
        frames: how far to look back and ahead; detections come as many frames late.

    Yields:
        As many detections as were given, in order, also before an error of `found`.
    """
    # What lies farther back still tells how an object moved.
    window = deque(maxlen=3 * frames + 1)
    num_ahead = 0  # of the frames in the window, those that were not yielded

    def oldest() -> Detections:
        frame = len(window) - num_ahead
        return _completed(list(window), frame, frames)

    try:
        for detections in found:
            window.append(detections)
            num_ahead += 1
            if num_ahead > frames:
                yield oldest()
                num_ahead -= 1
    except Exception:
        while num_ahead:
            yield oldest()
            num_ahead -= 1
        raise
    while num_ahead:
        yield oldest()
        num_ahead -= 1


def _completed(window: list[Detections], frame: int, reach: int) -> Detections:
    """Return the detections of a frame of the window with what was missed in it."""
    here = window[frame]
    present = set(here.track_ids.tolist())
    missed = {
        track_id: None  # a set that keeps its order
        for detections in window[max(frame - reach, 0) :]
        for track_id in detections.track_ids.tolist()
        if track_id not in present
    }
    held = [_held(window, frame, track_id, reach) for track_id in missed]
    held = [one for one in held if len(one)]
    return _joined(here, held) if held else here


def _held(
    window: list[Detections], frame: int, track_id: int, reach: int
) -> Detections:
    """Return an object as it must have been in a frame; none where it is outside."""
    seen = {
        i: detections.select(detections.track_ids == track_id)
        for i, detections in enumerate(window)
        if track_id in detections.track_ids
    }
    before = max((i for i in seen if i < frame), default=None)
    after = min((i for i in seen if i > frame), default=None)
    if before is not None and after is not None:
        share = (frame - before) / (after - before)
        box = (1 - share) * seen[before].boxes[0] + share * seen[after].boxes[0]
        nearest = [seen[before], seen[after]]
    else:
        near = before if after is None else after
        recent = {i: one for i, one in seen.items() if abs(i - near) <= reach}
        box = _moved_on(recent, near, frame)
        nearest = [seen[near]]
    box = np.rint(box).astype(int)
    masks = [_fitted(one.box_masks[0], box[2:] - box[:2]) for one in nearest]
    return _clipped(nearest[0], box, np.logical_or.reduce(masks))


def _moved_on(seen: dict[int, Detections], near: int, frame: int) -> np.ndarray:
    """Return the box in `near`, moved on to `frame` as it moved on average."""
    first, last = min(seen), max(seen)
    centers = {i: seen[i].boxes[0].reshape(2, 2).mean(axis=0) for i in (first, last)}
    velocity = (centers[last] - centers[first]) / max(last - first, 1)
    return seen[near].boxes[0] + np.tile((frame - near) * velocity, 2)


def _fitted(mask: np.ndarray, box_hw: np.ndarray) -> np.ndarray:
    height, width = (int(side) for side in box_hw)
    if mask.shape == (height, width):
        return mask
    size_wh = (width, height)
    scaled = cv2.resize(mask.view(np.uint8), size_wh, interpolation=cv2.INTER_NEAREST)
    return scaled.astype(bool)


def _clipped(one: Detections, box: np.ndarray, mask: np.ndarray) -> Detections:
    """Return the object at another place, what is outside the image cut off."""
    height, width = one.image_hw
    y1, x1, y2, x2 = np.clip(box, 0, [height, width, height, width])
    if y1 >= y2 or x1 >= x2:
        return one.select([])
    top, left = box[:2]
    return replace(
        one,
        boxes=np.array([[y1, x1, y2, x2]], np.int32),
        box_masks=(mask[y1 - top : y2 - top, x1 - left : x2 - left],),
    )


def _joined(first: Detections, others: list[Detections]) -> Detections:
    parts = [first, *others]
    return Detections(
        image_hw=first.image_hw,
        boxes=np.concatenate([part.boxes for part in parts]),
        class_ids=np.concatenate([part.class_ids for part in parts]),
        scores=np.concatenate([part.scores for part in parts]),
        box_masks=tuple(mask for part in parts for mask in part.box_masks),
        track_ids=np.concatenate([part.track_ids for part in parts]),
    )
