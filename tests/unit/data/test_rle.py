import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pycocotools import mask as coco_mask

from mrcnn.data.rle import (
    box_mask_to_rle,
    mask_to_rle,
    packed,
    rle_to_mask,
    run_lengths,
)
from mrcnn.errors import DatasetError


@settings(max_examples=60, deadline=None)
@given(hnp.arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_round_trip(mask):
    rle = json.loads(json.dumps(mask_to_rle(mask)))
    np.testing.assert_array_equal(rle_to_mask(rle), mask)


def test_list_of_numbers():
    # Down the columns: 2 background, 3 object, 1 background.
    mask = rle_to_mask({"size": [3, 2], "counts": [2, 3, 1]})
    np.testing.assert_array_equal(mask, [[0, 1], [0, 1], [1, 0]])


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_large_and_shrinking_runs_as_pycocotools():
    # Long runs take several characters; shorter later ones negative differences.
    mask = np.zeros((300, 400), bool)
    mask[5:290, 3:200] = True
    mask[::7, 250] = True
    rle = mask_to_rle(mask)
    decoded = coco_mask.decode({**rle, "counts": rle["counts"].encode()})
    np.testing.assert_array_equal(rle_to_mask(rle), decoded)
    runs = run_lengths(rle["counts"].encode())
    assert sum(runs) == mask.size
    assert sum(runs[1::2]) == mask.sum()


@pytest.mark.parametrize(
    ("rle", "message"),
    [
        ({"size": [5, 5], "counts": "99"}, "5 x 5 pixels in total. Received: 18"),
        ({"size": [5, 5], "counts": ""}, "Received: 0"),
        ({"size": [5, 5], "counts": "zzzz"}, "in total"),
        ({"size": [5, 5], "counts": "\u20ac"}, "in total"),
        ({"size": [5, 5], "counts": [5, 50]}, "Received: 55"),
        ({"size": [5, 5], "counts": [30, -5]}, "Received: "),
        ({"size": [5, 5], "counts": [12.5, 12.5]}, "Received: "),
        ({"size": [5, 5]}, "Received: None"),
        ({"size": 5, "counts": "99"}, "size=5"),
        ({"size": ["5", 5], "counts": "99"}, "size="),
        ({"counts": "99"}, "size=None"),
    ],
)
def test_broken(rle, message):
    with pytest.raises(DatasetError) as caught:
        packed(rle)
    assert message in str(caught.value)


@given(data=st.data())
def test_mask_in_a_box_is_that_of_the_whole_image(data):
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    image_hw = tuple(rng.integers(1, 20, 2))
    y1, x1 = rng.integers(0, np.array(image_hw) + 1)
    y2, x2 = rng.integers((y1, x1), np.array(image_hw) + 1)
    mask = rng.random((y2 - y1, x2 - x1)) < rng.choice([0, 0.3, 0.7, 1])
    whole = np.zeros(image_hw, bool)
    whole[y1:y2, x1:x2] = mask
    assert box_mask_to_rle(mask, (y1, x1, y2, x2), image_hw) == mask_to_rle(whole)


@pytest.mark.parametrize("counts", [[10**4299] * 11, [2, 10**30]], ids=len)
def test_runs_beyond_any_image(counts):
    """Their sum has more digits than Python prints."""
    with pytest.raises(DatasetError, match="Expected run lengths of 2 x 2 pixels"):
        packed({"size": [2, 2], "counts": counts})


def test_run_without_end():
    with pytest.raises(DatasetError, match="at most 60 bits"):
        packed({"size": [2, 2], "counts": b"o" * 20_000 + b"0"})
