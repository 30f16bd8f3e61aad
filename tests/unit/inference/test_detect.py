"""Molding, batching and unmolding around a network that answers what it is told."""

import numpy as np
import pytest

from mrcnn.config import Config
from mrcnn.errors import DatasetError
from mrcnn.inference.detect import detect, mold_inputs, unmold


class Answering:
    """Finds in every image one object that fills its window, of class 1."""

    def __init__(self):
        self.batch_sizes = []

    def predict_on_batch(self, inputs):
        image, meta = inputs["image"], inputs["image_meta"]
        self.batch_sizes.append(len(image))
        assert inputs["anchors"].shape == (len(image), 3, 4)
        height, width = image.shape[1:3]
        detections = np.zeros((len(image), 5, 6), np.float32)
        window = meta[:, 7:11]
        detections[:, 0, :4] = (window - [0, 0, 1, 1]) / (
            np.array([height, width, height, width]) - 1
        )
        detections[:, 0, 4:] = (1, 0.9)
        return {
            "mrcnn_detection": detections,
            "mrcnn_mask": np.ones((len(image), 5, 28, 28, 2), np.float32),
        }


def config(**settings):
    return Config(
        **{
            "NUM_CLASSES": 2,
            "IMAGE_MIN_DIM": 128,
            "IMAGE_MAX_DIM": 128,
            "IMAGES_PER_GPU": 2,
            **settings,
        }
    )


def anchors_of(image_hw):
    return np.zeros((3, 4), np.float32)


def test_boxes_come_back_in_pixels_of_each_image():
    shapes = [(96, 128), (37, 50), (300, 41), (128, 128), (1, 9)]
    network = Answering()
    images = [np.zeros((*shape, 3), np.uint8) for shape in shapes]
    found = detect(network, images, config(), anchors_of)
    assert network.batch_sizes == [2, 2, 1]
    for shape, result in zip(shapes, found, strict=True):
        assert result.image_hw == shape
        assert result.boxes.tolist() == [[0, 0, *shape]]
        assert result.class_ids.tolist() == [1]
        assert result.box_masks[0].shape == shape


def test_sizes_that_differ_do_not_share_a_batch():
    network = Answering()
    shapes = [(64, 64), (64, 64), (64, 200), (64, 64)]
    images = [np.zeros((*shape, 3), np.uint8) for shape in shapes]
    settings = config(IMAGE_RESIZE_MODE="pad64", IMAGE_MIN_DIM=64)
    found = detect(network, images, settings, anchors_of)
    assert network.batch_sizes == [2, 1, 1]
    assert [result.image_hw for result in found] == shapes
    with pytest.raises(DatasetError, match="one molded size"):
        mold_inputs(images, settings)


def test_no_images():
    assert detect(Answering(), [], config(), anchors_of) == []


@pytest.mark.parametrize(
    "image", [np.zeros((4, 4, 7), np.uint8), "photo.jpg", np.zeros(3), None]
)
def test_what_is_no_image_is_said(image):
    with pytest.raises(DatasetError, match="Expected an image"):
        detect(Answering(), [image], config(), anchors_of)


def test_unmold_drops_padding_and_what_rounding_leaves_empty():
    detections = np.zeros((4, 6), np.float32)
    detections[0] = (0.2, 0.2, 0.6, 0.8, 1, 0.9)
    detections[1] = (0.5, 0.5, 0.49, 0.6, 1, 0.8)  # rows 50 to 50
    detections[2] = (0.0, 0.0, 1.0, 1.0, 1, 0.7)
    masks = np.zeros((4, 28, 28, 2), np.float32)
    masks[0, :14, :, 1] = 1
    found = unmold(
        detections,
        masks,
        image_hw=(101, 101),
        molded_hw=(101, 101),
        window=(0, 0, 101, 101),
    )
    # Normalised 0.2 of 101 - 1 is 20; the far corner is shifted by a pixel.
    assert found.boxes.tolist() == [[20, 20, 61, 81], [0, 0, 101, 101]]
    np.testing.assert_allclose(found.scores, [0.9, 0.7])
    upper = found.box_masks[0]
    assert upper.shape == (41, 61)
    assert upper[2:19, 2:-2].all() and not upper[22:].any()
    assert not found.box_masks[1].any()


@pytest.mark.parametrize(("threshold", "rows"), [(0.2, 60), (0.5, 40), (0.8, 20)])
def test_lower_mask_threshold_makes_larger_masks(threshold, rows):
    class Unsure(Answering):
        def predict_on_batch(self, inputs):
            outputs = super().predict_on_batch(inputs)
            # A quarter of the rows is sure, another likely, the third perhaps.
            for row, probability in enumerate((0.9, 0.6, 0.3, 0.0)):
                outputs["mrcnn_mask"][:, :, 7 * row : 7 * row + 7] = probability
            return outputs

    image = np.zeros((80, 80, 3), np.uint8)
    (found,) = detect(Unsure(), [image], config(), anchors_of, mask_threshold=threshold)
    assert found.box_masks[0].any(axis=1).sum() == pytest.approx(rows, abs=2)
    (usual,) = detect(Unsure(), [image], config(), anchors_of)
    assert usual.box_masks[0].any(axis=1).sum() == pytest.approx(40, abs=2)
