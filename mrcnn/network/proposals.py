"""Proposals: from what the RPN says of the anchors to regions of interest.

Ren et al. 2015, Faster R-CNN, section 3.3: the best anchors, moved by their
deltas, thinned by non-maximum suppression.
"""

import keras
from keras import layers, ops

from mrcnn.ops import backend
from mrcnn.ops.boxes import apply_box_deltas, clip_boxes
from mrcnn.ops.nms import non_max_suppression
from mrcnn.ops.sorting import top_k


def propose(
    scores, deltas, anchors, *, pre_nms_limit, num_proposals, nms_threshold, std_dev
):
    """Return the proposals of each image, best first.

    Args:
        scores: float32 [B, A], probability of an object.
        deltas: float32 [B, A, (dy, dx, log dh, log dw)], divided by `std_dev`.
        anchors: float32 [B or 1, A, (y1, x1, y2, x2)], normalised.
        pre_nms_limit: how many of the best anchors to look at.
        num_proposals: R, how many proposals to keep at most.
        nms_threshold: overlap above which the less likely proposal is dropped.
        std_dev: four numbers the deltas were divided by.

    Returns:
        rois: float32 [B, R, (y1, x1, y2, x2)], normalised, zeros where not valid.
        rois_valid: uint8 [B, R].
    """
    batch_size, num_anchors = ops.shape(scores)
    if isinstance(num_anchors, int):
        limit = min(pre_nms_limit, num_anchors)
    else:  # known only when an image comes, with IMAGE_RESIZE_MODE "pad64" or "none"
        limit = ops.minimum(pre_nms_limit, num_anchors)
    scores, best = top_k(scores, limit)
    best = best[..., None]
    deltas = ops.take_along_axis(deltas, best, axis=1)
    deltas = deltas * ops.convert_to_tensor(std_dev, "float32")
    anchors = ops.broadcast_to(anchors, (batch_size, num_anchors, 4))
    anchors = ops.take_along_axis(anchors, best, axis=1)
    # The image is (0, 0, 1, 1) in normalised coordinates.
    window = ops.convert_to_tensor([0.0, 0.0, 1.0, 1.0])
    boxes = clip_boxes(apply_box_deltas(anchors, deltas), window)
    kept, valid = non_max_suppression(
        boxes, scores, max_output_size=num_proposals, iou_threshold=nms_threshold
    )
    rois = ops.take_along_axis(boxes, kept[..., None], axis=1)
    rois = ops.where(valid[..., None], rois, 0.0)
    return ops.stop_gradient(rois), ops.cast(valid, "uint8")


@keras.saving.register_keras_serializable("mrcnn")
class ProposalLayer(layers.Layer):
    """Proposals from RPN outputs; `call` takes and gives what `propose` does.

    Args:
        proposal_count: how many proposals to keep at most.
        nms_threshold: overlap above which the less likely one is dropped.
        pre_nms_limit: how many of the best anchors to look at.
        std_dev: four numbers the deltas were divided by.
        **kwargs: those of `keras.layers.Layer`.
    """

    def __init__(
        self,
        *,
        proposal_count,
        nms_threshold,
        pre_nms_limit=6000,
        std_dev=(0.1, 0.1, 0.2, 0.2),
        **kwargs,
    ):
        super().__init__(**{"dtype": "float32", **kwargs})
        # TensorFlow's suppression kernels are not in XLA.
        self.supports_jit = backend.tensorflow() is None
        self.proposal_count = proposal_count
        self.nms_threshold = nms_threshold
        self.pre_nms_limit = pre_nms_limit
        self.std_dev = [float(value) for value in std_dev]

    def call(self, inputs):
        rpn_probs, rpn_deltas, anchors = inputs
        return propose(
            rpn_probs[..., 1],
            rpn_deltas,
            anchors,
            pre_nms_limit=self.pre_nms_limit,
            num_proposals=self.proposal_count,
            nms_threshold=self.nms_threshold,
            std_dev=self.std_dev,
        )

    def compute_output_spec(self, inputs):
        shape = (inputs[0].shape[0], self.proposal_count)
        return (
            keras.KerasTensor((*shape, 4), "float32"),
            keras.KerasTensor(shape, "uint8"),
        )

    def get_config(self):
        return {
            **super().get_config(),
            "proposal_count": self.proposal_count,
            "nms_threshold": self.nms_threshold,
            "pre_nms_limit": self.pre_nms_limit,
            "std_dev": self.std_dev,
        }
