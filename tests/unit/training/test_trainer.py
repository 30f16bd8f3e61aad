"""The optimizer and the learning rate of a configuration."""

import keras
import numpy as np
import pytest

from mrcnn.config import Config
from mrcnn.errors import ConfigError, DatasetError
from mrcnn.training.trainer import (
    check_training_data,
    compile_network,
    fit,
    scheduled_rate,
)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("sgd", keras.optimizers.SGD), ("adamw", keras.optimizers.AdamW)],
)
def test_optimizer(name, kind, linear):
    network = linear()
    config = Config(OPTIMIZER=name, GRADIENT_CLIP_NORM=3.0, LEARNING_MOMENTUM=0.8)
    compile_network(network, 0.25, config)
    optimizer = network.optimizer
    assert isinstance(optimizer, kind)
    assert float(optimizer.learning_rate) == 0.25
    # By the norm of all gradients together, not of each: that changed training.
    assert (optimizer.global_clipnorm, optimizer.clipnorm) == (3.0, None)
    assert not optimizer.use_ema
    assert optimizer.gradient_accumulation_steps is None
    if name == "sgd":
        assert optimizer.momentum == 0.8
    else:
        assert not optimizer.weight_decay  # the loss has it


def batches(rng, count):
    """Inputs [count, 4, 3] and targets [count, 4, 1], float32."""
    x = rng.normal(size=(count, 4, 3)).astype(np.float32)
    return x, rng.normal(size=(count, 4, 1)).astype(np.float32) * 4


def gradient(weights, x, y):
    """Of mean((x w - y)^2) over one batch: 2 / B x^T (x w - y); float64."""
    return 2 / len(x) * x.T.astype(float) @ (x @ weights - y)


def clipped(values, norm):
    return values * min(1, norm / np.linalg.norm(values)) if norm else values


@pytest.mark.parametrize("clip_norm", [0.0, 1.5])
def test_accumulated_gradients_are_averaged_and_then_clipped(linear, rng, clip_norm):
    config = Config(
        GRADIENT_ACCUMULATION=2, GRADIENT_CLIP_NORM=clip_norm, LEARNING_MOMENTUM=0.9
    )
    network = linear()
    compile_network(network, 0.1, config)
    weights = network.get_weights()[0].astype(float)
    velocity = 0.0
    x, y = batches(rng, 6)
    for i in (0, 2, 4):
        both = [gradient(weights, x[j], y[j]) for j in (i, i + 1)]
        step = clipped(np.mean(both, axis=0), clip_norm)
        if clip_norm:  # a clip of each batch would be another step
            of_each = np.mean([clipped(g, clip_norm) for g in both], axis=0)
            assert abs(of_each - step).max() > 1e-3
        network.train_on_batch(x[i], y[i])
        np.testing.assert_allclose(network.get_weights()[0], weights, atol=1e-6)
        network.train_on_batch(x[i + 1], y[i + 1])
        velocity = 0.9 * velocity - 0.1 * step
        weights = weights + velocity
        np.testing.assert_allclose(network.get_weights()[0], weights, atol=1e-6)


def test_two_small_batches_equal_a_large_one(rng):
    """Through layers with a frozen batch norm between them."""
    keras.utils.set_random_seed(0)
    x, y = batches(rng, 2)
    start = None
    results = []
    for accumulation in (1, 2):
        norm = keras.layers.BatchNormalization(trainable=False)
        network = keras.Sequential(
            [keras.Input((3,)), keras.layers.Dense(5), norm, keras.layers.Dense(1)]
        )
        start = start or network.get_weights()
        network.set_weights(start)
        config = Config(GRADIENT_ACCUMULATION=accumulation, GRADIENT_CLIP_NORM=0.5)
        compile_network(network, 0.1, config)
        network.compile(optimizer=network.optimizer, loss="mse")
        if accumulation == 1:
            network.train_on_batch(x.reshape(8, 3), y.reshape(8, 1))
        else:
            network.train_on_batch(x[0], y[0])
            network.train_on_batch(x[1], y[1])
        results.append(network.get_weights())
    for large, small, before in zip(*results, start, strict=True):
        np.testing.assert_allclose(small, large, atol=1e-6)
        assert before.ndim == 1 or abs(large - before).max() > 1e-3


def test_the_schedule_counts_batches(linear, rng):
    config = Config(
        GRADIENT_ACCUMULATION=2,
        GRADIENT_CLIP_NORM=0.0,
        LEARNING_MOMENTUM=0.0,
        LEARNING_RATE_SCHEDULE="step",
        LEARNING_RATE_STEPS=(0.5,),
        WARMUP_STEPS=2,
    )
    network = linear()
    compile_network(network, scheduled_rate(0.2, 6, config), config)
    x, y = batches(rng, 6)
    # Batches 1, 3 and 5 step, at the rates of these batches: half way up the warm-up;
    # from batch 0.5 * 6 = 3 on a tenth.
    for batch, rate in ((1, 0.1), (3, 0.02), (5, 0.02)):
        before = network.get_weights()[0].astype(float)
        both = [gradient(before, x[j], y[j]) for j in (batch - 1, batch)]
        network.train_on_batch(x[batch - 1], y[batch - 1])
        assert float(network.optimizer.learning_rate) == pytest.approx(rate)
        network.train_on_batch(x[batch], y[batch])
        np.testing.assert_allclose(
            network.get_weights()[0], before - rate * np.mean(both, axis=0), atol=1e-6
        )


def test_schedule_of_the_configuration():
    assert scheduled_rate(0.1, 50, Config()) == 0.1
    config = Config(
        LEARNING_RATE_SCHEDULE="step", LEARNING_RATE_STEPS=(0.5,), WARMUP_STEPS=3
    )
    assert scheduled_rate(0.1, 50, config).get_config() == {
        "kind": "step",
        "learning_rate": 0.1,
        "num_steps": 50,
        "warmup_steps": 3,
        "drops": [0.5],
    }


def test_more_batches_to_average_than_there_are():
    with pytest.raises(ConfigError, match="at most 3.*GRADIENT_ACCUMULATION=4"):
        scheduled_rate(0.1, 3, Config(GRADIENT_ACCUMULATION=4))


def test_float16_scales_the_loss(linear, rng):
    network = linear("mixed_float16")
    config = Config(GRADIENT_CLIP_NORM=1.5, GRADIENT_ACCUMULATION=2, EMA_MOMENTUM=0.9)
    compile_network(network, scheduled_rate(0.1, 9, config), config)
    optimizer = network.optimizer
    assert isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
    assert optimizer.inner_optimizer.global_clipnorm == 1.5
    optimizer.build(network.trainable_variables)
    optimizer.dynamic_scale.assign(64.0)  # these batches do not overflow
    x, y = batches(rng, 2)
    weights = network.get_weights()[0].astype(float)
    step = np.mean([gradient(weights, x[j], y[j]) for j in range(2)], axis=0)
    for i in range(2):
        network.train_on_batch(x[i], y[i])
    # Unscaled before it is clipped: the step of float32, but for the rounding.
    np.testing.assert_allclose(
        network.get_weights()[0], weights - 0.1 * clipped(step, 1.5), atol=1e-3
    )
    # A batch that overflows changes nothing and halves the scale.
    before = network.get_weights()[0]
    for _ in range(2):
        network.train_on_batch(np.full((4, 3), 6e4, np.float32), y[0])
    np.testing.assert_array_equal(network.get_weights()[0], before)
    assert float(optimizer.dynamic_scale) == 64 / 4


def test_check_training_data(rectangles):
    config = Config(NUM_CLASSES=3, IMAGE_MIN_DIM=64, IMAGE_MAX_DIM=64)

    def check(train, val, **kwargs):
        check_training_data(rectangles(train), rectangles(val), config, **kwargs)

    check([1, 0], [0])  # no object in the validation images, but images
    with pytest.raises(DatasetError, match="to learn from. Received: 2 images"):
        check([0, 0], [1])
    with pytest.raises(DatasetError, match="at least one image"):
        check([1], [])
    for train, val in (([1], ["broken"]), (["broken"], [1])):
        with pytest.raises(DatasetError, match=r"image 0 \(shapes.no0"):
            check(train, val)
    with pytest.raises(ConfigError, match="Received: augmentation=str"):
        check([1], [1], augmentation="flip")
    config.update(NUM_CLASSES=2)
    with pytest.raises(ConfigError, match="NUM_CLASSES of at least 3"):
        check([1], [1])


def test_fit_hands_the_worker_settings_on(rectangles, tmp_path):
    class Network(keras.Sequential):
        def fit(self, batches, validation_data, **_):
            seen.append((batches, validation_data))

    network = Network([keras.Input((2,)), keras.layers.Dense(1)])
    config = Config(
        NUM_CLASSES=3,
        IMAGE_MIN_DIM=64,
        IMAGE_MAX_DIM=64,
        IMAGE_CACHE_MB=3,
        USE_MULTIPROCESSING=True,
    )
    seen = []
    common = {"learning_rate": 0.1, "initial_epoch": 0, "epochs": 1, "layers": "all"}
    datasets = rectangles([1]), rectangles([1])
    fit(network, *datasets, config, run_folder=tmp_path, workers=3, **common)
    config.update(USE_MULTIPROCESSING=False)
    fit(network, *datasets, config, run_folder=tmp_path, workers=3, **common)
    (processes, val), (threads, _) = seen
    assert [b._num_processes for b in (processes, val, threads)] == [3, 3, 0]
    assert threads.workers == 3
    # Only training images are kept; each of three processes has a third of the room.
    assert val.dataset is datasets[1]
    assert processes.dataset.cache.limit == 1e6
    assert threads.dataset.cache.limit == 3e6
