"""Draw the picture of the README: generated images, and their masks on them.

python samples/shapes/picture.py
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE)]

import numpy as np
from PIL import Image
from shapes import ShapesDataset

from mrcnn.draw.palette import class_color
from mrcnn.visualize import apply_mask


def main() -> None:
    """Write shapes.jpg beside this file."""
    dataset = ShapesDataset()
    dataset.load_shapes(6, 128, 128, seed=1)
    dataset.prepare()
    images, masked = [], []
    for image_id in dataset.image_ids:
        images.append(dataset.load_image(image_id))
        drawn = images[-1]
        masks, class_ids = dataset.load_mask(image_id)
        for i, class_id in enumerate(class_ids):
            color = np.array(class_color(class_id)) / 255
            drawn = apply_mask(drawn, masks[..., i], color, alpha=0.8)
        masked.append(drawn.astype(np.uint8))
    picture = Image.fromarray(np.vstack([np.hstack(images), np.hstack(masked)]))
    picture.save(HERE / "shapes.jpg", quality=80, optimize=True)


if __name__ == "__main__":
    main()
