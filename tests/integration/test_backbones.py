"""Backbones of keras.applications in the network, the smallest of each family."""

import re
from collections import Counter
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from keras import layers

from mrcnn.config import Config
from mrcnn.errors import WeightsError
from mrcnn.network.applications import (
    APPLICATIONS,
    application_graph,
    inner_layers,
)
from mrcnn.network.build import build_network, inference_network
from mrcnn.training.layer_sets import set_trainable
from mrcnn.training.trainer import compile_network
from mrcnn.weights import imagenet
from mrcnn.weights.matterport import load_weights, save_weights

pytestmark = pytest.mark.slow


class TinyConfig(Config):
    """The smallest network that has every part."""

    NAME = "tiny"
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
    MEAN_PIXEL = np.array([120.0, 110.0, 100.0])
    TRAIN_BN = None


# The class there, its module, and names of layers: each stage's first with weights.
CASES = {
    "mobilenet_v3_small": (
        "MobileNetV3Small",
        "mobilenet_v3",
        [
            "stage1_conv",
            "stage2_expanded_conv_depthwise",
            "stage3_expanded_conv_1_expand",
            "stage4_expanded_conv_3_expand",
            "stage5_expanded_conv_8_expand",
        ],
    ),
    "efficientnet_v2_b0": (
        "EfficientNetV2B0",
        "efficientnet_v2",
        [
            "stage1_stem_conv",
            "stage2_block1a_project_conv",
            "stage3_block3a_expand_conv",
            "stage4_block4a_expand_conv",
            "stage5_block6a_expand_conv",
        ],
    ),
    "convnext_tiny": (
        "ConvNeXtTiny",
        "convnext",
        [
            "stage1_stem_conv",
            "stage2_block_0_depthwise_conv",
            "stage3_downsampling_conv_0",
            "stage4_downsampling_conv_1",
            "stage5_downsampling_conv_2",
        ],
    ),
    "inception_resnet_v2": (
        "InceptionResNetV2",
        "inception_resnet_v2",
        [
            "stage1_conv2d_1",
            "stage2_conv2d_4",
            "stage3_conv2d_6",
            "stage4_conv2d_73",
            "stage5_conv2d_157",
        ],
    ),
}


NAMES = {"kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance"}


def randomised(model, rng):
    """Give a network statistics and factors that are not 0 and 1."""
    for layer in inner_layers(model):
        for variable in getattr(layer, "trainable_weights", ()):
            if variable.name in ("beta", "bias"):
                variable.assign(rng.uniform(-0.1, 0.1, variable.shape))
            elif type(layer).__name__ == "LayerScale":
                variable.assign(rng.uniform(0.1, 0.5, variable.shape))
        if isinstance(layer, layers.BatchNormalization):
            layer.moving_mean.assign(rng.uniform(-0.1, 0.1, layer.moving_mean.shape))
            layer.moving_variance.assign(rng.uniform(0.3, 1.5, layer.moving_mean.shape))
    return model


def write_released(model, path):
    """Write weights as the released files have them: other names, Keras' order."""
    with h5py.File(path, "w") as file:
        names = [f"old_{i}" for i in range(len(model.layers))]
        file.attrs["layer_names"] = [name.encode() for name in names]
        for name, layer in zip(names, model.layers, strict=True):
            group = file.create_group(name)
            arrays = [np.asarray(variable) for variable in layer.weights]
            group.attrs["weight_names"] = [b"%d" % i for i in range(len(arrays))]
            for i, array in enumerate(arrays):
                group[str(i)] = array
    return path


class Case:
    """A network of keras.applications, and ours with its weights, at 64 pixels."""

    def __init__(self, name, folder):
        make, module, self.firsts = CASES[name]
        self.name, self.folder = name, folder
        self.preprocess = getattr(keras.applications, module).preprocess_input
        self.keras = randomised(
            getattr(keras.applications, make)(include_top=False, weights=None),
            np.random.default_rng(0),
        )
        self.released = write_released(self.keras, folder / "released.h5")
        self.config = TinyConfig(BACKBONE=name)
        self.network = build_network("training", self.config)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(imagenet, "fetch", lambda key, folder: self.released)
            self.report = imagenet.load_imagenet(self.network, name)
        self.pixels = np.random.default_rng(1).uniform(0, 255, (1, 64, 64, 3))

    def features(self, network=None, pixels=None, *, training=False, compiled=False):
        """Return C2 to C5 of pixels from 0 to 255."""
        network = network or self.network
        pixels = self.pixels if pixels is None else pixels
        stages = [network.get_layer(f"stage{i}_out").output for i in range(2, 6)]
        image = (pixels - self.config.MEAN_PIXEL).astype(np.float32)
        run = keras.Model(network.input["image"], stages)
        if compiled:
            return run.predict_on_batch(image)
        return [keras.ops.convert_to_numpy(x) for x in run(image, training=training)]


@pytest.fixture(scope="module", params=CASES)
def case(request, tmp_path_factory):
    return Case(request.param, tmp_path_factory.mktemp(request.param))


def keras_features(case):
    """Return C2 to C5 as keras.applications computes them from pixels."""
    model = case.keras
    if case.name == "inception_resnet_v2":
        model, ends = padded(model), None
        found = model(case.preprocess(case.pixels.astype(np.float32)))
        return [np.asarray(x) for x in found]
    names = [operation.name for operation in model.operations]
    if case.name == "convnext_tiny":
        blocks = [f"convnext_tiny_downsampling_block_{i}" for i in range(3)]
        norms = [model.get_layer(block).layers[0] for block in blocks]
        # What goes into the blocks, which begin with the normalisation.
        ends = [names[names.index(block) - 1] for block in blocks]
    else:
        norms = [lambda x: x] * 3
        ends = {
            "mobilenet_v3_small": (
                "expanded_conv_project_bn",
                "expanded_conv_2_add",
                "expanded_conv_7_add",
            ),
            "efficientnet_v2_b0": ("block2b_add", "block3b_add", "block5e_add"),
        }[case.name]
    outputs = [model.operations[names.index(end)].output for end in ends]
    run = keras.Model(model.input, [*outputs, model.output])
    found = run(case.preprocess(case.pixels.astype(np.float32)), training=False)
    return [np.asarray(f(x)) for f, x in zip([*norms, lambda x: x], found, strict=True)]


def padded(model):
    """Return the outputs of Inception-ResNet-V2 with zeros written around its inputs.

    What is pooled comes from a ReLU: a zero never is more than a value of its own.
    """
    outputs = []

    def call(layer, *args, **kwargs):
        window = getattr(layer, "kernel_size", getattr(layer, "pool_size", (1, 1)))
        if getattr(layer, "padding", "") == "valid" and window == (3, 3):
            assert layer.strides in ((1, 1), (2, 2))
            before = 1 if layer.strides == (1, 1) else 0  # of an even size
            args = [layers.ZeroPadding2D(((before, 1), (before, 1)))(args[0])]
        outputs.append((layer, layer(*args, **kwargs)))
        return outputs[-1][1]

    image = keras.Input((64, 64, 3))
    keras.models.clone_model(
        model, input_tensors=image, clone_function=lambda x: x, call_function=call
    )
    activations = [x for layer, x in outputs if isinstance(layer, layers.Activation)]
    named = {layer.name: x for layer, x in outputs}
    return keras.Model(
        image,
        [
            activations[4],
            *(named[f"{end}_ac"] for end in ("block35_10", "block17_20", "conv_7b")),
        ],
    )


def test_features_are_those_of_keras_applications(case):
    found, expected = case.features(compiled=True), keras_features(case)
    for stage, right in zip(found, expected, strict=True):
        assert right.std() > 1e-3
        assert np.abs(stage - right).max() <= 1e-4 * np.abs(right).max()


def test_every_weight_comes_from_the_file(case):
    assert case.report.num_parameters == case.keras.count_params()
    assert case.report.unused == case.report.clashed == case.report.inflated == ()
    assert not [name for name in case.report.missing if name.startswith("stage")]


def test_stages(case):
    """Names, strides, and what the layer sets mean."""
    with_weights = [layer for layer in case.network.layers if layer.weights]
    stages = {n: [] for n in range(1, 6)}
    for layer in with_weights:
        if layer.name.startswith("stage"):
            stages[int(layer.name[5])].append(layer)
            # Names by which weight decay and weights files go.
            assert {variable.name for variable in layer.weights} <= NAMES
    assert [found[0].name for found in stages.values()] == case.firsts
    for number, found in stages.items():
        sides = {layer.output.shape[1] for layer in found} - {1}
        # The first layers have the side of the stage before; a stem may have C2's.
        allowed = (2, 4) if number == 1 else (2 ** (number - 1), 2**number)
        assert sides <= {64 // stride for stride in allowed}
    for layers_, least in (("3+", 3), ("4+", 4), ("5+", 5), ("heads", 6), ("all", 1)):
        chosen = set_trainable(case.network, layers_)
        learning = [name for name in chosen if name.startswith("stage")]
        assert set(learning) == {
            layer.name for n, found in stages.items() if n >= least for layer in found
        }
        assert {"fpn_c2p2", "rpn_conv_shared", "mrcnn_mask"} <= set(chosen)


def test_frozen_is_as_in_detection(case):
    """Statistics of the batch and dropped paths belong to layers that learn."""
    expected = case.features()
    set_trainable(case.network, "heads")
    for stage, right in zip(case.features(training=True), expected, strict=True):
        np.testing.assert_array_equal(stage, right)
    set_trainable(case.network, "all")
    same = [
        np.allclose(stage, right, rtol=1e-3, atol=1e-4)
        for stage, right in zip(case.features(training=True), expected, strict=True)
    ]
    assert same == [case.name == "convnext_tiny"] * 4


def batch(config, network):
    """A picture with one object, in random anchors."""
    rng = np.random.default_rng(0)
    given = {
        name: np.zeros((1, *x.shape[1:]), x.dtype) for name, x in network.input.items()
    }
    given["image"] += rng.normal(0, 50, given["image"].shape)
    given["image_meta"] += 1
    given["rpn_match"] += rng.choice([-1, 0, 1], given["rpn_match"].shape).astype("i4")
    given["gt_class_ids"][0, 0] = 1
    given["gt_boxes"][0, 0] = 10, 10, 50, 50
    given["gt_masks"][..., 0] = 1
    return given


def test_a_step_of_training_and_the_way_through_a_file(case):
    config, network = case.config, case.network
    # The gradients of the largest one take their time.
    least, which = (5, "5+") if case.name == "inception_resnet_v2" else (1, "all")
    set_trainable(network, which)
    compile_network(network, 0.01, config)
    network.run_eagerly = True  # `test_training_compiles` is faster
    before = [np.array(variable) for variable in network.trainable_variables]
    losses = network.train_on_batch(batch(config, network), return_dict=True)
    assert np.isfinite(list(losses.values())).all()
    moved = Counter(
        variable.path.split("/")[-2].split("_")[0]
        for variable, old in zip(network.trainable_variables, before, strict=True)
        if not np.array_equal(np.array(variable), old)
    )
    assert {f"stage{i}" for i in range(least, 6)} < moved.keys()

    # A network built later, which takes pictures of any size.
    save_weights(network, case.folder / "trained.h5")
    config = TinyConfig(BACKBONE=case.name, IMAGE_RESIZE_MODE="pad64")
    second = build_network("inference", config)
    report = load_weights(second, case.folder / "trained.h5", for_training=False)
    assert (report.missing, report.unused) == ((), ())
    for stage, right in zip(case.features(second), case.features(), strict=True):
        np.testing.assert_allclose(stage, right, rtol=1e-4, atol=1e-5)
    for sides in ((64, 320), (192, 128)):
        found = case.features(second, np.zeros((1, *sides, 3)))
        assert [stage.shape[1:3] for stage in found] == [
            (sides[0] // stride, sides[1] // stride) for stride in (4, 8, 16, 32)
        ]


def test_weights_of_another_network(tmp_path):
    image = keras.Input((4, 4, 3))
    other = keras.Model(image, layers.Conv2D(2, 1)(image))
    released = write_released(other, tmp_path / "a.h5")
    with pytest.raises(WeightsError, match=r"of mobilenet_v3_small.*a\.h5'.*Delete"):
        imagenet.read_application("mobilenet_v3_small", released)


@pytest.mark.parametrize("channels", [1, 4])
def test_other_channels(channels, tmp_path):
    """A grey picture, the same in all channels, gives the very features of RGB."""
    name, rng = "mobilenet_v3_small", np.random.default_rng(0)
    source = randomised(
        keras.applications.MobileNetV3Small(include_top=False, weights=None), rng
    )
    released = write_released(source, tmp_path / "released.h5")
    features = []
    grey = rng.uniform(0, 255, (1, 64, 64, 1))
    for count in (3, channels):
        mean = np.arange(count) + 100.0
        image = keras.Input((64, 64, count))
        stages = application_graph(name, image, train_bn=False, mean_pixel=mean, seed=0)
        network = keras.Model(image, stages)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(imagenet, "fetch", lambda key, folder: released)
            report = imagenet.load_imagenet(network, name)
        features.append(network((grey - mean).astype(np.float32)))
    assert report.inflated == (f"stage1_conv (RGB to {channels} channels)",)
    for found, expected in zip(*features, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("channels", [1, 5])
def test_pixels_are_scaled_as_they_were_in_training(channels):
    """By hand: (value - mean) / (255 deviations), channels beyond three in turn."""
    mean = np.linspace(90, 120, channels)
    image = keras.Input((64, 64, channels))
    (*_, last) = application_graph(
        "convnext_tiny", image, train_bn=False, mean_pixel=mean, seed=0
    )
    scaled = keras.Model(image, last).get_layer("stage1_pixels")
    values = np.random.default_rng(0).uniform(0, 255, (1, 2, 2, channels))
    found = scaled((values - mean).astype(np.float32))
    centres, deviations = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    if channels == 1:
        # The mean of what the three make of it.
        three = (values / 255 - centres) / deviations
        expected = three.mean(axis=-1, keepdims=True)
    else:
        i = np.arange(channels) % 3
        expected = (values / 255 - np.take(centres, i)) / np.take(deviations, i)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_mixed_precision():
    config = TinyConfig(BACKBONE="mobilenet_v3_small", PRECISION="mixed_bfloat16")
    training = build_network("training", config)
    for network in (training, inference_network(training, config)):
        assert network.get_layer("stage1_pixels").compute_dtype == "float32"
        assert network.get_layer("stage1_conv").compute_dtype == "bfloat16"


def test_training_compiles():
    """Batch norm that follows the batch, and paths that are dropped."""
    image = keras.Input((64, 64, 3))
    *_, last = application_graph(
        "efficientnet_v2_b0", image, train_bn=None, mean_pixel=np.zeros(3), seed=7
    )
    network = keras.Model(image, last)
    network.compile(optimizer="sgd", loss="mse")
    norm, drop = map(network.get_layer, ("stage1_stem_bn", "stage5_block6h_drop"))
    kept = [np.array(x) for x in (norm.moving_mean, drop.seed_generator.state)]
    images = np.random.default_rng(0).uniform(0, 255, (2, 64, 64, 3))
    loss = network.train_on_batch(images, np.zeros((2, *last.shape[1:])))
    assert np.isfinite(loss)
    for old, new in zip(
        kept, (norm.moving_mean, drop.seed_generator.state), strict=True
    ):
        assert not np.array_equal(old, np.array(new))


def test_paths_are_dropped_by_the_seed():
    """Each layer by numbers of its own, the same in every network of a seed."""
    image = keras.Input((64, 64, 3))
    graph = {"train_bn": False, "mean_pixel": np.zeros(3), "seed": 7}
    stages = application_graph("efficientnet_v2_b0", image, **graph)
    drops = [x for x in keras.Model(image, stages).layers if "drop" in x.name]
    assert len({layer.seed for layer in drops}) == len(drops) == 15
    (found,) = {float(layer.rate) for layer in drops if layer.name.endswith("6h_drop")}
    assert found == pytest.approx(0.2 * 20 / 21)
    ones = np.ones((64, 1, 1, 1), np.float32)
    dropped = np.asarray(drops[-1](ones, training=True)).ravel()
    # A picture's path is gone, or it is there and louder for those that are not.
    np.testing.assert_allclose(np.unique(dropped), [0, 1 / (1 - found)], rtol=1e-5)
    drops[-1].trainable = False
    np.testing.assert_array_equal(drops[-1](ones, training=True), ones)


def test_every_name_is_on_the_page_and_in_keras():
    page = Path(__file__).resolve().parents[2] / "docs" / "backbones.md"
    assert APPLICATIONS.keys() < set(re.findall(r"\w+", page.read_text("utf-8")))
    for application in APPLICATIONS.values():
        assert callable(getattr(keras.applications, application.class_name))
