import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mrcnn.data import statistics
from mrcnn.data.regions import AnnotatedDataset, Region
from mrcnn.data.shapes import Rectangle
from mrcnn.geometry.anchors import feature_shapes, generate_pyramid_anchors
from mrcnn.geometry.boxes import compute_overlaps

SQUARE = {"min_dim": 64, "max_dim": 128, "mode": "square"}


def boxed(images, hw=(50, 100)):
    """A data set of rectangles: for each image (class id, y, x, h, w), crowd if < 0."""
    dataset = AnnotatedDataset()
    for class_id, name in ((1, "cat"), (2, "dog"), (3, "cow")):
        dataset.add_class("x", class_id, name)
    for i, objects in enumerate(images):
        regions = [
            Region(Rectangle(x, y, w, h), abs(label), f"region {k}", label < 0)
            for k, (label, y, x, h, w) in enumerate(objects)
        ]
        dataset.add_image("x", i, None, height=hw[0], width=hw[1], annotations=regions)
    dataset.prepare()
    return dataset


def test_class_counts():
    dataset = boxed(
        [[(1, 0, 0, 5, 5), (1, 9, 9, 5, 5), (-2, 0, 0, 9, 9)], [], [(2, 1, 1, 2, 2)]]
    )
    counts = statistics.class_counts(dataset)
    assert [(c.name, c.num_objects, c.num_images) for c in counts] == [
        ("cat", 2, 1),
        ("dog", 1, 1),  # the crowd does not count
        ("cow", 0, 0),
    ]
    in_image = statistics.objects_by_image_and_class(dataset)
    assert in_image.tolist() == [[2, 0, 0], [0, 0, 0], [0, 1, 0]]


def test_resized_boxes_are_cut_scaled_and_moved():
    # 50 x 100 grows by 1.28 to 64 x 128, 32 rows of padding above and below.
    dataset = boxed([[(1, 40, 90, 20, 20)], [(-1, 0, 0, 9, 9)]])
    boxes, image_hw = statistics.resized_boxes(dataset, **SQUARE)
    assert image_hw == (128, 128)
    np.testing.assert_allclose(boxes, [[83.2, 115.2, 96, 128]])


def test_resized_boxes_with_random_cuts():
    boxes, image_hw = statistics.resized_boxes(
        boxed([[(1, 10, 90, 5, 5)]]), min_dim=100, mode="crop"
    )
    assert image_hw == (100, 200)
    np.testing.assert_allclose(boxes, [[20, 180, 30, 190]])


def test_nothing_to_count():
    dataset = boxed([])
    assert [count.num_objects for count in statistics.class_counts(dataset)] == [0] * 3
    boxes, image_hw = statistics.resized_boxes(dataset, **SQUARE)
    assert (boxes.shape, image_hw) == ((0, 4), (1, 1))


edges = st.floats(0, 100)
sides = st.floats(0.5, 90)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(edges, edges, sides, sides), min_size=1, max_size=8),
    st.sampled_from([1, 2]),
)
def test_best_anchor_is_the_best_of_all(found, anchor_stride):
    boxes = np.array([[y, x, y + h, x + w] for y, x, h, w in found])
    image_hw = (128, 192)
    anchors = {
        "scales": (8, 20, 55, 130),
        "ratios": [0.5, 1, 2],
        "strides": [4, 8, 16, 32],
    }
    every = generate_pyramid_anchors(
        anchors["scales"],
        anchors["ratios"],
        feature_shapes(image_hw, anchors["strides"]),
        anchors["strides"],
        anchor_stride,
    )
    best = statistics.best_anchor_overlaps(
        boxes, image_hw, anchor_stride=anchor_stride, **anchors
    )
    np.testing.assert_allclose(
        best, compute_overlaps(boxes, every).max(axis=1), atol=1e-4
    )


def test_best_anchor_of_no_boxes():
    best = statistics.best_anchor_overlaps(
        np.zeros((0, 4)), (64, 64), scales=(32,), ratios=[1], strides=[4]
    )
    assert best.shape == (0,)


def test_suggested_scales_span_the_sizes(rng):
    # Squares of sides 20 to 320, evenly in their logarithm: five scales, doubling.
    sides = np.exp(rng.uniform(np.log(20), np.log(320), 5000))
    boxes = np.stack([sides * 0, sides * 0, sides, sides], axis=1)
    boxes.flags.writeable = False
    (scales,) = statistics.suggested_scales(boxes, 5)
    # 5 % of the range are left out at both ends: 23 to 279.
    np.testing.assert_allclose(scales, [23, 43, 80, 149, 279], rtol=0.05)


@pytest.mark.parametrize("side", [0.3, 1, 40, 2000])
def test_suggested_scales_of_equal_objects(side):
    found = statistics.suggested_scales(np.array([[0, 0, side, side]] * 3), 5)
    for scales in found:
        assert len(scales) == 5
        assert min(scales) >= 1
        assert sorted(scales) == list(scales)
    if side == 40:
        assert found == [
            (10, 14, 20, 28, 40),
            (40, 57, 80, 113, 160),
            (20, 28, 40, 57, 80),
        ]


def test_batch_bytes_are_those_of_the_arrays():
    # The table of arrays of a batch: B = 2, K = 3, 4092 anchors at 128 pixels.
    arrays = [
        np.zeros((2, 128, 128, 3), np.float32),
        np.zeros((2, 12 + 3), np.float32),
        np.zeros((2, 4092, 1), np.int32),
        np.zeros((2, 256, 4), np.float32),
        np.zeros((2, 100), np.int32),
        np.zeros((2, 100, 4), np.int32),
        np.zeros((2, 56, 56, 100), np.uint8),
    ]
    assert statistics.batch_bytes(
        (128, 128, 3),
        num_images=2,
        num_classes=3,
        num_anchors=4092,
        num_rpn_targets=256,
        max_instances=100,
        mask_hw=(56, 56),
    ) == sum(array.nbytes for array in arrays)
