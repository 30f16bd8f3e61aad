"""Inspections made by hand, without a network."""

import numpy as np

from mrcnn.inference.inspect import Inspection
from mrcnn.structures import Detections

ANCHORS = np.array(
    [[y, x, y + 16, x + 16] for y in (0, 24, 48) for x in (0, 24, 48)], np.float32
)


def picture():
    """64 x 64 pixels of a pattern: no blank picture."""
    return np.tile(np.array([[[10] * 3, [200] * 3]], np.uint8), (64, 32, 1))


def inspection(probs, removed_by, *, boxes=None, scores=None, **fields):
    """An inspection of ROIs with these class probabilities [R, K].

    Args:
        probs: class probabilities of each ROI.
        removed_by: what removed each; "" for those detected.
        boxes: of the ROIs; None takes the first anchors.
        scores: of the anchors; None has a sure one for each ROI.
        **fields: any other field of the inspection.
    """
    probs = np.array(probs, np.float32)
    num_rois, num_classes = probs.shape
    boxes = ANCHORS[:num_rois] if boxes is None else np.array(boxes, np.float32)
    if scores is None:
        scores = np.where(np.arange(len(ANCHORS)) < num_rois, 0.99, 0.01)
    removed_by = np.array(removed_by, "<U10")
    detected = np.flatnonzero(removed_by == "")
    class_ids = probs.argmax(axis=1)
    values = {
        "image_hw": (64, 64),
        "picture": picture(),
        "window": np.array([0, 0, 64, 64], np.int32),
        "scale": 1.0,
        "anchors": ANCHORS,
        "anchor_scores": np.array(scores, np.float32),
        "anchor_deltas": np.zeros((len(ANCHORS), 4), np.float32),
        "top_anchors": np.arange(len(ANCHORS)),
        "refined_anchors": ANCHORS,
        "clipped_anchors": ANCHORS,
        "proposals": boxes,
        "proposal_anchors": np.arange(num_rois) % len(ANCHORS),
        "proposal_levels": np.full(num_rois, 2, np.int32),
        "class_probs": probs,
        "class_ids": class_ids,
        "scores": probs.max(axis=1, initial=0),
        "box_deltas": np.zeros((num_rois, num_classes, 4), np.float32),
        "refined_boxes": boxes,
        "clipped_boxes": boxes,
        "removed_by": removed_by,
        "detected": detected,
        "masks": np.ones((len(detected), 28, 28), np.float32),
        "detections": Detections(
            (64, 64),
            boxes[detected].astype(np.int32),
            class_ids[detected].astype(np.int32),
            probs.max(axis=1, initial=0)[detected],
            tuple(
                np.ones((int(y2 - y1), int(x2 - x1)), bool)
                for y1, x1, y2, x2 in boxes[detected]
            ),
        ),
        "min_confidence": 0.9,
        "nms_threshold": 0.3,
        "max_instances": 100,
        "layer_values": lambda name: [np.arange(48.0).reshape(4, 4, 3)],
    }
    return Inspection(**values | fields)
