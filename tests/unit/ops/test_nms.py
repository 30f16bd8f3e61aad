"""Suppression: kernel, portable form and NumPy keep the same boxes."""

import numpy as np
import pytest
from keras import ops

from mrcnn.geometry import boxes as geometry
from mrcnn.ops.nms import non_max_suppression, portable_non_max_suppression

FORMS = [non_max_suppression, portable_non_max_suppression]


def random_boxes(rng, num):
    corner = rng.uniform(0, 60, (num, 2))
    size = rng.uniform(5, 40, (num, 2))
    return np.concatenate([corner, corner + size], 1).astype(np.float32)


def keep(form, boxes, scores, **kwargs):
    kwargs = {"max_output_size": 10, "iou_threshold": 0.3, **kwargs}
    if kwargs.get("groups") is not None:
        kwargs["groups"] = ops.convert_to_tensor(kwargs["groups"])
    indices, valid = form(
        ops.convert_to_tensor(boxes), ops.convert_to_tensor(scores), **kwargs
    )
    indices, valid = ops.convert_to_numpy(indices), ops.convert_to_numpy(valid)
    assert indices.shape == valid.shape == (len(boxes), kwargs["max_output_size"])
    return [row[flags].tolist() for row, flags in zip(indices, valid, strict=True)]


@pytest.mark.parametrize("form", FORMS)
def test_hand_made(form):
    # Boxes 0 and 1 overlap by 8 x 10 of 12 x 10 = 2/3; box 2 is apart.
    boxes = np.array([[[0, 0, 10, 10], [0, 2, 10, 12], [50, 50, 60, 60]]], np.float32)
    scores = np.array([[0.5, 0.9, 0.1]], np.float32)
    assert keep(form, boxes, scores, iou_threshold=0.6) == [[1, 2]]
    assert keep(form, boxes, scores, iou_threshold=0.7) == [[1, 0, 2]]
    assert keep(form, boxes, scores, max_output_size=1) == [[1]]


@pytest.mark.parametrize("form", FORMS)
def test_agrees_with_numpy(form, rng):
    boxes = np.stack([random_boxes(rng, 50) for _ in range(3)])
    scores = rng.permutation(150).reshape(3, 50).astype(np.float32)
    expected = [
        geometry.non_max_suppression(boxes[i], scores[i], 0.3).tolist()
        for i in range(3)
    ]
    assert keep(form, boxes, scores, max_output_size=50) == expected


@pytest.mark.parametrize("form", FORMS)
def test_groups_do_not_suppress_each_other(form, rng):
    boxes = random_boxes(rng, 40)
    scores = rng.permutation(40).astype(np.float32)
    groups = rng.integers(0, 3, 40).astype(np.int32)
    expected = []
    for group in range(3):
        members = np.flatnonzero(groups == group)
        kept = geometry.non_max_suppression(boxes[members], scores[members], 0.3)
        expected += members[kept].tolist()
    expected.sort(key=lambda i: -scores[i])
    found = keep(
        form, boxes[None], scores[None], groups=groups[None], max_output_size=40
    )
    assert found == [expected]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("grouped", [False, True])
def test_padding_is_never_kept(form, grouped, rng):
    boxes = random_boxes(rng, 6)[None]
    scores = np.full((1, 6), -np.inf, np.float32)
    groups = np.zeros((1, 6), np.int32) if grouped else None
    assert keep(form, boxes, scores, groups=groups) == [[]]
    scores[0, 4] = 0.0
    assert keep(form, boxes, scores, groups=groups) == [[4]]
