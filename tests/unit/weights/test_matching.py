"""Which array belongs to which variable, in the spellings of three Keras versions."""

import numpy as np
import pytest

from mrcnn.weights.matching import find_arrays, pair_arrays

KERNEL, BIAS, GAMMA, BETA, MEAN, VARIANCE = (np.full(2, i) for i in range(6))
BN = ["gamma", "beta", "moving_mean", "moving_variance"]


@pytest.mark.parametrize(
    ("layer", "kernel", "bias"),
    [
        ("conv1", "conv1/kernel:0", "conv1/bias:0"),
        ("conv1", "conv1_1/kernel:0", "conv1_1/bias:0"),
        ("conv1", "conv1/kernel", "conv1/bias"),
        ("conv1", "model/conv1/kernel:0", "model/conv1/bias:0"),
        ("conv1", "kernel:0", "bias:0"),
        ("res2a_branch2a", "res2a_branch2a_W:0", "res2a_branch2a_b:0"),
        ("res2a_branch2a", "res2a_branch2a_W_1:0", "res2a_branch2a_b_1:0"),
        ("res4b_branch2b", "res4b_branch2b_W", "res4b_branch2b_b"),
        ("td", "td/conv2d_7/kernel:0", "td/conv2d_7/bias:0"),
    ],
)
def test_kernel_and_bias_in_any_spelling_and_order(layer, kernel, bias):
    for arrays in ([(kernel, KERNEL), (bias, BIAS)], [(bias, BIAS), (kernel, KERNEL)]):
        found, surplus = pair_arrays(layer, ["kernel", "bias"], arrays)
        assert found[0] is KERNEL
        assert found[1] is BIAS
        assert surplus == []


@pytest.mark.parametrize(
    "names",
    [
        [f"bn/{name}:0" for name in BN],
        ["bn_gamma:0", "bn_beta:0", "bn_running_mean:0", "bn_running_std:0"],
        ["bn_gamma_1:0", "bn_beta_1:0", "bn_running_mean_1:0", "bn_running_std_1:0"],
        ["v0", "v1", "v2", "v3"],  # no name is known: the order decides
    ],
)
def test_batch_norm_in_any_spelling(names):
    arrays = list(zip(names, (GAMMA, BETA, MEAN, VARIANCE), strict=True))
    if names[0] != "v0":
        arrays.reverse()  # names decide, not the order
    found, surplus = pair_arrays("bn", BN, arrays)
    assert [f[0] for f in found] == [2, 3, 4, 5]
    assert surplus == []


def test_absent_and_surplus_arrays():
    found, surplus = pair_arrays("c", ["kernel", "bias"], [("c/kernel:0", KERNEL)])
    assert found[0] is KERNEL
    assert found[1] is None
    arrays = [("c/kernel:0", KERNEL), ("c/bias:0", BIAS)]
    found, surplus = pair_arrays("c", ["kernel"], arrays)
    assert found[0] is KERNEL
    assert surplus == [("bias", BIAS)]


def test_unknown_names_of_another_count():
    found, surplus = pair_arrays("c", ["alpha"], [("x", KERNEL), ("y", BIAS)])
    assert found[0] is KERNEL
    assert surplus == [("y", BIAS)]
    found, surplus = pair_arrays("c", ["alpha", "delta"], [("x", KERNEL)])
    assert found[1] is None
    assert surplus == []


def test_composite_layer_keeps_its_kernels_apart():
    arrays = [("block/b/kernel:0", BIAS), ("block/a/kernel:0", KERNEL)]
    found, _ = pair_arrays("block", ["a/kernel", "b/kernel"], arrays)
    assert found[0] is KERNEL
    assert found[1] is BIAS


def test_names_with_a_known_ending_are_not_mixed_up():
    arrays = [("s/pointwise_kernel:0", BIAS), ("s/depthwise_kernel:0", KERNEL)]
    found, _ = pair_arrays("s", ["depthwise_kernel", "pointwise_kernel"], arrays)
    assert found[0] is KERNEL
    assert found[1] is BIAS


NESTED = {
    "conv1": [("conv1_1/kernel:0", KERNEL)],
    "rpn_model": [
        ("rpn_conv_shared/kernel:0", KERNEL),
        ("rpn_conv_shared/bias:0", BIAS),
        ("rpn_class_raw_1/kernel:0", GAMMA),
    ],
}


@pytest.mark.parametrize(
    ("path", "group", "count"),
    [
        (("conv1",), "conv1", 1),
        (("rpn_model", "rpn_conv_shared"), "rpn_model", 2),
        (("rpn_model", "rpn_class_raw"), "rpn_model", 1),  # counted scope
        (("rpn_conv_shared",), "rpn_model", 2),  # flat network, nested file
        (("other", "rpn_conv_shared"), "rpn_model", 2),
        (("backbone", "conv1"), "conv1", 1),  # nested network, flat file
        (("rpn_model", "rpn_bbox_pred"), "", 0),
        (("conv",), "", 0),
    ],
)
def test_find_arrays(path, group, count):
    found_group, arrays = find_arrays(NESTED, path)
    assert (found_group, len(arrays)) == (group, count)


def test_a_layer_that_two_groups_hold_is_not_guessed():
    weights = {
        "block_a": [("conv/kernel:0", KERNEL), ("other/kernel:0", BIAS)],
        "block_b": [("conv/kernel:0", GAMMA), ("other/kernel:0", BIAS)],
    }
    assert find_arrays(weights, ("conv",)) == ("", [])
    assert find_arrays(weights, ("block_b", "conv"))[1][0][1] is GAMMA
