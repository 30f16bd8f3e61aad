import dataclasses

import numpy as np
import pytest

from mrcnn.structures import (
    LOSS_NAMES,
    META_ACTIVE_CLASS_IDS,
    META_IMAGE_ID,
    META_ORIGINAL_SHAPE,
    META_SCALE,
    META_SHAPE,
    META_SIZE_WITHOUT_CLASSES,
    META_WINDOW,
    Detections,
)


@pytest.fixture
def three():
    """Three objects in an image of 6 x 8: a square, a diagonal, one without area."""
    arrays = [
        np.array([[0, 0, 2, 2], [3, 4, 6, 7], [5, 5, 5, 5]], np.int32),
        np.array([1, 2, 1], np.int32),
        np.array([0.9, 0.8, 0.7], np.float32),
    ]
    masks = (np.ones((2, 2), bool), np.eye(3, dtype=bool), np.zeros((0, 0), bool))
    for array in (*arrays, *masks):
        array.flags.writeable = False
    return Detections((6, 8), *arrays, masks)


def test_masks_lie_inside_their_boxes(three):
    masks = three.masks
    assert masks.shape == (6, 8, 3) and masks.dtype == bool
    # The square covers rows 0-1, columns 0-1.
    assert np.argwhere(masks[..., 0]).tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    # The diagonal of a 3 x 3 box at (3, 4).
    assert np.argwhere(masks[..., 1]).tolist() == [[3, 4], [4, 5], [5, 6]]
    assert not masks[..., 2].any()


def test_masks_are_new_at_each_call(three):
    three.masks[:] = True
    assert three.masks.sum() == 4 + 3  # a square of 2 x 2 and a diagonal of 3


@pytest.mark.parametrize(
    ("index", "scores"),
    [
        (np.array([2, 0]), [0.7, 0.9]),
        (np.array([True, False, True]), [0.9, 0.7]),
        (np.array([], int), []),
        ([1], [0.8]),
        ([], []),
        (slice(1, None), [0.8, 0.7]),
        (np.array([-1]), [0.7]),
    ],
)
def test_select(three, index, scores):
    picked = three.select(index)
    np.testing.assert_allclose(picked.scores, scores)
    assert picked.image_hw == three.image_hw and len(picked) == len(scores)
    assert picked.masks.shape == (6, 8, len(scores))
    for i, score in enumerate(scores):
        source = np.flatnonzero(np.isclose(three.scores, score))[0]
        np.testing.assert_array_equal(picked.boxes[i], three.boxes[source])
        np.testing.assert_array_equal(picked.masks[..., i], three.masks[..., source])


def test_select_by_a_mask_of_the_wrong_length(three):
    with pytest.raises(IndexError):
        three.select(np.array([True, False]))


def test_to_dict_is_the_originals(three):
    result = three.to_dict()
    assert list(result) == ["rois", "class_ids", "scores", "masks"]
    np.testing.assert_array_equal(result["rois"], three.boxes)
    np.testing.assert_array_equal(result["masks"], three.masks)


def test_empty():
    none = Detections.empty(np.array([5, 7]))
    assert len(none) == 0 and none.masks.shape == (5, 7, 0)
    assert none.image_hw == (5, 7) and none.boxes.shape == (0, 4)
    assert len(none.select(np.zeros(0, bool))) == 0
    assert {key: value.dtype.name for key, value in none.to_dict().items()} == {
        "rois": "int32",
        "class_ids": "int32",
        "scores": "float32",
        "masks": "bool",
    }


def test_detections_are_frozen(three):
    with pytest.raises(dataclasses.FrozenInstanceError):
        three.scores = np.zeros(3)


def test_meta_slices_cover_the_vector_once():
    order = [META_IMAGE_ID, META_ORIGINAL_SHAPE, META_SHAPE, META_WINDOW, META_SCALE]
    offsets = np.arange(META_SIZE_WITHOUT_CLASSES + 2)
    parts = [offsets[part] for part in (*order, META_ACTIVE_CLASS_IDS)]
    # id, original shape, shape, window, scale, one number for each of 2 classes
    assert [len(part) for part in parts] == [1, 3, 3, 4, 1, 2]
    np.testing.assert_array_equal(np.concatenate(parts), offsets)


def test_loss_names_are_the_originals():
    assert LOSS_NAMES == (
        "rpn_class_loss",
        "rpn_bbox_loss",
        "mrcnn_class_loss",
        "mrcnn_bbox_loss",
        "mrcnn_mask_loss",
    )


def test_select_takes_the_track_ids_along(three):
    tracked = dataclasses.replace(three, track_ids=np.array([4, 9, 2], np.int32))
    assert tracked.select([2, 0]).track_ids.tolist() == [2, 4]
    assert three.select([0]).track_ids is None
    assert list(tracked.to_dict()) == ["rois", "class_ids", "scores", "masks"]


def test_from_masks_is_the_inverse_of_to_dict(three):
    found = three.to_dict()
    again = Detections.from_masks(
        three.image_hw, found["rois"], found["masks"], found["class_ids"]
    )
    np.testing.assert_array_equal(again.masks, three.masks)
    np.testing.assert_array_equal(again.boxes, three.boxes)
    assert again.scores.tolist() == [1, 1, 1] and again.boxes.dtype == np.int32


def test_from_masks_leaves_padding_out_and_cuts_at_the_border():
    masks = np.ones((6, 8, 3), bool)
    boxes = [[-2, 1, 3, 4], [0, 0, 0, 0], [4, 6, 9, 9]]
    found = Detections.from_masks((6, 8), boxes, masks, [1, 0, 2], [0.5, 0, 0.25])
    assert found.boxes.tolist() == [[0, 1, 3, 4], [4, 6, 6, 8]]
    assert [mask.shape for mask in found.box_masks] == [(3, 3), (2, 2)]
    assert found.class_ids.tolist() == [1, 2] and found.scores.tolist() == [0.5, 0.25]
    empty = Detections.from_masks((6, 8), boxes[:0], masks[..., :0], [])
    assert len(empty) == 0 and empty.boxes.shape == (0, 4)


@pytest.mark.parametrize(
    ("boxes", "masks", "scores"),
    [(1, (6, 8, 2), 2), (2, (8, 6, 2), 2), (2, (6, 8, 2), 1)],
)
def test_from_masks_of_different_numbers(boxes, masks, scores):
    with pytest.raises(ValueError, match="Expected masks .6, 8, 2., and as many boxes"):
        Detections.from_masks(
            *((6, 8), np.ones((boxes, 4)), np.ones(masks), [1, 2], np.ones(scores))
        )
