"""Event files for TensorBoard, written by the tensorboard package on every backend.

`write_events` is what callbacks call with the numbers and pictures of an epoch.
`LogEpochs` does what Keras' callback for TensorBoard needs TensorFlow for.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import cv2
import keras
import numpy as np


def write_events(
    folder: str | Path,
    *,
    step: int,
    scalars: Mapping[str, float],
    pictures: Mapping[str, np.ndarray],
) -> None:
    """Write numbers and pictures of one step to an event file of their own.

    TensorBoard reads the files of a folder one after the other, by their names. So
    give it a folder that no open writer writes to.

    Args:
        folder: made when missing.
        step: where TensorBoard puts them: the epoch, from 0, as Keras does.
        scalars: numbers by tag.
        pictures: uint8 [H, W, 3] RGB by tag.

    Raises:
        OSError: the file cannot be written.
    """
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.record_writer import RecordWriter

    values = [
        Summary.Value(tag=tag, simple_value=number) for tag, number in scalars.items()
    ]
    values += [
        Summary.Value(tag=tag, image=_as_image(picture))
        for tag, picture in pictures.items()
    ]
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    now = time.time()
    with open(folder / f"events.out.tfevents.{time.time_ns()}", "xb") as file:
        writer = RecordWriter(file)
        for event in (
            Event(wall_time=now, file_version="brain.Event:2"),
            Event(wall_time=now, step=step, summary=Summary(value=values)),
        ):
            writer.write(event.SerializeToString())


def _as_image(picture: np.ndarray):
    from tensorboard.compat.proto.summary_pb2 import Summary

    height, width, _ = picture.shape
    _, png = cv2.imencode(".png", picture[..., ::-1])  # RGB -> BGR
    return Summary.Image(
        height=height,
        width=width,
        colorspace=3,
        encoded_image_string=png.tobytes(),
    )


class LogEpochs(keras.callbacks.Callback):
    """Writes the numbers of each epoch, under the names of Keras' own callback.

    Args:
        folder: gets the folders train and validation, as with Keras.
    """

    def __init__(self, folder: str | Path):
        super().__init__()
        self.folder = Path(folder)

    def on_epoch_end(self, epoch, logs=None):
        for folder, of_validation in (("train", False), ("validation", True)):
            scalars = {
                f"epoch_{name.removeprefix('val_')}": float(value)
                for name, value in (logs or {}).items()
                if name.startswith("val_") == of_validation
            }
            if scalars:
                write_events(
                    self.folder / folder, step=epoch, scalars=scalars, pictures={}
                )
