import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mrcnn.data.dataset import Dataset
from mrcnn.data.split import share_out, split
from mrcnn.errors import DatasetError


class Labelled(Dataset):
    """Images that hold nothing but classes."""

    def image_class_ids(self, image_id):
        return np.array(self.image_info[image_id]["classes"], np.int32)


def labelled(images, num_classes=3):
    dataset = Labelled()
    for class_id in range(1, num_classes + 1):
        dataset.add_class("x", class_id, f"class {class_id}")
    for i, classes in enumerate(images):
        dataset.add_image("x", i, None, classes=classes)
    dataset.prepare()
    return dataset


def ids(part):
    return [info["id"] for info in part.image_info]


def test_every_class_has_its_share():
    # 80 images of class 1, 20 of class 2 (half of them with class 1), 10 of class 3,
    # 10 empty: a fifth of each, whatever the seed.
    images = [[1]] * 70 + [[1, 2]] * 10 + [[2, 2]] * 10 + [[3, -3]] * 10 + [[]] * 10
    dataset = labelled(images)
    for seed in range(5):
        train, val = dataset.split(0.2, seed)
        assert (train.num_images, val.num_images) == (88, 22)
        with_class = [
            sum(class_id in info["classes"] for info in val.image_info)
            for class_id in (1, 2, 3)
        ]
        assert with_class[1:] == [4, 2]
        # Of class 1 as many as there is room for beside the rarer ones.
        assert 14 <= with_class[0] <= 18
        assert sum(not info["classes"] for info in val.image_info) == 2


def test_three_parts():
    parts = split(labelled([[1]] * 10), (0.7, 0.2, 0.1))
    assert [part.num_images for part in parts] == [7, 2, 1]
    assert sorted(sum(map(ids, parts), [])) == list(range(10))


def test_groups_stay_together():
    groups = [i // 4 for i in range(40)]
    train, val = labelled([[1]] * 20 + [[2]] * 20).split(0.2, groups=groups)
    in_train, in_val = ({groups[i] for i in ids(part)} for part in (train, val))
    assert in_train & in_val == set()
    assert (train.num_images, val.num_images) == (32, 8)
    # One group of each class.
    assert sorted(info["classes"] for info in val.image_info) == [[1]] * 4 + [[2]] * 4


def test_no_part_stays_empty_beside_a_large_group():
    train, val = labelled([[1]] * 10).split(0.1, groups=[0] * 5 + [1] * 5)
    assert (train.num_images, val.num_images) == (5, 5)


def test_too_few_groups():
    with pytest.raises(DatasetError, match="at least 2 .*Received: 3 in 1 groups"):
        labelled([[1]] * 3).split(0.3, groups=[0, 0, 0])
    with pytest.raises(DatasetError, match="at least 3 different images.*Received: 2"):
        split(labelled([[1]] * 2), (0.5, 0.25, 0.25))


@pytest.mark.parametrize("fractions", [(0.5, 0.6), (1.0,), (1.5, -0.5), (0.5, 0.4)])
def test_shares_have_to_add_up(fractions):
    with pytest.raises(DatasetError, match="add up to 1"):
        split(labelled([[1]] * 9), fractions)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 6), st.integers(0, 7)), min_size=3, max_size=40),
    st.sampled_from([(0.8, 0.2), (0.5, 0.5), (0.98, 0.01, 0.01)]),
    st.integers(0, 5),
)
def test_share_out_always_ends_with_filled_parts(groups, fractions, seed):
    sizes = np.array([size for size, _ in groups])
    bits = np.array([[bits >> i & 1 for i in range(3)] for _, bits in groups])
    labels = bits * sizes[:, None]
    for array in (sizes, labels):
        array.flags.writeable = False
    parts = share_out(labels, sizes, fractions, np.random.default_rng(seed))
    assert sorted(set(parts.tolist())) == list(range(len(fractions)))
    again = share_out(labels, sizes, fractions, np.random.default_rng(seed))
    assert parts.tolist() == again.tolist()
    if (sizes == 1).all():
        images = np.bincount(parts)
        assert np.abs(images - np.array(fractions) * len(sizes)).max() <= 2
