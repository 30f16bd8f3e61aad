"""The values that travel between the parts of the package, and the shape glossary.

Axis letters used in every docstring:

    B images in a batch      N instances (padded in the graph)
    A anchors                R regions of interest (ROIs)
    K classes, background 0  L pyramid levels
    H, W, C  height, width and channels of an image
    h, w     height and width of a mini-mask or of a box

Boxes are ``(y1, x1, y2, x2)`` with the bottom and right edge outside. A name
ends in ``_px`` (pixels) or ``_norm`` (normalised) where both could occur.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

LOSS_NAMES = (
    "rpn_class_loss",
    "rpn_bbox_loss",
    "mrcnn_class_loss",
    "mrcnn_bbox_loss",
    "mrcnn_mask_loss",
)

# Offsets inside image_meta [12 + K]: what each run of numbers means.
META_IMAGE_ID = slice(0, 1)
META_ORIGINAL_SHAPE = slice(1, 4)
META_SHAPE = slice(4, 7)
META_WINDOW = slice(7, 11)
META_SCALE = slice(11, 12)
META_ACTIVE_CLASS_IDS = slice(12, None)
META_SIZE_WITHOUT_CLASSES = 12


@dataclass(frozen=True)
class ResizePlan:
    """How one image is brought to the network's size; applied to image and masks alike.

    Attributes:
        image_hw: height and width of the source, pixels.
        scaled_hw: height and width after scaling, before padding or cropping.
        output_hw: height and width of the result.
        scale: factor from source to scaled size.
        window: int [(y1, x1, y2, x2)], where the picture lies in the result.
        padding: ((top, bottom), (left, right), (0, 0)), pixels of zeros added.
        crop: (y, x, h, w) cut from the scaled image before padding, or None.
    """

    image_hw: tuple[int, int]
    scaled_hw: tuple[int, int]
    output_hw: tuple[int, int]
    scale: float
    window: tuple[int, int, int, int]
    padding: tuple[tuple[int, int], tuple[int, int], tuple[int, int]]
    crop: tuple[int, int, int, int] | None = None


@dataclass(frozen=True)
class Detections:
    """The objects found in one image, each mask kept inside its own box.

    Attributes:
        image_hw: height and width of the image, pixels.
        boxes: int32 [N, (y1, x1, y2, x2)], pixels of the image.
        class_ids: int32 [N], 0 is background and does not occur.
        scores: float32 [N], descending as the network gives them.
        box_masks: N arrays bool [y2 - y1, x2 - x1], the mask inside each box.
        track_ids: int32 [N], from 1, the same number for the same object in every
            frame of a video; None where nothing was tracked.
    """

    image_hw: tuple[int, int]
    boxes: np.ndarray
    class_ids: np.ndarray
    scores: np.ndarray
    box_masks: tuple[np.ndarray, ...] = field(repr=False)
    track_ids: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.class_ids)

    @classmethod
    def empty(cls, image_hw: tuple[int, int]) -> Detections:
        """Return the detections of an image in which nothing was found."""
        return cls(
            image_hw=tuple(image_hw),
            boxes=np.zeros((0, 4), np.int32),
            class_ids=np.zeros(0, np.int32),
            scores=np.zeros(0, np.float32),
            box_masks=(),
        )

    @property
    def masks(self) -> np.ndarray:
        """Full-size masks, bool [H, W, N]; built anew at each call."""
        masks = np.zeros((*self.image_hw, len(self)), bool)
        for i, ((y1, x1, y2, x2), mask) in enumerate(
            zip(self.boxes, self.box_masks, strict=True)
        ):
            masks[y1:y2, x1:x2, i] = mask
        return masks

    def select(self, index: np.ndarray) -> Detections:
        """Return the detections that `index`, integers or bool [N], picks, in order."""
        picked = np.arange(len(self))[index]
        return Detections(
            image_hw=self.image_hw,
            boxes=self.boxes[picked],
            class_ids=self.class_ids[picked],
            scores=self.scores[picked],
            box_masks=tuple(self.box_masks[i] for i in picked),
            track_ids=None if self.track_ids is None else self.track_ids[picked],
        )

    def to_dict(self) -> dict[str, np.ndarray]:
        """Return the original's dict: rois, class_ids, scores, masks [H, W, N]."""
        return {
            "rois": self.boxes,
            "class_ids": self.class_ids,
            "scores": self.scores,
            "masks": self.masks,
        }


@dataclass(frozen=True)
class Stage:
    """A part of a training in which the same layers learn, see `MaskRCNN.train_stages`.

    Attributes:
        layers: "heads", "3+", "4+", "5+", "all", or a regular expression of layer
            names.
        epochs: epoch to train up to, counted from the start of the run.
        learning_rate: of the steps.
    """

    layers: str
    epochs: int
    learning_rate: float


@dataclass(frozen=True)
class VideoInfo:
    """What is known of a video before it is read.

    Attributes:
        width: pixels.
        height: pixels.
        fps: average frames per second, an exact fraction such as 30000/1001.
        num_frames: frames the container announces; 0 where it does not say.
        codec: name of the video codec, "h264" for example.
        has_audio: whether there is an audio track.
    """

    width: int
    height: int
    fps: Fraction
    num_frames: int
    codec: str
    has_audio: bool
