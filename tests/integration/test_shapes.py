"""The generated shapes: what is drawn is what the masks say."""

import sys
from pathlib import Path

import numpy as np
import pytest

from mrcnn.network.build import pyramid_anchors
from mrcnn.utils import compute_overlaps, extract_bboxes

SAMPLE = Path(__file__).resolve().parents[2] / "samples" / "shapes"


@pytest.fixture(scope="module")
def shapes():
    sys.path.insert(0, str(SAMPLE))
    try:
        import shapes
    finally:
        sys.path.remove(str(SAMPLE))
    return shapes


@pytest.fixture(scope="module")
def dataset(shapes):
    train, _ = shapes.datasets(40, 5)
    return train


def test_masks_cover_what_has_the_color_of_the_shape(dataset):
    for image_id in dataset.image_ids:
        image = dataset.load_image(image_id)
        masks, class_ids = dataset.load_mask(image_id)
        drawn = dataset.image_info[image_id]["shapes"]
        assert masks.shape == (128, 128, len(drawn)) and len(class_ids) == len(drawn)
        assert 1 <= len(drawn) <= 4
        assert masks.sum(axis=2).max() == 1  # no pixel belongs to two shapes
        for mask, class_id, (name, color, _) in zip(
            np.moveaxis(masks, 2, 0), class_ids, drawn, strict=True
        ):
            assert dataset.class_names[class_id] == name
            assert (image[mask] == color).all()
        background = dataset.image_info[image_id]["background"]
        assert (image[~masks.any(axis=2)] == background).all()


def test_areas_of_the_shapes(shapes):
    dataset = shapes.ShapesDataset()
    for class_id, name in enumerate(shapes.CLASS_NAMES, start=1):
        dataset.add_class("shapes", class_id, name)
    for i, name in enumerate(shapes.CLASS_NAMES):
        drawn = [(name, [255, 0, 0], (64, 64, 20))]
        dataset.add_image(
            "shapes", i, None, height=128, width=128, background=0, shapes=drawn
        )
    dataset.prepare()
    areas = [dataset.load_mask(i)[0].sum() for i in range(3)]
    # Square, with its border: 41^2. Circle: pi 20^2. Triangle: base
    # 2 * 20 / sin 60 = 46.2, height 40, and half a pixel along three sides of 46.2.
    assert areas[0] == 41**2
    assert areas[1] == pytest.approx(np.pi * 20**2, rel=0.02)
    assert areas[2] == pytest.approx(46.2 * 40 / 2 + 3 * 46.2 / 2, rel=0.02)


def test_a_seed_draws_the_same_images_and_other_ones_for_validation(shapes):
    train, val = shapes.datasets(5, 5, seed=1)
    again, _ = shapes.datasets(5, 5, seed=1)
    other, _ = shapes.datasets(5, 5, seed=2)
    for i in range(5):
        np.testing.assert_array_equal(train.load_image(i), again.load_image(i))
        assert not np.array_equal(train.load_image(i), val.load_image(i))
        assert not np.array_equal(train.load_image(i), other.load_image(i))


def test_classes_are_known_without_masks(dataset):
    for image_id in dataset.image_ids:
        _, class_ids = dataset.load_mask(image_id)
        np.testing.assert_array_equal(dataset.image_class_ids(image_id), class_ids)


def test_anchors_suit_the_shapes(shapes, dataset):
    config = shapes.ShapesConfig()
    anchors = pyramid_anchors(config, (config.IMAGE_MAX_DIM, config.IMAGE_MAX_DIM))
    boxes = [extract_bboxes(dataset.load_mask(i)[0]) for i in dataset.image_ids]
    overlaps = compute_overlaps(anchors, np.concatenate(boxes).astype(np.float32))
    # From here on an anchor is positive in training.
    positive = overlaps >= 0.7
    assert positive.any(axis=0).mean() > 0.9
    assert positive.sum(axis=0).mean() > 3
