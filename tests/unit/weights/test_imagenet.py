"""Backbone weights: the original's file as it is, keras.applications' converted."""

import logging

import keras
import numpy as np
import pytest
from keras import layers

from mrcnn.errors import WeightsError
from mrcnn.network.resnet import resnet_graph
from mrcnn.weights import imagenet
from mrcnn.weights.imagenet import (
    assign_backbone,
    from_applications,
    load_imagenet,
    original_layer_name,
)
from mrcnn.weights.matterport import read_weights, save_weights

BLOCKS = {2: 3, 3: 4, 4: 23, 5: 3}


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("conv1_conv", "conv1"),
        ("conv1_bn", "bn_conv1"),
        ("conv2_block1_0_conv", "res2a_branch1"),
        ("conv2_block1_1_conv", "res2a_branch2a"),
        ("conv3_block4_2_bn", "bn3d_branch2b"),
        ("conv4_block23_3_conv", "res4w_branch2c"),
        ("conv5_block3_3_bn", "bn5c_branch2c"),
    ],
)
def test_original_layer_name(theirs, ours):
    assert original_layer_name(theirs) == ours


@pytest.mark.parametrize("name", ["predictions", "conv6_block1_0_conv", "conv1"])
def test_a_name_of_another_network(name):
    with pytest.raises(WeightsError, match=f"Received: '{name}'"):
        original_layer_name(name)


def test_names_cover_resnet101_one_to_one():
    theirs = ["conv1_conv", "conv1_bn"] + [
        f"conv{stage}_block{block}_{branch}_{kind}"
        for stage, blocks in BLOCKS.items()
        for block in range(1, blocks + 1)
        for branch in range(0 if block == 1 else 1, 4)
        for kind in ("conv", "bn")
    ]
    model = backbone("resnet101")
    ours = {layer.name for layer in model.layers if layer.weights}
    assert len(theirs) == 208  # 104 convolutions, 104 batch normalisations
    assert {original_layer_name(name) for name in theirs} == ours
    assert len(ours) == len(theirs)


def test_conversion_by_hand():
    weights = {
        "input_1": [],
        "conv1_conv": [
            ("conv1_conv/kernel:0", np.array([[[[1.0], [2.0], [3.0]]]])),
            ("conv1_conv/bias:0", np.array([4.0])),
        ],
        "conv2_block1_1_conv": [
            ("conv2_block1_1_conv/kernel:0", np.array([[[[1.0], [2.0]]]]))
        ],
        "conv1_bn": [
            ("conv1_bn/gamma:0", np.array([2.0, 2.0])),
            ("conv1_bn/beta:0", np.array([1.0, 1.0])),
            ("conv1_bn/moving_mean:0", np.array([0.5, 0.5])),
            ("conv1_bn/moving_variance:0", np.array([0.0, 1.0])),
        ],
    }
    for arrays in weights.values():
        for _, array in arrays:
            array.flags.writeable = False
    found = {
        name: array
        for arrays in from_applications(weights).values()
        for name, array in arrays
    }
    assert list(found) == [
        "conv1/kernel:0",
        "conv1/bias:0",
        "res2a_branch2a/kernel:0",
        "bn_conv1/gamma:0",
        "bn_conv1/beta:0",
        "bn_conv1/moving_mean:0",
        "bn_conv1/moving_variance:0",
    ]
    assert all(array.dtype == np.float32 for array in found.values())
    # Blue, green, red -> red, green, blue, in the stem alone.
    assert found["conv1/kernel:0"].ravel().tolist() == [3, 2, 1]
    assert found["res2a_branch2a/kernel:0"].ravel().tolist() == [1, 2]
    # Variance 0: sqrt(1e-3 / 1.001e-5) = sqrt(99.9001) = 9.99500, twice that is
    # 19.99. Variance 1: sqrt(1.001 / 1.00001001) = 1.000495, twice that 2.00099.
    np.testing.assert_allclose(found["bn_conv1/gamma:0"], [19.990, 2.00099], rtol=1e-5)
    assert found["bn_conv1/moving_variance:0"].tolist() == [0, 1]
    assert found["bn_conv1/beta:0"].tolist() == [1, 1]


def backbone(architecture):
    image = layers.Input((None, None, 3))
    return keras.Model(image, resnet_graph(image, architecture))


def applications_weights(model):
    """The layout of the released files, by layer and array name."""
    return {
        layer.name: [(f"{layer.name}/{v.name}:0", np.asarray(v)) for v in layer.weights]
        for layer in model.layers
    }


@pytest.fixture(scope="module")
def applications():
    """Build keras.applications' ResNet-101 with random weights and statistics."""
    model = keras.applications.ResNet101(
        weights=None, include_top=False, input_shape=(65, 65, 3)
    )
    rng = np.random.default_rng(0)
    for layer in model.layers:
        for variable in layer.weights:
            if variable.name in ("bias", "beta", "moving_mean"):
                variable.assign(rng.uniform(-0.1, 0.1, variable.shape))
        if layer.name.endswith("_bn"):
            # From far below the epsilons, where they matter most, upwards; gamma
            # follows, so that no channel is amplified. The last of a block is
            # small, so that 33 blocks do not add up.
            variance = 10 ** rng.uniform(-6, 0.3, layer.gamma.shape)
            top = 0.3 if layer.name.endswith("3_bn") else 1.5
            scale = rng.uniform(0.1, top, variance.shape)
            layer.moving_variance.assign(variance)
            layer.gamma.assign(scale * np.sqrt(variance + 1e-5))
    return model


def test_resnet101_has_the_features_of_keras_applications(
    applications, write_h5, monkeypatch, caplog
):
    """Every stage agrees to 1e-4, from a file in the released layout.

    65 pixels, because the stem's max pooling is padded differently: ours "same",
    theirs by a pixel on every side. On conv1's 33 rows both put one on each side;
    on an even number "same" puts one below alone.
    """
    path = write_h5(applications_weights(applications))
    monkeypatch.setattr(imagenet, "fetch", lambda name, cache_dir: path)
    ours = backbone("resnet101")
    with caplog.at_level(logging.INFO, "mrcnn"):
        report = load_imagenet(ours, "resnet101")
    # 104 convolutions of kernel and bias, 104 batch normalisations of four arrays.
    assert (len(report.matched), report.num_arrays) == (208, 624)
    assert report.num_parameters == applications.count_params() == 42_658_176
    assert (report.missing, report.unused, report.clashed) == ((), (), ())

    rgb = np.random.default_rng(1).uniform(-120, 130, (1, 65, 65, 3)).astype("f4")
    stages = [f"conv{s}_block{blocks}_out" for s, blocks in BLOCKS.items()]
    theirs = keras.Model(
        applications.input, [applications.get_layer(name).output for name in stages]
    )
    expected = theirs(rgb[..., ::-1], training=False)
    found = ours(rgb, training=False)[1:]
    for stage, right in zip(found, expected, strict=True):
        stage, right = map(keras.ops.convert_to_numpy, (stage, right))
        assert np.isfinite(right).all()
        assert right.std() > 1e-3
        assert np.abs(stage - right).max() <= 1e-4 * np.abs(right).max()


def test_resnet50_is_read_as_it_is(network, tmp_path, monkeypatch, values):
    """The tiny network stands for ResNet-50; its heads keep their values."""
    source, target = network(seed=1), network(seed=2)
    before, path = values(target), tmp_path / "resnet50.h5"
    save_weights(source, path)
    asked = []
    monkeypatch.setattr(imagenet, "fetch", lambda *args: asked.append(args) or path)
    report = load_imagenet(target, "resnet50", tmp_path)
    assert asked == [("imagenet-resnet50", tmp_path)]
    names = ("conv1", "bn_conv1", "res2a_branch2a", "bn2a_branch2a")
    assert report.matched == names
    after, loaded = values(target), values(source)
    for name in after:
        right = loaded if name.startswith(names) else before
        np.testing.assert_array_equal(after[name], right[name])


def test_a_file_without_a_layer_of_the_backbone(network, tmp_path):
    save_weights(network(seed=1), tmp_path / "a.h5")
    weights = read_weights(tmp_path / "a.h5")
    with pytest.raises(WeightsError, match=r"a\.h5' without bn4w_branch2a, res4w_"):
        assign_backbone(
            network(extra=["res4w_branch2a", "bn4w_branch2a"]),
            weights,
            path=tmp_path / "a.h5",
        )


@pytest.mark.parametrize("name", ["resnet18", lambda image: image, None])
def test_other_backbones_have_none(network, name):
    with pytest.raises(WeightsError) as caught:
        load_imagenet(network(), name)
    message = str(caught.value)
    assert (
        "ImageNet weights: resnet50, resnet101, inception_resnet_v2, mobil" in message
    )
    assert f"convnext_base. Received: BACKBONE={name!r}" in message
    assert "--weights=none" in message
