import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import find_objects

from mrcnn.errors import ConfigError
from mrcnn.inference.tiles import detect_tiled, join_tiles, tile_windows
from mrcnn.structures import Detections


def blobs(images):
    """A detector of connected blobs: red is the class, green the object's number."""
    results = []
    for image in images:
        boxes, class_ids, masks = [], [], []
        for number, place in enumerate(find_objects(image[..., 1]), start=1):
            if place is None:
                continue
            alike = image[place][..., 1] == number
            top, left = place[0].start, place[1].start
            num, labels, stats, _ = cv2.connectedComponentsWithStats(
                alike.view(np.uint8)
            )
            for label in range(1, num):
                x, y, w, h, _ = stats[label]
                masks.append(labels[y : y + h, x : x + w] == label)
                class_ids.append(image[place][..., 0][alike][0])
                boxes.append((top + y, left + x, top + y + h, left + x + w))
        results.append(
            Detections(
                image.shape[:2],
                np.array(boxes, np.int32).reshape(-1, 4),
                np.array(class_ids, np.int32),
                np.linspace(0.99, 0.5, len(boxes)).astype(np.float32),
                tuple(masks),
            )
        )
    return results


def as_network(images):
    """As `blobs`, but with masks as coarse as a network gives them."""
    return [
        Detections(
            found.image_hw,
            found.boxes,
            found.class_ids,
            found.scores,
            tuple(
                cv2.resize(
                    cv2.resize(mask.astype(np.float32), (28, 28)), mask.shape[::-1]
                )
                >= 0.5
                for mask in found.box_masks
            ),
        )
        for found in blobs(images)
    ]


def scene(image_hw, tile, num_more):
    """An image with objects across the borders between tiles, and others."""
    rng = np.random.default_rng(0)
    image = np.zeros((*image_hw, 3), np.uint8)
    places = [
        (y, x)
        for y1, x1, _, _ in tile_windows(image_hw, tile)
        for y, x in ((y1, x1 + tile // 2), (y1 + tile // 2, x1), (y1, x1))
    ]
    places += [tuple(rng.integers((0, 0), image_hw)) for _ in range(num_more)]
    number = 0
    for y, x in places:
        reach = tile // 5
        top, left = max(y - reach, 0), max(x - reach, 0)
        region = image[top : y + reach, left : x + reach]
        axes = tuple(rng.integers(20, reach - 5, 2).tolist())
        canvas = np.zeros(region.shape[:2], np.uint8)
        turn = float(rng.uniform(0, 180))
        center = (int(x - left), int(y - top))
        cv2.ellipse(canvas, center, axes, turn, 0, 360, 1, cv2.FILLED)
        # A gap between all objects, so that the detector cannot take two for one.
        if not region[cv2.dilate(canvas, np.ones((5, 5))) > 0].any():
            number += 1
            region[canvas > 0] = (rng.integers(1, 4), number, 0)
    return image, number


def assert_once(found, image, least_iou):
    """Each object of an image is found exactly once, and nothing else is."""
    sizes = np.bincount(image[..., 1].ravel())
    numbers = []
    for box, mask, class_id in zip(
        found.boxes, found.box_masks, found.class_ids, strict=True
    ):
        inside = image[box[0] : box[2], box[1] : box[3]]
        number = np.bincount(inside[mask][:, 1]).argmax()
        true = inside[..., 1] == number
        common = np.count_nonzero(true & mask)
        assert common / (sizes[number] + np.count_nonzero(mask) - common) >= least_iou
        assert inside[true][0, 0] == class_id
        numbers.append(number)
    assert sorted(numbers) == list(range(1, len(sizes)))


def num_across(image, windows):
    """How many objects lie across the edge of a tile."""
    sizes = np.bincount(image[..., 1].ravel(), minlength=256)[1:]
    seen = np.array(
        [
            np.bincount(image[y1:y2, x1:x2, 1].ravel(), minlength=256)[1:]
            for y1, x1, y2, x2 in windows
        ]
    )
    return ((0 < seen) & (seen < sizes)).any(axis=0).sum()


@pytest.mark.parametrize("whole", [True, False])
def test_each_object_of_12_megapixels_once(whole):
    image, number = scene((3000, 4000), 1024, num_more=60)
    windows = tile_windows((3000, 4000), 1024)
    assert len(windows) == 20
    assert 35 <= num_across(image, windows) < number
    # Without joining there are many more.
    tiles = [image[y1:y2, x1:x2] for y1, x1, y2, x2 in windows]
    assert sum(map(len, blobs(tiles))) > 1.5 * number
    found = detect_tiled(image, blobs, tile=1024, whole=whole)
    assert_once(found, image, 1.0)
    coarse = detect_tiled(image, as_network, tile=1024, whole=whole)
    assert_once(coarse, image, 0.8)


def test_object_larger_than_the_tiles():
    image = np.zeros((500, 700, 3), np.uint8)
    # An arch: its legs are two objects in the lower tiles, and it is one.
    cv2.ellipse(image, (350, 480), (300, 430), 0, 180, 360, (2, 1, 0), 40)
    cv2.circle(image, (350, 480), 15, (2, 2, 0), -1)
    for look_at_whole in (True, False):
        found = detect_tiled(image, blobs, tile=128, whole=look_at_whole)
        assert len(found) == 2
        assert_once(found, image, 1.0)


def test_neighbours_that_touch_stay_two():
    """Two objects of one class side by side, across the same border."""
    image = np.zeros((100, 180, 3), np.uint8)
    image[30:50, 60:130] = (1, 1, 0)
    image[50:70, 60:130] = (1, 2, 0)
    found = detect_tiled(image, blobs, tile=100)
    assert_once(found, image, 1.0)


def test_classes_are_kept_apart():
    image = np.zeros((100, 180, 3), np.uint8)

    def detect(images):
        """In the left tile a cup, in the right one, at the same place, a bowl."""
        return [
            Detections(
                tile.shape[:2],
                np.array([box], np.int32),
                np.array([class_id], np.int32),
                np.array([0.9], np.float32),
                (np.ones((10, 10), bool),),
            )
            for tile, class_id, box in zip(
                images, (1, 2), ((40, 85, 50, 95), (40, 5, 50, 15)), strict=True
            )
        ]

    assert len(detect_tiled(image, detect, tile=100, whole=False)) == 2


def square(image_hw, box, score=0.9):
    y1, x1, y2, x2 = box
    return Detections(
        image_hw,
        np.array([box], np.int32),
        np.array([1], np.int32),
        np.array([score], np.float32),
        (np.ones((y2 - y1, x2 - x1), bool),),
    )


def test_best_score_and_order():
    windows = [(0, 0, 100, 100), (0, 80, 100, 180), (0, 160, 100, 260)]
    found = join_tiles(
        [
            square((100, 100), (20, 85, 30, 100), 0.6),
            square((100, 100), (20, 5, 30, 40), 0.8),
            square((100, 100), (60, 50, 70, 60), 0.9),
        ],
        windows,
        (100, 260),
    )
    np.testing.assert_allclose(found.scores, [0.9, 0.8])
    assert found.boxes.tolist() == [[60, 210, 70, 220], [20, 85, 30, 120]]
    assert [mask.all() for mask in found.box_masks] == [True, True]


def test_coarse_mask_of_the_whole_image_yields_to_a_tile():
    windows = [(0, 0, 100, 100), (0, 80, 100, 180), (0, 0, 100, 180)]
    exact = square((100, 100), (20, 20, 40, 40))
    coarse = square((100, 180), (18, 18, 42, 42))
    nothing = Detections.empty((100, 100))
    found = join_tiles([exact, nothing, coarse], windows, (100, 180))
    assert found.boxes.tolist() == [[20, 20, 40, 40]]
    # A part alone does not outweigh it.
    part = square((100, 100), (20, 70, 40, 100))
    large = square((100, 180), (20, 70, 40, 150))
    found = join_tiles([part, nothing, large], windows, (100, 180))
    assert found.boxes.tolist() == [[20, 70, 40, 150]]


def test_image_as_small_as_a_tile_is_looked_at_once():
    calls = []

    def detect(images):
        calls.append([image.shape for image in images])
        return [square((50, 60), (0, 0, 60, 50)[:2] + (50, 60)) for _ in images]

    found = detect_tiled(np.zeros((50, 60, 3), np.uint8), detect, tile=100)
    assert calls == [[(50, 60, 3)]]
    assert found.boxes.tolist() == [[0, 0, 50, 60]]


def test_masks_without_pixels_and_nothing_at_all():
    empty = square((100, 100), (10, 85, 20, 95))
    empty.box_masks[0][:] = False
    windows = [(0, 0, 100, 100), (0, 80, 100, 180)]
    found = join_tiles([empty, Detections.empty((100, 100))], windows, (100, 180))
    assert len(found) == 1
    nothing = [Detections.empty((100, 100))] * 2
    assert len(join_tiles(nothing, windows, (100, 180))) == 0


@given(
    st.integers(1, 900), st.integers(1, 900), st.integers(16, 300), st.floats(0.05, 0.7)
)
@settings(max_examples=200, deadline=None)
def test_windows_cover_the_image_and_overlap(height, width, tile, overlap):
    windows = tile_windows((height, width), tile, overlap)
    seen = np.zeros((height, width), bool)
    for y1, x1, y2, x2 in windows:
        assert y2 - y1 == min(tile, height) and x2 - x1 == min(tile, width)
        seen[y1:y2, x1:x2] = True
    assert seen.all()
    for starts, side in (
        (sorted({window[0] for window in windows}), height),
        (sorted({window[1] for window in windows}), width),
    ):
        assert starts[0] == 0 and starts[-1] == max(side - tile, 0)
        assert all(
            tile - (b - a) >= tile * overlap
            for a, b in zip(starts, starts[1:], strict=False)
        )


@pytest.mark.parametrize(
    ("tile", "overlap"), [(1, 0.2), (100, 0), (100, 1), (10, 0.99), (100, float("nan"))]
)
def test_wrong_tiles(tile, overlap):
    with pytest.raises(ConfigError, match=r"Expected tiles.*overlap="):
        tile_windows((500, 500), tile, overlap)


def test_image_is_not_copied():
    image = np.zeros((400, 400, 3), np.uint8)

    def detect(images):
        assert all(np.shares_memory(tile, image) for tile in images)
        return [Detections.empty(tile.shape[:2]) for tile in images]

    detect_tiled(image, detect, tile=128)
