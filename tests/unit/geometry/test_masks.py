"""Masks: boxes, mini-masks, pasting, overlaps."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.transform import resize as skimage_resize

from mrcnn.errors import DatasetError
from mrcnn.geometry.masks import (
    common_pixels,
    compute_overlaps_masks,
    expand_mask,
    extract_bboxes,
    mask_in_box,
    minimize_mask,
    paste_masks,
    unmold_mask,
)


def rectangles(*boxes, image_hw=(20, 30)):
    masks = np.zeros((*image_hw, len(boxes)), bool)
    for i, (y1, x1, y2, x2) in enumerate(boxes):
        masks[y1:y2, x1:x2, i] = True
    masks.flags.writeable = False
    return masks


def test_extract_bboxes():
    boxes = [(2, 3, 10, 20), (0, 0, 20, 30), (19, 29, 20, 30)]
    found = extract_bboxes(rectangles(*boxes))
    np.testing.assert_array_equal(found, boxes)
    assert found.dtype == np.int32


def test_extract_bboxes_of_scattered_pixels():
    mask = np.zeros((6, 7, 1), np.uint8)
    mask[1, 5] = mask[4, 2] = 1
    np.testing.assert_array_equal(extract_bboxes(mask), [[1, 2, 5, 6]])


def test_extract_bboxes_of_nothing():
    masks = rectangles((2, 3, 10, 20), (0, 0, 0, 0))
    np.testing.assert_array_equal(extract_bboxes(masks), [(2, 3, 10, 20), (0,) * 4])
    for shape in ((20, 30, 0), (0, 0, 0)):
        assert extract_bboxes(np.zeros(shape, bool)).shape == (0, 4)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.integers(1, 4),
    st.integers(0, 2**32 - 1),
)
def test_extract_bboxes_in_any_order_of_memory(height, width, num, seed):
    masks = np.random.default_rng(seed).random((height, width, num)) < 0.05
    by_hand = [
        (min(y), min(x), max(y) + 1, max(x) + 1) if len(y) else (0, 0, 0, 0)
        for y, x in (np.nonzero(masks[..., i]) for i in range(num))
    ]
    one_piece_each = np.moveaxis(np.moveaxis(masks, -1, 0).copy(), 0, -1)
    for order in (masks, one_piece_each, np.asfortranarray(masks), masks[::-1][::-1]):
        order.flags.writeable = False
        np.testing.assert_array_equal(extract_bboxes(order), by_hand)


def test_paste_masks():
    boxes = [(2, 3, 4, 6), (0, 0, 20, 30), (0, 0, 0, 0)]
    box_masks = [np.eye(2, 3, dtype=bool), np.ones((20, 30), bool), np.zeros((0, 0))]
    masks = paste_masks(np.array(boxes), box_masks, (20, 30))
    assert masks.shape == (20, 30, 3) and masks.dtype == bool
    # The diagonal of 2 x 3 in rows 2 and 3 from column 3 on.
    np.testing.assert_array_equal(np.argwhere(masks[..., 0]), [(2, 3), (3, 4)])
    assert masks[..., 1].all() and not masks[..., 2].any()
    assert paste_masks(np.zeros((0, 4), int), [], (5, 6)).shape == (5, 6, 0)


def test_minimize_and_expand_a_rectangle():
    # A rectangle fills its own box, in any size; so it comes back whole.
    boxes = [(2, 3, 10, 20), (5, 5, 6, 6), (0, 0, 20, 30)]
    masks = rectangles(*boxes)
    mini = minimize_mask(np.array(boxes), masks, (7, 9))
    assert mini.shape == (7, 9, 3) and mini.dtype == bool and mini.all()
    np.testing.assert_array_equal(expand_mask(boxes, mini, (20, 30, 3)), masks)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_minimize_and_expand_are_scikit_image_rounded(height, width, seed):
    rng = np.random.default_rng(seed)
    mask = rng.random((height, width, 1)) > 0.5
    box = np.array([[0, 0, height, width]])

    def reference(array, shape):
        resized = skimage_resize(
            array.astype(float), shape, order=1, mode="constant", anti_aliasing=False
        )
        return np.around(resized).astype(bool)

    mini = minimize_mask(box, mask, (14, 16))
    np.testing.assert_array_equal(mini[..., 0], reference(mask[..., 0], (14, 16)))
    np.testing.assert_array_equal(
        expand_mask(box, mini, (height, width))[..., 0],
        reference(mini[..., 0], (height, width)),
    )


def test_mini_masks_keep_the_shape_of_large_objects():
    y, x = np.mgrid[:120, :160]
    mask = ((y - 60) ** 2 / 50**2 + (x - 80) ** 2 / 70**2 < 1)[..., None]
    box = extract_bboxes(mask)
    back = expand_mask(box, minimize_mask(box, mask, (56, 56)), mask.shape)
    assert compute_overlaps_masks(mask, back)[0, 0] > 0.97


def test_minimize_names_the_instance_without_pixels():
    masks = rectangles((2, 3, 10, 20), (0, 0, 0, 0))
    with pytest.raises(DatasetError, match=r"box \(0, 0, 0, 0\) of instance 1"):
        minimize_mask(extract_bboxes(masks), masks, (7, 7))


def test_minimize_and_expand_without_instances():
    none = np.zeros((20, 30, 0), bool)
    mini = minimize_mask(np.zeros((0, 4), int), none, (7, 7))
    assert mini.shape == (7, 7, 0)
    assert expand_mask(np.zeros((0, 4), int), mini, (20, 30)).shape == (20, 30, 0)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 70),
    st.integers(1, 70),
    st.integers(0, 2**32 - 1),
    st.sampled_from([0.0, 0.4, 0.6]),
)
def test_mask_in_box_is_scikit_image(height, width, seed, least):
    # From 0.6 on the whole box belongs to the object: values keep their range,
    # although the zeros outside would pull the border below 0.5.
    mask = np.random.default_rng(seed).uniform(least, 1, (28, 28)).astype(np.float32)
    mask.flags.writeable = False
    resized = skimage_resize(
        mask, (height, width), order=1, mode="constant", anti_aliasing=False
    )
    np.testing.assert_array_equal(mask_in_box(mask, (height, width)), resized >= 0.5)


def test_mask_in_box_at_other_thresholds():
    # 1 x 2 -> 1 x 4 of [1, 0.2]: 0.75, 0.8, 0.4, 0.2 (0.15 kept in range)
    mask = np.array([[1, 0.2]])
    assert mask_in_box(mask, (1, 4), threshold=0.3).tolist() == [[1, 1, 1, 0]]
    assert mask_in_box(mask, (1, 4), threshold=0.78).tolist() == [[0, 1, 0, 0]]


@pytest.mark.parametrize("value", [0.0, 0.5, 0.49, 1.0])
def test_uniform_masks_fill_their_box_or_leave_it_empty(value):
    for dtype in (np.float32, np.float64):
        box = mask_in_box(np.full((28, 28), value, dtype), (37, 53))
        assert (box == (value >= 0.5)).all() and box.shape == (37, 53)


def test_mask_in_box_takes_bool_masks_and_empty_boxes():
    mask = np.zeros((28, 28), bool)
    mask[:14] = True
    np.testing.assert_array_equal(mask_in_box(mask, (28, 28)), mask)
    assert mask_in_box(mask, (0, 9)).shape == (0, 9)


def test_unmold_mask_pastes_into_the_box_alone():
    mask = np.ones((28, 28), np.float32)
    full = unmold_mask(mask, np.array([2, 3, 10, 20]), (20, 30, 3))
    np.testing.assert_array_equal(full, rectangles((2, 3, 10, 20))[..., 0])
    assert full.dtype == bool
    assert not unmold_mask(mask, (5, 5, 5, 9), (20, 30)).any()


def test_overlaps_by_hand():
    # 4 x 4 and 4 x 4 shifted by 2: 4 * 2 shared of 16 + 16 - 8 = 24
    masks = rectangles((0, 0, 4, 4), (0, 2, 4, 6), (10, 10, 12, 12))
    expected = [[1, 8 / 24, 0], [8 / 24, 1, 0], [0, 0, 1]]
    overlaps = compute_overlaps_masks(masks, masks)
    np.testing.assert_allclose(overlaps, expected, rtol=1e-6)
    assert overlaps.dtype == np.float32


def test_overlaps_of_probabilities_count_above_a_half():
    masks = np.array([0.5, 0.51, 0.9, 0.1]).reshape(2, 2, 1)
    truth = np.array([False, True, True, True]).reshape(2, 2, 1)
    np.testing.assert_allclose(compute_overlaps_masks(masks, truth), [[2 / 3]])


def test_overlaps_of_nothing():
    empty = rectangles((0, 0, 0, 0))
    np.testing.assert_array_equal(compute_overlaps_masks(empty, empty), [[0]])
    none = np.zeros((0, 0, 0), bool)
    assert compute_overlaps_masks(none, empty).shape == (0, 1)
    assert compute_overlaps_masks(empty, none).shape == (1, 0)


def test_overlaps_of_different_sizes():
    with pytest.raises(DatasetError, match=r"\(20, 30\) and \(30, 20\)"):
        compute_overlaps_masks(np.zeros((20, 30, 1), bool), np.zeros((30, 20, 1), bool))


def test_common_pixels_are_those_of_the_full_masks(rng):
    for _ in range(50):
        boxes, masks, full = [], [], []
        for _ in range(2):
            y1, x1 = rng.integers(-5, 15, 2)
            mask = rng.random(rng.integers(0, 12, 2)) < 0.6
            boxes.append((y1, x1, y1 + mask.shape[0], x1 + mask.shape[1]))
            masks.append(mask)
            canvas = np.zeros((40, 40), bool)
            canvas[y1 + 10 : y1 + 10 + len(mask), x1 + 10 : x1 + 10 + mask.shape[1]] = (
                mask
            )
            full.append(canvas)
        common = common_pixels(boxes[0], masks[0], boxes[1], masks[1])
        assert common == (full[0] & full[1]).sum()
