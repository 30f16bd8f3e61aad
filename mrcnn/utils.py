"""The original's `mrcnn.utils`: its names, from where they live now.

The two that need Keras are imported when first asked for, so that scripts with a
`Dataset` of their own, and the processes that make batches of it, start without.
"""

import importlib

from mrcnn.data.dataset import Dataset
from mrcnn.evaluation.ap import (
    compute_ap,
    compute_ap_range,
    compute_matches,
    compute_recall,
)
from mrcnn.geometry.anchors import generate_anchors, generate_pyramid_anchors
from mrcnn.geometry.boxes import (
    apply_box_deltas,
    box_refinement,
    compute_iou,
    compute_overlaps,
    denorm_boxes,
    non_max_suppression,
    norm_boxes,
    trim_zeros,
)
from mrcnn.geometry.masks import (
    compute_overlaps_masks,
    expand_mask,
    extract_bboxes,
    minimize_mask,
    unmold_mask,
)
from mrcnn.geometry.resize import resize, resize_image, resize_mask
from mrcnn.weights.download import download_trained_weights

_ON_KERAS = {
    "batch_slice": ("mrcnn.ops.slices", "batch_slice"),
    "box_refinement_graph": ("mrcnn.ops.boxes", "box_refinement"),
}

__all__ = [
    "Dataset",
    "apply_box_deltas",
    "box_refinement",
    "compute_ap",
    "compute_ap_range",
    "compute_iou",
    "compute_matches",
    "compute_overlaps",
    "compute_overlaps_masks",
    "compute_recall",
    "denorm_boxes",
    "download_trained_weights",
    "expand_mask",
    "extract_bboxes",
    "generate_anchors",
    "generate_pyramid_anchors",
    "minimize_mask",
    "non_max_suppression",
    "norm_boxes",
    "resize",
    "resize_image",
    "resize_mask",
    "trim_zeros",
    "unmold_mask",
    *_ON_KERAS,
]


def __getattr__(name: str):
    if name not in _ON_KERAS:
        raise AttributeError(f"module 'mrcnn.utils' has no attribute {name!r}")
    module, its_name = _ON_KERAS[name]
    return getattr(importlib.import_module(module), its_name)
