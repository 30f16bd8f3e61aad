"""Random sampling of a fixed number of candidates."""

import keras
import numpy as np

from mrcnn.ops.sampling import sample


def test_draws_candidates_first_and_without_replacement(rng):
    candidates = rng.random((4, 30)) < 0.4
    seed = keras.random.SeedGenerator(1)
    indices, found = sample(
        keras.ops.convert_to_tensor(candidates), num_samples=20, seed=seed
    )
    indices, found = np.array(indices), np.array(found)
    np.testing.assert_array_equal(found, np.minimum(candidates.sum(1), 20))
    for image in range(4):
        assert len(set(indices[image])) == 20
        assert candidates[image, indices[image, : found[image]]].all()
        assert not candidates[image, indices[image, found[image] :]].any()


def test_every_candidate_has_the_same_chance():
    candidates = keras.ops.convert_to_tensor(np.ones((4000, 5), bool))
    indices, _ = sample(candidates, num_samples=2, seed=keras.random.SeedGenerator(0))
    share = np.bincount(np.array(indices).ravel(), minlength=5) / 8000
    # Standard deviation of a share is sqrt(0.2 * 0.8 / 8000) = 0.0045.
    np.testing.assert_allclose(share, 0.2, atol=0.02)


def test_no_candidate():
    _, found = sample(keras.ops.zeros((1, 5), "bool"), num_samples=3, seed=0)
    assert np.array(found).tolist() == [0]
