"""Graphs of other people: which are opened, and how the others are refused."""

import sys
from pathlib import Path

import pytest

from mrcnn.errors import WeightsError
from mrcnn.ops.frozen_graph import OUTPUTS, load_frozen_graph, load_saved_model
from tests.unit.ops import graphs
from tests.unit.ops.graphs import GREEN, RED, picture

tf = pytest.importorskip("tensorflow", reason="graphs of the zoo run on TensorFlow")


def test_the_graphs_here_have_loops_as_those_of_the_zoo():
    graph = tf.compat.v1.GraphDef.FromString(graphs.frozen(tf))
    operations = {node.op for node in graph.node}
    assert {"Enter", "Merge", "Switch", "NextIteration", "Exit"} <= operations


def test_the_arrays_of_a_graph():
    run = load_frozen_graph(graphs.frozen(tf, 33), "here")
    found = run(picture(RED, GREEN))
    assert tuple(found) == OUTPUTS
    assert found["detection_masks"].shape == (1, 5, 33, 33)
    # Rows 10 to 30 of 50, columns 20 to 60 of 80.
    assert found["detection_boxes"][0, 0] == pytest.approx([0.2, 0.25, 0.6, 0.75])
    assert found["num_detections"].tolist() == [4]
    assert run(picture())["num_detections"].tolist() == [0]


def refusal(load, *what) -> str:
    """The message; what was refused is the last word of `what`."""
    with pytest.raises(WeightsError) as caught:
        load(*what)
    message = str(caught.value)
    assert f"Received: {what[-1]} (" in message
    assert "image_tensor uint8 [1, H, W, 3] in, num_detections, detec" in message
    return message


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"hello, this is a text\n" * 9, "Error parsing message"),
        (b"", "without image_tensor (uint8), num_detections"),
        (lambda: graphs.frozen(tf)[:-2000], "Error parsing message"),
        (
            lambda: graphs.frozen(tf, without=["detection_masks"]),
            "(without detection_masks)",
        ),
        (lambda: graphs.frozen(tf, dtype="float32"), "(without image_tensor (uint8))"),
        (
            lambda: graphs.frozen(tf).replace(b"StridedSlice", b"StridedSlicf"),
            "StridedSlicf",
        ),
    ],
)
def test_files_that_are_no_such_graph(content, problem):
    content = content() if callable(content) else content
    assert problem in refusal(load_frozen_graph, content, Path("a/graph.pb"))


def test_folders_that_are_no_such_model(tmp_path):
    saved = tmp_path / "saved"
    graphs.save_as_tensorflow_1(tf, saved)
    file = saved / "saved_model.pb"
    file.write_bytes(file.read_bytes()[:-200])
    assert "Cannot parse file" in refusal(load_saved_model, saved)
    file.write_bytes(b"")
    refusal(load_saved_model, saved)
    file.unlink()
    refusal(load_saved_model, saved)


def test_saved_models_of_something_else(tmp_path):
    module = tf.Module()
    module.double = tf.function(
        lambda x: {"detection_boxes": 2 * x},
        input_signature=[tf.TensorSpec([1], tf.float32)],
    )
    tf.saved_model.save(module, tmp_path, {"serving_default": module.double})
    message = refusal(load_saved_model, tmp_path)
    assert "without image_tensor (uint8), num_detections, detection_scores" in message
    tf.saved_model.save(tf.Module(), tmp_path)
    message = refusal(load_saved_model, tmp_path)
    assert "without the signature serving_default" in message


def test_a_graph_that_fails_on_an_image():
    run = load_frozen_graph(graphs.frozen(tf, fixed=(20, 20)), "graph.pb")
    with pytest.raises(WeightsError, match=r"graph\.pb to run on .* \(50, 80, 3\)\. R"):
        run(picture(RED, GREEN))


def test_without_tensorflow(monkeypatch):
    content = graphs.frozen(tf)
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(WeightsError, match=r"whatever Keras runs on\. .*pip install"):
        load_frozen_graph(content, "graph.pb")
