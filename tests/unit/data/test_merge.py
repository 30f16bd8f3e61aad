import numpy as np
import pytest

from mrcnn.data.merge import merged
from mrcnn.data.regions import AnnotatedDataset, Region
from mrcnn.data.shapes import Rectangle
from mrcnn.errors import DatasetError


def labelled(names, images, folder="a"):
    """A data set of one rectangle for each label of each image."""
    dataset = AnnotatedDataset()
    for class_id, name in enumerate(names, start=7):
        dataset.add_class("via", class_id, name)
    for i, labels in enumerate(images):
        regions = [
            Region(Rectangle(k, k, 3, 3), 7 + names.index(label), f"region {k}", k == 2)
            for k, label in enumerate(labels)
        ]
        dataset.add_image(
            *("via", f"{i}.png", f"{folder}/{i}.png"),
            **{"height": 20, "width": 20, "annotations": regions},
            annotation_file="via.json",
        )
    dataset.prepare()
    return dataset


def labels_of(dataset):
    return [
        [dataset.class_names[abs(i)] for i in dataset.image_class_ids(image_id)]
        for image_id in dataset.image_ids
    ]


def test_classes_of_one_name_are_one():
    first = labelled(["cat", "dog"], [["dog", "cat", "cat"], []])
    second = labelled(["cow", "cat"], [["cat", "cow"]], "b")
    both = merged([first, second])
    assert both.class_names == ["BG", "cat", "dog", "cow"]
    assert labels_of(both) == [["dog", "cat", "cat"], [], ["cat", "cow"]]
    assert both.image_class_ids(0).tolist() == [2, 1, -1]  # the crowd stays one
    # 0.png is in both: told apart by the path.
    assert [info["id"] for info in both.image_info] == ["a/0.png", "1.png", "b/0.png"]
    np.testing.assert_array_equal(both.load_mask(2)[0], second.load_mask(0)[0])
    assert first.image_info[0]["annotations"][0].source_class_id == 8


def test_renamed_joined_and_left_out():
    dataset = labelled(["cat", "kitten", "tv"], [["cat", "kitten", "tv"], ["tv"]])
    result = merged([dataset], {"kitten": "cat", "tv": ""})
    assert result.class_names == ["BG", "cat"]
    assert labels_of(result) == [["cat", "cat"], []]
    result = merged([dataset], {"cat": "kitten"}, ["tv", "kitten"])
    assert labels_of(result) == [["kitten", "kitten", "tv"], ["tv"]]
    assert result.class_names == ["BG", "tv", "kitten"]


def test_unknown_class():
    with pytest.raises(DatasetError, match="'kat'. Did you mean 'cat'"):
        merged([labelled(["cat"], [["cat"]])], {"kat": "dog"})
