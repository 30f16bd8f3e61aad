"""Squares, circles and triangles: the original's generated data set, and its settings.

Nothing is stored: an image is a list of shapes and a background colour, and is
drawn when it is asked for.
"""

import cv2
import numpy as np

from mrcnn.config import Config
from mrcnn.data.dataset import Dataset
from mrcnn.utils import non_max_suppression

CLASS_NAMES = ("square", "circle", "triangle")
# Pixels between the centre of a shape and the border, and its least half side.
_MARGIN = 20
# Of two shapes whose boxes overlap more, one is left out.
_MOST_OVERLAP = 0.3


class ShapesConfig(Config):
    """Settings for images of 128 pixels, learnt from random weights."""

    NAME = "shapes"
    BACKBONE = "resnet50"
    NUM_CLASSES = 1 + len(CLASS_NAMES)
    IMAGES_PER_GPU = 8
    IMAGE_MIN_DIM = 128
    IMAGE_MAX_DIM = 128
    # Shapes are 40 to 70 pixels wide. With anchors of that size every 4 and 8 pixels
    # nearly four of them are positive for each; with the 8 to 128 pixels of the
    # original, for most shapes only the nearest one.
    RPN_ANCHOR_SCALES = (40, 56, 80, 112, 160)
    # At most four shapes in an image: with more ROIs the mask head, which sees the
    # positive third of them, would take most of a step.
    TRAIN_ROIS_PER_IMAGE = 16
    PRE_NMS_LIMIT = 1000
    POST_NMS_ROIS_TRAINING = 300
    POST_NMS_ROIS_INFERENCE = 200
    DETECTION_MAX_INSTANCES = 20
    # Nothing is pre-trained: batch norm learns too, and AdamW is quicker than SGD.
    TRAIN_BN = None
    OPTIMIZER = "adamw"
    LEARNING_RATE = 0.0007
    LEARNING_RATE_SCHEDULE = "cosine"
    EVALUATE_EVERY = 1


class ShapesDataset(Dataset):
    """Images of one to four shapes, all drawn from one seed."""

    def load_shapes(self, count: int, height: int, width: int, seed: int = 0) -> None:
        """Add images.

        Args:
            count: how many.
            height: of each, pixels.
            width: of each, pixels.
            seed: of everything random.
        """
        for class_id, name in enumerate(CLASS_NAMES, start=1):
            self.add_class("shapes", class_id, name)
        rng = np.random.default_rng(seed)
        for image_id in range(count):
            background, shapes = _random_image(rng, height, width)
            self.add_image(
                "shapes",
                image_id,
                path=None,
                height=height,
                width=width,
                background=background,
                shapes=shapes,
            )

    def load_image(self, image_id: int) -> np.ndarray:
        """Return the picture, uint8 [H, W, 3]."""
        info = self.image_info[image_id]
        image = np.full((info["height"], info["width"], 3), info["background"], "uint8")
        for name, color, place in info["shapes"]:
            _draw(image, name, place, color)
        return image

    def load_mask(self, image_id: int) -> tuple[np.ndarray, np.ndarray]:
        """Return what is seen of each shape, bool [H, W, N], and classes, int32 [N]."""
        info = self.image_info[image_id]
        masks = np.zeros((info["height"], info["width"], len(info["shapes"])), bool)
        covered = np.zeros(masks.shape[:2], bool)
        # From the last, which lies on top of the others.
        for i in reversed(range(len(info["shapes"]))):
            name, _, place = info["shapes"][i]
            shape = np.zeros(masks.shape[:2], np.uint8)
            _draw(shape, name, place, 1)
            masks[..., i] = shape.astype(bool) & ~covered
            covered |= shape.astype(bool)
        class_ids = [self.class_names.index(name) for name, _, _ in info["shapes"]]
        return masks, np.array(class_ids, np.int32)

    def image_class_ids(self, image_id: int) -> np.ndarray:
        """Return the classes of an image's shapes, int32 [N]."""
        shapes = self.image_info[image_id]["shapes"]
        return np.array([self.class_names.index(name) for name, *_ in shapes], np.int32)

    def image_reference(self, image_id: int):
        """Return the shapes of an image."""
        return self.image_info[image_id]["shapes"]


def datasets(count: int = 500, val_count: int = 50, side: int = 128, seed: int = 0):
    """Return a training and a validation data set, prepared.

    Args:
        count: images to learn from.
        val_count: images to measure with.
        side: of the square images, pixels.
        seed: of everything random.
    """
    made = []
    for part, number in enumerate((count, val_count)):
        dataset = ShapesDataset()
        dataset.load_shapes(number, side, side, seed=2 * seed + part)
        dataset.prepare()
        made.append(dataset)
    return tuple(made)


def _random_image(rng, height: int, width: int):
    """Return a background colour and a list of (name, colour, (x, y, half side))."""
    background = rng.integers(0, 256, 3).tolist()
    shapes = [_random_shape(rng, height, width) for _ in range(rng.integers(1, 5))]
    boxes = np.array(
        [[y - s, x - s, y + s, x + s] for _, _, (x, y, s) in shapes], float
    )
    # As in the original the score is the position: a later shape wins.
    kept = non_max_suppression(boxes, np.arange(len(shapes)), _MOST_OVERLAP)
    return background, [shapes[i] for i in sorted(kept)]


def _random_shape(rng, height: int, width: int):
    name = CLASS_NAMES[rng.integers(len(CLASS_NAMES))]
    color = rng.integers(0, 256, 3).tolist()
    x = int(rng.integers(_MARGIN, width - _MARGIN))
    y = int(rng.integers(_MARGIN, height - _MARGIN))
    half_side = int(rng.integers(_MARGIN, max(height // 4, _MARGIN + 1)))
    return name, color, (x, y, half_side)


def _draw(image: np.ndarray, name: str, place, color) -> None:
    x, y, s = place
    if name == "square":
        cv2.rectangle(image, (x - s, y - s), (x + s, y + s), color, -1)
    elif name == "circle":
        cv2.circle(image, (x, y), s, color, -1)
    else:
        # Equilateral: s / sin 60 degrees from the centre to the sides.
        half_base = s / np.sin(np.radians(60))
        corners = [(x, y - s), (x - half_base, y + s), (x + half_base, y + s)]
        cv2.fillPoly(image, [np.array(corners, np.int32)], color)
