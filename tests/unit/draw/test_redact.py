"""What is hidden cannot be read; what is not hidden is not touched."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from mrcnn.draw.redact import METHODS, redact, redaction_mask
from mrcnn.structures import Detections


def detections(image_hw, *placed):
    """Objects from (y, x, mask) each."""
    masks = tuple(np.asarray(mask, bool) for _, _, mask in placed)
    boxes = [
        (y, x, y + m.shape[0], x + m.shape[1])
        for (y, x, _), m in zip(placed, masks, strict=True)
    ]
    for mask in masks:
        mask.flags.writeable = False
    return Detections(
        image_hw=image_hw,
        boxes=np.array(boxes, np.int32).reshape(-1, 4),
        class_ids=np.ones(len(placed), np.int32),
        scores=np.ones(len(placed), np.float32),
        box_masks=masks,
    )


@pytest.fixture
def noise(rng):
    image = rng.integers(0, 256, (90, 120, 3), np.uint8)
    image.flags.writeable = False
    return image


@pytest.fixture
def disc():
    y, x = np.mgrid[:40, :60]
    return ((y - 20) / 20) ** 2 + ((x - 30) / 30) ** 2 < 1


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("inverse", [False, True])
@pytest.mark.parametrize("dilation", [0, 4])
def test_changes_the_mask_and_nothing_else(noise, disc, method, inverse, dilation):
    found = detections(noise.shape[:2], (10, 20, disc), (60, 90, disc[:30, :30]))
    hidden = redaction_mask(found, dilation) ^ inverse
    result = redact(noise, found, method=method, inverse=inverse, dilation=dilation)
    np.testing.assert_array_equal(result[~hidden], noise[~hidden])
    changed = (result != noise).any(axis=-1)
    # An average can be the pixel it replaces by chance, rarely.
    assert changed[hidden].mean() > 0.99
    assert result.dtype == np.uint8 and not np.shares_memory(result, noise)


@pytest.mark.parametrize("method", ["blur", "pixelate"])
def test_letters_cannot_be_told_apart(method):
    """Stripes of 10 pixels up and down or left and right are the same plain grey."""
    stripes = np.kron(np.arange(16) % 2 * 255, np.ones(10)).astype(np.uint8)
    up = np.repeat(np.tile(stripes, (160, 1))[..., None], 3, axis=2)
    found = detections((160, 160), (0, 0, np.ones((160, 160))))
    for image in (up, up.transpose(1, 0, 2)):
        hidden = redact(image, found, method=method)
        # 8 blocks of 20 pixels, each half black and half white.
        np.testing.assert_allclose(hidden, 127.5, atol=1)


@pytest.mark.parametrize("method", ["blur", "pixelate"])
def test_few_different_colours_are_left(noise, method):
    found = detections(noise.shape[:2], (0, 0, np.ones(noise.shape[:2])))
    before, after = noise.astype(float), redact(noise, found, method=method)
    # Of 15 x 15 pixels of noise the average is left: a fifteenth of the contrast.
    assert after.std() < before.std() / 8
    assert after.mean() == pytest.approx(before.mean(), abs=2)


def test_pixelated_blocks_are_the_averages(noise):
    found = detections(noise.shape[:2], (10, 20, np.ones((64, 64))))
    result = redact(noise, found, method="pixelate")
    # 64 pixels in 8 blocks of 8.
    blocks = noise[10:74, 20:84].reshape(8, 8, 8, 8, 3).mean(axis=(1, 3))
    expected = np.kron(blocks, np.ones((8, 8, 1)))
    np.testing.assert_allclose(result[10:74, 20:84], expected, atol=1)


@pytest.mark.parametrize("method", ["blur", "pixelate"])
@pytest.mark.parametrize("side", [1, 2, 6, 11])
def test_small_objects_get_large_blocks(noise, method, side):
    found = detections(noise.shape[:2], (10, 10, np.ones((side, side))))
    result = redact(noise, found, method=method)[10 : 10 + side, 10 : 10 + side]
    assert len(np.unique(result.reshape(-1, 3), axis=0)) == 1


def test_fill_has_the_colour(noise, disc):
    found = detections(noise.shape[:2], (10, 20, disc))
    result = redact(noise, found, method="fill", color=(1, 2, 3))
    assert (result[redaction_mask(found)] == (1, 2, 3)).all()


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), dilation=st.integers(0, 7))
def test_mask_is_that_of_scipy(seed, dilation):
    rng = np.random.default_rng(seed)
    placed = []
    for _ in range(rng.integers(0, 4)):
        height, width = rng.integers(1, 12, 2)
        place = rng.integers(0, 25 - height), rng.integers(0, 30 - width)
        placed.append((*place, rng.random((height, width)) < 0.4))
    found = detections((25, 30), *placed)
    expected = found.masks.any(axis=-1)
    if dilation:
        square = np.ones((2 * dilation + 1,) * 2)
        expected = ndimage.binary_dilation(expected, square)
    np.testing.assert_array_equal(redaction_mask(found, dilation), expected)


@pytest.mark.parametrize("method", METHODS)
def test_nothing_found(noise, method):
    none = Detections.empty(noise.shape[:2])
    np.testing.assert_array_equal(redact(noise, none, method=method), noise)
    inverse = redact(noise, none, method=method, inverse=True)
    assert inverse.astype(float).std() < noise.astype(float).std() / 3


def test_mask_without_pixels(noise):
    found = detections(
        noise.shape[:2], (5, 5, np.zeros((4, 4))), (5, 5, np.zeros((0, 0)))
    )
    np.testing.assert_array_equal(redact(noise, found, dilation=3), noise)


def test_wrong_method_and_size(noise):
    none = Detections.empty(noise.shape[:2])
    with pytest.raises(ValueError, match="one of blur, pixelate, fill.*'blurr'"):
        redact(noise, none, method="blurr")
    with pytest.raises(ValueError, match=r"image of \(90, 120\).*\(5, 5\)"):
        redact(noise, Detections.empty((5, 5)))


def test_picture_that_is_not_in_rows(noise, disc):
    found = detections((90, 120), (10, 20, disc))
    turned = np.asfortranarray(noise)
    np.testing.assert_array_equal(redact(turned, found), redact(noise, found))
