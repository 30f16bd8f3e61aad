"""Reading one feature map several times, with one gradient for all of them.

What reads a few cells of a large map has a gradient of few numbers and many zeros.
Each reader would have a map of its own, and their sum is one more. Here every reader
hands the map on to the next one: in the backward pass the last begins with zeros, and
each of the others adds its numbers to the map that it is handed back.
"""

from keras import ops

from mrcnn.ops import backend


def take_rows(features, cells):
    """Return the features of some cells, and the feature map for the next reader.

    Args:
        features: float [B, H, W, C].
        cells: int32 [...], of all images, numbered row by row.

    Returns:
        rows: float [..., C].
        features: the same.
    """

    def rows(features):
        flat = ops.reshape(features, (-1, features.shape[-1]))
        return ops.take(flat, cells, axis=0)

    if not backend.is_tensorflow_on_cpu():
        return rows(features), features
    tf = backend.tensorflow()

    @tf.custom_gradient
    def rows_in_turn(features):
        def gradient(by_rows, by_features):
            return add_rows(by_features, cells, by_rows)

        return (rows(features), tf.identity(features)), gradient

    return rows_in_turn(features)


def add_rows(features, cells, rows):
    """Return a feature map with numbers added at some cells, on TensorFlow alone.

    The map that nothing else needs is not copied.

    Args:
        features: float [B, H, W, C].
        cells: int32 [...], of all images, numbered row by row; any of them repeatedly.
        rows: float [..., C], what is added.
    """
    tf = backend.tensorflow()
    channels = features.shape[-1]
    flat = tf.tensor_scatter_nd_add(
        tf.reshape(features, [-1, channels]),
        tf.reshape(cells, [-1, 1]),
        tf.reshape(rows, [-1, channels]),
    )
    return tf.reshape(flat, tf.shape(features))
