"""Drawing on frames: what is touched, what is not, and captions that stay inside."""

import subprocess
import sys

import numpy as np
import pytest

from mrcnn.data.images import read_image
from mrcnn.draw.annotate import annotate, save_instances
from mrcnn.draw.palette import class_color
from mrcnn.errors import DatasetError
from mrcnn.structures import Detections

NAMES = ["BG", "remote", "cup"]


def found(image_hw, *boxes, class_ids=None, masks=None):
    masks = masks or [np.ones((y2 - y1, x2 - x1), bool) for y1, x1, y2, x2 in boxes]
    n = len(boxes)
    return Detections(
        image_hw=image_hw,
        boxes=np.array(boxes, np.int32).reshape(n, 4),
        class_ids=np.array(class_ids or [1] * n, np.int32),
        scores=np.linspace(0.9, 0.7, n).astype(np.float32),
        box_masks=tuple(masks),
    )


def noise(height, width):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (height, width, 3), np.uint8)
    image.flags.writeable = False
    return image


@pytest.mark.parametrize("hw", [(60, 80), (1, 1), (500, 700)])
def test_nothing_found_gives_an_equal_copy(hw):
    image = noise(*hw)
    drawn = annotate(image, Detections.empty(hw), NAMES)
    np.testing.assert_array_equal(drawn, image)
    assert drawn is not image and drawn.flags.writeable
    assert not np.shares_memory(drawn, image)


@pytest.mark.parametrize("hw", [(60, 80), (900, 1200)])
def test_without_labels_only_boxes_are_touched(hw):
    image = noise(*hw)
    boxes = [(10, 10, 30, 40), (20, 30, 50, 60), (0, 0, 8, 8), (hw[0] - 9, 0, *hw)]
    detections = found(hw, *boxes, class_ids=[1, 2, 1, 2])
    drawn = annotate(image, detections, NAMES, show_labels=False)
    outside = np.ones(hw, bool)
    for y1, x1, y2, x2 in boxes:
        outside[y1:y2, x1:x2] = False
        assert (drawn[y1:y2, x1:x2] != image[y1:y2, x1:x2]).any()
    np.testing.assert_array_equal(drawn[outside], image[outside])


@pytest.mark.parametrize("alpha", [0.0, 0.25, 0.5, 1.0])
def test_mask_is_blended_with_the_class_colour(alpha):
    image = np.full((60, 60, 3), 100, np.uint8)
    mask = np.zeros((40, 40), bool)
    mask[10:30, 10:30] = True
    detections = found((60, 60), (10, 10, 50, 50), class_ids=[2], masks=[mask])
    drawn = annotate(
        image, detections, NAMES, alpha=alpha, show_boxes=False, show_labels=False
    )
    # Class 2 is (86, 180, 233): 100 (1 - alpha) + colour alpha, inside the outline.
    expected = 100 * (1 - alpha) + np.array([86, 180, 233]) * alpha
    np.testing.assert_allclose(drawn[30, 30], expected, atol=0.51)
    # In the box, but outside the mask and its outline.
    np.testing.assert_array_equal(drawn[15, 15], [100, 100, 100])


def test_mask_is_outlined_holes_too():
    image = np.zeros((60, 60, 3), np.uint8)
    mask = np.ones((60, 60), bool)
    mask[20:40, 20:40] = False
    detections = found((60, 60), (0, 0, 60, 60), masks=[mask])
    drawn = annotate(image, detections, NAMES, show_boxes=False, show_labels=False)
    # Smoothed lines come to nearly the full colour; the fill to half of it.
    np.testing.assert_allclose(drawn[0, 30], class_color(1), atol=15)
    np.testing.assert_allclose(drawn[19, 30], class_color(1), atol=15)
    np.testing.assert_allclose(drawn[10, 30], np.array(class_color(1)) / 2, atol=1)
    assert tuple(drawn[30, 30]) == (0, 0, 0)


def test_box_lies_on_the_inner_side_of_its_edges():
    image = np.zeros((60, 60, 3), np.uint8)
    detections = found((60, 60), (10, 20, 30, 50))
    drawn = annotate(image, detections, NAMES, show_masks=False, show_labels=False)
    expected = np.zeros((60, 60), bool)
    expected[10:30, 20:50] = True
    expected[11:29, 21:49] = False
    np.testing.assert_array_equal(drawn.any(axis=-1), expected)


def test_surer_object_lies_on_top():
    image = np.zeros((60, 60, 3), np.uint8)
    both = found((60, 60), (0, 0, 60, 60), (0, 0, 60, 60), class_ids=[2, 1])
    drawn = annotate(image, both, NAMES, alpha=1.0, show_labels=False)
    assert tuple(drawn[30, 30]) == class_color(2)


def test_own_colours():
    image = np.zeros((60, 60, 3), np.uint8)
    drawn = annotate(
        image,
        found((60, 60), (0, 0, 60, 60)),
        NAMES,
        alpha=1.0,
        show_labels=False,
        colors=[(1, 2, 3)],
    )
    assert tuple(drawn[30, 30]) == (1, 2, 3)


@pytest.mark.parametrize(
    "box",
    [
        (0, 0, 20, 20),
        (0, 380, 20, 400),
        (280, 0, 300, 20),
        (280, 380, 300, 400),
        (0, 0, 300, 400),
        (150, 399, 160, 400),
    ],
)
def test_whole_caption_stays_inside(box):
    # The same caption in the middle of a picture with room all round it.
    def plate(hw, box):
        image = np.zeros((*hw, 3), np.uint8)
        drawn = annotate(
            image, found(hw, box), NAMES, show_masks=False, show_boxes=False
        )
        ys, xs = np.nonzero((drawn == class_color(1)).all(axis=-1))
        return np.ptp(ys) + 1, np.ptp(xs) + 1

    assert plate((300, 400), box) == plate((300, 400), (150, 150, 200, 200))


@pytest.mark.parametrize("hw", [(12, 12), (40, 30), (4, 200), (200, 4)])
def test_long_name_on_a_small_picture(hw):
    names = ["BG", "remote control of an air conditioner"]
    drawn = annotate(noise(*hw), found(hw, (0, 0, *hw)), names)
    assert drawn.shape == (*hw, 3)


def test_captions_of_neighbours_do_not_hide_each_other():
    hw = (300, 400)
    boxes = [(100, 100, 150, 150), (100, 105, 150, 155)]
    image = np.zeros((*hw, 3), np.uint8)
    areas = []
    for detections in (found(hw, boxes[0]), found(hw, *boxes, class_ids=[1, 2])):
        drawn = annotate(image, detections, NAMES, show_masks=False, show_boxes=False)
        areas.append(drawn.any(axis=-1).sum())
    # Two plates, of which "cup" is the smaller, side by side and not overlapping.
    assert areas[1] > 1.6 * areas[0]


def test_caption_grows_with_the_picture():
    heights = []
    for scale in (1, 4):
        hw = (300 * scale, 400 * scale)
        box = tuple(scale * side for side in (100, 100, 200, 200))
        drawn = annotate(
            np.zeros((*hw, 3), np.uint8),
            found(hw, box),
            NAMES,
            show_masks=False,
            show_boxes=False,
        )
        heights.append(drawn.any(axis=(1, 2)).sum())
    assert 3 < heights[1] / heights[0] < 5


@pytest.mark.parametrize(("color", "ink"), [((0, 0, 90), 255), ((250, 240, 90), 0)])
def test_caption_contrasts_with_its_plate(color, ink):
    hw = (900, 1200)
    drawn = annotate(
        np.full((*hw, 3), 128, np.uint8),
        found(hw, (300, 300, 600, 600)),
        NAMES,
        show_masks=False,
        show_boxes=False,
        colors=[color],
    )
    assert (drawn == ink).all(axis=-1).sum() > 100


def test_zero_area_and_outside_boxes_are_survived():
    hw = (50, 50)
    detections = found(
        hw,
        (10, 10, 10, 10),
        (5, 5, 5, 20),
        (60, 60, 70, 70),
        (-10, -10, 10, 10),
        masks=[
            np.zeros((0, 0), bool),
            np.zeros((0, 15), bool),
            np.ones((10, 10), bool),
            np.ones((20, 20), bool),
        ],
    )
    drawn = annotate(noise(*hw), detections, NAMES)
    assert tuple(drawn[9, 9]) != tuple(noise(*hw)[9, 9])


def test_one_pixel_mask():
    hw = (20, 20)
    drawn = annotate(
        np.zeros((*hw, 3), np.uint8), found(hw, (5, 5, 6, 6)), NAMES, show_labels=False
    )
    assert list(zip(*np.nonzero(drawn.any(axis=-1)), strict=True)) == [(5, 5)]


def test_many_captions_make_room_for_each_other():
    """48 captions that would cover each other at full size all show whole plates."""
    hw = (480, 640)
    boxes = [
        (y, x, y + 60, x + 60) for y in range(0, 480, 80) for x in range(0, 640, 80)
    ]
    image = np.zeros((*hw, 3), np.uint8)
    colors = [(i + 1, 255 - i, 128) for i in range(len(boxes))]
    drawn = annotate(
        image,
        found(hw, *boxes),
        ["BG", "AC remote"],
        show_masks=False,
        show_boxes=False,
        colors=colors,
    )
    for color in colors:
        ys, xs = np.nonzero((drawn == color).all(axis=-1))
        plate = drawn[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1]
        others = [(plate == other).all(axis=-1).any() for other in colors]
        assert sum(others) == 1


def test_captions_of_ones_own():
    hw = (300, 400)
    image, box = np.zeros((*hw, 3), np.uint8), (100, 100, 200, 200)
    options = {"show_masks": False, "show_boxes": False}
    plain = annotate(image, found(hw, box), NAMES, **options)
    same = annotate(image, found(hw, box), NAMES, captions=["remote 0.90"], **options)
    np.testing.assert_array_equal(plain, same)
    assert not annotate(image, found(hw, box), NAMES, captions=[""], **options).any()


@pytest.mark.parametrize("argument", ["colors", "captions"])
def test_too_few_colours_or_captions(argument):
    image = np.zeros((60, 60, 3), np.uint8)
    with pytest.raises(ValueError, match=f"{argument} for 1 detections. Received: 0"):
        annotate(image, found((60, 60), (0, 0, 9, 9)), NAMES, **{argument: []})


@pytest.mark.parametrize("hw", [(37, 53), (200, 31)])
@pytest.mark.parametrize("suffix", [".png", ".bmp"])
def test_saved_pixel_for_pixel_at_its_own_size(tmp_path, hw, suffix):
    image = noise(*hw)
    mask = np.zeros((*hw, 2), bool)
    mask[5:20, 5:15, 0] = True
    boxes = np.array([[5, 5, 20, 15], [0, 0, 0, 0]])
    path = save_instances(
        *(tmp_path / f"a{suffix}", image, boxes, mask, np.array([2, 0]), NAMES),
        np.array([0.5, 0.0]),
    )
    saved = read_image(path)
    expected = annotate(
        image,
        found(hw, (5, 5, 20, 15), class_ids=[2]),
        NAMES,
        captions=["cup 0.50"],
    )
    np.testing.assert_array_equal(saved, expected)


def test_saved_from_a_grey_image_without_scores(tmp_path):
    grey = noise(60, 80)[..., 0]
    boxes = np.array([[10, 10, 50, 60]])
    mask = np.ones((60, 80, 1), bool)
    saved = read_image(
        save_instances(tmp_path / "a.png", grey, boxes, mask, np.array([1]), NAMES)
    )
    expected = annotate(
        np.repeat(grey[..., None], 3, axis=2),
        found((60, 80), boxes[0]),
        NAMES,
        captions=["remote"],
    )
    np.testing.assert_array_equal(saved, expected)


@pytest.mark.parametrize("name", ["none/a.png", "a.strange"])
def test_where_nothing_can_be_saved(tmp_path, name):
    nothing = np.zeros((0, 4)), np.zeros((9, 9, 0), bool), np.zeros(0, int)
    with pytest.raises(DatasetError, match="Expected an image file to write. Received"):
        save_instances(tmp_path / name, np.zeros((9, 9, 3), np.uint8), *nothing, NAMES)


def test_layout_of_the_input_does_not_matter():
    image = noise(60, 80)
    detections = found((60, 80), (10, 10, 40, 40))
    expected = annotate(image, detections, NAMES)
    np.testing.assert_array_equal(
        annotate(np.asfortranarray(image), detections, NAMES), expected
    )


@pytest.mark.parametrize(
    ("image", "detections", "message"),
    [
        (np.zeros((9, 9), np.uint8), Detections.empty((9, 9)), r"Received: uint8 \[9"),
        (np.zeros((9, 9, 3)), Detections.empty((9, 9)), "Received: float64"),
        (np.zeros((9, 9, 3), np.uint8), Detections.empty((9, 8)), r"image_hw=\(9, 8\)"),
        (
            np.zeros((9, 9, 3), np.uint8),
            found((9, 9), (0, 0, 4, 4), class_ids=[3]),
            "name for class id 3. Received: 3 class_names",
        ),
    ],
)
def test_errors_say_what_is_wrong(image, detections, message):
    with pytest.raises(ValueError, match=message):
        annotate(image, detections, NAMES)


def test_photo(shared_data):
    import cv2

    path = next(iter(sorted((shared_data / "photos").glob("*.jpg"))))
    image = cv2.imread(str(path))[..., ::-1]  # negative strides, as BGR turned round
    box = (20, 20, 120, 120)
    drawn = annotate(image, found(image.shape[:2], box), NAMES, show_labels=False)
    changed = (drawn != image).any(axis=-1)
    assert changed[20:120, 20:120].mean() > 0.9
    changed[20:120, 20:120] = False
    assert not changed.any()


def test_neither_video_nor_keras_is_imported():
    code = (
        "import sys, mrcnn.visualize, mrcnn.draw.annotate; "
        "print([m for m in ('keras', 'tensorflow', 'av', 'mrcnn.video', "
        "'matplotlib.pyplot') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_track_ids_choose_colours_and_stand_in_captions():
    """Objects of one class differ, and keep their colour whatever their order."""
    found = Detections(
        image_hw=(40, 40),
        boxes=np.array([[0, 0, 10, 10], [20, 20, 30, 30]], np.int32),
        class_ids=np.array([1, 1], np.int32),
        scores=np.array([0.9, 0.8], np.float32),
        box_masks=(np.ones((10, 10), bool),) * 2,
        track_ids=np.array([7, 3], np.int32),
    )
    black = np.zeros((40, 40, 3), np.uint8)
    for detections in (found, found.select([1, 0])):
        drawn = annotate(black, detections, ["BG", "person"], show_labels=False)
        assert tuple(drawn[0, 0]) == class_color(7)
        assert tuple(drawn[20, 20]) == class_color(3)


def test_memory_beside_the_picture_is_that_of_its_copy():
    """Masks are blended inside their boxes, not on arrays of the whole picture."""
    import tracemalloc

    hw = (1080, 1920)
    boxes = [
        (y, x, y + 90, x + 90) for y in range(0, 990, 99) for x in range(0, 990, 99)
    ]
    image, detections = noise(*hw), found(hw, *boxes)
    tracemalloc.start()
    annotate(image, detections, NAMES)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1.2 * image.nbytes
