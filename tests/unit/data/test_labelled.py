import logging
from pathlib import Path

import pytest

from mrcnn.data.labelled import (
    LabelledImage,
    LabelledShape,
    joined_parts,
    labelled_dataset,
)
from mrcnn.data.shapes import Compound, Rectangle
from mrcnn.errors import DatasetError


def box(x=1, label="cat", place="box 0"):
    return LabelledShape(Rectangle(x, 2, 3, 4), label, place)


def image(name="a.png", *objects):
    return LabelledImage(name, Path(name), (20, 30), objects)


def dataset_of(*images, **options):
    dataset = labelled_dataset("tool", images, Path("x.json"), **options)
    dataset.prepare()
    return dataset


def test_classes_are_numbered():
    images = image("a.png", box(label="dog"), box(9)), image("b.png", box())
    dataset = dataset_of(*images)
    assert dataset.class_names == ["BG", "cat", "dog"]
    assert dataset.image_class_ids(0).tolist() == [2, 1]
    dataset = dataset_of(*images, class_names=["dog", "cat", "cow"])
    assert dataset.image_class_ids(0).tolist() == [1, 2]
    assert dataset.num_classes == 4
    assert dataset_of(*images, known_labels=["ant"]).class_names[1] == "ant"


def test_images_without_objects(caplog):
    images = image("a.png", box()), *(image(f"{i}.png") for i in range(12))
    with caplog.at_level(logging.INFO):
        assert dataset_of(*images).num_images == 1
    assert "12 images without regions left out: 0.png, 1.png" in caplog.text
    assert "9.png ..." in caplog.text and "10.png" not in caplog.text
    assert dataset_of(*images, keep_unannotated=True).num_images == 13


@pytest.mark.parametrize(
    ("images", "options", "message"),
    [
        ([image("a.png", box())] * 2, {}, "expected each image once"),
        (
            [image("a.png", box(label="cta"))],
            {"class_names": ["cat"]},
            "x.json, image 'a.png', box 0: .*Did you mean 'cat'",
        ),
        ([image("a.png", box(40))], {}, "box 0: expected an outline inside the image"),
        (
            [image("a.png", LabelledShape(Rectangle(1.2, 1.2, 0.1, 9), "a", "box 7"))],
            {},
            "box 7: expected an outline that covers a pixel",
        ),
    ],
)
def test_what_is_wrong_is_named(images, options, message):
    with pytest.raises(DatasetError, match=message):
        dataset_of(*images, **options)


def test_outlines_that_reach_far_out_are_noticed(caplog):
    dataset_of(image("a.png", box(28), box(5)))
    assert "reach out" not in caplog.text
    shape = LabelledShape(Rectangle(5, 5, 60, 4), "cat", "box 3")
    dataset_of(image("a.png", shape))
    assert (
        "1 outlines reach out of their image and are cut (a.png box 3)" in caplog.text
    )


def test_parts_of_a_group_and_label_are_one_object():
    parts = [
        (None, box(1)),
        (5, box(2, place="box 1")),
        (5, box(3, "dog")),
        (5, box(4)),
        (None, box(5)),
    ]
    objects = joined_parts(parts)
    assert [thing.label for thing in objects] == ["cat", "cat", "dog", "cat"]
    assert objects[1].place == "box 1"
    assert objects[1].shape == Compound((box(2).shape, box(4).shape))
    assert objects[2] == box(3, "dog")
