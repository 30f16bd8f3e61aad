"""A file in the exact layout of mask_rcnn_coco.h5 goes in and comes out."""

import json

import h5py
import numpy as np
import pytest

from mrcnn.config import Config
from mrcnn.network.build import build_network
from mrcnn.weights.matterport import load_weights, save_weights
from tests.parity.original import GOLDEN, recipe_weight, write_recipe_file


@pytest.fixture(scope="module", params=["resnet50", "resnet101"])
def manifest(request):
    content = json.loads((GOLDEN / f"manifest_coco_{request.param}.json").read_text())
    groups = {name: [] for name in content["layer_names"]}
    for group, name, shape in content["weights"]:
        groups[group].append((name, tuple(shape)))
    return request.param, groups


def test_every_array_is_read_and_written(manifest, tmp_path):
    backbone, groups = manifest
    path = tmp_path / "mask_rcnn_coco.h5"
    write_recipe_file(path, groups.items())
    network = build_network(
        "inference",
        Config(
            NAME="coco",
            NUM_CLASSES=81,
            BACKBONE=backbone,
            IMAGE_MIN_DIM=128,
            IMAGE_MAX_DIM=128,
        ),
    )
    expected = {"resnet101": (690, 64_158_584), "resnet50": (384, 45_088_120)}[backbone]
    shapes = [shape for entries in groups.values() for _, shape in entries]
    assert (len(shapes), sum(int(np.prod(shape)) for shape in shapes)) == expected
    assert network.count_params() == expected[1]

    report = load_weights(network, path, for_training=False)
    assert not (report.missing or report.unused or report.clashed or report.excluded)
    for layer in ("conv1", "res4b_branch2a", "mrcnn_mask_deconv", "mrcnn_class_bn1"):
        for variable in network.get_layer(layer).weights:
            expected = recipe_weight(f"{layer}/{variable.name}", tuple(variable.shape))
            np.testing.assert_array_equal(variable, expected)

    again = tmp_path / "again.h5"
    save_weights(network, again)
    with h5py.File(path) as read, h5py.File(again) as written:
        for layer, entries in groups.items():
            for name, _ in entries:
                np.testing.assert_array_equal(
                    written[layer][name][:], read[layer][name][:]
                )
