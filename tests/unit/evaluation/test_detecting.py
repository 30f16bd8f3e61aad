"""Detection of a data set's images, a few at a time."""

import numpy as np

from mrcnn.evaluation.detecting import detect_all
from mrcnn.evaluation.speed import Stopwatch
from tests.unit.evaluation.scenes import FakeDataset, detections

A = (0, 0, 50, 50)


def test_images_are_loaded_a_few_at_a_time():
    dataset = FakeDataset(*[[]] * 5)
    sizes, watch = [], Stopwatch()

    def detect(images):
        sizes.append(len(images))
        # The fixture's image i has the grey 40 * i.
        return [detections((A, 1, image[0, 0, 0] / 200)) for image in images]

    found = detect_all(
        dataset, [4, 0, 2, 3, 1], detect, 2, watch=watch, progress=lambda x: x[::-1]
    )
    assert sizes == [1, 2, 2]
    # In the order in which they were handed in, here the last batch first.
    scores = [of_image.scores[0] for of_image in found]
    np.testing.assert_allclose(scores, [0.2, 0.4, 0.6, 0.8, 0.0], rtol=1e-6)
    assert list(watch.seconds_per_image()) == ["loading"]


def test_classes_the_data_set_lacks_are_left_out():
    def detect(images):
        return [detections((A, 3, 0.9), (A, 4, 0.8))]

    (found,) = detect_all(FakeDataset([]), [0], detect, 1)
    assert found.class_ids.tolist() == [3]


def test_no_images():
    assert detect_all(FakeDataset(), [], None, 2) == []
