"""Inspection: everything between one image and its detections, by name.

The network runs once, as `detect` runs it, so that proposals and detections are the
very ones of `detect`. What happens inside of its layers (which anchors were moved
where, what each filter removed) is computed anew from its outputs, by the twins of
its functions in `geometry.boxes`. Called by `MaskRCNN.inspect`; axis letters as in
`structures`, and T the anchors that proposals are made of.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import keras
import numpy as np
from keras import ops

from mrcnn.geometry.boxes import (
    apply_box_deltas,
    clip_boxes,
    compute_overlaps,
    denorm_unrounded,
    norm_boxes,
)
from mrcnn.geometry.molding import unmold_image
from mrcnn.inference.detect import (
    boxes_in_image,
    network_inputs,
    predict,
    unmold,
)
from mrcnn.network.graph import compute, find_layer_outputs
from mrcnn.ops.roi_align import roi_levels
from mrcnn.structures import (
    META_ORIGINAL_SHAPE,
    META_SCALE,
    META_WINDOW,
    Detections,
)

# The filters between ROIs and detections, in the order in which they work.
FILTERS = ("background", "confidence", "nms", "limit", "size")


@dataclass(frozen=True)
class Inspection:
    """Every step of the detection of one image.

    Boxes are float32 (y1, x1, y2, x2) in pixels of `picture`, not rounded.

    Attributes:
        image_hw: height and width of the image, pixels.
        picture: uint8 [H, W, C], what the network saw: the image resized and padded.
        window: int32 [(y1, x1, y2, x2)], where the image lies in `picture`.
        scale: pixels of `picture` for one of the image.

        anchors: [A, 4], those of P2 first.
        anchor_scores: float32 [A], probability of an object, of the RPN.
        anchor_deltas: float32 [A, (dy, dx, log dh, log dw)], of the RPN, in units of
            RPN_BBOX_STD_DEV.

        top_anchors: int [T], rows of `anchors`: the PRE_NMS_LIMIT best, best first.
        refined_anchors: [T, 4], the best anchors moved by their deltas.
        clipped_anchors: [T, 4], and cut to the picture.
        proposals: [R, 4], what non-maximum suppression left of them, best first.
        proposal_anchors: int [R], the row of the T that each proposal was; -1 for one
            of padding, of which only those are here that an object was found in.
        proposal_levels: int32 [R], 2 to 5: the level of the pyramid it is read from.

        class_probs: float32 [R, K].
        class_ids: int [R], the likeliest class; 0 is background.
        scores: float32 [R], the probability of that class.
        box_deltas: float32 [R, K, 4], in units of BBOX_STD_DEV.
        refined_boxes: [R, 4], the proposals moved by the deltas of their class.
        clipped_boxes: [R, 4], and cut to `window`.
        removed_by: str [R], which filter removed the ROI: "background"; "confidence",
            a score below `min_confidence`; "nms", a surer object of its class overlaps
            it by more than `nms_threshold`; "limit", the `max_instances` best are
            others; "size", less than a pixel of the image; or "", none.

        detected: int [N], rows of the R: the ROI of each detection.
        masks: float32 [N, h, w], probabilities inside the boxes, of the detected
            class, 28x28.
        detections: what `detect_images` gives, in pixels of the image.

        min_confidence: DETECTION_MIN_CONFIDENCE of the network.
        nms_threshold: its DETECTION_NMS_THRESHOLD.
        max_instances: its DETECTION_MAX_INSTANCES.
    """

    image_hw: tuple[int, int]
    picture: np.ndarray = field(repr=False)
    window: np.ndarray
    scale: float
    anchors: np.ndarray = field(repr=False)
    anchor_scores: np.ndarray = field(repr=False)
    anchor_deltas: np.ndarray = field(repr=False)
    top_anchors: np.ndarray = field(repr=False)
    refined_anchors: np.ndarray = field(repr=False)
    clipped_anchors: np.ndarray = field(repr=False)
    proposals: np.ndarray = field(repr=False)
    proposal_anchors: np.ndarray = field(repr=False)
    proposal_levels: np.ndarray = field(repr=False)
    class_probs: np.ndarray = field(repr=False)
    class_ids: np.ndarray = field(repr=False)
    scores: np.ndarray = field(repr=False)
    box_deltas: np.ndarray = field(repr=False)
    refined_boxes: np.ndarray = field(repr=False)
    clipped_boxes: np.ndarray = field(repr=False)
    removed_by: np.ndarray = field(repr=False)
    detected: np.ndarray
    masks: np.ndarray = field(repr=False)
    detections: Detections
    min_confidence: float
    nms_threshold: float
    max_instances: int
    layer_values: Callable[[str], list[np.ndarray]] = field(repr=False)

    def activations(self, *names: str) -> dict[str, np.ndarray | list[np.ndarray]]:
        """Return what layers put out for this image, with the weights of the moment.

        Args:
            *names: of layers: "res4w_out", "fpn_p2", "mrcnn_class_logits" ...

        Returns:
            By name, the output without the axis of the batch, [H, W, C] for example;
            a list of them for a layer of several outputs or calls (rpn_model).

        Raises:
            ConfigError: there is no such layer.

        Example:
            inspection.activations("res4w_out")["res4w_out"].shape
        """
        values = {name: self.layer_values(name) for name in names}
        return {name: v[0] if len(v) == 1 else v for name, v in values.items()}


# As in the graph, where sizes that no number holds are infinite without a word.
@np.errstate(over="ignore", invalid="ignore")
def inspect(
    network: keras.Model,
    molded: np.ndarray,
    metas: np.ndarray,
    anchors: np.ndarray,
    *,
    mean_pixel: Sequence[float],
) -> Inspection:
    """Return every step of the detection of one image.

    Args:
        network: from `network.build` in inference mode.
        molded: float32 [1, H, W, C], from `detect.mold_inputs`.
        metas: [1, 12 + K], likewise.
        anchors: float32 [A, (y1, x1, y2, x2)], normalised.
        mean_pixel: [C], what was subtracted from `molded`.
    """
    outputs = predict(network, molded, metas, anchors)
    outputs = {name: values[0] for name, values in outputs.items()}
    image_hw, window, scale = _of_meta(metas)
    hw = molded.shape[1:3]

    def in_pixels(boxes):
        return denorm_unrounded(boxes, hw).astype(np.float32)

    # The layers know what the network was built with; the configuration may differ.
    of_proposals = network.get_layer("ROI")
    settings = network.get_layer("mrcnn_detection")
    scores, deltas = outputs["rpn_class"][:, 1], outputs["rpn_bbox"]
    top = np.argsort(-scores, kind="stable")[: of_proposals.pre_nms_limit]
    refined_anchors = apply_box_deltas(
        anchors[top], deltas[top] * np.float32(of_proposals.std_dev)
    )
    clipped_anchors = clip_boxes(refined_anchors, (0, 0, 1, 1))

    rois, probs = outputs["rpn_rois"], outputs["mrcnn_class"]
    class_ids, roi_scores = probs.argmax(axis=1), probs.max(axis=1)
    chosen = outputs["mrcnn_bbox"][np.arange(len(rois)), class_ids]
    refined_boxes = apply_box_deltas(rois, chosen * np.float32(settings.std_dev))
    clipped_boxes = clip_boxes(refined_boxes, norm_boxes(window, hw))

    found = outputs["mrcnn_detection"]
    found = found[found[:, 4] > 0]
    # The network's list has no rows of ROIs, but the numbers of one ROI each.
    of_network = _nearest_rows(
        found, np.column_stack([clipped_boxes, class_ids, roi_scores])
    )
    is_proposal = rois.any(axis=1)  # the others are padding
    # Nothing keeps the box head from finding an object in padding.
    used = np.union1d(np.flatnonzero(is_proposal), of_network)
    proposal_anchors = np.full(len(rois), -1)
    proposal_anchors[is_proposal] = _nearest_rows(rois[is_proposal], clipped_anchors)
    removed_by = which_filter(
        *(class_ids, roi_scores, clipped_boxes, of_network),
        min_confidence=settings.min_confidence,
        nms_threshold=settings.nms_threshold,
        max_instances=settings.max_instances,
    )
    pixels = boxes_in_image(found[:, :4], image_hw, hw, window)
    visible = np.all(pixels[:, 2:] > pixels[:, :2], axis=1)
    removed_by[of_network[~visible]] = "size"
    slots = np.flatnonzero(visible)
    return Inspection(
        image_hw=image_hw,
        picture=unmold_image(molded[0], mean_pixel),
        window=window,
        scale=scale,
        anchors=in_pixels(anchors),
        anchor_scores=scores,
        anchor_deltas=deltas,
        top_anchors=top,
        refined_anchors=in_pixels(refined_anchors),
        clipped_anchors=in_pixels(clipped_anchors),
        proposals=in_pixels(rois[used]),
        proposal_anchors=proposal_anchors[used],
        proposal_levels=ops.convert_to_numpy(roi_levels(rois[None, used], hw))[0],
        class_probs=probs[used],
        class_ids=class_ids[used],
        scores=roi_scores[used],
        box_deltas=outputs["mrcnn_bbox"][used],
        refined_boxes=in_pixels(refined_boxes[used]),
        clipped_boxes=in_pixels(clipped_boxes[used]),
        removed_by=removed_by[used],
        detected=np.searchsorted(used, of_network[visible]),
        masks=outputs["mrcnn_mask"][slots, :, :, found[slots, 4].astype(int)],
        detections=unmold(
            *(outputs["mrcnn_detection"], outputs["mrcnn_mask"]),
            image_hw=image_hw,
            molded_hw=hw,
            window=window,
        ),
        min_confidence=settings.min_confidence,
        nms_threshold=settings.nms_threshold,
        max_instances=settings.max_instances,
        layer_values=partial(
            _layer_values, network, network_inputs(molded, metas, anchors)
        ),
    )


def which_filter(
    class_ids: np.ndarray,
    scores: np.ndarray,
    boxes: np.ndarray,
    kept: np.ndarray,
    *,
    min_confidence: float,
    nms_threshold: float,
    max_instances: int,
) -> np.ndarray:
    """Return which filter of the network removed each ROI.

    Args:
        class_ids: int [R], 0 is background.
        scores: float [R].
        boxes: float [R, (y1, x1, y2, x2)], refined and clipped, in any unit.
        kept: int [N], the ROIs that the network kept.
        min_confidence: DETECTION_MIN_CONFIDENCE.
        nms_threshold: DETECTION_NMS_THRESHOLD.
        max_instances: DETECTION_MAX_INSTANCES.

    Returns:
        str [R], one of `FILTERS` but "size", or "" for those kept.
    """
    overlaps = compute_overlaps(boxes, boxes[kept])  # [R, N]
    same_class = class_ids[:, None] == class_ids[kept]
    hidden = np.any(same_class & (overlaps > nms_threshold), axis=1)
    # Below the limit nothing else can have removed it, whatever rounding says.
    hidden |= len(kept) < max_instances
    removed_by = np.select(
        [class_ids == 0, scores < min_confidence, hidden],
        FILTERS[:3],
        default=FILTERS[3],
    )
    removed_by[kept] = ""
    return removed_by


def _of_meta(metas) -> tuple[tuple[int, int], np.ndarray, float]:
    """Return image_hw, window and scale of the only image."""
    (meta,) = metas
    height, width = meta[META_ORIGINAL_SHAPE][:2].astype(int).tolist()
    window = meta[META_WINDOW].astype(np.int32)
    return (height, width), window, float(meta[META_SCALE][0])


def _nearest_rows(rows: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Return for each of `rows` [N, M] the first nearest of `among` [X, M], int [N].

    Equal to a few units of rounding, of which backends have their own. Each is the
    nearest of one row alone: boxes without area suppress none, not even their like.
    """
    nearest, taken = [], np.zeros(len(among), bool)
    for row in rows:
        distances = np.abs(among - row).max(axis=1)
        nearest.append(np.where(taken, np.inf, distances).argmin())
        taken[nearest[-1]] = True
    return np.array(nearest, int)


def _layer_values(network, inputs, name: str) -> list[np.ndarray]:
    values = compute(find_layer_outputs(network, name), inputs)
    return [value[0] for value in values]
