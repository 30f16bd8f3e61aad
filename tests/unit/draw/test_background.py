import numpy as np
import pytest

from mrcnn.draw import background
from mrcnn.structures import Detections


@pytest.fixture
def image(rng):
    image = rng.integers(0, 256, (60, 80, 3), np.uint8)
    image.flags.writeable = False
    return image


@pytest.fixture
def found():
    mask = np.hypot(*np.ogrid[-10:10, -15:15]) < 10
    return Detections(
        (60, 80),
        np.array([[20, 30, 40, 60]], np.int32),
        np.array([1], np.int32),
        np.array([0.9], np.float32),
        (mask,),
    )


def test_objects_keep_every_pixel_and_nothing_else_does(image, found):
    behind = np.full_like(image, 7)
    drawn = background.replace_background(image, found, behind)
    mask = found.masks[..., 0]
    np.testing.assert_array_equal(drawn[mask], image[mask])
    assert (drawn[~mask] == 7).all()
    assert (behind == 7).all()


def test_nothing_found_is_background_alone(image):
    behind = background.grey(image)
    drawn = background.replace_background(image, Detections.empty((60, 80)), behind)
    np.testing.assert_array_equal(drawn, behind)


def test_sizes_must_agree(image, found):
    with pytest.raises(ValueError, match="Expected picture and background"):
        background.replace_background(image, found, image[:50])


def test_grey_is_the_brightness_of_bt601(image):
    grey = background.grey(image)
    expected = image @ np.array([0.299, 0.587, 0.114])
    assert np.ptp(grey.astype(int), axis=-1).max() == 0
    np.testing.assert_allclose(grey[..., 0], expected, atol=1)


def test_blur_smooths_and_keeps_the_mean(image):
    blurred = background.blurred(image, Detections.empty((60, 80)))
    assert blurred.shape == image.shape and blurred.dtype == np.uint8
    assert blurred.std() < image.std() / 3
    assert blurred.mean() == pytest.approx(image.mean(), abs=2)


def test_blur_has_no_halo_of_the_objects(found):
    """A white object on black leaves black behind it."""
    image = np.where(found.masks, np.uint8(255), np.uint8(0)).repeat(3, axis=2)
    assert not background.blurred(image, found).any()
    # The usual blur would show it.
    assert background.blurred(image, found.select([])).max() > 100


def test_blur_of_tiny_and_wholly_covered_pictures():
    whole = Detections(
        (2, 3),
        np.array([[0, 0, 2, 3]], np.int32),
        np.array([1], np.int32),
        np.array([1], np.float32),
        (np.ones((2, 3), bool),),
    )
    assert background.blurred(np.full((2, 3, 3), 9, np.uint8), whole).shape == (2, 3, 3)
    pixel = np.full((1, 1, 3), 9, np.uint8)
    np.testing.assert_array_equal(
        background.blurred(pixel, Detections.empty((1, 1))), pixel
    )


@pytest.mark.parametrize("picture_hw", [(10, 10), (30, 500), (400, 20), (33, 47)])
def test_covering_shows_the_middle(picture_hw):
    picture = np.zeros((*picture_hw, 3), np.uint8)
    picture[:, picture_hw[1] // 2 :] = 255
    shown = background.covering(picture, (33, 47))
    assert shown.shape == (33, 47, 3)
    assert (shown[:, :20] == 0).all() and (shown[:, 27:] == 255).all()


def test_filled():
    np.testing.assert_array_equal(
        background.filled((1, 2), (1, 2, 3)), [[[1, 2, 3], [1, 2, 3]]]
    )
