"""Draw the picture of the README: a frame of a generated street, and it painted.

python samples/office/picture.py
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE), str(HERE.parent / "privacy")]

import numpy as np
import office
import street
from PIL import Image


def main() -> None:
    """Write office.jpg beside this file: as it is, painted, and at 40 x 64."""
    image, found = list(street.street(seed=0, num_frames=11))[-1]
    names = office.painted_classes(None, street.CLASS_NAMES)
    ids = [street.CLASS_NAMES.index(name) for name in names]
    found = found.select(np.isin(found.class_ids, ids))
    panels = [image]
    for words in ([], ["--size=40x64"]):
        args = office.build_parser().parse_args(["-", *words])
        panels.append(office.drawing(street.CLASS_NAMES, args)(image, found))
    row = [
        Image.fromarray(panel).resize((480, 270), Image.Resampling.NEAREST)
        for panel in panels
    ]
    Image.fromarray(np.hstack(row)).save(HERE / "office.jpg", quality=80, optimize=True)


if __name__ == "__main__":
    main()
