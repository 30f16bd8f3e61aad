import json
import logging
from array import array

import numpy as np
import pytest
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from mrcnn.data.coco import detections_to_coco
from mrcnn.data.coco_shapes import polygon_shapes
from mrcnn.data.dataset import Dataset
from mrcnn.data.polygons import polygon_area
from mrcnn.data.rle import mask_to_rle, rle_to_mask
from mrcnn.errors import DatasetError
from mrcnn.structures import Detections

TRIANGLE = [3.3, 2.1, 25.7, 4.4, 11.2, 17.9]
TWO_PARTS = [[1, 1, 8, 1, 8, 8, 1, 8], [15.5, 3.2, 22.1, 5, 18, 12.8]]
OUTSIDE = [-5.5, -3, 12, 2, 45.2, 30, 4, 26.6]


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_masks_are_pycocotools_own(coco_content, coco_folder, capsys):
    mask = np.random.default_rng(0).random((20, 30)) > 0.6
    packed = mask_to_rle(mask)
    # Run lengths: distances between the changes of value, down the columns.
    changes = np.flatnonzero(np.diff(mask.ravel(order="F"), prepend=False))
    runs = np.diff(changes, prepend=0, append=mask.size).tolist()
    content = coco_content(
        {"segmentation": [TRIANGLE]},
        {"segmentation": TWO_PARTS, "category_id": 3},
        {"segmentation": [OUTSIDE]},
        {"segmentation": packed},
        {"segmentation": {"size": [20, 30], "counts": runs}, "iscrowd": 1},
        {"segmentation": [TRIANGLE, TWO_PARTS[0]], "iscrowd": 1},
    )
    folder = coco_folder(content)
    dataset = Dataset.load(folder)
    assert capsys.readouterr().out == ""
    masks, class_ids = dataset.load_mask(0)
    # Category 3 is class 1 and category 17 class 2; crowds are negative.
    assert class_ids.tolist() == [2, 1, 2, 2, -2, -2]
    assert dataset.image_class_ids(0).tolist() == class_ids.tolist()
    reference = COCO(str(folder / "coco.json"))
    for i, annotation_id in enumerate(range(1, 7)):
        expected = reference.annToMask(reference.anns[annotation_id])
        np.testing.assert_array_equal(masks[..., i], expected)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_random_polygons_are_pycocotools_own(coco_content, coco_folder):
    rng = np.random.default_rng(3)
    # The first corner lies inside: wholly outside is an error.
    polygons = [
        [15, 10, *np.round(rng.uniform(-4, 34, 2 * rng.integers(2, 9)), 2).tolist()]
        for _ in range(60)
    ]
    content = coco_content(*({"segmentation": [polygon]} for polygon in polygons))
    dataset = Dataset.load(coco_folder(content))
    masks, _ = dataset.load_mask(0)
    rles = [coco_mask.frPyObjects([polygon], 20, 30) for polygon in polygons]
    expected = [coco_mask.decode(coco_mask.merge(rle)) for rle in rles]
    expected = [mask for mask in expected if mask.any()]
    np.testing.assert_array_equal(masks, np.stack(expected, axis=2))


def test_classes(coco_content, coco_folder):
    dataset = Dataset.load(coco_folder(coco_content({"segmentation": TWO_PARTS})))
    assert dataset.class_names == ["BG", "car", "cat"]
    assert dataset.map_source_class_id("coco.17") == 2
    assert dataset.get_source_class_id(1, "coco") == 3
    assert dataset.image_info[0]["id"] == 7


def test_class_filter(coco_content, coco_folder, caplog):
    content = coco_content(
        {"segmentation": TWO_PARTS}, {"segmentation": [TRIANGLE], "category_id": 3}
    )
    folder = coco_folder(content)
    with caplog.at_level(logging.INFO):
        dataset = Dataset.load(folder, class_names=["cat"])
    assert dataset.class_names == ["BG", "cat"]
    assert dataset.load_mask(0)[1].tolist() == [1]
    assert "1 objects of other classes left out" in caplog.text
    swapped = Dataset.load(folder, class_names=["cat", "car"])
    assert swapped.load_mask(0)[1].tolist() == [1, 2]
    with pytest.raises(DatasetError, match=r"\['car', 'cat'\].*Did you mean 'cat'"):
        Dataset.load(folder, class_names=["cats"])
    with pytest.raises(DatasetError, match="no class_attribute"):
        Dataset.load(folder, class_attribute="label")


def test_missing_optional_keys(coco_content, coco_folder):
    content = coco_content({"segmentation": [TRIANGLE]})
    del content["annotations"][0]["id"]
    del content["images"][0]["height"], content["images"][0]["width"]
    dataset = Dataset.load(coco_folder(content))
    assert dataset.load_mask(0)[0].shape == (20, 30, 1)


def test_images_without_objects(coco_content, coco_folder, caplog):
    folder = coco_folder(coco_content())
    with caplog.at_level(logging.INFO):
        assert Dataset.load(folder).num_images == 1
    assert "1 images without objects kept" in caplog.text
    with pytest.raises(DatasetError, match="Expected annotated images"):
        Dataset.load(folder, keep_unannotated=False)


def test_without_the_key_annotations(coco_content, coco_folder):
    content = coco_content()
    del content["annotations"]
    dataset = Dataset.load(coco_folder(content))
    assert dataset.load_mask(0)[0].shape == (20, 30, 0)
    assert dataset.image_class_ids(0).shape == (0,)


def test_objects_below_a_pixel_are_counted(coco_content, coco_folder, caplog):
    content = coco_content(
        {"segmentation": [[5.1, 5.1, 5.2, 5.1, 5.2, 5.2]]}, {"segmentation": [TRIANGLE]}
    )
    dataset = Dataset.load(coco_folder(content))
    assert dataset.load_mask(0)[0].shape == (20, 30, 1)
    assert "coco.json: 1 objects that cover no pixel left out" in caplog.text


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        ({}, "expected an outline.*Received: None"),
        ({"segmentation": []}, "expected an outline"),
        ({"segmentation": "x"}, "expected an outline"),
        ({"segmentation": [[1, 2, 3, 4]]}, "at least 3 points"),
        ({"segmentation": [[1, 2, 3, 4, 5, 6, 7]]}, "at least 3 points"),
        ({"segmentation": [1, 2, 3, 4, 5, 6]}, "at least 3 points"),
        ({"segmentation": [[1, 2, 3, 4, 5, "6"]]}, "expected polygons"),
        ({"segmentation": [[1, 2, 3, 4, 5, float("nan")]]}, "expected polygons"),
        ({"segmentation": [[50, 50, 60, 50, 60, 60]]}, "inside the image of 30 x 20"),
        ({"segmentation": {"size": [20, 30], "counts": [5]}}, "in total. Received: 5"),
        ({"segmentation": {"size": [20, 30], "counts": "11"}}, "in total"),
        ({"segmentation": {"size": [30, 20], "counts": [600]}}, r"size \[20, 30\]"),
        ({"segmentation": TWO_PARTS, "iscrowd": 2}, "iscrowd 0 or 1"),
        ({"segmentation": TWO_PARTS, "category_id": 5}, "Received: category_id=5"),
        ({"segmentation": TWO_PARTS, "category_id": None}, "category_id=None"),
        ({"segmentation": TWO_PARTS, "image_id": 8}, "Received: image_id=8"),
        ({"segmentation": TWO_PARTS, "image_id": [7]}, r"Received: image_id=\[7\]"),
    ],
)
def test_broken_annotations_are_named(coco_content, coco_folder, annotation, message):
    content = coco_content({"segmentation": [TRIANGLE]}, annotation)
    with pytest.raises(DatasetError, match=message) as caught:
        Dataset.load(coco_folder(content))
    assert "coco.json" in str(caught.value)
    assert "annotation 2" in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("images", 5, "list under 'images'"),
        ("images", [{"file_name": "a.png"}], r"images\[0\].*id=None"),
        ("images", [5], r"images\[0\]"),
        ("images", [{"id": 7}], "expected the file name of an image. Received: None"),
        ("images", [{"id": 7, "file_name": "../a.png"}], "leaves it"),
        ("images", [{"id": 7, "file_name": "b.png"}], "'b.png'.*no such file"),
        ("images", [{"id": 7, "file_name": "a.png"}] * 2, r"images\[1\].*each once"),
        (
            "images",
            [{"id": 7, "file_name": "a.png", "height": 20, "width": float("nan")}],
            "'a.png': expected its height and width",
        ),
        (
            "images",
            [{"id": 7, "file_name": "a.png", "height": 10**9, "width": 10**9}],
            r"at most .* pixels. Received: \(1000000000, 1000000000\)",
        ),
        ("annotations", 5, "list under 'annotations'"),
        ("annotations", [5], "annotation number 0: .*image_id=None"),
        ("categories", [], "expected categories. Received: none"),
        ("categories", [{"id": 1}], "category 1: expected a name"),
        ("categories", [{"id": 1, "name": "a"}] * 2, r"categories\[1\].*id=1"),
        (
            "categories",
            [{"id": 1, "name": "a"}, {"id": 2, "name": "a"}],
            "'a' twice",
        ),
    ],
)
def test_broken_files_are_named(coco_content, coco_folder, key, value, message):
    content = {**coco_content({"segmentation": [TRIANGLE]}), key: value}
    with pytest.raises(DatasetError, match=message) as caught:
        Dataset.load(coco_folder(content))
    assert "coco.json" in str(caught.value)


def test_images_in_subfolders(coco_content, coco_folder, save_image):
    content = coco_content({"segmentation": [TRIANGLE]})
    content["images"][0]["file_name"] = "images/deep/b.png"
    save_image("images/deep/b.png")
    assert Dataset.load(coco_folder(content)).load_image(0).shape == (20, 30, 3)


def test_images_are_not_opened_where_their_size_is_stated(coco_content, coco_folder):
    content = coco_content({"segmentation": [TRIANGLE]})
    folder = coco_folder(content)
    (folder / "a.png").write_bytes(b"no image")
    dataset = Dataset.load(folder)
    assert dataset.load_mask(0)[0].shape == (20, 30, 1)
    with pytest.raises(DatasetError, match="none that can be read"):
        dataset.load_image(0)


def test_image_of_another_size_than_stated(coco_content, coco_folder):
    content = coco_content({"segmentation": [TRIANGLE]})
    content["images"][0].update(height=30, width=20)
    dataset = Dataset.load(coco_folder(content))
    with pytest.raises(
        DatasetError,
        match=r"a.png: expected \(30, 20\).*Received: \(20, 30\).*save it upright",
    ):
        dataset.load_image(0)


@pytest.mark.parametrize(
    "polygon",
    [
        [0, 0, 9, 0, 9, 9] * 40_000,
        [1e7, 1e7, -1e7, -1e7, 1e7, -1e7],
    ],
)
def test_endless_outline(coco_content, coco_folder, polygon):
    folder = coco_folder(coco_content({"segmentation": [polygon]}))
    with pytest.raises(DatasetError, match="annotation 1: expected polygons .*at most"):
        Dataset.load(folder)


def test_detections_written_and_read_back(coco_content, coco_folder):
    masks = [np.ones((3, 4), bool), np.eye(5, dtype=bool)]
    detections = Detections(
        image_hw=(20, 30),
        boxes=np.array([[2, 3, 5, 7], [10, 20, 15, 25]], np.int32),
        class_ids=np.array([2, 1], np.int32),
        scores=np.array([0.75, 0.5], np.float32),
        box_masks=tuple(masks),
    )
    results = json.loads(json.dumps(detections_to_coco(detections, 7, [0, 3, 17])))
    assert [result["category_id"] for result in results] == [17, 3]
    assert [result["bbox"] for result in results] == [[3, 2, 4, 3], [20, 10, 5, 5]]
    assert [result["score"] for result in results] == [0.75, 0.5]
    assert {result["image_id"] for result in results} == {7}
    for i, result in enumerate(results):
        mask = rle_to_mask(result["segmentation"])
        np.testing.assert_array_equal(mask, detections.masks[..., i])
    # Results serve as annotations of a data set.
    dataset = Dataset.load(coco_folder(coco_content(*results)))
    np.testing.assert_array_equal(dataset.load_mask(0)[0], detections.masks)
    assert dataset.load_mask(0)[1].tolist() == [2, 1]


def test_detections_without_category_ids():
    assert detections_to_coco(Detections.empty((4, 5)), 1) == []
    one = Detections(
        (4, 5),
        np.array([[0, 0, 1, 1]], np.int32),
        np.array([3], np.int32),
        np.ones(1, np.float32),
        (np.ones((1, 1), bool),),
    )
    assert detections_to_coco(one, "a.png")[0]["category_id"] == 3


def test_polygons_are_measured_alike_together_and_alone(rng):
    polygons = [
        [array("d", rng.uniform(-5, 40, 2 * rng.integers(3, 9))) for _ in range(count)]
        for count in rng.integers(1, 4, 5000)
    ]
    shapes = polygon_shapes(polygons)
    for parts, shape in zip(polygons[:200], shapes[:200], strict=True):
        xs = [x for part in parts for x in part[::2]]
        ys = [y for part in parts for y in part[1::2]]
        assert shape.extent == (min(ys), min(xs), max(ys), max(xs))
        area = sum(polygon_area(part[::2], part[1::2]) for part in parts)
        assert shape.area == pytest.approx(area)
    assert polygon_shapes(polygons[-3:]) == shapes[-3:]
    # One that cannot be drawn disturbs no other.
    wrong = [[array("d", [1, 2, 3, float("nan"), 5, 6])], {"counts": []}, None, []]
    assert polygon_shapes([*wrong, polygons[0]]) == [None] * 4 + shapes[:1]
