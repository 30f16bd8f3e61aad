"""The optimizer and the learning rate of a configuration."""

import keras
import numpy as np
import pytest

from mrcnn.config import Config
from mrcnn.training.trainer import compile_network, cosine_schedule


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
