"""Plans, and images and masks brought to size by them."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mrcnn.errors import ConfigError, DatasetError
from mrcnn.geometry.interpolation import resize_nearest
from mrcnn.geometry.resize import (
    apply_to_image,
    apply_to_masks,
    jitter_plan,
    plan_resize,
    resize,
    resize_image,
    resize_mask,
)


def read_only(array):
    array.flags.writeable = False
    return array


def test_square_plan_of_the_demo_photo():
    # 476 x 640: 800 / 476 = 1.68 would make 1076 wide, so 1024 / 640 = 1.6;
    # 476 * 1.6 = 761.6 -> 762, and (1024 - 762) // 2 = 131 rows above.
    plan = plan_resize((476, 640), min_dim=800, max_dim=1024)
    assert (plan.scale, plan.scaled_hw, plan.output_hw) == (
        1.6,
        (762, 1024),
        (1024, 1024),
    )
    assert plan.window == (131, 0, 893, 1024)
    assert plan.padding == ((131, 131), (0, 0), (0, 0))
    assert all(type(edge) is int for edge in plan.window)


@pytest.mark.parametrize(
    ("image_hw", "settings_", "scale", "output_hw", "window"),
    [
        # 100 / 50 = 2 wanted, min_scale asks for 3: 150 x 300, padded to 192 x 320
        (
            (50, 100),
            {"mode": "pad64", "min_dim": 64, "min_scale": 3},
            3,
            (192, 320),
            (21, 10, 171, 310),
        ),
        # never scaled down below its size without max_dim: 130 x 200 -> 192 x 256
        (
            (130, 200),
            {"mode": "pad64", "min_dim": 64},
            1,
            (192, 256),
            (31, 28, 161, 228),
        ),
        ((64, 128), {"mode": "pad64", "min_dim": 64}, 1, (64, 128), (0, 0, 64, 128)),
        ((97, 150), {"mode": "none"}, 1, (97, 150), (0, 0, 97, 150)),
        # "none" ignores all sizes
        (
            (97, 150),
            {"mode": "none", "min_dim": 512, "max_dim": 32, "min_scale": 2},
            1,
            (97, 150),
            (0, 0, 97, 150),
        ),
        # 2000 x 8 at 128 / 2000: 8 * 0.064 = 0.512 -> 1 column, (128 - 1) // 2 = 63
        ((2000, 8), {"max_dim": 128}, 0.064, (128, 128), (0, 63, 128, 64)),
        # 1000 x 3: 3 * 0.128 = 0.384 would be no column at all
        ((1000, 3), {"max_dim": 128}, 0.128, (128, 128), (0, 63, 128, 64)),
        # crop scales the shorter side 32 up to 64 and cuts a square of 64
        ((32, 48), {"mode": "crop", "min_dim": 64}, 2, (64, 64), (0, 0, 64, 64)),
    ],
)
def test_plans(image_hw, settings_, scale, output_hw, window):
    plan = plan_resize(image_hw, **settings_)
    assert plan.scale == pytest.approx(scale)
    assert plan.output_hw == output_hw
    assert plan.window == window


def test_crop_is_random_and_repeatable():
    def crops(seed):
        rng = np.random.default_rng(seed)
        return [
            plan_resize((80, 70), min_dim=64, mode="crop", rng=rng).crop
            for _ in range(200)
        ]

    assert crops(1) == crops(1) != crops(2)
    # 70 - 64 = 6 columns to spare, 80 - 64 = 16 rows; both ends are reached
    ys, xs = {y for y, *_ in crops(1)}, {x for _, x, *_ in crops(1)}
    assert (min(ys), max(ys), min(xs), max(xs)) == (0, 16, 0, 6)


def test_crop_cuts_image_and_masks_alike():
    image = np.random.default_rng(0).integers(0, 256, (80, 90, 3)).astype(np.uint8)
    masks = np.stack([image[..., 0] > 127, image[..., 1] > 127], axis=-1)
    plan = plan_resize(
        image.shape[:2], min_dim=64, mode="crop", rng=np.random.default_rng(3)
    )
    y, x, h, w = plan.crop
    cut = image[y : y + h, x : x + w]
    np.testing.assert_array_equal(apply_to_image(image, plan), cut)
    np.testing.assert_array_equal(apply_to_masks(masks, plan), cut[..., :2] > 127)
    np.testing.assert_array_equal(
        resize_mask(masks, plan.scale, plan.padding, plan.crop), cut[..., :2] > 127
    )


@settings(max_examples=30, deadline=None)
@given(
    st.integers(1, 90),
    st.integers(1, 90),
    st.sampled_from(["square", "pad64", "crop", "none"]),
)
def test_image_and_masks_get_the_size_of_the_plan(height, width, mode):
    plan = plan_resize((height, width), min_dim=64, max_dim=128, mode=mode)
    image = read_only(np.full((height, width, 3), 9, np.uint8))
    masks = read_only(np.ones((height, width, 2), bool))
    resized, resized_masks = apply_to_image(image, plan), apply_to_masks(masks, plan)
    assert resized.shape == (*plan.output_hw, 3) and resized.dtype == np.uint8
    assert resized_masks.shape == (*plan.output_hw, 2) and resized_masks.dtype == bool
    y1, x1, y2, x2 = plan.window
    outside = np.ones(plan.output_hw, bool)
    outside[y1:y2, x1:x2] = False
    assert not resized[outside].any() and not resized_masks[outside].any()
    assert resized[y1:y2, x1:x2].min() >= 8  # a flat image stays flat: 9 may truncate


def jittered(image_hw, factor, seed=0, **settings_):
    plan = plan_resize(image_hw, **settings_)
    return jitter_plan(plan, (factor, factor), np.random.default_rng(seed))


def test_a_smaller_picture_lies_anywhere():
    # 40 x 60 scaled by 2 to 80 x 120 in 128, times 0.5: 40 x 60 again, with 88
    # rows and 68 columns to spare.
    plans = [
        jittered((40, 60), 0.5, seed, max_dim=128, min_dim=80) for seed in range(500)
    ]
    assert {plan.scale for plan in plans} == {1.0}
    assert {plan.output_hw for plan in plans} == {(128, 128)}
    assert all(plan.crop is None for plan in plans)
    tops, lefts = zip(*(plan.window[:2] for plan in plans), strict=True)
    assert (min(tops), max(tops), min(lefts), max(lefts)) == (0, 88, 0, 68)
    for plan in plans[:9]:
        y1, x1, y2, x2 = plan.window
        assert (y2 - y1, x2 - x1) == (40, 60)
        assert plan.padding == ((y1, 128 - y2), (x1, 128 - x2), (0, 0))


def test_a_larger_picture_is_cut_anywhere():
    # 40 x 60 scaled to 80 x 120, times 1.5: 120 x 180. All rows fit into 128, of
    # the columns 180 - 128 = 52 are cut.
    plans = [
        jittered((40, 60), 1.5, seed, max_dim=128, min_dim=80) for seed in range(500)
    ]
    assert {plan.scaled_hw for plan in plans} == {(120, 180)}
    assert {plan.crop[2:] for plan in plans} == {(120, 128)}
    ys, xs = zip(*(plan.crop[:2] for plan in plans), strict=True)
    assert set(ys) == {0} and (min(xs), max(xs)) == (0, 52)
    assert {plan.window[1::2] for plan in plans} == {(0, 128)}
    assert {plan.window[0] for plan in plans} == set(range(9))


def test_jitter_factor_is_uniform_in_its_range():
    plan = plan_resize((100, 100), max_dim=100)
    rng = np.random.default_rng(0)
    scales = [jitter_plan(plan, (0.2, 2.2), rng).scale for _ in range(2000)]
    assert 0.2 <= min(scales) < 0.22 and 2.18 < max(scales) <= 2.2
    # Standard deviation of the mean: 2 / sqrt(12) / sqrt(2000) = 0.013.
    assert np.mean(scales) == pytest.approx(1.2, abs=0.05)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 90),
    st.integers(1, 90),
    st.sampled_from(["square", "crop", "none"]),
    st.floats(0.01, 4),
    st.integers(0, 99),
)
def test_jittered_pictures_lie_in_their_window(height, width, mode, factor, seed):
    rng = np.random.default_rng(seed)
    plan = plan_resize((height, width), min_dim=64, max_dim=128, mode=mode, rng=rng)
    jittered_plan = jitter_plan(plan, (factor, factor), rng)
    assert jittered_plan.output_hw == plan.output_hw
    image = read_only(np.full((height, width, 3), 9, np.uint8))
    resized = apply_to_image(image, jittered_plan)
    masks = apply_to_masks(read_only(np.ones((height, width, 2), bool)), jittered_plan)
    assert resized.shape == (*plan.output_hw, 3)
    assert masks.shape == (*plan.output_hw, 2)
    y1, x1, y2, x2 = jittered_plan.window
    assert 0 <= y1 < y2 <= plan.output_hw[0] and 0 <= x1 < x2 <= plan.output_hw[1]
    outside = np.ones(plan.output_hw, bool)
    outside[y1:y2, x1:x2] = False
    assert not resized[outside].any() and not masks[outside].any()
    # A flat image stays flat, but for its faded border where it was scaled up.
    assert resized[y1:y2, x1:x2].any()
    if factor * plan.scale <= 1:
        assert resized[y1:y2, x1:x2].min() >= 8


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 90),
    st.integers(1, 90),
    st.sampled_from(["square", "pad64", "crop", "none", "jitter"]),
    st.integers(0, 2**32 - 1),
)
def test_masks_by_their_boxes_are_masks_as_a_whole(height, width, mode, seed):
    """Equal to scaling, cutting and padding all pixels, pixel for pixel."""
    rng = np.random.default_rng(seed)
    plan = plan_resize(
        (height, width),
        min_dim=64,
        max_dim=int(rng.choice([32, 64, 128])),
        mode="square" if mode == "jitter" else mode,
        rng=rng,
    )
    if mode == "jitter":  # may cut one side and pad the other
        plan = jitter_plan(plan, (0.1, 3), rng)
    # Full, thin, scattered, empty.
    masks = rng.random((height, width, 4)) < [1, 0.5, 0.01, 0]
    masks[..., 1] &= np.arange(width) == rng.integers(width)
    whole = resize_nearest(masks, plan.scaled_hw)
    if plan.crop:
        y, x, h, w = plan.crop
        whole = whole[y : y + h, x : x + w]
    whole = np.pad(whole, plan.padding)
    found = apply_to_masks(read_only(masks), plan)
    np.testing.assert_array_equal(found, whole)


def test_grey_images_and_images_without_objects():
    plan = plan_resize((40, 60), max_dim=128)
    assert apply_to_image(np.ones((40, 60), np.uint8), plan).shape == (128, 128)
    assert apply_to_masks(np.zeros((40, 60, 0), bool), plan).shape == (128, 128, 0)


def test_resize_image_returns_what_the_original_did():
    image = read_only(np.full((50, 100, 3), 200, np.uint8))
    resized, window, scale, padding, crop = resize_image(image, max_dim=128)
    # 100 / 50 ... max(1, nothing asked) = 1: 50 x 100, (128 - 50) // 2 = 39
    assert resized.shape == (128, 128, 3)
    assert (window, scale, crop) == ((39, 14, 89, 114), 1, None)
    assert padding == [(39, 39), (14, 14), (0, 0)]
    np.testing.assert_array_equal(resized[39:89, 14:114], image)


def test_resize_image_hands_its_generator_on():
    image = np.arange(80 * 80, dtype=np.int32).reshape(80, 80, 1)
    first, second = (
        resize_image(image, 64, mode="crop", rng=np.random.default_rng(5))
        for _ in range(2)
    )
    np.testing.assert_array_equal(first[0], second[0])
    assert first[4] == second[4]


def test_resize_mask_follows_resize_image():
    image = np.zeros((33, 47, 3), np.uint8)
    mask = np.zeros((33, 47, 1), bool)
    image[5:20, 9:30] = 255
    mask[5:20, 9:30] = True
    resized, _, scale, padding, crop = resize_image(image, 64, 128)
    resized_mask = resize_mask(mask, scale, padding, crop)[..., 0]
    assert resized_mask.shape == resized.shape[:2]
    agree = (resized[..., 0] > 127) == resized_mask
    assert agree.mean() > 0.98


def test_resize_has_the_original_defaults():
    image = np.full((4, 4), 255, np.uint8)
    assert resize(image, (2, 2)).max() == 1.0  # preserve_range=False
    np.testing.assert_array_equal(resize(image, (2, 2), preserve_range=True), 255)
    # no smoothing: each of the 2 x 2 cells mixes its middle 2 x 2 of 4 x 4 pixels
    spot = np.zeros((8, 8))
    spot[0, 0] = 1
    np.testing.assert_array_equal(resize(spot, (2, 2)), 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mode": "sqare", "max_dim": 64}, r"mode='sqare'. Set IMAGE_RESIZE_MODE"),
        ({"mode": "square"}, r"max_dim=None. Set IMAGE_MAX_DIM"),
        ({"mode": "crop"}, r"min_dim=None. Set IMAGE_MIN_DIM"),
        ({"mode": "pad64", "min_dim": 100}, r"divides by 64 .* min_dim=100"),
    ],
)
def test_wrong_settings(arguments, message):
    with pytest.raises(ConfigError, match=message):
        plan_resize((32, 32), **arguments)


def test_an_image_without_pixels():
    with pytest.raises(DatasetError, match=r"image_hw=\(0, 32\)"):
        plan_resize((0, 32), max_dim=64)


def test_masks_and_images_of_another_size():
    plan = plan_resize((40, 60), max_dim=64)
    with pytest.raises(DatasetError, match=r"masks .*\(40, 60\).*\(60, 40\)"):
        apply_to_masks(np.zeros((60, 40, 1), bool), plan)
    with pytest.raises(DatasetError, match=r"image .*\(40, 60\).*\(60, 40\)"):
        apply_to_image(np.zeros((60, 40, 3), np.uint8), plan)


def test_plans_cannot_be_changed():
    plan = plan_resize((40, 60), max_dim=64)
    with pytest.raises(dataclasses.FrozenInstanceError):
        plan.scale = 2


def test_real_photos_are_resized_as_scikit_image_does(shared_data):
    from skimage.io import imread

    path = min((shared_data / "photos").glob("*.jpg"))
    image = imread(path)[::2, ::2]
    plan = plan_resize(image.shape[:2], min_dim=400, max_dim=512)
    expected = resize(image, plan.scaled_hw, preserve_range=True).astype(np.uint8)
    y1, x1, y2, x2 = plan.window
    np.testing.assert_array_equal(apply_to_image(image, plan)[y1:y2, x1:x2], expected)
