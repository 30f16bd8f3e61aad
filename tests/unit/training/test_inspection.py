"""The original's data_generator against the batches that training takes."""

import itertools

import numpy as np
import pytest

from mrcnn.config import Config
from mrcnn.data.dataset import Dataset
from mrcnn.errors import ConfigError
from mrcnn.training.inspection import data_generator
from mrcnn.training.trainer import make_batches

ORDER = ("image", "image_meta", "rpn_match", "rpn_bbox")
OBJECTS = ("gt_class_ids", "gt_boxes", "gt_masks")


class Squares(Dataset):
    """Three images of 64 pixels with a square each."""

    def __init__(self):
        super().__init__()
        self.add_class("squares", 1, "square")
        for i in range(3):
            self.add_image("squares", i, path=f"{i}.png")
        self.prepare()

    def load_image(self, image_id):
        return np.full((64, 64, 3), 10 * image_id, np.uint8)

    def load_mask(self, image_id):
        mask = np.zeros((64, 64, 1), bool)
        mask[8:30, 20:50] = True
        return mask, np.array([1], np.int32)


SETTINGS = {"NUM_CLASSES": 2, "IMAGE_MIN_DIM": 64, "IMAGE_MAX_DIM": 64}
CONFIG = Config(**SETTINGS, IMAGES_PER_GPU=3)


@pytest.mark.parametrize("random_rois", [0, 7])
def test_arrays_are_those_of_training_in_the_originals_order(random_rois):
    generator = data_generator(
        Squares(), CONFIG, shuffle=False, batch_size=2, random_rois=random_rois
    )
    inputs, outputs = next(generator)
    config = Config(**SETTINGS, IMAGES_PER_GPU=2)
    if random_rois:
        config.update(USE_RPN_ROIS=False, POST_NMS_ROIS_TRAINING=random_rois)
    expected = make_batches(Squares(), config, shuffle=False)[0]
    keys = (*ORDER, *OBJECTS, *(("rois",) if random_rois else ()))
    assert outputs == [] and tuple(expected) == keys
    for key, array in zip(keys, inputs, strict=True):
        np.testing.assert_array_equal(array, expected[key])
    assert CONFIG.IMAGES_PER_GPU == 3  # the caller's stays as it is


def test_goes_on_for_ever_with_every_image_in_turn():
    generator = data_generator(Squares(), CONFIG, batch_size=2)
    batches = [inputs for inputs, _ in itertools.islice(generator, 9)]
    assert {len(inputs[0]) for inputs in batches} == {2}
    ids = [int(meta[0]) for inputs in batches for meta in inputs[1]]
    # 18 places: each of the three images six times, in orders that differ.
    assert [ids.count(i) for i in range(3)] == [6, 6, 6]
    rounds = [tuple(ids[i : i + 3]) for i in range(0, 18, 3)]
    assert all(sorted(each) == [0, 1, 2] for each in rounds) and len(set(rounds)) > 1


def test_augment_flips_some():
    generator = data_generator(Squares(), CONFIG, augment=True)
    lefts = {int(next(generator)[0][5][0, 0, 1]) for _ in range(12)}
    # The square begins at column 20, in the mirror at 64 - 50.
    assert lefts == {20, 14}


def test_detection_targets_are_the_networks():
    with pytest.raises(ConfigError, match="Expected detection_targets=False"):
        data_generator(Squares(), CONFIG, detection_targets=True)
