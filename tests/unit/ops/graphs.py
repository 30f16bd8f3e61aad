"""Small graphs with the signature of TensorFlow's model zoo, whose answers are known.

They find the red area of an image as a bottle, its green area as a toothbrush, and
things that are to be left out: see `answers`.
"""

from contextlib import contextmanager

import numpy as np

IMAGE_HW = (50, 80)
RED = (slice(10, 30), slice(20, 60))
GREEN = (slice(35, 50), slice(0, 16))
# Of the masks of bottles: this share of their columns, from the left, is 1, else 0.
LEFT = {15: 8, 33: 16}


def picture(*areas) -> np.ndarray:
    """An image with areas of pure red and green; blue everywhere."""
    image = np.zeros((*IMAGE_HW, 3), np.uint8)
    image[..., 2] = 250
    for channel, area in enumerate((RED, GREEN)):
        if area in areas:
            image[area] = 0
            image[(*area, channel)] = 250
    return image


def answers(tf, image, mask_side=15):
    """The arrays of a graph for an image, in TensorFlow operations.

    Bottle (COCO's 44), 0.9, left part; number 12 that no class has, 0.8; toothbrush
    (90), 0.6, probability 0.4 everywhere; an empty box, 0.55; and behind
    num_detections a person (1) with 0.99.
    """

    def box(channel):
        bright = image[0, :, :, channel] > 200
        # Numbers of the rows, and of the columns, with a bright pixel.
        spans = [tf.where(tf.reduce_any(bright, axis))[:, 0] for axis in (1, 0)]
        ends = [tf.reduce_min(span) for span in spans]
        ends += [tf.reduce_max(span) + 1 for span in spans]
        size = tf.tile(tf.shape(image)[1:3], [2])
        return tf.cast(tf.stack(ends), tf.float32) / tf.cast(size, tf.float32)

    side = mask_side
    left = np.repeat([np.arange(side) < LEFT[side]], side, axis=0)
    masks = np.stack([left, *(np.full((side, side), p) for p in (1, 0.4, 1, 1))])
    empty = tf.constant([0.5, 0.5, 0.5, 0.7])
    everything = tf.constant([0.0, 0, 1, 1])
    found = tf.reduce_any(image[..., 0] > 200)
    return {
        "num_detections": tf.cast([tf.where(found, 4, 0)], tf.float32),
        "detection_boxes": tf.stack([box(0), everything, box(1), empty, everything])[
            None
        ],
        "detection_scores": tf.constant([[0.9, 0.8, 0.6, 0.55, 0.99]]),
        "detection_classes": tf.constant([[44.0, 12, 90, 1, 1]]),
        "detection_masks": tf.constant(masks[None].astype(np.float32)),
    }


def frozen(tf, mask_side=15, *, without=(), dtype="uint8", fixed=None) -> bytes:
    """A frozen graph.

    Args:
        tf: TensorFlow.
        mask_side: of the masks.
        without: outputs to leave out.
        dtype: of the input.
        fixed: height and width of the images that it runs on, None for all.
    """
    with _tensorflow_1(tf) as graph:
        image = _image_tensor(tf, dtype)
        outputs = answers(tf, _one_by_one(tf, image, fixed), mask_side)
        for name in set(outputs) - set(without):
            tf.identity(outputs[name], name=name)
    return graph.as_graph_def().SerializeToString()


def save_as_tensorflow_1(tf, folder, mask_side=15) -> None:
    """Write a saved model as the zoo's: input "inputs", no variables."""
    v1 = tf.compat.v1
    with _tensorflow_1(tf), v1.Session() as session:
        image = _image_tensor(tf)
        outputs = answers(tf, _one_by_one(tf, image), mask_side)
        v1.saved_model.simple_save(session, str(folder), {"inputs": image}, outputs)


def save_as_tensorflow_2(tf, folder, mask_side=15) -> None:
    """Write a saved model as today's, with a variable."""
    module = tf.Module()
    module.factor = tf.Variable(1.0)

    def find(input_tensor):
        outputs = answers(tf, input_tensor, mask_side)
        outputs["detection_scores"] *= module.factor
        return outputs

    signature = [tf.TensorSpec([1, None, None, 3], tf.uint8, name="input_tensor")]
    module.find = tf.function(find, input_signature=signature)
    tf.saved_model.save(module, str(folder), {"serving_default": module.find})


@contextmanager
def _tensorflow_1(tf):
    """A graph whose loops are single operations, as TensorFlow 1 wrote them."""
    tf.compat.v1.disable_control_flow_v2()
    try:
        with tf.Graph().as_default() as graph:
            yield graph
    finally:
        tf.compat.v1.enable_control_flow_v2()


def _image_tensor(tf, dtype="uint8"):
    shape = [None, None, None, 3]
    return tf.compat.v1.placeholder(dtype, shape, name="image_tensor")


def _one_by_one(tf, images, fixed=None):
    """The images, in a loop over them as the zoo's graphs have for scaling."""
    images = tf.ensure_shape(images, [None, *(fixed or (None, None)), 3])
    return tf.map_fn(lambda image: tf.cast(image, tf.uint8), images, tf.uint8)
