"""Augmentation: a picture of a mask must stay the picture of that mask."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from mrcnn.errors import ConfigError
from mrcnn.training.augment import augment, check_augmenter, import_imgaug

iaa = import_imgaug().augmenters

# imgaug's own code warns; pytest drops the filter that the package sets for it.
pytestmark = pytest.mark.filterwarnings("ignore:::imgaug", "ignore:.pilmode")

H, W = 96, 128


def disks(num=11):
    """Masks that overlap, bool [H, W, num]; more than fit in one packed channel."""
    rng = np.random.default_rng(5)
    y, x = np.mgrid[:H, :W]
    centers, radii = rng.uniform((20, 20), (76, 108), (num, 2)), rng.uniform(9, 25, num)
    masks = [
        (y - c[0]) ** 2 + (x - c[1]) ** 2 < r * r
        for c, r in zip(centers, radii, strict=True)
    ]
    return np.stack(masks, axis=-1)


def picture_of(mask):
    return np.repeat(mask[..., None], 3, axis=-1).astype(np.uint8) * 255


def agreement(picture, mask):
    shown = picture.mean(axis=-1) > 127
    return (shown & mask).sum() / max((shown | mask).sum(), 1)


MOVING = {
    "Fliplr": iaa.Fliplr(1),
    "Flipud": iaa.Flipud(1),
    "Rot90": iaa.Rot90((1, 3)),
    "Affine": iaa.Affine(rotate=(-30, 30), scale=(0.8, 1.2), shear=(-9, 9)),
    "Affine reflect": iaa.Affine(translate_px={"x": (9, 20)}, mode="reflect"),
    "Affine edge": iaa.Affine(translate_px={"y": (9, 20)}, mode="edge"),
    "Affine skimage": iaa.Affine(rotate=(9, 30), backend="skimage", mode="wrap"),
    "AffineX": iaa.Sequential([iaa.ScaleX((0.7, 1.3)), iaa.TranslateY(px=(4, 15))]),
    "PiecewiseAffine": iaa.PiecewiseAffine((0.03, 0.05), nb_rows=4, nb_cols=4),
    "Perspective": iaa.PerspectiveTransform((0.05, 0.1)),
    "Perspective edge": iaa.PerspectiveTransform((0.05, 0.1), mode="replicate"),
    "Elastic": iaa.ElasticTransformation(alpha=30, sigma=6),
    "Crop": iaa.Crop(percent=(0.05, 0.2), keep_size=True),
    "Pad": iaa.Pad(percent=(0.05, 0.2), keep_size=True),
    "Pad reflect": iaa.Pad(px=(9, 15), pad_mode=["reflect", "edge", "wrap"]),
    "Pad mean": iaa.Pad(px=(5, 9), pad_mode="minimum"),
    "PadToSquare": iaa.KeepSizeByResize(iaa.PadToSquare(pad_mode="reflect")),
    "Resize": iaa.KeepSizeByResize(iaa.Resize(0.7)),
    "Polar": iaa.WithPolarWarping(iaa.Affine(rotate=(10, 40))),
    "Jigsaw": iaa.Jigsaw(nb_rows=4, nb_cols=4, max_steps=3),
    "Jigsaw padded": iaa.KeepSizeByResize(iaa.Jigsaw(nb_rows=5, nb_cols=5)),
    "Sometimes": iaa.Sometimes(0.5, iaa.Fliplr(1), iaa.Affine(rotate=30)),
    "SomeOf": iaa.SomeOf(2, [iaa.Fliplr(1), iaa.Flipud(1), iaa.Affine(rotate=20)]),
    "nested": iaa.Sequential(
        [
            iaa.OneOf([iaa.Affine(rotate=90), iaa.Crop(px=(3, 12))]),
            iaa.Sometimes(0.5, iaa.Sequential([iaa.Flipud(1), iaa.Multiply(0.9)])),
        ],
        random_order=True,
    ),
    "color space": iaa.WithColorspace("HSV", "RGB", iaa.Affine(rotate=25)),
    "Lambda": iaa.Lambda(
        func_images=lambda images, *_: [image[:, ::-1] for image in images],
        func_segmentation_maps=lambda maps, *_: [
            type(m)(m.arr[:, ::-1], shape=m.shape) for m in maps
        ],
    ),
}
COLOUR = {
    "Multiply": iaa.Multiply((0.7, 1.2)),
    "Noise": iaa.AdditiveGaussianNoise(scale=20),
    "Blur": iaa.GaussianBlur((0.5, 1.5)),
    "Dropout": iaa.Dropout(0.05),
    "Grayscale": iaa.Grayscale(1.0),
    "Hue": iaa.AddToHueAndSaturation((-20, 20)),
    "Contrast": iaa.LinearContrast((0.8, 1.2)),
    "Jpeg": iaa.JpegCompression((20, 50)),
    "Pooling": iaa.AveragePooling(2),
    "Clouds": iaa.Clouds(),
    "Frequency": iaa.BlendAlphaFrequencyNoise(foreground=iaa.Add(30)),
    "Noop": iaa.Noop(),
}


@pytest.mark.parametrize("augmenter", MOVING.values(), ids=MOVING)
def test_masks_move_with_the_image(augmenter):
    masks = disks()
    moved = False
    for seed, k in enumerate((0, 3, 10)):
        rng = np.random.default_rng(seed)
        image, new = augment(picture_of(masks[..., k]), masks, augmenter, rng)
        assert image.shape == (H, W, 3) and image.dtype == np.uint8
        assert new.shape == masks.shape and new.dtype == bool
        # Pictures are interpolated, masks take the nearest pixel: edges differ by one.
        assert agreement(image, new[..., k]) > 0.85
        moved |= (new != masks).any()
    assert moved


@pytest.mark.parametrize("augmenter", COLOUR.values(), ids=COLOUR)
def test_masks_stay_where_only_colours_change(augmenter):
    masks = disks()
    image = np.random.default_rng(0).integers(50, 200, (H, W, 3)).astype(np.uint8)
    changed, new = augment(image, masks, augmenter, np.random.default_rng(1))
    np.testing.assert_array_equal(new, masks)
    assert (changed != image).any() == (not isinstance(augmenter, iaa.Noop))


@pytest.mark.parametrize("num", [0, 1, 8, 9, 40])
def test_any_number_of_masks_keeps_its_order(num):
    masks = np.random.default_rng(0).random((6, 7, num)) > 0.5
    image = np.zeros((6, 7, 3), np.uint8)
    _, new = augment(image, masks, iaa.Fliplr(1), np.random.default_rng(0))
    np.testing.assert_array_equal(new, masks[:, ::-1])


def test_an_object_that_leaves_the_image_stays_as_an_empty_mask():
    masks = np.zeros((20, 20, 2), bool)
    masks[2:8, 1:4, 0] = True
    masks[2:8, 10:14, 1] = True
    shift = iaa.Affine(translate_px={"x": -6})
    image = np.zeros((20, 20, 3), np.uint8)
    _, new = augment(image, masks, shift, np.random.default_rng(0))
    assert new.any(axis=(0, 1)).tolist() == [False, True]


@pytest.mark.parametrize(
    "name", ["Affine", "Elastic", "Jigsaw", "nested", "Perspective"]
)
def test_the_generator_alone_decides(name):
    masks, augmenter = disks(), MOVING[name]
    image = np.random.default_rng(0).integers(0, 256, (H, W, 3)).astype(np.uint8)
    image.flags.writeable = masks.flags.writeable = False
    # Without a seed of its own an augmenter shares imgaug's global generator.
    import_imgaug().random.seed(7)
    state = str(augmenter.random_state.state)

    def result(seed, global_seed):
        import_imgaug().random.seed(global_seed)
        return augment(image, masks, augmenter, np.random.default_rng(seed))

    first, again = result(1, 8), result(1, 7)
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
    assert any((result(seed, 7)[0] != first[0]).any() for seed in (2, 3, 4, 5))
    assert str(augmenter.random_state.state) == state


def test_threads_give_what_one_thread_gives():
    masks, augmenter = disks(3), MOVING["nested"]
    image = picture_of(masks[..., 0])

    def result(seed):
        return augment(image, masks, augmenter, np.random.default_rng(seed))

    alone = [result(seed) for seed in range(16)]
    with ThreadPoolExecutor(4) as pool:
        for one, other in zip(alone, pool.map(result, range(16)), strict=True):
            np.testing.assert_array_equal(one[0], other[0])
            np.testing.assert_array_equal(one[1], other[1])


class Shift(iaa.meta.Augmenter):
    """Moves the image, forgets the masks."""

    def _augment_batch_(self, batch, random_state, parents, hooks):
        batch.images = np.roll(batch.images, 5, axis=2)
        return batch

    def get_parameters(self):
        return []


class Tint(Shift):
    """The same, and says that masks stay."""

    def _augment_segmentation_maps(self, segmaps, random_state, parents, hooks):
        return segmaps


def fails(*_):
    raise RuntimeError("no luck")


def sequential(part):
    return iaa.Sequential([iaa.Fliplr(1), part])


@pytest.mark.parametrize(
    ("augmenter", "words"),
    [
        (
            sequential(iaa.Lambda(lambda images, *_: images)),
            "Lambda. It has no func_seg",
        ),
        (sequential(Shift()), "Shift. It does not define _augment_segmentation_maps"),
        (sequential(iaa.pillike.Affine(rotate=9)), "Use imgaug.augmenters.Affine"),
        (iaa.RandAugment(), "Affine. It changes images only"),
        (
            iaa.Sometimes(0.0, iaa.imgcorruptlike.ElasticTransform()),
            "ElasticTransform. It changes images only",
        ),
        (sequential(iaa.BlendAlphaSegMapClassIds([1], iaa.Add(9))), "BlendAlphaSegMap"),
        ([iaa.Fliplr(1)], "augmentation=list. Put several into"),
        (sequential(iaa.Resize(0.5)), r"Sequential\(Fliplr, Resize\).*keep_size=True"),
        (iaa.Rot90(1, keep_size=False), r"makes it uint8 \[128, 96, 3\]"),
        (sequential(iaa.Jigsaw(5, 5)), "Jigsaw"),
        (
            sequential(iaa.Lambda(fails, func_segmentation_maps=fails)),
            "Received: Lambda, which fails: RuntimeError: no luck. Take it out",
        ),
    ],
)
def test_what_cannot_move_masks_is_an_error(augmenter, words):
    masks = disks(2)
    with pytest.raises(ConfigError, match=words) as caught:
        augment(picture_of(masks[..., 0]), masks, augmenter, np.random.default_rng(0))
    assert "\n" not in str(caught.value)


def test_an_augmenter_that_says_what_happens_to_masks_is_trusted():
    check_augmenter(iaa.Sequential([Tint(), iaa.AssertShape((None, H, W, 3))]))


def test_importing_the_module_leaves_imgaug_and_numpy_alone():
    code = (
        "import sys, numpy as np\n"
        "import mrcnn.training.augment as a\n"
        "early = 'imgaug' in sys.modules or 'keras' in sys.modules\n"
        "a.import_imgaug()\n"
        "import imgaug\n"
        "sys.exit(early or 'sctypes' in vars(np) and np.__version__ >= '2')\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
