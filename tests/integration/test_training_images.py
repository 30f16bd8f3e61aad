"""Images without objects, rare classes, jitter and pasting through a tiny network."""

import keras
import numpy as np
import pytest

from mrcnn.config import Config
from mrcnn.data.dataset import Dataset
from mrcnn.model import MaskRCNN
from mrcnn.structures import LOSS_NAMES
from mrcnn.training import trainer


class TinyConfig(Config):
    """Small enough that a step takes a fraction of a second."""

    NAME = "squares"
    BACKBONE = "resnet18"
    NUM_CLASSES = 2
    IMAGES_PER_GPU = 2
    IMAGE_MIN_DIM = 64
    IMAGE_MAX_DIM = 64
    TOP_DOWN_PYRAMID_SIZE = 32
    FPN_CLASSIF_FC_LAYERS_SIZE = 32
    RPN_ANCHOR_SCALES = (8, 16, 32, 48, 64)
    RPN_TRAIN_ANCHORS_PER_IMAGE = 32
    POST_NMS_ROIS_TRAINING = 40
    TRAIN_ROIS_PER_IMAGE = 9
    MAX_GT_INSTANCES = 4
    STEPS_PER_EPOCH = None
    VALIDATION_STEPS = None
    REPEAT_THRESHOLD = 0.5
    NEGATIVE_IMAGE_RATIO = 0.5
    SCALE_JITTER = (0.5, 2.0)
    COPY_PASTE = 0.5
    CLASS_WEIGHTS = (0.5, 1.0)


class Squares(Dataset):
    """Pictures in memory; the first `num_empty` hold nothing, the others a square."""

    def __init__(self, num_empty, num_squares):
        super().__init__()
        self.num_empty = num_empty
        self.add_class("squares", 1, "square")
        for i in range(num_empty + num_squares):
            self.add_image("squares", i, None)
        self.prepare()

    def load_image(self, image_id):
        image = np.random.default_rng(image_id).integers(0, 60, (60, 80, 3))
        masks, _ = self.load_mask(image_id)
        image[masks.any(axis=2)] = (230, 180, 40)
        return image.astype(np.uint8)

    def load_mask(self, image_id):
        num = int(image_id >= self.num_empty)
        masks = np.zeros((60, 80, num), bool)
        masks[10:40, 20:50] = True
        return masks, np.ones(num, np.int32)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    # By chance, random weights are sure of the background.
    keras.utils.set_random_seed(1)
    return MaskRCNN("training", TinyConfig(), tmp_path_factory.mktemp("logs"))


def losses_of(model, dataset):
    model.keras_model.compile()
    batch = trainer.make_batches(dataset, model.config, shuffle=False)[0]
    return model.keras_model.test_on_batch(batch, return_dict=True)


def test_images_without_objects_count_in_the_class_losses_alone(model):
    losses = losses_of(model, Squares(num_empty=2, num_squares=0))
    for name in ("rpn_class_loss", "mrcnn_class_loss"):
        assert np.isfinite(losses[name]) and losses[name] > 0, name
    for name in ("rpn_bbox_loss", "mrcnn_bbox_loss", "mrcnn_mask_loss"):
        assert losses[name] == 0, name


def test_class_weights_reach_the_class_loss(model):
    network = model.keras_model
    assert network.class_weights == (0.5, 1.0)
    try:
        # Without objects every ROI is background, which then weighs nothing.
        network.class_weights = (0.0, 1.0)
        losses = losses_of(model, Squares(num_empty=2, num_squares=0))
    finally:
        network.class_weights = (0.5, 1.0)
    assert losses["mrcnn_class_loss"] == 0 and losses["rpn_class_loss"] > 0


def test_training_with_all_of_it(model, monkeypatch):
    made = []

    class Watched(trainer.Batches):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            made.append(self)

    monkeypatch.setattr(trainer, "Batches", Watched)
    train, val = Squares(num_empty=6, num_squares=4), Squares(1, 1)
    history = model.train(train, val, 0.001, 1, "heads").history
    assert np.isfinite([history[name] for name in LOSS_NAMES]).all()
    of_train, of_val = made
    # The class is in 4 of 10 images: 4 * sqrt(0.5 / 0.4) = 4.47 -> 4 places, and
    # half as many images without; in batches of 2 these are 3.
    assert len(of_train) == 3 and len(of_val) == 1
    scales, pasted = set(), 0
    for epoch in range(4):
        of_train.epoch = epoch
        for batch in (of_train[i] for i in range(3)):
            scales |= set(batch["image_meta"][:, 11])
            pasted += (batch["gt_class_ids"] > 0).sum(axis=1).max() > 1
    assert len(scales) == 24 and pasted > 0
    # 60 x 80 pixels to 64 on the longer side; validation shows every image so.
    np.testing.assert_allclose(of_val[0]["image_meta"][:, 11], 0.8)
