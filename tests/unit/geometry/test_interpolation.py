"""Bilinear and nearest resizing against scikit-image and SciPy."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage.transform import resize as skimage_resize

from mrcnn.geometry.interpolation import linear_matrix, resize_linear, resize_nearest

SIDES = st.integers(1, 60)


def test_linear_by_hand():
    # 1 x 2 -> 1 x 4: centres at -0.25, 0.25, 0.75, 1.25 of [8, 4]. The outer ones
    # mix a quarter of the zeros outside in: 0.75 * 8 and 0.75 * 4 = 3, which is
    # brought back into the range 4 to 8.
    np.testing.assert_array_equal(
        resize_linear(np.array([[8, 4]]), (1, 4)), [[6, 7, 5, 4]]
    )


@settings(max_examples=40, deadline=None)
@given(SIDES, SIDES, SIDES, SIDES, st.integers(0, 2**32 - 1), st.booleans())
def test_linear_is_scikit_image_to_the_last_bit(height, width, h, w, seed, flat):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (height, width, 3)).astype(np.uint8)
    if flat:  # where whole numbers truncate to the one below
        image[:] = image[0, 0]
    expected = skimage_resize(
        image,
        (h, w),
        order=1,
        mode="constant",
        preserve_range=True,
        anti_aliasing=False,
    )
    np.testing.assert_array_equal(resize_linear(image, (h, w)), expected)
    np.testing.assert_array_equal(
        resize_linear(image, (h, w), dtype=np.uint8), expected.astype(np.uint8)
    )
    y, x = rng.integers(h), rng.integers(w)
    crop = (y, x, rng.integers(h - y) + 1, rng.integers(w - x) + 1)
    np.testing.assert_array_equal(
        resize_linear(image, (h, w), crop=crop),
        expected[y : y + crop[2], x : x + crop[3]],
    )


def test_linear_takes_any_rank_dtype_and_read_only_arrays():
    image = np.arange(12, dtype=np.float32).reshape(3, 4)
    image.flags.writeable = False
    once = resize_linear(image, (5, 6), dtype=np.float32)
    assert once.dtype == np.float32
    stacked = resize_linear(np.stack([image, image], axis=-1), (5, 6), dtype=np.float32)
    np.testing.assert_array_equal(stacked, np.stack([once, once], axis=-1))
    assert resize_linear(image[:, :, None], (5, 6)).shape == (5, 6, 1)
    assert resize_linear(image, (0, 6)).shape == (0, 6)


@settings(max_examples=40, deadline=None)
@given(SIDES, SIDES, SIDES, SIDES, st.integers(0, 2**32 - 1))
def test_linear_matrix_is_resize_linear_without_its_range(height, width, h, w, seed):
    array = np.random.default_rng(seed).standard_normal((height, width))
    product = linear_matrix(height, h) @ array @ linear_matrix(width, w).T
    product = product.clip(array.min(), array.max())
    np.testing.assert_allclose(product, resize_linear(array, (h, w)), atol=1e-12)


def test_nearest_by_hand():
    # 3 -> 5: step (3 - 1) / (5 - 1) = 0.5; 0, 0.5, 1, 1.5, 2 round up at halves.
    np.testing.assert_array_equal(
        resize_nearest(np.array([[7, 8, 9]]), (1, 5)), [[7, 8, 8, 9, 9]]
    )


@settings(max_examples=60, deadline=None)
@given(SIDES, SIDES, st.floats(0.2, 4), st.integers(0, 2**32 - 1))
def test_nearest_is_scipy_zoom(height, width, zoom, seed):
    masks = np.random.default_rng(seed).random((height, width, 2)) > 0.5
    output_hw = (round(height * zoom), round(width * zoom))
    assume(0 not in output_hw)
    expected = ndimage.zoom(masks, [zoom, zoom, 1], order=0)
    np.testing.assert_array_equal(resize_nearest(masks, output_hw), expected)


@pytest.mark.parametrize(("size", "output_size"), [(50, 80), (30, 99), (119, 190)])
def test_nearest_keeps_scipys_rounding_at_the_last_row(size, output_size):
    masks = np.ones((size, 2), bool)
    expected = ndimage.zoom(masks, [output_size / size, 1], order=0)
    np.testing.assert_array_equal(resize_nearest(masks, (output_size, 2)), expected)


def test_nearest_leaves_its_argument_alone():
    masks = np.ones((4, 4, 1), bool)
    masks.flags.writeable = False
    assert resize_nearest(masks, (7, 9)).shape == (7, 9, 1)
    assert resize_nearest(masks, (4, 4)) is masks
    assert resize_nearest(np.zeros((4, 5, 0), bool), (8, 10)).shape == (8, 10, 0)
