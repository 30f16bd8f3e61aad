"""Cached images: decoded once, within a limit, the same for all threads."""

import pickle
import threading

import numpy as np
import pytest

from mrcnn.data.cache import ArrayCache, CachedImages
from mrcnn.data.dataset import Dataset


class Counting(Dataset):
    """Images of 300 bytes that count how often each was decoded."""

    def __init__(self, count=4):
        super().__init__()
        self.decoded = []
        for i in range(count):
            self.add_image("some", i, path=None)
        self.prepare()

    def load_image(self, image_id):
        self.decoded.append(image_id)
        return np.full((10, 10, 3), image_id, np.uint8)


def test_an_image_is_decoded_once():
    cached = CachedImages(Counting(), limit=1200)
    for image_id in (0, 1, 2, 3, np.int64(2), 0):
        image = cached.load_image(image_id)
        assert (image == image_id).all() and image.shape == (10, 10, 3)
    assert cached.decoded == [0, 1, 2, 3]
    assert cached.cache.num_bytes == 4 * 300


def test_the_limit_holds_and_the_one_not_used_longest_goes():
    cached = CachedImages(Counting(), limit=899)  # two of 300 bytes, not three
    for image_id in (0, 1, 0, 2):  # 2 drives out 1, because 0 came again
        cached.load_image(image_id)
        assert cached.cache.num_bytes <= 899
    cached.load_image(0)
    assert cached.decoded == [0, 1, 2]
    cached.load_image(1)
    assert cached.decoded == [0, 1, 2, 1]


@pytest.mark.parametrize("limit", [0, 299])
def test_what_is_larger_than_the_limit_is_not_kept(limit):
    cached = CachedImages(Counting(), limit=limit)
    assert (cached.load_image(3) == 3).all() and (cached.load_image(3) == 3).all()
    assert cached.decoded == [3, 3] and cached.cache.num_bytes == 0


def test_images_are_read_only_and_those_of_the_data_set_stay_writable():
    own = np.zeros((4, 4, 3), np.uint8)
    cache = ArrayCache(limit=100)
    for _ in range(2):
        with pytest.raises(ValueError, match="read-only"):
            cache.get("key", lambda: own)[0] = 1
    own[0] = 1


def test_a_failure_is_raised_each_time():
    def fail():
        raise OSError("cut short")

    cache = ArrayCache(limit=100)
    for _ in range(2):
        with pytest.raises(OSError, match="cut short"):
            cache.get("key", fail)
    assert cache.num_bytes == 0


def test_threads():
    dataset = Counting(8)
    cached = CachedImages(dataset, limit=5 * 300)
    wrong = []

    def ask(seed):
        for image_id in np.random.default_rng(seed).integers(0, 8, 500):
            if (cached.load_image(image_id) != image_id).any():
                wrong.append(image_id)
            if cached.cache.num_bytes > cached.cache.limit:
                wrong.append("limit")

    threads = [threading.Thread(target=ask, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert cached.cache.num_bytes == 5 * 300


def test_everything_else_is_the_data_sets_and_a_copy_starts_empty():
    cached = CachedImages(Counting(), limit=1200)
    cached.load_image(1)
    assert cached.num_images == 4 and cached.image_info[2]["id"] == 2
    copy = pickle.loads(pickle.dumps(cached))
    assert (copy.cache.num_bytes, copy.cache.limit, copy.num_images) == (0, 1200, 4)
