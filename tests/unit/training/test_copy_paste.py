"""Objects pasted from one picture into another."""

import numpy as np
import pytest

from mrcnn.errors import DatasetError
from mrcnn.training.copy_paste import (
    Picture,
    copy_paste,
    images_by_source,
    mask_areas,
    pick_partner,
    visible_enough,
)


def picture(value, class_ids, *boxes, hw=(20, 30)):
    """A picture of one grey value with filled boxes for masks, read-only."""
    masks = np.zeros((*hw, len(boxes)), bool)
    for i, (y1, x1, y2, x2) in enumerate(boxes):
        masks[y1:y2, x1:x2, i] = True
    arrays = (
        np.full((*hw, 3), value, np.uint8),
        masks,
        np.array(class_ids, np.int32),
    )
    for array in arrays:
        array.flags.writeable = False
    return Picture(*arrays)


def paste(target, source, seed=0):
    return copy_paste(target, source, np.random.default_rng(seed))


def test_pixels_masks_and_classes_of_one_object():
    target = picture(10, [1, -2], (0, 0, 10, 10), (0, 20, 20, 30))
    source = picture(200, [3], (5, 5, 15, 15))
    image, masks, class_ids = paste(target, source)
    expected = np.full((20, 30, 3), 10)
    expected[5:15, 5:15] = 200
    np.testing.assert_array_equal(image, expected)
    assert image.dtype == np.uint8 and masks.dtype == bool
    assert class_ids.tolist() == [1, -2, 3] and class_ids.dtype == np.int32
    # 100 pixels, of which the pasted 5 x 5 corner covers 25.
    assert mask_areas(masks).tolist() == [75, 200, 100]
    assert not (masks[..., 0] & masks[..., 2]).any()


@pytest.mark.parametrize(
    ("width", "class_ids"), [(10, [2]), (11, [2]), (12, [1, 2]), (20, [1, 2])]
)
def test_least_visible_share(width, class_ids):
    # 10 columns of `width` are covered; of 11 one stays, 9.1 %, of 12 two, 16.7 %.
    target = picture(1, [1], (0, 0, 5, width))
    assert paste(target, picture(9, [2], (0, 0, 5, 10))).class_ids.tolist() == class_ids


def test_the_share_is_a_tenth():
    masks = np.zeros((10, 10, 3), bool)
    masks[0, :, 0] = masks[0, :, 1] = True
    # 10 of 100 pixels are enough, 10 of 101 are not, none of none are not either.
    found = visible_enough(masks, np.array([100, 101, 0]))
    assert found.tolist() == [True, False, False]


def test_subsets_are_random_and_repeatable():
    target = picture(0, [])
    source = picture(9, [1, 2, 3], (0, 0, 5, 5), (0, 10, 5, 15), (10, 0, 15, 5))
    subsets = [tuple(paste(target, source, seed).class_ids) for seed in range(200)]
    assert set(subsets) == {(1,), (2,), (3,), (1, 2), (1, 3), (2, 3), (1, 2, 3)}
    assert subsets[7] == tuple(paste(target, source, 7).class_ids)


def test_crowds_and_empty_masks_are_never_pasted():
    target = picture(0, [1], (0, 0, 3, 3))
    source = picture(9, [-1, 2], (5, 5, 15, 15), (0, 0, 0, 0))
    assert paste(target, source) is target
    assert paste(target, picture(9, [])) is target


def test_into_a_picture_without_objects():
    result = paste(picture(0, []), picture(9, [2], (5, 5, 15, 15)))
    assert result.class_ids.tolist() == [2] and mask_areas(result.masks) == [100]


def test_pictures_of_two_sizes():
    with pytest.raises(DatasetError, match=r"\[20, 30, 3\] and \[9, 9, 3\].*COPY_PAST"):
        paste(picture(0, []), picture(0, [], hw=(9, 9)))


@pytest.fixture
def two_sources(rectangles):
    """Images 0, 2, 3 and 5 of one source, 1 of another, 4 alone of a third."""
    dataset = rectangles([])
    for i, source in enumerate(["shapes", "other", "shapes", "shapes", "x", "shapes"]):
        dataset.add_image(source, i, None)
    dataset.prepare()
    return dataset


def partner_in(dataset, image_id, share, rng):
    peers = images_by_source(dataset)
    return pick_partner(dataset, image_id, peers=peers, share=share, rng=rng)


def test_partner_is_another_image_of_the_source(two_sources):
    for image_id in (0, 2, 3, 5):
        picks = {
            partner_in(two_sources, image_id, 1.0, np.random.default_rng(seed))
            for seed in range(60)
        }
        assert picks == {0, 2, 3, 5} - {image_id}


def test_share_of_images_with_a_partner(two_sources):
    rng = np.random.default_rng(0)
    found = [partner_in(two_sources, 0, 0.3, rng) for _ in range(3000)]
    # The deviation is sqrt(0.3 * 0.7 / 3000) = 0.008.
    share = np.mean([partner is not None for partner in found])
    assert share == pytest.approx(0.3, abs=0.035)


def test_an_image_alone_in_its_source_has_no_partner(two_sources):
    rng = np.random.default_rng(0)
    assert partner_in(two_sources, 4, 1.0, rng) is None
    peers = images_by_source(two_sources, {"shapes"})
    assert pick_partner(two_sources, 0, peers=peers, share=1.0, rng=rng) is None


def test_images_by_source(two_sources):
    found = {key: ids.tolist() for key, ids in images_by_source(two_sources).items()}
    assert found == {"shapes": [0, 2, 3, 5], "other": [1], "x": [4]}
    assert set(images_by_source(two_sources, {"shapes"})) == {"other", "x"}
