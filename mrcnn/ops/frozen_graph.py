"""Detection graphs that others exported from TensorFlow: an image in, arrays out.

They run on TensorFlow whatever Keras runs on, so that `backend`, which follows Keras,
has no part in them; TensorFlow is imported when the first one is opened.

The signature is that of TensorFlow's object detection: ``image_tensor`` uint8
[1, H, W, 3], RGB, in; the arrays of `OUTPUTS` out.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from mrcnn.errors import WeightsError

INPUT = "image_tensor"
OUTPUTS = (
    *("num_detections", "detection_boxes", "detection_scores"),
    *("detection_classes", "detection_masks"),
)
# An image uint8 [H, W, 3], RGB, to the arrays of `OUTPUTS` by name.
Run = Callable[[np.ndarray], dict[str, np.ndarray]]


def load_frozen_graph(content: bytes, source: str | Path) -> Run:
    """Return the function of a frozen graph.

    Args:
        content: a serialised GraphDef, its variables constants.
        source: where it came from, for the errors.

    Raises:
        WeightsError: TensorFlow is missing, or this is no graph that finds masks.
    """
    tf = _tensorflow()
    graph_def = tf.compat.v1.GraphDef()
    try:
        graph_def.ParseFromString(content)
    except Exception as error:  # protobuf's own
        raise _refused(source, error) from error
    dtypes = {
        node.name: node.attr["dtype"].type if node.op == "Placeholder" else None
        for node in graph_def.node
    }
    is_image = dtypes.get(INPUT) == tf.uint8.as_datatype_enum
    _require(is_image, dtypes, source)
    try:
        whole = tf.compat.v1.wrap_function(
            lambda: tf.graph_util.import_graph_def(graph_def, name=""), []
        )
        image, *tensors = (
            whole.graph.get_tensor_by_name(f"{name}:0") for name in (INPUT, *OUTPUTS)
        )
        function = whole.prune(image, dict(zip(OUTPUTS, tensors, strict=True)))
    except Exception as error:  # of many types, TensorFlow's and Python's
        raise _refused(source, error) from error
    return _running(tf, function, source)


def load_saved_model(folder: Path) -> Run:
    """Return the function of a saved model, of TensorFlow 1 or 2.

    Args:
        folder: with saved_model.pb.

    Raises:
        WeightsError: TensorFlow is missing, or this is no graph that finds masks.
    """
    tf = _tensorflow()
    try:
        model = tf.saved_model.load(str(folder))
    except Exception as error:  # of many types, TensorFlow's and Python's
        raise _refused(folder, error) from error
    if "serving_default" not in model.signatures:
        raise _refused(folder, "without the signature serving_default")
    signature = model.signatures["serving_default"]
    _, inputs = signature.structured_input_signature
    is_image = [spec.dtype for spec in inputs.values()] == [tf.uint8]
    _require(is_image, signature.structured_outputs, folder)
    (name,) = inputs

    def call(image):
        # The signature alone does not keep the variables of its model.
        return model.signatures["serving_default"](**{name: image})

    return _running(tf, call, folder)


def _running(tf, function: Callable, source: str | Path) -> Run:
    def run(image: np.ndarray) -> dict[str, np.ndarray]:
        try:
            outputs = function(tf.constant(image[None]))
        except tf.errors.OpError as error:
            raise WeightsError(
                f"Expected the graph of {source} to run on an image of {image.shape}. "
                f"Received: {_first_line(error)}. Try another image, or another graph."
            ) from error
        return {name: outputs[name].numpy() for name in OUTPUTS}

    return run


def _tensorflow():
    try:
        import tensorflow
    except ImportError as error:
        raise WeightsError(
            "Expected TensorFlow, which runs the graphs of its model zoo, whatever "
            f"Keras runs on. Received: {error}. Type: pip install tensorflow"
        ) from error
    return tensorflow


def _require(is_image: bool, names, source: str | Path) -> None:
    lacking = [name for name in OUTPUTS if name not in names]
    if not is_image:
        lacking.insert(0, f"{INPUT} (uint8)")
    if lacking:
        raise _refused(source, f"without {', '.join(lacking)}")


def _refused(source: str | Path, problem) -> WeightsError:
    return WeightsError(
        f"Expected a Mask R-CNN graph of TensorFlow's model zoo: {INPUT} uint8 "
        f"[1, H, W, 3] in, {', '.join(OUTPUTS)} out. Received: {source} "
        f"({_first_line(problem)}). Download it again, or take zoo:inception_v2. "
        "Graphs that find boxes alone (Faster R-CNN, SSD) do not serve."
    )


def _first_line(problem) -> str:
    return str(problem).strip().partition("\n")[0]
