"""Loading into and saving from a network with the original's names."""

import logging

import h5py
import keras
import numpy as np
import pytest
from keras import layers

from mrcnn.errors import WeightsError
from mrcnn.weights.matterport import (
    assign_weights,
    load_weights,
    read_weights,
    save_weights,
)

# Layers with weights of the tiny network: conv1, bn_conv1, res2a, bn2a, three of the
# RPN and three heads; arrays: 8 pairs of kernel and bias, and 2 x 4 of batch norm.
NUM_LAYERS, NUM_ARRAYS = 10, 8 * 2 + 2 * 4


def assert_same(left, right, but=()):
    assert left.keys() == right.keys()
    for path in left:
        differs = any(name in path for name in but)
        assert np.array_equal(left[path], right[path]) != differs, path


@pytest.mark.parametrize("for_training", [True, False])
def test_round_trip_is_equal_bit_by_bit(network, values, tmp_path, for_training):
    source, target = network(seed=1), network(seed=2)
    save_weights(source, tmp_path / "a.h5")
    report = load_weights(target, tmp_path / "a.h5", for_training=for_training)
    assert_same(values(target), values(source))
    assert len(report.matched) == NUM_LAYERS
    assert report.num_arrays == NUM_ARRAYS
    assert report.num_parameters == source.count_params()
    left_over = (report.excluded, report.clashed, report.missing, report.unused)
    assert left_over == ((), (), (), ())


def test_saved_file_has_the_original_layout(network, tmp_path, keras2_weights):
    model = network(seed=1)
    save_weights(model, tmp_path / "a.h5")
    saved, expected = read_weights(tmp_path / "a.h5"), keras2_weights(model)
    assert list(saved) == [layer.name for layer in model.layers]
    assert [name for name, _ in saved["rpn_model"]] == [
        "rpn_conv_shared/kernel:0",
        "rpn_conv_shared/bias:0",
        "rpn_class_raw/kernel:0",
        "rpn_class_raw/bias:0",
        "rpn_bbox_pred/kernel:0",
        "rpn_bbox_pred/bias:0",
    ]
    for layer, arrays in expected.items():
        assert [name for name, _ in saved[layer]] == [name for name, _ in arrays]
        for (_, array), (_, right) in zip(saved[layer], arrays, strict=True):
            assert array.dtype == np.float32
            np.testing.assert_array_equal(array, right)
    with h5py.File(tmp_path / "a.h5") as file:
        assert file.attrs["keras_version"] == keras.__version__
        assert file.attrs["backend"] == "tensorflow"


def test_keras_itself_reads_the_saved_file(network, values, tmp_path):
    source, target = network(seed=1), network(seed=2)
    save_weights(source, tmp_path / "a.h5")
    target.load_weights(tmp_path / "a.h5", by_name=True)
    assert_same(values(target), values(source))


def test_half_precision_weights_are_saved_as_float32(tmp_path):
    policy = keras.DTypePolicy("bfloat16")
    model = keras.Sequential(
        [layers.Input((2,)), layers.Dense(2, dtype=policy, name="mrcnn_bbox_fc")]
    )
    model.layers[0].kernel.assign([[0.5, -1.25], [2, 3]])
    save_weights(model, tmp_path / "a.h5")
    (_, kernel), _ = read_weights(tmp_path / "a.h5")["mrcnn_bbox_fc"]
    assert kernel.dtype == np.float32
    np.testing.assert_array_equal(kernel, [[0.5, -1.25], [2, 3]])


@pytest.mark.parametrize("layout", [{"group": "model_weights"}, {"pieces": 3}])
def test_other_forms_of_the_file(network, values, write_h5, keras2_weights, layout):
    source, target = network(seed=1), network(seed=2)
    path = write_h5(keras2_weights(source), **layout)
    load_weights(target, path, for_training=False)
    assert_same(values(target), values(source))


def keras1_name(name):
    layer, variable = name.removesuffix(":0").split("/")
    old = {
        "kernel": "W",
        "bias": "b",
        "moving_mean": "running_mean",
        "moving_variance": "running_std",
    }
    return f"{layer}_{old.get(variable, variable)}_1:0"


def test_names_of_keras_1(network, values, write_h5, keras2_weights):
    source, target = network(seed=1), network(seed=2)
    weights = keras2_weights(source)
    weights.pop("rpn_model")  # the files of Keras 1 are those of plain backbones
    old = {
        layer: [(keras1_name(name), array) for name, array in reversed(arrays)]
        for layer, arrays in weights.items()
    }
    report = load_weights(target, write_h5(old), for_training=True)
    assert_same(values(target), values(source), but=["rpn_"])
    assert report.missing == ("rpn_conv_shared", "rpn_class_raw", "rpn_bbox_pred")


def test_order_serves_where_no_name_is_known(network, values, write_h5, keras2_weights):
    source, target = network(seed=1), network(seed=2)
    weights = keras2_weights(source)
    for layer in ("conv1", "bn_conv1"):
        arrays = weights[layer]
        weights[layer] = [(f"array_{i}", a) for i, (_, a) in enumerate(arrays)]
    load_weights(target, write_h5(weights), for_training=False)
    assert_same(values(target), values(source))


def test_inner_layers_in_groups_of_their_own(network, values, write_h5, keras2_weights):
    source, target = network(seed=1), network(seed=2)
    weights = keras2_weights(source)
    for name, array in weights.pop("rpn_model"):
        weights.setdefault(name.split("/")[0], []).append((name, array))
    load_weights(target, write_h5(weights), for_training=False)
    assert_same(values(target), values(source))


def test_network_built_twice_in_one_session(network, values, write_h5, keras2_weights):
    source, target = network(seed=1), network(seed=2)
    weights = {
        layer: [(name.replace("/", "_1/"), array) for name, array in arrays]
        for layer, arrays in keras2_weights(source).items()
    }
    load_weights(target, write_h5(weights), for_training=False)
    assert_same(values(target), values(source))


def test_exclude_leaves_layers_as_they_are(network, values, tmp_path):
    source, target = network(seed=1), network(seed=2)
    before = values(target)
    save_weights(source, tmp_path / "a.h5")
    report = load_weights(
        target,
        tmp_path / "a.h5",
        exclude=["conv1", "rpn_model", "mrcnn_bbox"],
        for_training=True,
    )
    # "conv1" is exact: bn_conv1 is loaded.
    after, loaded = values(target), values(source)
    for path in after:
        left = path.startswith(("conv1/", "rpn_"))
        np.testing.assert_array_equal(after[path], (before if left else loaded)[path])
    assert report.excluded == (
        "conv1",
        "rpn_conv_shared",
        "rpn_class_raw",
        "rpn_bbox_pred",
    )
    assert report.unused == ()


def test_exclude_takes_one_name_or_none(network, tmp_path):
    model = network(seed=1)
    save_weights(model, tmp_path / "a.h5")
    one = load_weights(model, tmp_path / "a.h5", exclude="conv1", for_training=True)
    assert one.excluded == ("conv1",)
    none = load_weights(model, tmp_path / "a.h5", exclude=None, for_training=True)
    assert none.excluded == ()


def test_excluding_an_unknown_layer_warns(network, tmp_path, caplog):
    model = network(seed=1)
    save_weights(model, tmp_path / "a.h5")
    load_weights(
        model, tmp_path / "a.h5", exclude=["mrcnn_class_logit"], for_training=True
    )
    assert "'mrcnn_class_logit', which is no layer" in caplog.text
    assert "Did you mean 'mrcnn_class_logits'?" in caplog.text


def test_excluding_for_detection_warns(network, tmp_path, caplog):
    model = network(seed=1)
    save_weights(model, tmp_path / "a.h5")
    load_weights(model, tmp_path / "a.h5", exclude=["mrcnn_mask"], for_training=False)
    assert "mrcnn_mask keep their random values" in caplog.text


def test_class_heads_are_left_out_when_training(network, values, tmp_path):
    source, target = network(81, seed=1), network(2, seed=2)
    before = values(target)
    save_weights(source, tmp_path / "a.h5")
    report = load_weights(target, tmp_path / "a.h5", for_training=True)
    heads = {"mrcnn_class_logits", "mrcnn_bbox_fc", "mrcnn_mask"}
    assert {clash.layer for clash in report.clashed} == heads
    assert len(report.matched) == NUM_LAYERS - 3
    after, loaded = values(target), values(source)
    for path in after:
        right = before if any(head in path for head in heads) else loaded
        np.testing.assert_array_equal(after[path], right[path])


def test_class_count_is_named_for_detection(network, values, tmp_path):
    source, target = network(81, seed=1), network(2, seed=2)
    before = values(target)
    save_weights(source, tmp_path / "a.h5")
    with pytest.raises(WeightsError) as caught:
        load_weights(target, tmp_path / "a.h5", for_training=False)
    message = str(caught.value)
    assert "the file has 81 classes, NUM_CLASSES is 2" in message
    assert (
        "mrcnn_class_logits: kernel [6, 81] in the file, [6, 2] in the network"
        in message
    )
    assert str(tmp_path / "a.h5") in message
    assert "\n" not in message
    assert_same(values(target), before)


@pytest.mark.parametrize("head", ["mrcnn_class_logits", "mrcnn_bbox_fc", "mrcnn_mask"])
def test_each_head_tells_the_class_count(network, tmp_path, head):
    save_weights(network(5, seed=1), tmp_path / "a.h5")
    others = {"mrcnn_class_logits", "mrcnn_bbox_fc", "mrcnn_mask"} - {head}
    with pytest.raises(WeightsError, match="the file has 5 classes, NUM_CLASSES is 3"):
        load_weights(network(3), tmp_path / "a.h5", exclude=others, for_training=False)


@pytest.mark.parametrize("channels", [1, 5])
def test_first_layer_is_spread_over_other_channels(
    network, values, tmp_path, channels, caplog
):
    source, target = network(seed=1), network(seed=2, channels=channels)
    save_weights(source, tmp_path / "a.h5")
    with caplog.at_level(logging.INFO):
        report = load_weights(target, tmp_path / "a.h5", for_training=True)
    assert report.inflated == (f"conv1 (RGB to {channels} channels)",)
    assert f"inflated     1  conv1 (RGB to {channels} channels)" in caplog.text
    kernels = [
        np.asarray(model.get_layer("conv1").kernel) for model in (source, target)
    ]
    assert kernels[1].shape[2] == channels
    np.testing.assert_allclose(kernels[1].sum(2), kernels[0].sum(2), rtol=1e-5)
    bias = target.get_layer("conv1").bias
    np.testing.assert_array_equal(bias, source.get_layer("conv1").bias)


@pytest.mark.parametrize("for_training", [True, False])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"width": 7},
            r"res2a_branch2a: kernel \[1, 1, 4, 6\] in the file, \[1, 1, 4, 7\] in the "
            r"network.*another BACKBONE",
        ),
        (
            {"channels": 1},
            r"conv1: kernel \[3, 3, 4, 4\] in the file, \[3, 3, 1, 4\].*"
            r"IMAGE_CHANNEL_COUNT.*exclude=\['conv1'\]",
        ),
    ],
)
def test_other_clashes_are_errors(
    network, values, tmp_path, for_training, change, message
):
    target = network(seed=2, **change)
    before = values(target)
    source = network(seed=1, channels=3 if "channels" not in change else 4)
    save_weights(source, tmp_path / "a.h5")
    with pytest.raises(WeightsError, match=message):
        load_weights(target, tmp_path / "a.h5", for_training=for_training)
    assert_same(values(target), before)


def test_detection_does_not_spread_the_first_layer(network, tmp_path):
    save_weights(network(seed=1), tmp_path / "a.h5")
    with pytest.raises(WeightsError, match="IMAGE_CHANNEL_COUNT"):
        load_weights(network(channels=1), tmp_path / "a.h5", for_training=False)


def test_a_head_of_other_width_is_not_a_matter_of_classes(
    network, write_h5, keras2_weights
):
    weights = keras2_weights(network(seed=1))
    weights["mrcnn_bbox_fc"][0] = ("mrcnn_bbox_fc/kernel:0", np.zeros((9, 8), "f4"))
    with pytest.raises(WeightsError, match=r"mrcnn_bbox_fc: kernel \[9, 8\].*exclude"):
        load_weights(network(), write_h5(weights), for_training=True)


def test_missing_layers(network, values, write_h5, keras2_weights, caplog):
    source, target = network(seed=1), network(seed=2)
    before = values(target)
    weights = keras2_weights(source)
    del weights["mrcnn_mask"]
    weights["mrcnn_bbox_fc"].pop()
    path = write_h5(weights)
    with pytest.raises(
        WeightsError, match="without mrcnn_bbox_fc/bias, mrcnn_mask; detecting would"
    ):
        load_weights(target, path, for_training=False)
    assert_same(values(target), before)
    report = load_weights(target, path, for_training=True)
    assert report.missing == ("mrcnn_bbox_fc/bias", "mrcnn_mask")
    assert_same(values(target), values(source), but=["mrcnn_mask", "bbox_fc/bias"])


def test_array_that_the_layer_has_no_place_for(network, write_h5, keras2_weights):
    weights = keras2_weights(network(seed=1))
    weights["conv1"].append(("conv1/scale:0", np.ones(4, np.float32)))
    with pytest.raises(
        WeightsError, match=r"conv1: scale \[4\] in the file, absent in the network"
    ):
        load_weights(network(), write_h5(weights), for_training=True)


def test_unused_layers_are_reported(network, write_h5, keras2_weights):
    model = network(seed=1)
    weights = keras2_weights(model)
    weights["fc1000"] = [("fc1000/kernel:0", np.ones((2, 2), np.float32))]
    weights["rpn_model"].append(("rpn_extra/kernel:0", np.ones(2, np.float32)))
    report = load_weights(model, write_h5(weights), for_training=False)
    assert report.unused == ("rpn_model", "fc1000")


def test_weights_for_other_stages_of_a_backbone(network, write_h5, keras2_weights):
    """As the COCO weights are for all backbones but one."""
    model = network(seed=1, extra=["fpn_c5p5"])
    weights = keras2_weights(model)
    weights["fpn_c5p5"][0] = ("fpn_c5p5/kernel:0", np.ones((1, 1, 9, 6), np.float32))
    with pytest.raises(WeightsError, match=r"another BACKBONE.*--weights=imagenet"):
        load_weights(model, write_h5(weights), for_training=True)


def test_weights_of_a_deeper_backbone(network, tmp_path, caplog):
    save_weights(network(seed=1, extra=["res4w_branch2a"]), tmp_path / "deep.h5")
    with pytest.raises(
        WeightsError, match=r"res4w_branch2a, which the network does not"
    ):
        load_weights(network(), tmp_path / "deep.h5", for_training=False)
    load_weights(network(), tmp_path / "deep.h5", for_training=True)
    assert "it was trained with another BACKBONE" in caplog.text


def test_weights_of_a_shallower_backbone(network, tmp_path, caplog):
    save_weights(network(seed=1), tmp_path / "a.h5")
    load_weights(
        network(extra=["res4w_branch2a"]), tmp_path / "a.h5", for_training=True
    )
    assert "fills only a part of the backbone: res4w_branch2a keep" in caplog.text


@pytest.mark.parametrize("for_training", [True, False])
def test_nothing_matched_is_an_error(network, write_h5, for_training):
    weights = {"block1_conv1": [("block1_conv1/kernel:0", np.ones((1, 1, 3, 4)))]}
    with pytest.raises(WeightsError) as caught:
        load_weights(network(), write_h5(weights), for_training=for_training)
    message = str(caught.value)
    assert "weights for block1_conv1; nothing was loaded" in message
    assert "(conv1, bn_conv1, res2a_branch2a" in message


def test_everything_excluded_is_an_error(network, tmp_path):
    model = network(seed=1)
    save_weights(model, tmp_path / "a.h5")
    names = [layer.name for layer in model.layers]
    with pytest.raises(WeightsError, match="nothing was loaded"):
        load_weights(model, tmp_path / "a.h5", exclude=names, for_training=True)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite(network, values, write_h5, keras2_weights, value):
    target = network(seed=2)
    before = values(target)
    weights = keras2_weights(network(seed=1))
    weights["mrcnn_mask"][0][1][0, 0, :2, 0] = value  # the last layer of all
    with pytest.raises(
        WeightsError, match=r"2 of 12 values of mrcnn_mask/kernel are NaN or infinite"
    ):
        load_weights(target, write_h5(weights), for_training=True)
    assert_same(values(target), before)


def test_arrays_may_be_read_only(network, values, keras2_weights):
    source, target = network(seed=1), network(seed=2)
    weights = keras2_weights(source)
    for arrays in weights.values():
        for _, array in arrays:
            array.flags.writeable = False
    assign_weights(target, weights, path="memory", for_training=False)
    assert_same(values(target), values(source))


# Keras' own saving converts variables in a way that NumPy 2 warns of.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_keras_3_weights_file_is_recognised(network, tmp_path):
    model = network(seed=1)
    model.save_weights(tmp_path / "a.weights.h5")
    with pytest.raises(WeightsError, match=r"a Keras 3 '\.weights\.h5' file"):
        load_weights(model, tmp_path / "a.weights.h5", for_training=True)
    (tmp_path / "a.weights.h5").rename(tmp_path / "renamed.h5")
    with pytest.raises(WeightsError, match=r"a Keras 3 '\.weights\.h5' file"):
        load_weights(model, tmp_path / "renamed.h5", for_training=True)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_keras_3_archive_is_recognised(network, tmp_path):
    model = network(seed=1)
    model.save(tmp_path / "a.keras")
    with pytest.raises(WeightsError, match=r"a Keras 3 '\.keras' file"):
        load_weights(model, tmp_path / "a.keras", for_training=True)


def test_report_is_logged_as_a_table(network, tmp_path, caplog):
    save_weights(network(81, seed=1), tmp_path / "a.h5")
    with caplog.at_level(logging.INFO, "mrcnn"):
        report = load_weights(network(2), tmp_path / "a.h5", for_training=True)
    assert str(report) in caplog.text
    lines = report.summary().splitlines()
    assert lines[0] == f"Weights from {tmp_path / 'a.h5'} (layers)"
    assert lines[1].split()[:4] == ["matched", "7", "18", "arrays,"]
    assert lines[3].startswith(
        "  clashed      3  mrcnn_bbox_fc: kernel [6, 324] in the file, [6, 8] in the "
        "network; mrcnn_class_logits: kernel"
    )
    assert lines[4] == "  missing      0"
    assert len(lines) == 6


@keras.saving.register_keras_serializable("mrcnn_tests")
class TwoKernels(layers.Layer):
    """A layer with two kernels, a seed and a counter."""

    def build(self, input_shape):
        self.first = layers.Dense(2, name="first")
        self.second = layers.Dense(2, name="second")
        self.first.build(input_shape)
        self.second.build((*input_shape[:-1], 2))
        self.drop = layers.Dropout(0.5)
        self.count = self.add_weight(
            shape=(), dtype="int32", trainable=False, name="count"
        )

    def call(self, x):
        return self.drop(self.second(self.first(x)))


def test_composite_layer_in_two_nested_models(values, tmp_path, write_h5):
    def build(seed):
        x = layers.Input((2,))
        inner = keras.Model(x, TwoKernels(name="pair")(x), name="inner")
        outer = keras.Model(x, inner(x), name="outer")
        model = keras.Model(x, layers.Dense(2, name="conv1")(outer(x)))
        rng = np.random.default_rng(seed)
        for variable in model.weights:
            if variable.dtype == "float32":
                variable.assign(rng.normal(size=variable.shape))
        return model

    source, target = build(1), build(2)
    save_weights(source, tmp_path / "a.h5")
    saved = read_weights(tmp_path / "a.h5")
    assert [name for name, _ in saved["outer"]] == [
        "inner/pair/first/kernel:0",
        "inner/pair/first/bias:0",
        "inner/pair/second/kernel:0",
        "inner/pair/second/bias:0",
    ]
    load_weights(target, tmp_path / "a.h5", for_training=False)
    assert_same(values(target), values(source))


def test_weights_beside_all_layers_are_an_error(tmp_path):
    class Scaled(keras.Model):
        def build(self, input_shape):
            self.scale = self.add_weight(shape=(), name="scale")

        def call(self, x):
            return x * self.scale

    x = layers.Input((2,))
    model = keras.Model(x, layers.Dense(1, name="conv1")(Scaled(name="scaled")(x)))
    with pytest.raises(WeightsError, match="scale, which belong to a model directly"):
        save_weights(model, tmp_path / "a.h5")
