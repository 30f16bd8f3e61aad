"""Rounds: what is in them, how often, and that they are of one length."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mrcnn.errors import DatasetError
from mrcnn.training.sampling import plan_rounds, repeat_factors, rounds_of_dataset

CLASSES = st.lists(
    st.lists(st.integers(-3, 4).filter(bool), max_size=4), min_size=1, max_size=30
)


def orders(rounds, count, seed=0):
    return [rounds.order(np.random.default_rng((seed, i))) for i in range(count)]


def test_repeat_factors_by_hand():
    # Ten images: class 1 in eight, class 2 in one, class 3 in two. With t = 0.4:
    # r(1) = max(1, sqrt(0.4 / 0.8)) = 1, r(2) = sqrt(0.4 / 0.1) = 2,
    # r(3) = sqrt(0.4 / 0.2) = 1.414. Twice a class in an image is that class once.
    images = [[1], [1], [1], [1], [1], [1, 1], [1], [1, 2, 3], [3, 3], [-2]]
    expected = [1] * 7 + [2, np.sqrt(2), 1]
    np.testing.assert_allclose(repeat_factors(images, 0.4), expected)


def test_no_images_and_no_threshold():
    assert repeat_factors([], 0.5).shape == (0,)
    np.testing.assert_array_equal(repeat_factors([[1], [], [2, -2]], 0.0), [1, 1, 1])


def test_off_is_one_shuffle_of_all():
    rounds = plan_rounds([[1], [], [2], [2]])
    assert len(rounds) == 4
    order = rounds.order(np.random.default_rng(5))
    np.testing.assert_array_equal(order, np.random.default_rng(5).permutation(4))


def test_images_come_as_often_as_their_factor_says():
    # Of 20 images one has class 2 and two have class 3: with t = 0.3 these come
    # sqrt(0.3 / 0.05) = 2.449 and sqrt(0.3 / 0.1) = 1.732 times. The fractions add
    # up to 0.449 + 2 * 0.732 = 1.913, so each round has 2 images more than wholly.
    images = [[1]] * 17 + [[1, 3], [3], [2]]
    rounds = plan_rounds(images, repeat_threshold=0.3)
    assert len(rounds) == 17 + 2 * 1 + 2 + 2
    counts = np.array(
        [np.bincount(order, minlength=20) for order in orders(rounds, 2000)]
    )
    assert (counts[:, :17] == 1).all()
    assert set(counts[:, 17]) == {1, 2} and set(counts[:, 19]) == {2, 3}
    # The fractions are stretched by 2 / 1.913; 2000 rounds leave a deviation of
    # sqrt(0.25 / 2000) = 0.011 at most.
    fractions = np.array([0.732, 0.732, 0.449]) * 2 / 1.913
    np.testing.assert_allclose(
        counts[:, 17:].mean(axis=0), [1, 1, 2] + fractions, atol=0.05
    )


@settings(max_examples=60, deadline=None)
@given(
    CLASSES,
    st.floats(0, 1),
    st.one_of(st.none(), st.floats(0, 3)),
    st.integers(0, 9),
)
def test_rounds_keep_length_factors_and_ratio(classes, threshold, ratio, seed):
    has_objects = np.array([bool(ids) for ids in classes])
    if ratio is not None and not has_objects.any():
        with pytest.raises(DatasetError, match="none with objects"):
            plan_rounds(classes, negative_ratio=ratio)
        return
    rounds = plan_rounds(classes, repeat_threshold=threshold, negative_ratio=ratio)
    factors = repeat_factors(classes, threshold)
    for order in orders(rounds, 3, seed):
        assert len(order) == len(rounds)
        counts = np.bincount(order, minlength=len(classes))
        if ratio is None:
            assert (counts[~has_objects] == 1).all()
        else:
            num_shown = counts[has_objects].sum()
            most = (~has_objects).sum()
            assert counts[~has_objects].sum() == min(round(ratio * num_shown), most)
            assert counts.max(initial=0, where=~has_objects) <= 1
        assert (counts[has_objects] >= np.floor(factors[has_objects])).all()
        # Stretched to a whole number, a fraction may round to 2 in small sets.
        assert (counts[has_objects] <= np.floor(factors[has_objects]) + 2).all()


def test_negatives_are_drawn_anew_and_all_get_their_turn():
    rounds = plan_rounds([[1]] * 4 + [[]] * 10, negative_ratio=0.5)
    assert len(rounds) == 4 + 2
    negatives = [frozenset(order[order >= 4]) for order in orders(rounds, 60)]
    assert all(len(ids) == 2 for ids in negatives)
    assert frozenset.union(*negatives) == set(range(4, 14))
    assert len(plan_rounds([[1], []], negative_ratio=0)) == 1


def test_an_image_of_crowds_alone_is_no_negative():
    rounds = plan_rounds([[1], [-1], []], negative_ratio=0)
    assert sorted(rounds.order(np.random.default_rng(0))) == [0, 1]


def test_masks_are_drawn_once_and_only_when_needed(rectangles):
    asked = []

    class Counting(rectangles):
        def load_mask(self, image_id):
            asked.append(image_id)
            return super().load_mask(image_id)

    dataset = Counting([1, 0, 2])
    assert len(rounds_of_dataset(dataset)) == 3 and asked == []
    rounds = rounds_of_dataset(dataset, repeat_threshold=1.0, negative_ratio=0.0)
    # Class 1 is in two of three images, class 2 in one: sqrt(3 / 2) and sqrt(3).
    np.testing.assert_allclose(rounds.repeats, [np.sqrt(3 / 2), np.sqrt(3)])
    assert asked == [0, 1, 2]


def test_a_broken_image_is_named(rectangles):
    def load_mask(self, image_id):
        raise OSError("file is cut short")

    dataset = type("Broken", (rectangles,), {"load_mask": load_mask})([1])
    with pytest.raises(DatasetError, match="OSError: file is cut short") as caught:
        rounds_of_dataset(dataset, negative_ratio=1.0)
    assert "image 0 (shapes.no0, folder/0.png)" in str(caught.value)
