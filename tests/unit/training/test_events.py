"""Events for TensorBoard, read back by its own reader."""

import cv2
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from mrcnn.training.events import LogEpochs, write_events


def test_events_read_back(tmp_path):
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (5, 7, 3), np.uint8) for _ in range(2)]
    for step, picture in enumerate(pictures):
        picture.flags.writeable = False
        write_events(
            tmp_path / "new" / "folder",
            step=step,
            scalars={"AP/cat": 0.25 * step},
            pictures={"some picture": picture},
        )
    events = EventAccumulator(str(tmp_path / "new" / "folder")).Reload()
    numbers = [(event.step, event.value) for event in events.Scalars("AP/cat")]
    assert numbers == [(0, 0.0), (1, 0.25)]
    for event, picture in zip(events.Images("some picture"), pictures, strict=True):
        assert (event.height, event.width) == (5, 7)
        png = np.frombuffer(event.encoded_image_string, np.uint8)
        # PNG loses nothing; OpenCV decodes to BGR.
        decoded = cv2.imdecode(png, cv2.IMREAD_COLOR)[..., ::-1]
        np.testing.assert_array_equal(decoded, picture)


def test_nothing_to_write(tmp_path):
    write_events(tmp_path, step=0, scalars={}, pictures={})
    assert EventAccumulator(str(tmp_path)).Reload().Tags()["images"] == []


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        write_events(tmp_path / "file", step=0, scalars={}, pictures={})


def test_epochs_under_the_names_of_keras(tmp_path):
    log = LogEpochs(tmp_path)
    log.on_epoch_end(0, {"loss": 2.0, "val_loss": np.float32(3)})
    log.on_epoch_end(1, {"loss": 1.0})
    log.on_epoch_end(2)
    for folder, expected in (("train", [(0, 2.0), (1, 1.0)]), ("validation", [(0, 3)])):
        events = EventAccumulator(str(tmp_path / folder)).Reload()
        assert events.Tags()["scalars"] == ["epoch_loss"]
        numbers = [(event.step, event.value) for event in events.Scalars("epoch_loss")]
        assert numbers == expected
