"""Event files for TensorBoard, written by the tensorboard package on every backend.

`write_events` is what callbacks call with what they know of an epoch, `write_graph`
with a picture of the network. `LogEpochs` writes the numbers that Keras has.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from pathlib import Path

import cv2
import keras
import numpy as np

from mrcnn.evaluation.curves import Curve

logger = logging.getLogger(__name__)

NUM_BUCKETS = 30  # of a histogram, as TensorBoard's own have
NUM_THRESHOLDS = 101  # of a precision-recall curve: 0, 0.01 ... 1


def write_events(
    folder: str | Path,
    *,
    step: int,
    scalars: Mapping[str, float] | None = None,
    pictures: Mapping[str, np.ndarray] | None = None,
    histograms: Mapping[str, object] | None = None,
    curves: Mapping[str, Curve] | None = None,
) -> None:
    """Write what is known of one step to an event file of its own.

    TensorBoard reads the files of a folder one after the other, by their names. So
    give it a folder that no open writer writes to. A file that cannot be written is a
    warning: logs are no reason to lose an epoch.

    Args:
        folder: made when missing.
        step: where TensorBoard puts them: the epoch, from 0, as Keras does.
        scalars: numbers by tag.
        pictures: uint8 [H, W, 3] RGB by tag.
        histograms: arrays, tensors or variables by tag, of any shape.
        curves: precision and recall by tag.
    """
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary

    made = (
        (scalars, lambda number: {"simple_value": number}),
        (pictures, _picture),
        (histograms, _histogram),
        (curves, _pr_curve),
    )
    values = [
        Summary.Value(tag=tag, **fields(content))
        for contents, fields in made
        for tag, content in (contents or {}).items()
    ]
    _write(folder, Event(step=step, summary=Summary(value=values)))


def write_graph(folder: str | Path, graph) -> None:
    """Write what TensorBoard shows as graph, to an event file of its own.

    Args:
        folder: made when missing.
        graph: a GraphDef of TensorBoard's.
    """
    from tensorboard.compat.proto.event_pb2 import Event

    _write(folder, Event(graph_def=graph.SerializeToString()))


def _write(folder: str | Path, event) -> None:
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.summary.writer.record_writer import RecordWriter

    event.wall_time = time.time()
    version = Event(wall_time=event.wall_time, file_version="brain.Event:2")
    try:
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        with open(folder / f"events.out.tfevents.{time.time_ns()}", "xb") as file:
            writer = RecordWriter(file)
            writer.write(version.SerializeToString())
            writer.write(event.SerializeToString())
    except OSError as error:
        logger.warning("%s could not be written to: %s", folder, error)


def _picture(picture: np.ndarray) -> dict:
    from tensorboard.compat.proto.summary_pb2 import Summary

    height, width, _ = picture.shape
    _, png = cv2.imencode(".png", picture[..., ::-1])  # RGB -> BGR
    return {
        "image": Summary.Image(
            height=height,
            width=width,
            colorspace=3,
            encoded_image_string=png.tobytes(),
        )
    }


def _histogram(values) -> dict:
    from tensorboard.plugins.histogram import metadata
    from tensorboard.util.tensor_util import make_tensor_proto

    # TensorBoard's own function makes an array thirty times as large as the values.
    return {
        "tensor": make_tensor_proto(buckets(keras.ops.convert_to_numpy(values))),
        "metadata": metadata.create_summary_metadata(None, None),
    }


def _pr_curve(curve: Curve) -> dict:
    from tensorboard.plugins.pr_curve import metadata
    from tensorboard.util.tensor_util import make_tensor_proto

    found, right = curve.counts_at(np.linspace(0, 1, NUM_THRESHOLDS))
    rows = {
        metadata.TRUE_POSITIVES_INDEX: right,
        metadata.FALSE_POSITIVES_INDEX: found - right,
        # Of what is not there, there is no number.
        metadata.TRUE_NEGATIVES_INDEX: np.zeros_like(found),
        metadata.FALSE_NEGATIVES_INDEX: curve.num_objects - right,
        # Where nothing is found, TensorBoard draws nothing.
        metadata.PRECISION_INDEX: right / np.maximum(found, 1),
        metadata.RECALL_INDEX: right / max(curve.num_objects, 1),
    }
    table = np.stack([rows[i] for i in range(len(rows))]).astype(np.float32)
    return {
        "tensor": make_tensor_proto(table),
        "metadata": metadata.create_summary_metadata("", "", NUM_THRESHOLDS),
    }


def buckets(values: np.ndarray) -> np.ndarray:
    """Return a histogram as TensorBoard wants it.

    Args:
        values: floats of any shape. What is no finite number is left out.

    Returns:
        float64 [NUM_BUCKETS, (left edge, right edge, count)], of equal widths. Where
        all values are one, that is every edge, and the last bucket holds them.

    Example:
        >>> buckets(np.array([0.0, 0.05, 3.0]))[[0, 1, 29]]
        array([[0. , 0.1, 2. ],
               [0.1, 0.2, 0. ],
               [2.9, 3. , 1. ]])
    """
    values = np.asarray(values, np.float32).ravel()
    values = values[np.isfinite(values)]
    if not values.size:
        return np.zeros((NUM_BUCKETS, 3))
    low, high = float(values.min()), float(values.max())
    share = (values - low) / (high - low) if high > low else np.ones_like(values)
    index = np.minimum((share * NUM_BUCKETS).astype(np.intp), NUM_BUCKETS - 1)
    counts = np.bincount(index, minlength=NUM_BUCKETS)
    edges = np.linspace(low, high, NUM_BUCKETS + 1)
    return np.stack([edges[:-1], edges[1:], counts], axis=1)


class LogEpochs(keras.callbacks.Callback):
    """Writes the numbers of each epoch, and the learning rate after it.

    Keras' own callback needs TensorFlow, and gives each number a group by itself.

    Args:
        folder: gets the folders train and validation, as with Keras.
    """

    def __init__(self, folder: str | Path):
        super().__init__()
        self.folder = Path(folder)

    def on_epoch_end(self, epoch, logs=None):
        rate = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        numbers = {"learning_rate": rate, **(logs or {})}
        for folder, of_validation in (("train", False), ("validation", True)):
            scalars = {
                f"epoch/{name.removeprefix('val_')}": float(value)
                for name, value in numbers.items()
                if name.startswith("val_") == of_validation
            }
            if scalars:
                write_events(self.folder / folder, step=epoch, scalars=scalars)
