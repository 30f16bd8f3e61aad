"""Draw the picture of the README: a frame of the generated street, and it hidden.

python samples/privacy/picture.py
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))
sys.path.insert(0, str(HERE))

import numpy as np
import privacy
import street
from PIL import Image


def main() -> None:
    """Write street.jpg beside this file: as it is, blurred, pixelated, inverse."""
    image, found = list(street.street(seed=0, num_frames=11))[-1]
    ids = privacy.hidden_class_ids(None, street.CLASS_NAMES)
    hidden = found.select(np.isin(found.class_ids, ids))
    people = found.select(found.class_ids == street.CLASS_NAMES.index("person"))
    parser, panels = privacy.build_parser(), [image]
    for words, objects in (
        (["--method=blur"], hidden),
        (["--method=pixelate"], hidden),
        (["--inverse"], people),
    ):
        draw = privacy.drawing(parser.parse_args(["--input", "-", *words]))
        panels.append(draw(image, objects))
    rows = [np.hstack(panels[:2]), np.hstack(panels[2:])]
    picture = Image.fromarray(np.vstack(rows)).resize((960, 540), Image.Resampling.BOX)
    picture.save(HERE / "street.jpg", quality=80, optimize=True)


if __name__ == "__main__":
    main()
