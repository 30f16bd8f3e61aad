"""The network that a notebook looks into: that of the newest run, or a small one.

A run is what `mrcnn train`, the samples' scripts and `make demo` leave in a folder of
logs. Where there is none, a small network is trained on the spot from random weights,
for pictures of 128 pixels: it learns enough in a few minutes of a processor to be
looked into, and is a run itself from then on.
"""

import contextlib
import io
import time
from pathlib import Path

from mrcnn.cli import runs
from mrcnn.config import Config
from mrcnn.data.dataset import Dataset
from mrcnn.model import MaskRCNN
from mrcnn.weights import download
from mrcnn.weights.checkpoints import CheckpointNotFoundError, find_last

SMALL = {
    "BACKBONE": "resnet18",
    "TOP_DOWN_PYRAMID_SIZE": 64,
    "FPN_CLASSIF_FC_LAYERS_SIZE": 256,
    "IMAGE_MIN_DIM": 128,
    "IMAGE_MAX_DIM": 128,
    "IMAGE_MIN_SCALE": 0,
    "IMAGES_PER_GPU": 4,
    "RPN_ANCHOR_SCALES": (8, 16, 32, 64, 96),
    "RPN_TRAIN_ANCHORS_PER_IMAGE": 64,
    "PRE_NMS_LIMIT": 1000,
    "POST_NMS_ROIS_TRAINING": 100,
    "POST_NMS_ROIS_INFERENCE": 300,
    "TRAIN_ROIS_PER_IMAGE": 12,
    "DETECTION_MIN_CONFIDENCE": 0.5,
    # Nothing is pre-trained: batch norm learns too, and AdamW is quicker than SGD.
    "TRAIN_BN": None,
    "OPTIMIZER": "adamw",
    "LEARNING_RATE": 0.001,
    "LEARNING_RATE_SCHEDULE": "cosine",
}


def open_model(
    base: type[Config],
    train_set: Dataset,
    val_set: Dataset,
    logs: str | Path,
    steps: int,
    **settings,
) -> MaskRCNN:
    """Return the network of the newest run of a configuration, built for detection.

    Args:
        base: the configuration.
        train_set: what a small network learns from where there is no run.
        val_set: and what it is measured on.
        logs: folder of the runs.
        steps: of that training.
        **settings: of a small network, those that are others than in `SMALL`.
    """
    try:
        weights = find_last(logs, base.NAME)
    except CheckpointNotFoundError:
        _train_small(base(**SMALL | settings), train_set, val_set, logs, steps)
        weights = find_last(logs, base.NAME)
    run = runs.read_beside(weights)
    config = base(**(run.settings if run else {}))
    model = MaskRCNN("inference", config, logs)
    model.load_weights(weights)
    print(f"{weights.parent.name}/{weights.name}")
    return model


def coco_weights() -> Path | None:
    """Return the path of the original's COCO weights if they were downloaded."""
    path = download.cache_folder() / download.KNOWN_FILES["coco"].file_name
    return path if path.is_file() else None


def _train_small(config: Config, train_set, val_set, logs, steps: int) -> None:
    """Train a small network, and leave it in the folder of the runs."""
    print(f"No run of {config.NAME!r} in the logs: training a small network.")
    config.update(STEPS_PER_EPOCH=steps, VALIDATION_STEPS=None)
    model = MaskRCNN("training", config, logs)
    started = time.monotonic()
    with contextlib.redirect_stdout(io.StringIO()):  # the progress bar
        history = model.train(
            train_set,
            val_set,
            learning_rate=config.LEARNING_RATE,
            epochs=1,
            layers="all",
            custom_callbacks=[runs.keeper(model, train_set.class_names)],
        )
    seconds = time.monotonic() - started
    print(f"{steps} steps in {seconds:.0f} s, loss {history.history['loss'][-1]:.2f}")
