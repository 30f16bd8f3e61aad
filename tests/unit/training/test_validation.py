"""AP while training: when it is measured, on what, and where the numbers go."""

import contextlib
import csv
import logging

import cv2
import keras
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from mrcnn.config import Config
from mrcnn.structures import Detections
from mrcnn.training.epoch_table import EpochTable
from mrcnn.training.trainer import measuring_callbacks
from mrcnn.training.validation import (
    LOGGED,
    MeasurePrecision,
    compare,
)

AP_NAMES = ["val_bbox_AP", "val_bbox_AP50", "val_segm_AP", "val_segm_AP50"]


def true_objects(dataset, image_id, score=0.9):
    """The ground truth of an image as a detector would find it."""
    masks, class_ids = dataset.load_mask(image_id)
    # The fixture's object i is in rows 2 + i to 20 + i, columns 3i + 1 to 3i + 15.
    boxes = [(2 + i, 3 * i + 1, 20 + i, 3 * i + 15) for i in range(len(class_ids))]
    return Detections(
        image_hw=masks.shape[:2],
        boxes=np.array(boxes, np.int32).reshape(-1, 4),
        class_ids=class_ids,
        scores=np.full(len(class_ids), score, np.float32),
        box_masks=tuple(np.ones((18, 14), bool) for _ in class_ids),
    )


def perfect(dataset):
    """A detector that finds the ground truth; the red channel says which image."""
    return lambda images: [
        true_objects(dataset, int(image[0, 0, 0]) // 10) for image in images
    ]


def nothing(images):
    return [Detections.empty(image.shape[:2]) for image in images]


def callback(dataset, detect, folder, **settings):
    settings = {
        "image_ids": dataset.image_ids,
        "every": 1,
        "batch_size": 2,
        "shown_confidence": 0.7,
        **settings,
    }
    return MeasurePrecision(dataset, detect, folder, **settings)


def fit(callbacks, epochs=1):
    """Train next to nothing, with these callbacks."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    ones = np.ones((2, 1))
    return model.fit(ones, ones, epochs=epochs, verbose=0, callbacks=callbacks).history


def events(folder):
    return EventAccumulator(str(folder)).Reload()


def test_every_third_epoch_and_the_last(rectangles, tmp_path):
    dataset = rectangles([1, 2, 3])
    measure = callback(dataset, perfect(dataset), tmp_path / "events", every=3)
    table = EpochTable(tmp_path / "losses.csv", LOGGED)
    history = fit([measure, table], epochs=4)
    # What is found is all there is.
    for name in AP_NAMES:
        assert history[name] == pytest.approx([1, 1])
    with open(tmp_path / "losses.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    for name in AP_NAMES:
        assert [row[name] for row in rows[:2]] == ["", ""]
        assert [float(row[name]) for row in rows[2:]] == history[name]
    steps = [
        event.step for event in events(tmp_path / "events").Scalars("segm_AP/wide")
    ]
    assert steps == [2, 3]


def test_numbers_of_a_detector_that_misses(rectangles, tmp_path, caplog):
    dataset = rectangles([2, 2])

    def finds_wide(images):
        return [
            found.select(found.class_ids == 1) for found in perfect(dataset)(images)
        ]

    with caplog.at_level(logging.INFO):
        history = fit([callback(dataset, finds_wide, tmp_path)])
    # All of "wide", none of "tall": the mean of 1 and 0.
    for name in AP_NAMES:
        assert history[name] == [pytest.approx(0.5)]
    assert "Epoch 1, 2 validation images" in caplog.text
    assert "segm AP 0.500, AP50 0.500 (wide 1.000, tall 0.000)" in caplog.text
    assert events(tmp_path).Scalars("segm_AP/tall")[0].value == 0


def test_without_objects_there_is_no_number(rectangles, tmp_path, caplog):
    dataset = rectangles([0, 0])
    history = fit([callback(dataset, nothing, tmp_path)])
    assert not set(history) & set(AP_NAMES)
    assert "none of the 2 validation images has an object" in caplog.text
    assert events(tmp_path).Tags()["scalars"] == []


def test_a_class_without_objects_is_left_out(rectangles, tmp_path):
    dataset = rectangles([1, 1])  # "wide" alone
    history = fit([callback(dataset, nothing, tmp_path)])
    assert history["val_segm_AP"] == [0.0]  # there are objects, and none was found
    assert events(tmp_path).Tags()["scalars"] == ["segm_AP/wide"]


def test_weights_are_swapped_while_detecting(rectangles, tmp_path, monkeypatch):
    dataset = rectangles([1])
    seen = []

    @contextlib.contextmanager
    def averaged(network):
        seen.append(type(network).__name__)
        yield
        seen.append("back")

    def detect(images):
        seen.append("detect")
        return nothing(images)

    monkeypatch.setattr("mrcnn.training.validation.averaged_weights", averaged)
    fit([callback(dataset, detect, tmp_path)])
    assert seen == ["Sequential", "detect", "back"]


@pytest.mark.parametrize(
    ("settings", "image_ids", "every"),
    [
        ({"EVALUATE_EVERY": 0}, None, None),
        ({"EVALUATE_EVERY": 3, "VALIDATION_STEPS": None}, [0, 1, 2, 3, 4], 3),
        ({"EVALUATE_EVERY": 1, "VALIDATION_STEPS": 2}, [0, 1, 2, 3], 1),
        ({"EVALUATE_EVERY": 1, "VALIDATION_STEPS": 50}, [0, 1, 2, 3, 4], 1),
    ],
)
def test_images_of_a_configuration(rectangles, tmp_path, settings, image_ids, every):
    config = Config(NUM_CLASSES=3, IMAGES_PER_GPU=2, **settings)
    made = measuring_callbacks(rectangles([1] * 5), config, nothing, tmp_path)
    if image_ids is None:
        assert made == []
    else:
        (measure,) = made
        assert (measure.image_ids, measure.every) == (image_ids, every)
        assert (measure.batch_size, measure.shown_confidence) == (2, 0.7)
        assert measure.folder == tmp_path / "predictions"


def test_pictures_in_tensorboard(rectangles, tmp_path):
    dataset = rectangles([1] * 9)

    def detect(images):
        found = perfect(dataset)(images)
        unsure = [true_objects(dataset, 0, score=0.3) for _ in found]
        # Sure of even images alone.
        return [
            good if int(image[0, 0, 0]) % 20 == 0 else bad
            for image, good, bad in zip(images, found, unsure, strict=True)
        ]

    fit([callback(dataset, detect, tmp_path)])
    written = events(tmp_path)
    # Four of nine, evenly apart: every second.
    names = [f"truth_and_prediction/{i} {i}.png" for i in (0, 2, 4, 6)]
    assert sorted(written.Tags()["images"]) == names
    (event,) = written.Images(names[1])
    assert (event.height, event.width) == (40, 124)  # 60 + 4 + 60


def test_a_folder_that_cannot_be_written_to(rectangles, tmp_path, caplog):
    (tmp_path / "file").write_text("")
    dataset = rectangles([1])
    history = fit([callback(dataset, perfect(dataset), tmp_path / "file")])
    assert history["val_segm_AP"] == [pytest.approx(1)]
    assert "could not be written to" in caplog.text


def decoded(png):
    return cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


def test_something_is_drawn(rectangles, tmp_path):
    dataset = rectangles([1])
    fit([callback(dataset, nothing, tmp_path)])
    (event,) = events(tmp_path).Images("truth_and_prediction/0 0.png")
    picture = decoded(event.encoded_image_string)
    image = dataset.load_image(0)
    left, right = picture[:, :60], picture[:, 64:]
    np.testing.assert_array_equal(right, image)  # nothing found
    assert not np.array_equal(left, image)
    # Inside the true object, rows 2 to 20 and columns 1 to 15, every pixel changed;
    # below it, out of the caption's reach, none.
    assert (left[2:20, 1:15] != image[2:20, 1:15]).any(axis=2).all()
    np.testing.assert_array_equal(left[35:], image[35:])
    assert (picture[:, 60:64] == 255).all()


@pytest.mark.parametrize(
    ("shape", "dtype", "size"),
    [
        ((40, 60), np.uint8, (40, 124, 3)),
        ((40, 60, 2), np.float32, (40, 124, 3)),
        ((40, 60, 6), np.uint16, (40, 124, 3)),
        # 1024 pixels become 512: half of 40 x 1024 twice, and the gap.
        ((40, 1024, 3), np.uint8, (20, 1028, 3)),
    ],
)
def test_pictures_of_every_kind_of_image(shape, dtype, size):
    rng = np.random.default_rng(0)
    image = (rng.random(shape) * 1000).astype(dtype)
    image.flags.writeable = False
    masks, class_ids = np.zeros((0, 0, 0), bool), np.zeros(0, np.int32)
    found = Detections.empty(shape[:2])
    picture = compare(image, masks, class_ids, found, ["BG"])
    assert (picture.shape, picture.dtype) == (size, np.uint8)
    assert np.ptp(picture[:, :60]) > 200  # bright and dark


def test_crowds_and_vanished_objects_in_pictures():
    masks = np.zeros((40, 60, 2), bool)
    masks[5:30, 5:30, 0] = True  # the second has no pixels
    picture = compare(
        np.zeros((40, 60, 3), np.uint8),
        masks,
        np.array([-1, 1], np.int32),
        Detections.empty((40, 60)),
        ["BG", "crowd"],
    )
    assert picture[5:30, 5:30].any(axis=2).all()
    assert not picture[:, 64:].any()
