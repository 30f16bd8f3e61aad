"""The learning rate at every step, against NumPy."""

import keras
import numpy as np
import pytest

from mrcnn.errors import ConfigError
from mrcnn.training.schedule import KINDS, LearningRate, learning_rate_schedule


def expected(kind, rate, num_steps, warmup, drops):
    """The rates of steps 0 to num_steps + 4, each from its definition, float64."""
    rates = []
    for step in range(num_steps + 5):
        value = rate
        if kind == "step":
            value *= 0.1 ** sum(step / num_steps >= share for share in drops)
        if kind == "cosine" and step > warmup:
            share = min((step - warmup) / (num_steps - warmup), 1)
            value *= np.cos(share * np.pi / 2) ** 2  # (1 + cos 2a) / 2 = cos^2 a
        if step < warmup:
            value *= step / warmup
        rates.append(value)
    return np.array(rates)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("warmup", [0, 1, 7])
def test_every_step(kind, warmup):
    drops = (0.25, 0.6)
    schedule = LearningRate(
        kind, learning_rate=0.3, num_steps=50, warmup_steps=warmup, drops=drops
    )
    rates = [float(schedule(step)) for step in range(55)]
    np.testing.assert_allclose(
        rates, expected(kind, 0.3, 50, warmup, drops), rtol=1e-5, atol=1e-8
    )


def test_drops_by_hand():
    schedule = LearningRate("step", learning_rate=1.0, num_steps=90, drops=(0.5, 0.9))
    # 0.5 * 90 = 45 and 0.9 * 90 = 81 are the first steps of a lower rate.
    rates = [float(schedule(step)) for step in (0, 44, 45, 80, 81, 89)]
    np.testing.assert_allclose(rates, [1, 1, 0.1, 0.1, 0.01, 0.01], rtol=1e-6)


def test_tensors_and_compiled():
    import keras.ops as ops

    schedule = LearningRate("cosine", learning_rate=0.3, num_steps=50, warmup_steps=5)
    steps = np.arange(50)
    rates = ops.convert_to_numpy(schedule(ops.convert_to_tensor(steps, "int32")))
    assert rates.dtype == np.float32
    np.testing.assert_allclose(
        rates, expected("cosine", 0.3, 50, 5, ())[:50], rtol=1e-5, atol=1e-8
    )


def test_config_round_trip():
    arguments = {
        "kind": "step",
        "learning_rate": 0.7,
        "num_steps": 33,
        "warmup_steps": 4,
        "drops": [0.2, 0.3, 0.9],
    }
    schedule = LearningRate(**arguments)
    stored = keras.saving.serialize_keras_object(schedule)
    again = keras.saving.deserialize_keras_object(stored)
    assert type(again) is LearningRate and again is not schedule
    assert {key: getattr(again, key) for key in arguments} == arguments
    optimizer = keras.optimizers.SGD(schedule)
    again = keras.optimizers.SGD.from_config(optimizer.get_config())
    assert again._learning_rate.get_config() == arguments


@pytest.mark.parametrize(
    ("kind", "num_steps", "warmup", "steps"),
    [
        ("cosine", 110, None, 11),  # a tenth
        ("cosine", 9, None, 0),
        ("cosine", 110, 3, 3),
        ("step", 110, None, 0),
        ("step", 110, 5, 5),
        ("constant", 110, 5, 5),
    ],
)
def test_warmup_that_is_left_out(kind, num_steps, warmup, steps):
    schedule = learning_rate_schedule(kind, 0.1, num_steps, warmup_steps=warmup)
    assert (schedule.kind, schedule.num_steps) == (kind, num_steps)
    assert schedule.warmup_steps == steps
    assert float(schedule(steps)) == pytest.approx(0.1)
    assert steps == 0 or float(schedule(0)) == 0


@pytest.mark.parametrize("warmup", [None, 0])
def test_a_constant_rate_is_a_number(warmup):
    rate = learning_rate_schedule("constant", 1, 110, warmup_steps=warmup)
    assert (rate, type(rate)) == (1.0, float)  # Keras takes no int


def test_warmup_longer_than_the_training():
    with pytest.raises(ConfigError, match="below the 20 steps.*WARMUP_STEPS=20"):
        learning_rate_schedule("constant", 0.1, 20, warmup_steps=20)
