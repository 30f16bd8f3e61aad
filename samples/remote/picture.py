"""Draw the picture of the README: photos of datasets/remote with their outlines.

python samples/remote/picture.py
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np
from PIL import Image

from mrcnn import Dataset
from mrcnn.draw.palette import class_color
from mrcnn.visualize import apply_mask

_SIDE = 320


def main() -> None:
    """Write remote.jpg beside this file."""
    dataset = Dataset.load(ROOT / "datasets" / "remote", "val")
    panels = []
    for image_id in list(dataset.image_ids)[:3]:
        drawn = dataset.load_image(image_id)
        masks, class_ids = dataset.load_mask(image_id)
        for i, class_id in enumerate(class_ids):
            color = np.array(class_color(class_id)) / 255
            drawn = apply_mask(drawn, masks[..., i], color)
        panel = Image.fromarray(drawn.astype(np.uint8))
        panels.append(panel.resize((_SIDE, _SIDE * panel.height // panel.width)))
    least = min(panel.height for panel in panels)
    row = [np.asarray(panel)[:least] for panel in panels]
    picture = Image.fromarray(np.hstack(row))
    picture.save(HERE / "remote.jpg", quality=80, optimize=True)


if __name__ == "__main__":
    main()
