"""Events for TensorBoard, read back by its own reader."""

import cv2
import keras
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

from mrcnn.evaluation.curves import Curve
from mrcnn.training.events import (
    NUM_BUCKETS,
    NUM_THRESHOLDS,
    LogEpochs,
    buckets,
    write_events,
)
from mrcnn.training.schedule import learning_rate_schedule


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
    write_events(tmp_path, step=0)
    assert EventAccumulator(str(tmp_path)).Reload().Tags()["tensors"] == []


def test_a_folder_that_cannot_be_made(tmp_path, caplog):
    (tmp_path / "file").write_text("")
    write_events(tmp_path / "file", step=0, scalars={"AP": 0.5})
    assert f"{tmp_path / 'file'} could not be written to" in caplog.text


def plugin_value(folder, tag, plugin):
    """The only value of a tag, an array, which is for a plugin of TensorBoard."""
    events = EventAccumulator(str(folder)).Reload()
    assert events.SummaryMetadata(tag).plugin_data.plugin_name == plugin
    (event,) = events.Tensors(tag)
    return make_ndarray(event.tensor_proto)


def test_histograms_read_back(tmp_path):
    rng = np.random.default_rng(0)
    values = rng.normal(size=(3, 5, 7)).astype(np.float32)
    values.flags.writeable = False
    write_events(
        tmp_path, step=0, histograms={"a": values, "b": keras.Variable(values)}
    )
    counts, edges = np.histogram(values, NUM_BUCKETS)
    for tag in "ab":
        read = plugin_value(tmp_path, tag, "histograms")
        assert read[:, 2].tolist() == counts.tolist()
        np.testing.assert_allclose(read[:, 0], edges[:-1], atol=1e-6)
        np.testing.assert_allclose(read[:, 1], edges[1:], atol=1e-6)


@pytest.mark.parametrize(
    ("values", "filled"),
    [
        ([], {}),
        ([np.nan, np.inf], {}),
        # All values one: the last bucket has them, as TensorBoard's own function does.
        ([2, 2, 2], {29: (2, 2, 3)}),
        ([0, 3, np.nan], {0: (0, 0.1, 1), 29: (2.9, 3, 1)}),
        ([0, 1e-45], {0: (0, 0, 1), 29: (0, 1e-45, 1)}),
    ],
)
def test_histograms_of_strange_values(values, filled):
    found = buckets(np.array(values))
    assert found.shape == (NUM_BUCKETS, 3)
    assert {int(i) for i in np.flatnonzero(found[:, 2])} == set(filled)
    for i, bucket in filled.items():
        assert found[i] == pytest.approx(bucket)


def test_precision_and_recall_read_back(tmp_path):
    # Four objects. At 0.9 one is found, at 0.5 one more and something that is none.
    curve = Curve(
        num_objects=4,
        thresholds=np.array([0.9, 0.5], np.float32),
        num_found=np.array([1, 3]),
        num_right=np.array([1, 2]),
    )
    write_events(tmp_path, step=0, curves={"cat": curve})
    read = plugin_value(tmp_path, "cat", "pr_curves")
    assert read.shape == (6, NUM_THRESHOLDS)
    # True positives, false ones, true negatives, false ones, precision, recall at a
    # score of i / 100. TensorBoard leaves out the last, where nothing is found.
    for i, expected in (
        *((0, [2, 1, 0, 2, 2 / 3, 2 / 4]), (50, [2, 1, 0, 2, 2 / 3, 2 / 4])),
        *((51, [1, 0, 0, 3, 1, 1 / 4]), (90, [1, 0, 0, 3, 1, 1 / 4])),
        (91, [0, 0, 0, 4, 0, 0]),
    ):
        np.testing.assert_allclose(read[:, i], expected, rtol=1e-6)


def test_numbers_of_epochs(tmp_path):
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    rate = learning_rate_schedule("cosine", 0.1, 20, warmup_steps=4)
    network.compile(keras.optimizers.SGD(rate))
    log = LogEpochs(tmp_path)
    log.set_model(network)
    epochs = ({"loss": 2.0, "val_loss": np.float32(3)}, {"loss": 1.0}, None)
    for epoch, logs in enumerate(epochs):
        network.optimizer.iterations.assign(6 * epoch)
        log.on_epoch_end(epoch, logs)
    # The warm-up begins with 0. After 6 steps 2 / 16 of the cosine are over, then 8.
    rates = [0, *(0.05 * (1 + np.cos(np.pi * share)) for share in (1 / 8, 1 / 2))]
    for folder, tag, expected in (
        ("train", "epoch/loss", [(0, 2.0), (1, 1.0)]),
        ("validation", "epoch/loss", [(0, 3.0)]),
        ("train", "epoch/learning_rate", [*enumerate(rates)]),
    ):
        events = EventAccumulator(str(tmp_path / folder)).Reload()
        numbers = [(event.step, event.value) for event in events.Scalars(tag)]
        assert numbers == [(step, pytest.approx(value)) for step, value in expected]
