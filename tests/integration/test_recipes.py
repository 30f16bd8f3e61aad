"""Stages, schedules, moving averages and precisions, through a whole training."""

import keras
import numpy as np
import pytest

from mrcnn.config import Config
from mrcnn.data.dataset import Dataset
from mrcnn.errors import ConfigError
from mrcnn.model import MaskRCNN
from mrcnn.network.backbones import register_backbone
from mrcnn.network.build import build_network
from mrcnn.network.layers import conv_bn
from mrcnn.structures import LOSS_NAMES, Stage
from mrcnn.training.averaging import averaged_weights
from mrcnn.training.trainer import compile_network, make_batches


def tiny_backbone(image, train_bn):
    """Return C2 to C5 of five convolutions, which Keras compiles in a moment."""
    levels = []
    for i in range(1, 6):
        x = levels[-1] if levels else image
        names = {"name": f"res{i}", "bn_name": f"bn{i}"}
        x = conv_bn(x, 8, 3, strides=2, padding="same", train_bn=train_bn, **names)
        levels.append(keras.layers.ReLU(name=f"relu{i}")(x))
    return levels[1:]


register_backbone("tiny_of_recipes", tiny_backbone)


class TinyConfig(Config):
    """The smallest network that has every part."""

    NAME = "tiny"
    BACKBONE = "tiny_of_recipes"
    NUM_CLASSES = 2
    IMAGES_PER_GPU = 1
    IMAGE_MIN_DIM = 64
    IMAGE_MAX_DIM = 64
    TOP_DOWN_PYRAMID_SIZE = 16
    FPN_CLASSIF_FC_LAYERS_SIZE = 16
    RPN_ANCHOR_SCALES = (8, 16, 32, 48, 64)
    RPN_TRAIN_ANCHORS_PER_IMAGE = 32
    POST_NMS_ROIS_TRAINING = 20
    POST_NMS_ROIS_INFERENCE = 10
    TRAIN_ROIS_PER_IMAGE = 6
    MAX_GT_INSTANCES = 4
    DETECTION_MAX_INSTANCES = 5
    DETECTION_MIN_CONFIDENCE = 0.0
    STEPS_PER_EPOCH = 4
    VALIDATION_STEPS = 1
    TRAIN_BN = None


class Squares(Dataset):
    """Pictures of one bright square each, in memory."""

    def load_image(self, image_id):
        image = np.full((64, 64, 3), 40, np.uint8)
        image[10 + image_id : 40, 20:50] = 220
        return image

    def load_mask(self, image_id):
        mask = np.zeros((64, 64, 1), bool)
        mask[10 + image_id : 40, 20:50] = True
        return mask, np.array([1], np.int32)


@pytest.fixture(scope="module")
def squares():
    dataset = Squares()
    dataset.add_class("squares", 1, "square")
    for i in range(4):
        dataset.add_image("squares", i, "")
    dataset.prepare()
    return dataset


class Watch(keras.callbacks.Callback):
    """Keeps the weights before and after each call of fit, and the rates of steps."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def on_train_begin(self, logs=None):
        self.calls.append({"before": values(self.model), "rates": [], "logs": []})

    def on_train_batch_end(self, batch, logs=None):
        self.calls[-1]["rates"].append(float(self.model.optimizer.learning_rate))

    def on_epoch_end(self, epoch, logs=None):
        self.calls[-1]["logs"].append(dict(logs))
        self.calls[-1]["raw"] = values(self.model)
        with averaged_weights(self.model):
            self.calls[-1]["averaged"] = values(self.model)

    def on_train_end(self, logs=None):
        self.calls[-1]["after"] = values(self.model)


def values(model):
    """Weights by "layer/name", also of models in the model."""
    found = {}
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            found |= values(layer)
        else:
            found |= {f"{layer.name}/{v.name}": np.array(v) for v in layer.weights}
    return found


def changed(call):
    return {
        path
        for path, value in call["after"].items()
        if not np.array_equal(value, call["before"][path])
    }


STAGES = [Stage("heads", 1, 0.004), Stage("5+", 3, 0.002), Stage("all", 4, 0.001)]


@pytest.fixture(scope="module")
def staged(squares, tmp_path_factory):
    """A training of two stages, and what happened in each."""
    keras.utils.set_random_seed(0)
    config = TinyConfig(
        EMA_MOMENTUM=0.5,
        LEARNING_RATE_SCHEDULE="step",
        LEARNING_RATE_STEPS=(0.5,),
        WARMUP_STEPS=1,
    )
    model = MaskRCNN("training", config, tmp_path_factory.mktemp("logs"))
    watch = Watch()
    histories = model.train_stages(
        squares, squares, STAGES[:2], custom_callbacks=[watch], workers=1
    )
    return model, watch.calls, histories


def test_each_stage_has_its_epochs_and_rates(staged):
    model, calls, histories = staged
    assert [history.epoch for history in histories] == [[0], [1, 2]]
    assert model.epoch == 3
    # The rate after each batch is that of the next one: a warm-up of one batch, a
    # tenth from half of the stage's batches on. Each stage counts anew.
    expected = [
        [0.004, 0.0004, 0.0004, 0.0004],
        [0.002] * 3 + [0.0002] * 5,
    ]
    for call, rates in zip(calls, expected, strict=True):
        np.testing.assert_allclose(call["rates"], rates, rtol=1e-5)


def test_stages_that_are_done_are_left_out(staged, squares, monkeypatch):
    model, _, _ = staged
    asked = []
    monkeypatch.setattr(
        "mrcnn.training.trainer.fit",
        lambda *args, epochs, layers, learning_rate, workers, **kwargs: asked.append(
            (layers, epochs, learning_rate, workers)
        ),
    )
    # Epoch 3 is the end of the second stage; epoch 2 lies in its middle.
    for epoch, expected in ((3, ["all"]), (2, ["5+", "all"]), (0, ["heads", "5+"])):
        asked.clear()
        monkeypatch.setattr(model, "epoch", epoch)
        model.train_stages(squares, squares, STAGES[: 3 if epoch else 2], workers=3)
        assert asked == [
            (stage.layers, stage.epochs, stage.learning_rate, 3)
            for stage in STAGES
            if stage.layers in expected
        ]
    monkeypatch.setattr(model, "epoch", 4)
    with pytest.raises(ConfigError, match="Expected epochs above 4.*epochs=4"):
        model.train_stages(squares, squares, STAGES)
    with pytest.raises(ConfigError, match="epochs rise"):
        model.train_stages(squares, squares, STAGES[::-1])


def test_each_stage_trains_its_layers_and_their_batch_norm(staged):
    _, calls, _ = staged
    heads, fifth = (
        {path for path in changed(call) if path.startswith(("res", "bn"))}
        for call in calls
    )
    assert heads == set()
    # Statistics move where batch norm learns, and nowhere else.
    assert {path.split("/")[0] for path in fifth} == {"res5", "bn5"}
    assert {"res5/kernel", "bn5/gamma", "bn5/moving_mean"} <= fifth
    assert "fpn_p2/kernel" in changed(calls[0]) & changed(calls[1])


def test_loss_of_each_stage_is_the_sum_of_its_parts(staged):
    _, calls, _ = staged
    decay = []
    for call in calls:
        for logs in call["logs"]:
            rest = logs["loss"] - sum(logs[name] for name in LOSS_NAMES)
            assert 0 < rest < 0.01
        decay.append(rest)
    # Weight decay is the rest: more of it, the more layers learn.
    assert decay[0] < decay[1]


def test_checkpoints_hold_the_average(staged):
    model, calls, _ = staged
    last = calls[-1]
    different = {
        path
        for path, value in last["raw"].items()
        if not np.array_equal(value, last["averaged"][path])
    }
    assert "rpn_conv_shared/kernel" in different
    detector = MaskRCNN("inference", TinyConfig(), model.model_dir)
    detector.load_weights(detector.find_last())
    for path, value in values(detector.keras_model).items():
        np.testing.assert_array_equal(value, last["averaged"][path], err_msg=path)
    # And so does the network when the training is over.
    for path, value in values(model.keras_model).items():
        np.testing.assert_array_equal(value, last["averaged"][path], err_msg=path)


@pytest.fixture(scope="module")
def float32_step(squares):
    """Weights, batch and losses of a step, on ROIs that are given."""
    keras.utils.set_random_seed(0)
    config = TinyConfig(USE_RPN_ROIS=False, TRAIN_BN=False)
    network = build_network("training", config)
    weights = network.get_weights()
    batch = make_batches(squares, config, shuffle=False)[0]
    compile_network(network, 0.001, config)
    losses = network.test_on_batch(batch, return_dict=True)
    return weights, batch, losses


@pytest.mark.parametrize("precision", ["mixed_bfloat16", "mixed_float16"])
def test_losses_of_a_precision_are_near_those_of_float32(float32_step, precision):
    weights, batch, expected = float32_step
    config = TinyConfig(USE_RPN_ROIS=False, TRAIN_BN=False, PRECISION=precision)
    network = build_network("training", config)
    assert keras.config.dtype_policy().name == "float32"  # for others as it was
    assert network.get_layer("res1").compute_dtype == precision.removeprefix("mixed_")
    assert {v.dtype for v in network.trainable_variables} == {"float32"}
    network.set_weights(weights)
    compile_network(network, 0.001, config)
    scales = isinstance(network.optimizer, keras.optimizers.LossScaleOptimizer)
    assert scales == (precision == "mixed_float16")
    losses = network.train_on_batch(batch, return_dict=True)
    for name, loss in expected.items():
        assert losses[name] == pytest.approx(loss, rel=0.03, abs=2e-3), name
    if scales:  # the first scale may be too large for any step
        for _ in range(15):
            network.train_on_batch(batch)
    after = network.get_weights()
    assert all(np.isfinite(array).all() for array in after)
    assert not all(map(np.array_equal, after, weights))
