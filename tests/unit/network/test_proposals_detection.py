"""Proposals and detections against a plain version in NumPy."""

import numpy as np
from keras import ops

from mrcnn.geometry import boxes as geometry
from mrcnn.network.detection import DetectionLayer, refine_detections
from mrcnn.network.proposals import ProposalLayer, propose

STD_DEV = np.array([0.1, 0.1, 0.2, 0.2], np.float32)
UNIT = np.array([0, 0, 1, 1], np.float32)


def random_boxes(rng, shape):
    corner = rng.uniform(0, 0.7, (*shape, 2))
    return np.concatenate(
        [corner, corner + rng.uniform(0.05, 0.3, (*shape, 2))], -1
    ).astype(np.float32)


def test_propose(rng):
    anchors = random_boxes(rng, (200,))
    scores = rng.permutation(400).reshape(2, 200).astype(np.float32) / 400
    deltas = rng.normal(size=(2, 200, 4)).astype(np.float32)
    rois, valid = propose(
        ops.array(scores),
        ops.array(deltas),
        ops.array(anchors[None]),
        pre_nms_limit=80,
        num_proposals=60,
        nms_threshold=0.4,
        std_dev=STD_DEV,
    )
    for image in range(2):
        best = np.argsort(-scores[image])[:80]
        moved = geometry.apply_box_deltas(anchors[best], deltas[image, best] * STD_DEV)
        moved = geometry.clip_boxes(moved, UNIT)
        kept = geometry.non_max_suppression(moved, scores[image, best], 0.4)[:60]
        count = int(np.sum(np.asarray(valid[image])))
        assert count == len(kept) < 60
        np.testing.assert_allclose(rois[image, :count], moved[kept], atol=1e-5)
        assert not np.any(np.asarray(rois[image, count:]))


def test_refine_detections(rng):
    num_rois, num_classes = 60, 4
    rois = random_boxes(rng, (1, num_rois))
    logits = rng.normal(size=(1, num_rois, num_classes)) * 3
    probs = (np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)).astype(np.float32)
    deltas = rng.normal(size=(1, num_rois, num_classes, 4)).astype(np.float32)
    window = np.array([[0.1, 0.0, 0.9, 1.0]], np.float32)
    found = refine_detections(
        *map(ops.array, (rois, probs, deltas, window)),
        min_confidence=0.6,
        nms_threshold=0.3,
        max_instances=50,
        std_dev=STD_DEV,
    )
    expected = []
    class_ids, scores = probs[0].argmax(-1), probs[0].max(-1)
    chosen = deltas[0, np.arange(num_rois), class_ids] * STD_DEV
    boxes = geometry.clip_boxes(geometry.apply_box_deltas(rois[0], chosen), window[0])
    for class_id in range(1, num_classes):
        members = np.flatnonzero((class_ids == class_id) & (scores >= 0.6))
        for i in members[
            geometry.non_max_suppression(boxes[members], scores[members], 0.3)
        ]:
            expected.append([*boxes[i], class_id, scores[i]])
    expected.sort(key=lambda row: -row[5])
    assert 5 < len(expected) < 50
    np.testing.assert_allclose(found[0, : len(expected)], expected, atol=1e-5)
    assert not np.any(np.asarray(found[0, len(expected) :]))


def test_only_background_gives_no_detection():
    probs = np.zeros((1, 3, 2), np.float32)
    probs[..., 0] = 1
    found = refine_detections(
        ops.ones((1, 3, 4)),
        ops.array(probs),
        ops.zeros((1, 3, 2, 4)),
        ops.array(UNIT[None]),
        min_confidence=0.0,
        nms_threshold=0.3,
        max_instances=5,
        std_dev=STD_DEV,
    )
    assert found.shape == (1, 5, 6)
    assert not np.any(np.asarray(found))


def test_layers_keep_their_arguments():
    for layer, arguments in (
        (
            ProposalLayer,
            {
                "proposal_count": 7,
                "nms_threshold": 0.4,
                "pre_nms_limit": 50,
                "std_dev": [1.0, 2.0, 3.0, 4.0],
            },
        ),
        (
            DetectionLayer,
            {
                "min_confidence": 0.2,
                "nms_threshold": 0.4,
                "max_instances": 9,
                "std_dev": [1.0, 2.0, 3.0, 4.0],
            },
        ),
    ):
        again = layer.from_config(layer(**arguments).get_config())
        for name, value in arguments.items():
            assert getattr(again, name) == value
