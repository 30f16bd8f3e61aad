"""Run folders: the settings and class names kept beside the checkpoints of a training.

A checkpoint holds weights alone. ``run.json`` beside it holds what else is
needed to use it, so that prediction and evaluation ask for nothing.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mrcnn.config import Config
from mrcnn.errors import ConfigError, WeightsError
from mrcnn.weights.files import written_whole

FILE_NAME = "run.json"
_DERIVED = ("BATCH_SIZE", "IMAGE_SHAPE", "IMAGE_META_SIZE")


@dataclass(frozen=True)
class Run:
    """What a training was made with.

    Attributes:
        class_names: K names, the background first.
        settings: the values of its `Config`, derived ones left out.
        flags: those of the command line, by name; empty without one.
    """

    class_names: tuple[str, ...]
    settings: dict = field(default_factory=dict)
    flags: dict = field(default_factory=dict)


def write(
    folder: str | Path,
    config: Config,
    class_names: Sequence[str],
    flags: dict | None = None,
) -> Path:
    """Write the run.json of a training.

    Args:
        folder: the run folder; made when absent.
        config: what the network was built with. Callables are left out: code
            cannot be kept in a file.
        class_names: K names, the background first.
        flags: plain data that a command wants to find again.

    Returns:
        The path written.

    Raises:
        ConfigError: the file cannot be written.
    """
    settings = {
        key: value
        for key, value in config.to_dict().items()
        if key not in _DERIVED and not callable(value)
    }
    path = Path(folder) / FILE_NAME
    text = json.dumps(
        {"class_names": list(class_names), "config": settings, "flags": flags or {}},
        indent=2,
        default=lambda value: np.asarray(value).tolist(),
    )
    try:
        with written_whole(path) as unfinished:
            unfinished.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"Expected a folder to write to. Received: {path.parent} "
            f"({error.strerror}). Choose another one with --logs."
        ) from error
    return path


def keeper(model, class_names: Sequence[str], flags: dict | None = None):
    """Return a Keras callback that writes run.json when the training begins.

    Args:
        model: the `MaskRCNN` about to be trained; its log folder is asked for only
            then, because loading weights may still change it.
        class_names: K names, the background first.
        flags: plain data that a command wants to find again.
    """
    import keras

    return keras.callbacks.LambdaCallback(
        on_train_begin=lambda logs: write(
            model.log_dir, model.config, class_names, flags
        )
    )


def read_beside(weights: str | Path) -> Run | None:
    """Return the run that a checkpoint belongs to.

    Args:
        weights: path of the checkpoint.

    Returns:
        The run, or None when no run.json lies beside the checkpoint.

    Raises:
        ConfigError: run.json is damaged or holds settings that are not known.
    """
    path = Path(weights).parent / FILE_NAME
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        names, settings = tuple(content["class_names"]), dict(content["config"])
        flags = dict(content.get("flags", {}))  # older runs have none
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"Expected the class names and settings of a training. Received: {path}, "
            f"which cannot be read as such ({error!r}). Restore or delete it."
        ) from error
    settings = {key: _as_default(key, value) for key, value in settings.items()}
    return Run(names, settings, flags)


def require_file(weights: str | Path) -> Path:
    """Return the path of a weights file, made sure of before anything is built.

    Raises:
        WeightsError: there is no such file.
    """
    path = Path(weights)
    if not path.is_file():
        what = "a folder" if path.is_dir() else "no such file"
        raise WeightsError(
            f"Expected a weights file. Received: {path} ({what}). Check the path, or "
            "use last, best or coco."
        )
    return path


def _as_default(key: str, value):
    # JSON has lists only; arithmetic on a setting needs the type of its default.
    default = getattr(Config, key, None)
    if isinstance(default, np.ndarray):
        return np.array(value)
    return tuple(value) if isinstance(default, tuple) else value
