"""The network as TensorBoard draws it: layers as nodes, grouped by parts.

`part_of` knows where a layer belongs by its name, which is the original's;
`network_graph` makes the GraphDef. `network_log` writes it.
"""

from __future__ import annotations

import re

import keras

from mrcnn.network.graph import calls_in_order

# Part -> names of its layers; the stages of the backbone are in `part_of`.
_PARTS = {
    "stem": r"(bn_)?conv1|pool1",
    "fpn": r"fpn_",
    "rpn": r"rpn_",
    "proposals": r"ROI$",
    "targets": r"proposal_targets$",
    "box_head": r"roi_align_classifier|mrcnn_class|mrcnn_bbox|pool_squeeze",
    "mask_head": r"roi_align_mask|mrcnn_mask",
}


def part_of(layer_name: str) -> str | None:
    """Return the part of the network that a layer is of, by its name; None of others.

    Example:
        >>> part_of("bn4b_branch2a"), part_of("mrcnn_bbox_fc"), part_of("add_1")
        ('res4/b', 'box_head', None)
    """
    stage = re.match(r"(?:res|bn)(\d)([a-z]?)", layer_name)
    if stage:
        return f"res{stage[1]}/{stage[2]}".rstrip("/")
    for part, pattern in _PARTS.items():
        if re.match(pattern, layer_name):
            return part
    return None


def network_graph(network: keras.Model):
    """Return a network as a GraphDef of TensorBoard's.

    A node is called ``part/layer``, and knows the class, the number of parameters and
    the shapes of what it gives. What `part_of` does not know is of the part that its
    first input comes from: of the backbone if that is the image, else of the targets.

    Args:
        network: a functional model.
    """
    from tensorboard.compat.proto.graph_pb2 import GraphDef

    graph, nodes, parts = GraphDef(), {}, {}
    for call in calls_in_order(network):
        operation = call.operation
        sources = [tensor._keras_history for tensor in call.arguments.keras_tensors]
        # The RPN is called once a level, and is one node.
        if operation not in nodes:
            part = "inputs"
            if sources:
                source = sources[0].operation
                inherited = parts[source]
                if inherited == "inputs":
                    inherited = "backbone" if source.name == "image" else "targets"
                part = part_of(operation.name) or inherited
            parts[operation] = part
            nodes[operation] = graph.node.add(
                name=f"{part}/{operation.name}",
                op=type(operation).__name__,
                attr=_attributes(operation, call.outputs),
            )
        nodes[operation].input.extend(
            nodes[source.operation].name
            + (f":{source.tensor_index}" if source.tensor_index else "")
            for source in sources
        )
    return graph


def _attributes(operation, outputs) -> dict:
    from tensorboard.compat.proto.attr_value_pb2 import AttrValue
    from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto

    shapes = [
        TensorShapeProto(
            dim=[
                TensorShapeProto.Dim(size=-1 if size is None else size)
                for size in tensor.shape
            ]
        )
        for tensor in outputs
    ]
    attributes = {
        # TensorBoard writes these on the edges.
        "_output_shapes": AttrValue(list=AttrValue.ListValue(shape=shapes))
    }
    if getattr(operation, "weights", ()):
        attributes["parameters"] = AttrValue(i=operation.count_params())
    return attributes
