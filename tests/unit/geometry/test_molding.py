"""Molded images and metas."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mrcnn.geometry.molding import (
    compose_image_meta,
    mold_image,
    parse_image_meta,
    unmold_image,
)

MEAN = np.array([123.7, 116.8, 103.9])


def test_mold_image_subtracts_once_and_rounds_once():
    image = np.array([[[0, 0, 0], [255, 255, 255]]], np.uint8)
    image.flags.writeable = False
    molded = mold_image(image, MEAN)
    assert molded.dtype == np.float32
    expected = [[[-123.7, -116.8, -103.9], [131.3, 138.2, 151.1]]]
    np.testing.assert_array_equal(molded, np.array(expected, np.float32))


def test_mold_image_takes_batches_floats_and_one_channel():
    batch = np.full((2, 3, 4, 3), 130.5, np.float32)
    np.testing.assert_array_equal(
        mold_image(batch, MEAN)[1, 2, 3], (130.5 - MEAN).astype(np.float32)
    )
    grey = np.full((3, 4, 1), 7, np.uint8)
    np.testing.assert_array_equal(mold_image(grey, [5]), np.full((3, 4, 1), 2.0))


@given(arrays(np.uint8, (3, 5, 3)))
def test_unmold_brings_the_image_back(image):
    np.testing.assert_array_equal(unmold_image(mold_image(image, MEAN), MEAN), image)


def test_unmold_clips():
    extreme = np.array([[[-1e4, 1e4, 0]]], np.float32)
    unmolded = unmold_image(extreme, MEAN)
    assert unmolded.tolist() == [[[0, 255, 104]]] and unmolded.dtype == np.uint8


def test_meta_layout():
    meta = compose_image_meta(
        7, (96, 120, 3), (128, 128, 3), (16, 0, 112, 128), 1.5, [1, 0, 1]
    )
    expected = [7, 96, 120, 3, 128, 128, 3, 16, 0, 112, 128, 1.5, 1, 0, 1]
    np.testing.assert_array_equal(meta, expected)
    assert meta.dtype == np.float64 and meta.shape == (12 + 3,)


@given(
    st.integers(0, 2**20), st.integers(1, 9000), st.floats(0.01, 64), st.integers(0, 3)
)
def test_meta_round_trip(image_id, side, scale, num_classes):
    window = (1, 2, side + 1, 50)
    meta = compose_image_meta(
        image_id, (side, 48, 3), (64, 64, 3), window, scale, [1] * num_classes
    )
    parts = parse_image_meta(np.stack([meta, meta]))
    assert parts["image_id"].tolist() == [image_id] * 2
    assert parts["original_image_shape"].tolist() == [[side, 48, 3]] * 2
    assert parts["image_shape"].tolist() == [[64, 64, 3]] * 2
    assert parts["window"].tolist() == [list(window)] * 2
    assert parts["scale"].tolist() == [np.float32(scale)] * 2
    assert parts["active_class_ids"].shape == (2, num_classes)
    assert {part.dtype.kind for name, part in parts.items() if name != "scale"} == {"i"}
