"""Which layers learn, in a network with a model inside."""

import keras
import pytest

from mrcnn.errors import ConfigError
from mrcnn.structures import Stage
from mrcnn.training.layer_sets import LAYER_SETS, check_stages, set_trainable


@pytest.fixture(scope="module")
def network():
    feature_map = keras.Input((4,))
    rpn = keras.Model(
        feature_map,
        keras.layers.Dense(2, name="rpn_class_raw")(feature_map),
        name="rpn_model",
    )
    x = inputs = keras.Input((4,))
    for name in (
        "conv1",
        "res2a_branch2a",
        "res3a_branch1",
        "res4b_branch2a",
        "bn5a_branch2a",
        "stage5_conv",
        "fpn_c2p2",
    ):
        x = keras.layers.Dense(4, name=name)(x)
    x = keras.layers.Dropout(0.5, name="stage5_drop")(x)
    x = keras.layers.ReLU(name="mrcnn_relu")(x)
    outputs = [rpn(x), keras.layers.Dense(2, name="mrcnn_mask")(x)]
    return keras.Model(inputs, outputs)


HEADS = {"fpn_c2p2", "rpn_class_raw", "mrcnn_mask"}
FIFTH = {"bn5a_branch2a", "stage5_conv"}


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ("heads", HEADS),
        ("5+", HEADS | FIFTH),
        ("4+", HEADS | FIFTH | {"res4b_branch2a"}),
        ("3+", HEADS | FIFTH | {"res4b_branch2a", "res3a_branch1"}),
        (
            "all",
            HEADS
            | FIFTH
            | {
                "res4b_branch2a",
                "res3a_branch1",
                "res2a_branch2a",
                "conv1",
            },
        ),
        ("rpn_class.*", {"rpn_class_raw"}),
        ("conv1|mrcnn_mask", {"conv1", "mrcnn_mask"}),
    ],
)
def test_sets_and_expressions(network, layers, expected):
    assert set(set_trainable(network, layers)) == expected
    learning = {variable.path.split("/")[-2] for variable in network.trainable_weights}
    assert learning == expected


def test_layers_without_weights_are_frozen_with_their_stage(network):
    """Some drop paths while they learn."""
    for layers, learns in (("heads", False), ("5+", True)):
        assert "stage5_drop" not in set_trainable(network, layers)
        assert network.get_layer("stage5_drop").trainable is learns


def test_wrong_expressions(network):
    with pytest.raises(
        ConfigError, match=r"'res9'\. Use one of heads, 3\+, 4\+, 5\+, all"
    ):
        set_trainable(network, "res9")
    with pytest.raises(ConfigError, match=r"'res\(', which is neither"):
        set_trainable(network, "res(")


def test_stages_are_checked_before_any_is_trained(network):
    set_trainable(network, "all")
    check_stages(network, [Stage("heads", 2, 0.1), Stage("res3.*", 4, 0.1)])
    with pytest.raises(ConfigError, match="at least one layer.*'res9'"):
        check_stages(network, [Stage("heads", 2, 0.1), Stage("res9", 4, 0.1)])
    # It looks, and changes nothing.
    assert all(layer.trainable for layer in network.layers)


@pytest.mark.parametrize("epochs", [[], [0], [2, 2], [4, 2]])
def test_epochs_of_stages_rise(network, epochs):
    with pytest.raises(
        ConfigError, match=rf"epochs rise.*epochs=\[{str(epochs)[1:-1]}"
    ):
        check_stages(network, [Stage("heads", n, 0.1) for n in epochs])


def test_sets_are_those_of_the_original():
    assert LAYER_SETS["heads"] == r"(mrcnn\_.*)|(rpn\_.*)|(fpn\_.*)"
    assert LAYER_SETS["all"] == ".*"
