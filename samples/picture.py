"""Draw the picture of detect.py in README.md: its three, of a generated street.

python samples/picture.py
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE), str(HERE / "privacy")]

import detect
import numpy as np
import street
from PIL import Image


def main() -> None:
    """Write detect.jpg beside this file."""
    image, found = list(street.street(seed=0, num_frames=11))[-1]
    panels = detect.drawings(image, found, street.CLASS_NAMES).values()
    row = [
        Image.fromarray(panel).resize((560, 315), Image.Resampling.BOX)
        for panel in panels
    ]
    Image.fromarray(np.hstack(row)).save(HERE / "detect.jpg", quality=75, optimize=True)


if __name__ == "__main__":
    main()
