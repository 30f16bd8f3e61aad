"""Draw the picture of the README: the people of a generated street in four ways.

python samples/splash/picture.py
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE), str(HERE.parent / "privacy")]

import numpy as np
import splash
import street
from PIL import Image


def main() -> None:
    """Write splash.jpg beside this file: grey, blurred, a picture, a colour."""
    image, found = list(street.street(seed=0, num_frames=11))[-1]
    people = found.select(found.class_ids == street.CLASS_NAMES.index("person"))
    photo = HERE.parents[1] / "datasets" / "remote" / "val" / "val_000.jpg"
    panels = [
        splash.drawing(background)(image, people)
        for background in ("grey", "blur", str(photo), "0,177,64")
    ]
    rows = [np.hstack(panels[:2]), np.hstack(panels[2:])]
    picture = Image.fromarray(np.vstack(rows)).resize((960, 540), Image.Resampling.BOX)
    picture.save(HERE / "splash.jpg", quality=80, optimize=True)


if __name__ == "__main__":
    main()
