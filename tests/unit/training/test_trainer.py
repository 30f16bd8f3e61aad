"""The optimizer and the learning rate of a configuration."""

import keras
import numpy as np
import pytest

from mrcnn.config import Config
from mrcnn.errors import ConfigError, DatasetError
from mrcnn.training.trainer import (
    check_training_data,
    compile_network,
    cosine_schedule,
    fit,
)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("sgd", keras.optimizers.SGD), ("adamw", keras.optimizers.AdamW)],
)
def test_optimizer(name, kind):
    network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    config = Config(OPTIMIZER=name, GRADIENT_CLIP_NORM=3.0, LEARNING_MOMENTUM=0.8)
    compile_network(network, 0.25, config)
    optimizer = network.optimizer
    assert type(optimizer) is kind
    assert float(optimizer.learning_rate) == 0.25
    # By the norm of all gradients together, not of each: that changed training.
    assert (optimizer.global_clipnorm, optimizer.clipnorm) == (3.0, None)
    if name == "sgd":
        assert optimizer.momentum == 0.8
    else:
        assert not optimizer.weight_decay  # the loss has it


def test_cosine_schedule():
    schedule = cosine_schedule(0.1, 110)
    rates = np.array([float(schedule(step)) for step in range(111)])
    assert rates[0] == 0
    assert rates.argmax() == 11  # a tenth of the steps
    assert rates[11] == pytest.approx(0.1)
    # Half way down after 11 + 99 / 2 steps; cos(pi / 2) = 0.
    assert rates[60:62].mean() == pytest.approx(0.05, abs=1e-4)
    assert rates[110] == pytest.approx(0, abs=1e-8)
    assert (np.diff(rates[11:]) < 0).all()
    assert float(cosine_schedule(0.1, 3)(0)) == pytest.approx(0.1)


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
