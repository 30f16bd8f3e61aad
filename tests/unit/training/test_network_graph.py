"""The graph that TensorBoard draws: which parts the layers are in, and the edges."""

import keras
import pytest
from keras import layers, ops

from mrcnn.training.network_graph import network_graph, part_of


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("conv1_pad", "stem"),
        ("bn_conv1", "stem"),
        ("pool1", "stem"),
        ("res2a_branch1", "res2/a"),
        ("bn4w_branch2c", "res4/w"),
        ("res5", "res5"),
        ("fpn_c5p5", "fpn"),
        ("rpn_model", "rpn"),
        ("ROI", "proposals"),
        ("proposal_targets", "targets"),
        ("roi_align_classifier", "box_head"),
        ("mrcnn_class_conv1", "box_head"),
        ("mrcnn_bbox_fc", "box_head"),
        ("pool_squeeze", "box_head"),
        ("roi_align_mask", "mask_head"),
        ("mrcnn_mask_deconv", "mask_head"),
        ("result", None),
        ("ROIs", None),
        ("conv2d_3", None),
    ],
)
def test_part_of_a_layer(name, part):
    assert part_of(name) == part


def test_nodes_and_edges():
    image = keras.Input((8, 8, 3), name="image")
    boxes = keras.Input((4, 4), name="gt_boxes")
    rpn_input = keras.Input((None, None, 2))
    rpn_model = keras.Model(rpn_input, layers.ReLU()(rpn_input), name="rpn_model")
    stem = layers.Conv2D(2, 1, name="of_my_own")(image)
    left, right = ops.split(stem, 2, axis=1)
    found = [rpn_model(side) for side in (left, right)]
    both = layers.Add(name="fpn_p2add")(found)
    network = keras.Model([image, boxes], [both, boxes / 8])
    # As in detection, where layers are used a second time: that is another network.
    rpn_model(stem)
    nodes = {node.name: node for node in network_graph(network).node}

    inputs = {
        # A name that says nothing: the first input says it.
        "backbone/of_my_own": ["inputs/image"],
        "backbone/split": ["backbone/of_my_own"],
        "rpn/rpn_model": ["backbone/split", "backbone/split:1"],
        "fpn/fpn_p2add": ["rpn/rpn_model", "rpn/rpn_model"],
        "inputs/image": [],
        "inputs/gt_boxes": [],
    }
    (division,) = set(nodes) - set(inputs)
    assert division.startswith("targets/")
    assert nodes.pop(division).input == ["inputs/gt_boxes"]
    assert {name: list(node.input) for name, node in nodes.items()} == inputs
    assert {node.op for node in nodes.values()} >= {"Conv2D", "Add", "Functional"}
    convolution = nodes["backbone/of_my_own"].attr
    assert convolution["parameters"].i == 3 * 2 + 2
    assert "parameters" not in nodes["fpn/fpn_p2add"].attr
    shapes = nodes["backbone/split"].attr["_output_shapes"].list.shape
    assert [[dim.size for dim in shape.dim] for shape in shapes] == [[-1, 4, 8, 2]] * 2
