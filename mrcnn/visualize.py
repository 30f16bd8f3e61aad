"""The original's `mrcnn.visualize`: names from `draw`, no logic."""

from mrcnn.draw.figures import (
    apply_mask,
    display_images,
    display_instances,
    draw_box,
)
from mrcnn.draw.palette import random_colors

__all__ = [
    "apply_mask",
    "display_images",
    "display_instances",
    "draw_box",
    "random_colors",
]
