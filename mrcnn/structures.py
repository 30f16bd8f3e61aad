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

    @classmethod
    def from_masks(
        cls,
        image_hw: tuple[int, int],
        boxes: np.ndarray,
        masks: np.ndarray,
        class_ids: np.ndarray,
        scores: np.ndarray | None = None,
    ) -> Detections:
        """Return the detections of full-size masks, as `to_dict` and data sets have.

        Args:
            image_hw: height and width of the image, pixels.
            boxes: int [N, (y1, x1, y2, x2)], pixels; rows of zeros are left out, and
                what lies outside the image is cut off.
            masks: bool [H, W, N]; what lies outside the boxes is lost.
            class_ids: int [N].
            scores: float [N]; None for 1 each, as of the ground truth.

        Raises:
            ValueError: the arrays are not of one N, or the masks of another image.
        """
        boxes, masks, class_ids = map(np.asarray, (boxes, masks, class_ids))
        scores = np.ones(len(class_ids)) if scores is None else np.asarray(scores)
        expected = (*image_hw, len(class_ids))
        if masks.shape != expected or not (len(boxes) == len(scores) == len(class_ids)):
            raise ValueError(
                f"Expected masks {list(expected)}, and as many boxes and scores as "
                f"class_ids. Received: masks {list(masks.shape)}, {len(boxes)} boxes, "
                f"{len(scores)} scores. Pass those of one image."
            )
        kept = np.any(boxes.reshape(-1, 4), axis=1)
        boxes = np.clip(boxes.reshape(-1, 4), 0, np.tile(image_hw, 2)).astype(np.int32)
        return cls(
            image_hw=tuple(image_hw),
            boxes=boxes,
            class_ids=class_ids.astype(np.int32),
            scores=scores.astype(np.float32),
            box_masks=tuple(
                masks[y1:y2, x1:x2, i].astype(bool)
                for i, (y1, x1, y2, x2) in enumerate(boxes)
            ),
        ).select(kept)

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
