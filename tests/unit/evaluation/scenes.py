"""Images described by their boxes, and detections of them, masks filled."""

import numpy as np

from mrcnn.evaluation.annotations import annotate_images
from mrcnn.evaluation.coco import coco_numbers
from mrcnn.evaluation.matching import overlaps_by_image
from mrcnn.structures import Detections

IMAGE_HW = (120, 160)
NAMES = ["BG", "remote", "battery", "never"]


class FakeDataset:
    """What evaluation uses of a data set: [(box, class id)] per image."""

    class_names = NAMES
    class_info = [{"source": "fake", "id": name, "name": name} for name in NAMES]

    def __init__(self, *images):
        self.images = images
        self.image_ids = np.arange(len(images))
        self.image_info = [{"id": f"photo{i}"} for i in range(len(images))]

    def load_image(self, image_id):
        return np.full((*IMAGE_HW, 3), 40 * image_id, np.uint8)

    def load_mask(self, image_id):
        boxes = [box for box, _ in self.images[image_id]]
        class_ids = np.array([class_id for _, class_id in self.images[image_id]], int)
        return detections(*((box, 1, 0.0) for box in boxes)).masks, class_ids


def detections(*rows):
    """Return Detections with filled masks from (box, class id, score) rows."""
    boxes = np.array([box for box, _, _ in rows], np.int32).reshape(-1, 4)
    return Detections(
        image_hw=IMAGE_HW,
        boxes=boxes,
        class_ids=np.array([class_id for _, class_id, _ in rows], np.int32),
        scores=np.array([score for _, _, score in rows], np.float32),
        box_masks=tuple(np.ones((y2 - y1, x2 - x1), bool) for y1, x1, y2, x2 in boxes),
    )


def overlaps(*images):
    """Return ImageOverlaps from (objects, detections) of each image."""
    dataset = FakeDataset(*(objects for objects, _ in images))
    found = [detections(*rows) for _, rows in images]
    return overlaps_by_image(annotate_images(dataset, range(len(images)), found))


def random_scene(rng, num_images=4, score=None):
    """Return a data set with crowds, and detections that are more or less right.

    Few different scores occur, so that some are equal, unless `score` says otherwise.
    """
    score = score or (lambda: rng.integers(1, 20) / 20)

    def box(largest):
        y, x = rng.integers(0, 60, 2)
        h, w = rng.integers(5, largest, 2)
        return int(y), int(x), int(min(y + h, 120)), int(min(x + w, 160))

    truth = [
        [
            (box(110), int(rng.integers(1, 3)) * int(rng.choice([1, 1, 1, -1])))
            for _ in range(rng.integers(0, 7))
        ]
        for _ in range(num_images)
    ]
    found = []
    for rows in truth:
        near = [
            (
                np.add(one, rng.integers(-4, 5, 4)).clip(0, (120, 160) * 2),
                abs(class_id) if rng.random() < 0.8 else int(rng.integers(1, 4)),
                score(),
            )
            for one, class_id in rows
            if rng.random() < 0.8
        ]
        false = [
            (box(60), int(rng.integers(1, 4)), score())
            for _ in range(rng.integers(0, 4))
        ]
        found.append(detections(*near, *false))
    return FakeDataset(*truth), found


def evaluate_detections(dataset, image_ids, found):
    """COCO's numbers of what was found in images."""
    return coco_numbers(annotate_images(dataset, image_ids, found))
