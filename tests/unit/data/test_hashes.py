import io

import numpy as np
import pytest
from PIL import Image

from mrcnn.data.hashes import fingerprint, groups, perceptual_hash, similar_pairs
from mrcnn.data.images import read_image


def picture(seed, hw=(120, 160)):
    """A picture of soft blobs, as unlike others as photos are."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (9, 12, 3), dtype=np.uint8))
    return np.array(coarse.resize(hw[::-1], Image.Resampling.BICUBIC))


def prints(tmp_path, pictures):
    found = []
    for i, pixels in enumerate(pictures):
        path = tmp_path / f"{i}.png"
        Image.fromarray(pixels).save(path)
        found.append(fingerprint(path, pixels))
    return found


def jpeg(pixels, quality):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return np.array(Image.open(file))


def test_copies_are_found(tmp_path):
    first = picture(0)
    copies = [
        first,
        jpeg(first, 30),
        np.array(Image.fromarray(first).resize((64, 48))),
        np.clip(first * 1.15, 0, 255).astype(np.uint8),
    ]
    found = prints(tmp_path, [*copies, picture(1), picture(2), picture(3)])
    assert similar_pairs(found) == [(i, j) for i in range(4) for j in range(i + 1, 4)]
    assert found[0].digest != found[1].digest
    assert found[0].digest == prints(tmp_path, [first])[0].digest


def test_plain_pictures_differ_by_colour(tmp_path):
    # Without any structure the hashes are equal.
    plain = [np.full((30, 40, 3), value, np.uint8) for value in (0, 90, 92, 255)]
    assert similar_pairs(prints(tmp_path, plain)) == [(1, 2)]


def test_no_pictures():
    assert similar_pairs([]) == []
    assert groups(0, []).tolist() == []
    assert groups(3, []).tolist() == [0, 1, 2]


@pytest.mark.parametrize("hw", [(1, 1), (1, 500), (3, 2)])
def test_smallest_pictures(hw):
    bits = perceptual_hash(np.full((*hw, 3), 7, np.uint8))
    assert (bits.shape, bits.dtype) == ((32,), np.uint8)


def test_real_photos_are_told_apart(tmp_path, shared_data):
    paths = sorted((shared_data / "balloon" / "val").glob("*.jpg"))
    photos = [read_image(path) for path in paths]
    found = [fingerprint(*pair) for pair in zip(paths, photos, strict=True)]
    assert similar_pairs(found) == []
    small = [
        np.array(Image.fromarray(jpeg(photo, 40)).resize((300, 200)))
        for photo in photos
    ]
    copies = prints(tmp_path, small)
    num = len(found)
    assert similar_pairs([*found, *copies]) == [(i, i + num) for i in range(num)]


@pytest.mark.parametrize("num_channels", [1, 2, 5])
def test_other_channels_are_compared_in_grey(tmp_path, num_channels):
    grey = picture(0)[..., :1]
    found = []
    for channels in (3, num_channels):
        path = tmp_path / f"{channels}.bin"
        path.write_bytes(b"x")
        found.append(fingerprint(path, np.repeat(grey, channels, axis=2)))
    assert similar_pairs(found) == [(0, 1)]
