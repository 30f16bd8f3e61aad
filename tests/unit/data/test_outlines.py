import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco_mask

from mrcnn.data.outlines import (
    coco_polygon_with_holes,
    coco_polygons,
    part_polygons,
    single_polygon,
)
from mrcnn.data.polygons import fill_polygon
from mrcnn.data.rle import unpacked_mask
from tests.unit.data.masks import masks


def filled(polygons, mask):
    return np.any([fill_polygon(*p.T, mask.shape) for p in polygons], axis=0)


def drawn_by_coco(polygons, mask):
    parts = [polygon.ravel().tolist() for polygon in polygons]
    return unpacked_mask(coco_mask.merge(coco_mask.frPyObjects(parts, *mask.shape)))


def iou(a, b):
    return (a & b).sum() / (a | b).sum()


def disc(radius, hole=0.0):
    y, x = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    distance = np.hypot(y, x)
    return (distance <= radius) & (distance >= hole)


@settings(max_examples=300, deadline=None)
@given(masks())
def test_every_pixel(mask):
    assert np.array_equal(filled([single_polygon(mask)], mask), mask)
    assert np.array_equal(drawn_by_coco([coco_polygon_with_holes(mask)], mask), mask)
    for polygons, draw in (
        (part_polygons(mask), filled),
        (coco_polygons(mask), drawn_by_coco),
    ):
        if polygons is not None:
            assert np.array_equal(draw(polygons, mask), mask)
            assert all(len(polygon) >= 3 for polygon in polygons)


@settings(max_examples=200, deadline=None)
@given(masks(), st.floats(0.8, 1))
def test_near_enough(mask, min_iou):
    assert iou(filled([single_polygon(mask, min_iou)], mask), mask) >= min_iou
    parts = part_polygons(mask, min_iou)
    assert parts is None or iou(filled(parts, mask), mask) >= min_iou
    parts = coco_polygons(mask, min_iou)
    assert parts is None or iou(drawn_by_coco(parts, mask), mask) >= min_iou


@pytest.mark.parametrize("outline", [part_polygons, coco_polygons])
def test_parts_and_holes(outline):
    two = np.zeros((5, 12), bool)
    two[1:4, 1:4] = two[2:5, 7:11] = True
    assert len(outline(two)) == 2
    assert outline(disc(10, hole=4)) is None
    # A hole of one pixel in a thousand is not worth run lengths, if that is allowed.
    speck = disc(20)
    speck[20, 20] = False
    assert outline(speck) is None
    assert len(outline(speck, 0.99)) == 1


def test_few_corners():
    mask = disc(150)
    assert len(single_polygon(mask)) > 300
    assert len(single_polygon(mask, 0.99)) < 40
    assert sum(map(len, part_polygons(mask, 0.99))) < 40
    assert sum(map(len, coco_polygons(mask, 0.99))) < 40
