"""Numbers that objects keep from frame to frame of a video.

Detections of one frame after the other go in, the same detections with `track_ids`
come out. The method is SORT's (Bewley et al., "Simple Online and Realtime Tracking",
2016): a Kalman filter with constant velocity predicts each object's box, and the
Hungarian algorithm assigns detections to predictions; here by the overlap of masks.
`video.pipeline` takes `track`; the held objects that it can add are made in
`video.holding`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
from scipy.optimize import linear_sum_assignment

from mrcnn.geometry.boxes import compute_overlaps
from mrcnn.geometry.masks import common_pixels
from mrcnn.structures import Detections
from mrcnn.video.holding import hold_missed

# Standard deviations as shares of the object's size, per frame, from DeepSORT
# (Wojke et al., 2017): of a measured place, and of what velocity changes by.
_PLACE_NOISE = 1 / 20
_VELOCITY_NOISE = 1 / 160
# How much less is known of an object that was seen once.
_FIRST_PLACE, _FIRST_VELOCITY = 2, 10
# One frame on: the place moves by the velocity.
_STEP = np.array([[1.0, 1.0], [0.0, 1.0]])


def track(
    found: Iterable[Detections],
    *,
    min_overlap: float = 0.2,
    max_missed: int = 30,
    hold: int = 0,
) -> Iterator[Detections]:
    """Yield detections with the ids of their objects.

    Args:
        found: the detections of each frame, in order.
        min_overlap: overlap (intersection over union) of a mask with where the
            object's was expected, from which it is taken for the same object.
        max_missed: frames that an object keeps its id without being found.
        hold: frames for which an object that was missed is put back, see
            `hold_missed`; detections then come as many frames late.

    Example:
        >>> nothing = [Detections.empty((4, 4))] * 3
        >>> [len(detections) for detections in track(nothing)]
        [0, 0, 0]
    """
    tracker = Tracker(min_overlap=min_overlap, max_missed=max_missed)
    tracked = map(tracker.update, found)
    return hold_missed(tracked, hold) if hold else tracked


class Tracker:
    """Gives objects ids, frame by frame; an id is never used twice.

    Args:
        min_overlap: as in `track`.
        max_missed: as in `track`.
    """

    def __init__(self, *, min_overlap: float = 0.2, max_missed: int = 30):
        self._min_overlap = min_overlap
        self._max_missed = max_missed
        self._num_ids = 0
        self._objects: list[_Object] = []

    def update(self, detections: Detections) -> Detections:
        """Return the detections of the next frame with `track_ids`."""
        for known in self._objects:
            known.predict()
        overlaps = self._overlaps(detections)
        track_ids = np.zeros(len(detections), np.int32)
        for row, i in zip(*linear_sum_assignment(overlaps, maximize=True), strict=True):
            if overlaps[row, i]:
                self._objects[row].correct(detections, i)
                track_ids[i] = self._objects[row].track_id
        for i in np.flatnonzero(track_ids == 0):
            self._num_ids += 1
            self._objects.append(_Object(self._num_ids, detections, i))
            track_ids[i] = self._num_ids
        self._objects = [
            known for known in self._objects if known.num_missed <= self._max_missed
        ]
        return replace(detections, track_ids=track_ids)

    def _overlaps(self, detections: Detections) -> np.ndarray:
        """Return the overlap of each known object's mask with each found one's.

        Returns:
            float [objects, N], 0 where it is too small or the classes differ.
        """
        if not self._objects or not len(detections):
            return np.zeros((len(self._objects), len(detections)))
        boxes = np.array([known.box for known in self._objects], np.float32)
        overlaps = compute_overlaps(boxes, detections.boxes.astype(np.float32))
        classes = np.array([known.class_id for known in self._objects])
        overlaps *= classes[:, None] == detections.class_ids
        # Masks only where boxes meet: few pairs do.
        for row, i in np.argwhere(overlaps > 0):
            known = self._objects[row]
            overlaps[row, i] = _mask_overlap(
                known.mask, known.box, detections.box_masks[i], detections.boxes[i]
            )
        return np.where(overlaps >= self._min_overlap, overlaps, 0)


class _Object:
    """One object: its last mask, and a Kalman filter of its center.

    Both coordinates move independently with the same uncertainty: state [2, 2] holds
    (y, x) in pixels and below it their velocities in pixels per frame, and one
    covariance [2, 2] of place and velocity serves both.
    """

    def __init__(self, track_id: int, detections: Detections, i: int):
        self.track_id = track_id
        self.class_id = int(detections.class_ids[i])
        self.mask = detections.box_masks[i]
        self.num_missed = 0
        self._state = np.stack([_center(detections.boxes[i]), np.zeros(2)])
        noise = self._noise() * (_FIRST_PLACE, _FIRST_VELOCITY)
        self._covariance = np.diag(noise**2)

    @property
    def box(self) -> np.ndarray:
        """Where the last mask is expected now, int [(y1, x1, y2, x2)]."""
        corner = np.rint(self._state[0] - np.array(self.mask.shape) / 2)
        return np.concatenate([corner, corner + self.mask.shape]).astype(int)

    def predict(self) -> None:
        """Go one frame on."""
        self.num_missed += 1
        self._state = _STEP @ self._state
        self._covariance = _STEP @ self._covariance @ _STEP.T
        self._covariance += np.diag(self._noise() ** 2)

    def correct(self, detections: Detections, i: int) -> None:
        """Take in where the object was found."""
        self.num_missed = 0
        self.mask = detections.box_masks[i]
        place_variance = self._noise()[0] ** 2
        # Gain [2]: how far place and velocity follow the measured place.
        gain = self._covariance[:, 0] / (self._covariance[0, 0] + place_variance)
        error = _center(detections.boxes[i]) - self._state[0]
        self._state = self._state + np.outer(gain, error)
        self._covariance = self._covariance - np.outer(gain, self._covariance[0])

    def _noise(self) -> np.ndarray:
        return max(self.mask.shape) * np.array([_PLACE_NOISE, _VELOCITY_NOISE])


def _center(box: np.ndarray) -> np.ndarray:
    """(y1, x1, y2, x2) -> (y, x)."""
    return (box[:2] + box[2:]) / 2


def _mask_overlap(mask1, box1, mask2, box2) -> float:
    """Return the intersection over union of two masks, each inside its box."""
    common = common_pixels(box1, mask1, box2, mask2)
    union = np.count_nonzero(mask1) + np.count_nonzero(mask2) - common
    return common / union if union else 0.0
