"""``mrcnn versions``: what a bug report needs to say about the installation."""

import argparse
import platform
from importlib import metadata

import mrcnn

PACKAGES = (
    *("keras", "tensorflow", "jax", "torch", "numpy", "scipy", "scikit-image"),
    *("opencv-python", "imgaug", "pycocotools", "h5py", "av", "pillow", "matplotlib"),
    *("tensorboard", "tqdm"),
)


def add_parser(subparsers) -> None:
    """Add the command to a parser's subparsers."""
    parser = subparsers.add_parser(
        "versions",
        help="show versions and devices, for bug reports",
        description="Show the versions of what is installed, and the devices found.",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> None:
    """Print the versions, one a line."""
    facts = {
        "mrcnn": mrcnn.__version__,
        "Python": platform.python_version(),
        "system": platform.platform(),
        **{name: _version(name) for name in PACKAGES},
        **_backend(),
    }
    width = max(map(len, facts))
    for name, value in facts.items():
        print(f"{name:{width}}  {value}")


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _backend() -> dict[str, str]:
    """Return Keras' backend and devices; a backend that does not start is a finding."""
    try:
        import keras

        name = keras.config.backend()
        # Keras does not say which ones PyTorch has.
        list_devices = _of_torch if name == "torch" else keras.distribution.list_devices
        return {"backend": name, "devices": ", ".join(list_devices())}
    except Exception as error:  # noqa: BLE001 - whatever it is, the report should say it
        return {"backend": f"does not start: {type(error).__name__}: {error}"}


def _of_torch() -> list[str]:
    from torch import accelerator

    gpus = range(accelerator.device_count())
    return [f"{accelerator.current_accelerator()}:{i}" for i in gpus] or ["cpu:0"]
