import numpy as np

from mrcnn.draw.paint import paint_masks
from mrcnn.structures import Detections


def two_squares():
    """One of 6 x 6 at (0, 0), listed last, and one of 2 x 2 at (3, 3)."""
    return Detections(
        (8, 10),
        np.array([[3, 3, 5, 5], [0, 0, 6, 6]], np.int32),
        np.array([1, 2], np.int32),
        np.array([0.9, 0.8], np.float32),
        (np.ones((2, 2), bool), np.ones((6, 6), bool)),
    )


def test_smaller_is_on_top_and_colours_are_exact():
    red, blue = (255, 0, 0), (1, 2, 254)
    expected = np.zeros((8, 10, 3), np.uint8)
    expected[:6, :6] = blue
    expected[3:5, 3:5] = red
    found = two_squares()
    np.testing.assert_array_equal(paint_masks(found, [red, blue]), expected)
    turned = found.select([1, 0])
    np.testing.assert_array_equal(paint_masks(turned, [blue, red]), expected)


def test_each_pixel_is_black_or_a_colour(rng):
    masks = tuple(rng.random((5, 20, 30)) < 0.5)
    found = Detections(
        (20, 30),
        np.tile(np.array([0, 0, 20, 30], np.int32), (5, 1)),
        np.arange(1, 6, dtype=np.int32),
        np.ones(5, np.float32),
        masks,
    )
    colors = [tuple(rng.integers(1, 256, 3).tolist()) for _ in range(5)]
    painted = paint_masks(found, colors)
    assert set(map(tuple, painted.reshape(-1, 3).tolist())) <= {(0, 0, 0), *colors}
    covered = np.any(masks, axis=0)
    np.testing.assert_array_equal(painted.any(axis=-1), covered)


def test_nothing_is_black():
    painted = paint_masks(Detections.empty((4, 6)), [])
    assert painted.shape == (4, 6, 3) and not painted.any()
