"""A data set of given masks, and its comparison with what is read back."""

import numpy as np

from mrcnn.data.dataset import Dataset

# Not in the order of the alphabet, and one that no image may have.
CLASSES = ["dog", "cat", "ant, red"]


class Painted(Dataset):
    """Images with given masks: `add_painted(path, [(mask, class id), ...])`."""

    def __init__(self):
        super().__init__()
        for class_id, name in enumerate(CLASSES, start=1):
            self.add_class("painted", class_id, name)

    def add_painted(self, path, objects, hw=(20, 30), image_id=None):
        image_id = len(self.image_info) if image_id is None else image_id
        self.add_image("painted", image_id, path and str(path), objects=objects, hw=hw)

    def prepare(self, class_map=None):
        super().prepare(class_map)
        self.class_names = ["BG", *CLASSES]

    def load_image(self, image_id):
        if self.image_info[image_id]["path"]:
            return super().load_image(image_id)
        return np.full((*self.image_info[image_id]["hw"], 3), 77, np.uint8)

    def load_mask(self, image_id):
        info = self.image_info[image_id]
        found = np.zeros((*info["hw"], len(info["objects"])), bool)
        for i, (mask, _) in enumerate(info["objects"]):
            found[: mask.shape[0], : mask.shape[1], i] = mask
        return found, np.array([class_id for _, class_id in info["objects"]], np.int32)


def block(y1, x1, y2, x2):
    mask = np.zeros((20, 30), bool)
    mask[y1:y2, x1:x2] = True
    return mask


def things(dataset, image_id):
    """[(class name, is crowd, mask)] of an image."""
    masks, class_ids = dataset.load_mask(image_id)
    return [
        (dataset.class_names[abs(class_id)], bool(class_id < 0), masks[..., i])
        for i, class_id in enumerate(class_ids)
    ]


def assert_same(read, saved, without_crowds=False, min_iou=1.0):
    """Both have the same images, in order, with the same objects, in order."""
    assert read.num_images == saved.num_images
    for image_id in saved.image_ids:
        expected = things(saved, image_id)
        if without_crowds:
            expected = [thing for thing in expected if not thing[1]]
        found = things(read, image_id)
        assert [thing[:2] for thing in found] == [thing[:2] for thing in expected]
        for (_, _, mask), (_, _, true) in zip(found, expected, strict=True):
            assert (mask & true).sum() / (mask | true).sum() >= min_iou
        np.testing.assert_array_equal(
            read.load_image(image_id), saved.load_image(image_id)
        )
