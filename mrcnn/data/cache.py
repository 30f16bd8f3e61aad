"""Decoded images kept in memory, up to a number of bytes.

`CachedImages` stands in for a data set where its images are read again and again:
a JPEG of 12 megapixels takes longer to decode than all that training does with it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

import numpy as np


class ArrayCache:
    """Arrays by key; the one not asked for longest makes room. Safe among threads.

    Args:
        limit: bytes that the arrays may take together; larger ones are not kept.

    Example:
        >>> cache = ArrayCache(limit=10)
        >>> for key in ("a", "b", "a"):
        ...     array = cache.get(key, lambda: np.zeros(4, np.uint8))
        >>> cache.num_bytes
        8
    """

    def __init__(self, limit: int):
        self.limit = limit
        self._arrays: OrderedDict[Hashable, np.ndarray] = OrderedDict()
        self._num_bytes = 0
        self._lock = threading.Lock()

    @property
    def num_bytes(self) -> int:
        """Bytes that the arrays take now."""
        return self._num_bytes

    def get(self, key: Hashable, make: Callable[[], np.ndarray]) -> np.ndarray:
        """Return the array of a key, read-only, made if it is not here.

        Threads that ask for it at the same time may each make one.

        Args:
            key: what to call it.
            make: returns the array.
        """
        with self._lock:
            if key in self._arrays:
                self._arrays.move_to_end(key)
                return self._arrays[key]
        array = np.asarray(make()).view()
        array.flags.writeable = False
        with self._lock:
            if array.nbytes <= self.limit and key not in self._arrays:
                self._arrays[key] = array
                self._num_bytes += array.nbytes
                while self._num_bytes > self.limit:
                    _, oldest = self._arrays.popitem(last=False)
                    self._num_bytes -= oldest.nbytes
        return array


class CachedImages:
    """A data set that decodes an image once, as long as there is room for it.

    It has everything that `dataset` has; `load_image` gives read-only arrays. A copy
    in another process starts with an empty cache.

    Args:
        dataset: a `Dataset`.
        limit: bytes that the images may take together.
    """

    def __init__(self, dataset, limit: int):
        self.dataset = dataset
        self.cache = ArrayCache(limit)

    def load_image(self, image_id: int) -> np.ndarray:
        """Return an image, uint8 [H, W, 3], read-only."""
        return self.cache.get(int(image_id), lambda: self.dataset.load_image(image_id))

    def __getattr__(self, name: str):
        return getattr(self.dataset, name)

    def __reduce__(self):
        return CachedImages, (self.dataset, self.cache.limit)
