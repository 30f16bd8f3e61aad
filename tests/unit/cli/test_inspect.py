"""The page of an inspection: a picture or a sentence for every step."""

import html.parser
import io
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from mrcnn.cli import inspection_page
from mrcnn.cli.main import main
from mrcnn.errors import ConfigError
from tests.unit.inference.seen import inspection

ROOT = Path(__file__).resolve().parents[3]
NAMES = ["BG", "<b>remote", "cup"]
IMAGE = np.full((64, 64, 3), 90, np.uint8)
STEPS = (
    *("picture", "anchors", "proposals", "levels", "classes", "filters", "masks"),
    *("detections", "activations_res2a_out", "activations_fpn_p2", "weights", "curves"),
)


class Model:
    """The layers that the page asks for, and no network."""

    keras_model = SimpleNamespace(
        layers=[
            SimpleNamespace(name=name)
            for name in ("conv1", "res2a_out", "fpn_p2", "fpn_p5", "mrcnn_mask")
        ]
    )

    def get_trainable_layers(self):
        return []
