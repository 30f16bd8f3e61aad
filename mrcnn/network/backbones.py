"""The backbones by name: what BACKBONE of a configuration may say.

A backbone is a ResNet, a network of keras.applications (`applications`), or a callable
``(image, train_bn) -> [C2, C3, C4, C5]`` that returns feature maps at strides 4, 8, 16
and 32. Add one with `register_backbone`.
"""

from collections.abc import Callable
from functools import partial

from mrcnn.errors import ConfigError, nearest
from mrcnn.network.applications import APPLICATIONS, application_graph
from mrcnn.network.resnet import resnet_graph

_BACKBONES: dict[str, Callable] = {}


def register_backbone(name: str, graph: Callable) -> None:
    """Make a backbone known by name.

    Args:
        name: what BACKBONE will say.
        graph: callable ``(image, train_bn) -> [C2, C3, C4, C5]``.

    Raises:
        ConfigError: the name is taken.
    """
    if name in known_backbones():
        raise ConfigError(
            f"Expected a new backbone name. Received: {name!r}, which is taken. "
            "Choose another one."
        )
    _BACKBONES[name] = graph


def known_backbones() -> list[str]:
    """Return every name that BACKBONE may say, in alphabetical order."""
    return sorted([*_BACKBONES, *APPLICATIONS])


def backbone_graph(backbone: str | Callable, image, *, train_bn, mean_pixel, seed):
    """Return [C2, C3, C4, C5] of a backbone.

    Args:
        backbone: a known name, or a callable ``image -> [C2, C3, C4, C5]`` (a leading
            C1 is dropped, as the original's callables return it).
        image: the `keras.Input` of the images, float [B, H, W, C], mean-subtracted.
        train_bn: see `BatchNorm`.
        mean_pixel: what was subtracted, C numbers.
        seed: of what is random in a backbone while it learns.

    Raises:
        ConfigError: the name is not known; names the nearest one.
    """
    if callable(backbone):
        return backbone(image)[-4:]
    if backbone in APPLICATIONS:
        return application_graph(
            backbone, image, train_bn=train_bn, mean_pixel=mean_pixel, seed=seed
        )
    if backbone not in _BACKBONES:
        known = known_backbones()
        raise ConfigError(
            f"Expected BACKBONE to be one of {', '.join(known)} or a callable. "
            f"Received: {backbone!r}.{nearest(backbone, known)}"
        )
    return _BACKBONES[backbone](image, train_bn)


def _resnet(architecture, image, train_bn):
    return resnet_graph(image, architecture, stage5=True, train_bn=train_bn)[1:]


for _name in ("resnet18", "resnet50", "resnet101"):
    register_backbone(_name, partial(_resnet, _name))
