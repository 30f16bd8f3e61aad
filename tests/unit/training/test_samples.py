"""One training image: resized, augmented, boxed, and refused with a reason."""

import numpy as np
import pytest

from mrcnn.errors import ConfigError, DatasetError
from mrcnn.structures import (
    META_ACTIVE_CLASS_IDS,
    META_IMAGE_ID,
    META_ORIGINAL_SHAPE,
    META_SCALE,
    META_SHAPE,
    META_WINDOW,
)
from mrcnn.training.augment import import_imgaug
from mrcnn.training.samples import (
    check_has_objects,
    image_name,
    load_training_image,
)


def load(dataset, image_id=0, **kwargs):
    kwargs = {
        "num_classes": 3,
        "min_dim": 64,
        "max_dim": 128,
        "rng": np.random.default_rng(0),
    } | kwargs
    return load_training_image(dataset, image_id, **kwargs)


def test_image_masks_and_boxes_are_scaled_together(rectangles):
    image, meta, class_ids, boxes, masks = load(rectangles([0, 2]), 1)
    # 40 x 60 to a longer side of 128 at most: scale max(64 / 40, ...) = 1.6, and
    # 60 * 1.6 = 96 <= 128. 64 rows lie 32 below the top, 96 columns 16 from the left.
    assert meta[META_WINDOW].tolist() == [32, 16, 96, 112]
    assert meta[META_SCALE].tolist() == [1.6]
    assert meta[META_IMAGE_ID].tolist() == [1]
    assert meta[META_ORIGINAL_SHAPE].tolist() == [40, 60, 3]
    assert meta[META_SHAPE].tolist() == [128, 128, 3]
    # Rows 2 to 20, columns 1 to 15, times 1.6 and shifted; rounded to pixels.
    np.testing.assert_allclose(boxes[0], [35.2, 17.6, 64, 40], atol=1)
    assert image.shape == (128, 128, 3) and image.dtype == np.uint8
    assert masks.shape == (128, 128, 2) and masks.dtype == bool
    assert class_ids.tolist() == [1, 2] and class_ids.dtype == np.int32
    assert boxes.dtype == np.int32


def test_active_classes_are_those_of_the_images_own_source(rectangles):
    meta = load(rectangles([1])).image_meta
    assert meta[META_ACTIVE_CLASS_IDS].tolist() == [1, 1, 0]
    meta = load(rectangles([1], source="other"), num_classes=5).image_meta
    assert meta[META_ACTIVE_CLASS_IDS].tolist() == [1, 0, 1, 0, 0]
    meta = load(rectangles([0], source="without classes")).image_meta
    assert meta[META_ACTIVE_CLASS_IDS].tolist() == [1, 0, 0]


def test_mini_masks(rectangles):
    loaded = load(rectangles([3]), mini_mask_shape=(14, 20))
    assert loaded.masks.shape == (14, 20, 3) and loaded.masks.dtype == bool
    assert loaded.masks.all()  # a rectangle fills its box


def test_an_image_without_objects(rectangles):
    loaded = load(rectangles([0]), mini_mask_shape=(14, 14))
    assert loaded.boxes.shape == (0, 4) and loaded.masks.shape == (14, 14, 0)


def test_augmentation_moves_boxes_and_drops_what_leaves(rectangles):
    iaa = import_imgaug().augmenters
    dataset = rectangles([1, 2])
    plain, flipped = load(dataset, 1), load(dataset, 1, augmenter=iaa.Fliplr(1))
    # Mirrored in 128 columns: x1 and x2 become 128 - x2 and 128 - x1.
    y1, x1, y2, x2 = plain.boxes.T
    np.testing.assert_array_equal(flipped.boxes.T, [y1, 128 - x2, y2, 128 - x1])
    # The first rectangle ends in column 40, the second in 45: 42 to the left
    # leave nothing of the first.
    shift = iaa.Affine(translate_px={"x": -42})
    shifted = load(dataset, 1, augmenter=shift)
    assert shifted.class_ids.tolist() == [2] and shifted.boxes[0, 1] == 0
    kept = load(dataset, 1, augmenter=shift, no_augmentation_sources={"shapes"})
    np.testing.assert_array_equal(kept.image, plain.image)
    np.testing.assert_array_equal(kept.masks, plain.masks)


def test_crop_follows_the_generator(rectangles):
    def cut(seed):
        return load(
            rectangles([2]), mode="crop", min_dim=32, rng=np.random.default_rng(seed)
        )

    first, again = cut(1), cut(1)
    assert first.image.shape == (32, 32, 3)
    np.testing.assert_array_equal(first.masks, again.masks)
    shapes = {tuple(cut(seed).boxes.ravel()) for seed in range(8)}
    assert len(shapes) > 1


def test_jitter_scales_image_and_masks_and_says_so(rectangles):
    plain = load(rectangles([2]), mode="square", min_dim=None)
    for seed in range(5):
        loaded = load(
            rectangles([2]),
            min_dim=None,
            scale_jitter=(0.5, 2.0),
            rng=np.random.default_rng(seed),
        )
        assert loaded.image.shape == plain.image.shape
        scale = loaded.image_meta[META_SCALE][0]
        y1, x1, y2, x2 = loaded.image_meta[META_WINDOW].astype(int)
        assert 0.5 <= scale <= 2.0 and scale != 1
        # 40 x 60 pixels at most 128 on a side: nothing is cut at twice the size.
        np.testing.assert_allclose([y2 - y1, x2 - x1], [40 * scale, 60 * scale], atol=1)
        outside = np.ones((128, 128), bool)
        outside[y1:y2, x1:x2] = False
        assert not loaded.image[outside].any()
        assert loaded.image[y1:y2, x1:x2, 1].all()  # green is 100 in the picture
        # The first rectangle: rows 2 to 20, columns 1 to 15 of the picture.
        box = np.array([2, 1, 20, 15]) * scale + [y1, x1, y1, x1]
        np.testing.assert_allclose(loaded.boxes[0], box, atol=1.5)


def test_jitter_drops_what_is_nearly_cut_off(rectangles):
    """At 3 times its size 120 x 180 pixels are cut to 64 x 64."""
    dataset = rectangles([1])
    shares = []
    for seed in range(200):
        loaded = load(
            dataset,
            min_dim=40,
            mode="crop",
            scale_jitter=(3, 3),
            rng=np.random.default_rng(seed),
        )
        # 18 x 14 pixels times 3, of which a window of 40 x 40 shows a part.
        shares.append(loaded.masks.sum() / (18 * 14 * 9))
    shares = np.array(shares)
    assert (shares == 0).any() and (shares > 0.3).any()
    assert shares[shares > 0].min() >= 0.1


def always(partner):
    return lambda image_id, *, rng: partner


def test_pasted_objects_come_from_the_other_image(rectangles):
    dataset = rectangles([1, 0, 0, 3])
    plain, pasted = load(dataset, 1), load(dataset, 1, partner_of=always(3))
    assert plain.class_ids.tolist() == []
    assert len(pasted.class_ids) >= 1 and set(pasted.class_ids) <= {1, 2}
    np.testing.assert_array_equal(pasted.image_meta, plain.image_meta)
    # The red channel is ten times the number of the image.
    is_pasted = pasted.masks.any(axis=2)
    np.testing.assert_array_equal(pasted.image[..., 0][is_pasted], 30)
    np.testing.assert_array_equal(pasted.image[~is_pasted], plain.image[~is_pasted])
    # Nothing to paste, and no partner.
    assert load(dataset, 0, partner_of=always(1)).class_ids.tolist() == [1]
    assert load(dataset, 1, partner_of=always(None)).class_ids.tolist() == []


def test_the_other_image_is_changed_on_its_own(rectangles):
    dataset = rectangles([0, 1])
    iaa = import_imgaug().augmenters
    boxes = {
        tuple(
            load(
                dataset,
                0,
                partner_of=always(1),
                augmenter=iaa.Fliplr(0.5),
                rng=np.random.default_rng(seed),
            ).boxes[0]
        )
        for seed in range(20)
    }
    assert len(boxes) == 2


def test_sources_that_are_not_augmented_keep_their_scale(rectangles):
    kept = load(
        rectangles([2]), scale_jitter=(0.1, 0.2), no_augmentation_sources={"shapes"}
    )
    assert kept.image_meta[META_SCALE].tolist() == [1.6]


def test_an_error_names_the_image_that_is_pasted(rectangles):
    def load_image(self, image_id):
        return raises() if image_id else rectangles.load_image(self, image_id)

    with pytest.raises(DatasetError, match=r"image 1 \(shapes.no1, folder/1.png\)"):
        load(broken(rectangles, load_image=load_image), 0, partner_of=always(1))


def broken(rectangles, **methods):
    return type("Broken", (rectangles,), methods)([1, 1])


def raises(*_):
    raise OSError("file is cut short")


def full(value, num=1, hw=(40, 60)):
    return lambda *_: (np.ones((*hw, num), bool), np.array([value], np.int32))


@pytest.mark.parametrize(
    ("methods", "words"),
    [
        ({"load_image": raises}, "cannot be loaded. OSError: file is cut short"),
        ({"load_mask": raises}, "cannot be loaded. OSError: file is cut short"),
        ({"load_mask": full(3)}, "class ids from 1 to 2. Received: class id 3 in"),
        ({"load_mask": full(-7)}, "Received: class id -7 in"),
        ({"load_mask": full(0)}, "Received: class id 0 in"),
        ({"load_mask": full(1, num=2)}, r"\[40, 60, 2\] and \[1\] for"),
        ({"load_mask": full(1, hw=(9, 9))}, r"\[9, 9, 1\] and \[1\] for"),
    ],
)
def test_what_cannot_be_used_names_the_image(rectangles, methods, words):
    with pytest.raises(DatasetError, match=words) as caught:
        load(broken(rectangles, **methods), 1)
    assert "image 1 (shapes.no1, folder/1.png)" in str(caught.value)


def test_crowds_are_kept(rectangles):
    loaded = load(broken(rectangles, load_mask=full(-1)), 0)
    assert loaded.class_ids.tolist() == [-1]


def test_too_few_classes_in_the_network(rectangles):
    with pytest.raises(ConfigError, match="at least 3: the background and wide, tall"):
        load(rectangles([1]), num_classes=2)


def test_image_name(rectangles):
    assert image_name(rectangles([0]), 0) == "image 0 (shapes.no0, folder/0.png)"


def test_an_object_to_learn_from_is_looked_for_until_one_is_found(rectangles):
    check_has_objects(rectangles([0, 0, 1, 0]))
    with pytest.raises(DatasetError, match="to learn from. Received: 3 images, none"):
        check_has_objects(rectangles([0, 0, 0]))
    # Crowds are not learned.
    with pytest.raises(DatasetError, match="Received: 2 images, none"):
        check_has_objects(broken(rectangles, load_mask=full(-1)))
    with pytest.raises(
        DatasetError, match=r"image \d \(shapes.no.*OSError: file is cut"
    ):
        check_has_objects(broken(rectangles, load_mask=raises))
