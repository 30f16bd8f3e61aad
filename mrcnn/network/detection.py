"""From classified ROIs to detections: refinement, thresholds, suppression per class."""

import keras
from keras import layers, ops

from mrcnn.ops import backend
from mrcnn.ops.boxes import apply_box_deltas, clip_boxes
from mrcnn.ops.nms import non_max_suppression


def refine_detections(
    rois,
    probs,
    deltas,
    windows,
    *,
    min_confidence,
    nms_threshold,
    max_instances,
    std_dev,
):
    """Return the detections of each image, best first.

    Args:
        rois: float32 [B, R, (y1, x1, y2, x2)], normalised.
        probs: float32 [B, R, K], class probabilities.
        deltas: float32 [B, R, K, (dy, dx, log dh, log dw)], divided by `std_dev`.
        windows: float32 [B, (y1, x1, y2, x2)], normalised: the part of the input
            that holds the picture rather than padding.
        min_confidence: least probability of a detection.
        nms_threshold: overlap above which the less likely of one class is dropped.
        max_instances: N, detections per image at most.
        std_dev: four numbers the deltas were divided by.

    Returns:
        float32 [B, N, (y1, x1, y2, x2, class id, score)], zeros after the last.
    """
    # 1. The likeliest class of each ROI, and the box that goes with it.
    class_ids = ops.cast(ops.argmax(probs, axis=2), "int32")
    scores = ops.max(probs, axis=2)
    chosen = ops.take_along_axis(deltas, class_ids[..., None, None], axis=2)[:, :, 0]
    boxes = apply_box_deltas(rois, chosen * ops.convert_to_tensor(std_dev, "float32"))
    boxes = clip_boxes(boxes, windows[:, None])

    # 2. Without background and doubtful ones, the best of each class.
    candidate = (class_ids > 0) & (scores >= min_confidence)
    kept, valid = non_max_suppression(
        boxes,
        ops.where(candidate, scores, -float("inf")),
        max_output_size=max_instances,
        iou_threshold=nms_threshold,
        groups=class_ids,
    )
    rows = ops.concatenate(
        [boxes, ops.cast(class_ids, "float32")[..., None], scores[..., None]], axis=2
    )
    return ops.where(
        valid[..., None], ops.take_along_axis(rows, kept[..., None], axis=1), 0.0
    )


@keras.saving.register_keras_serializable("mrcnn")
class DetectionLayer(layers.Layer):
    """Detections from the box head's outputs, see `refine_detections`.

    `call` takes [rois, probs, deltas, windows] and gives the detections.

    Args:
        min_confidence: least probability of a detection.
        nms_threshold: overlap above which the less likely of one class is dropped.
        max_instances: detections per image at most.
        std_dev: four numbers the deltas were divided by.
        **kwargs: those of `keras.layers.Layer`.
    """

    def __init__(
        self,
        *,
        min_confidence,
        nms_threshold,
        max_instances,
        std_dev=(0.1, 0.1, 0.2, 0.2),
        **kwargs,
    ):
        super().__init__(**{"dtype": "float32", **kwargs})
        # TensorFlow's suppression kernels are not in XLA.
        self.supports_jit = backend.tensorflow() is None
        self.min_confidence = min_confidence
        self.nms_threshold = nms_threshold
        self.max_instances = max_instances
        self.std_dev = [float(value) for value in std_dev]

    def call(self, inputs):
        return refine_detections(
            *inputs,
            min_confidence=self.min_confidence,
            nms_threshold=self.nms_threshold,
            max_instances=self.max_instances,
            std_dev=self.std_dev,
        )

    def compute_output_spec(self, inputs):
        shape = (inputs[0].shape[0], self.max_instances, 6)
        return keras.KerasTensor(shape, "float32")

    def get_config(self):
        return {
            **super().get_config(),
            "min_confidence": self.min_confidence,
            "nms_threshold": self.nms_threshold,
            "max_instances": self.max_instances,
            "std_dev": self.std_dev,
        }
