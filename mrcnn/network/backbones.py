"""The backbones by name: what BACKBONE of a configuration may say.

A backbone is a callable ``(image, train_bn) -> [C2, C3, C4, C5]`` that returns
feature maps at strides 4, 8, 16 and 32. Add one with `register_backbone`.
"""

from collections.abc import Callable
from functools import partial

from mrcnn.errors import ConfigError, nearest
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
    if name in _BACKBONES:
        raise ConfigError(
            f"Expected a new backbone name. Received: {name!r}, which is taken. "
            "Choose another one."
        )
    _BACKBONES[name] = graph


def get_backbone(backbone: str | Callable) -> Callable:
    """Return the callable ``(image, train_bn) -> [C2, C3, C4, C5]`` for a name.

    Args:
        backbone: a registered name, or a callable ``image -> [C2, C3, C4, C5]``
            (a leading C1 is dropped, as the original's callables return it).

    Raises:
        ConfigError: the name is not registered; names the nearest one.
    """
    if callable(backbone):
        return lambda image, train_bn: backbone(image)[-4:]
    if backbone not in _BACKBONES:
        raise ConfigError(
            f"Expected BACKBONE to be one of {', '.join(sorted(_BACKBONES))} or a "
            f"callable. Received: {backbone!r}.{nearest(backbone, _BACKBONES)}"
        )
    return _BACKBONES[backbone]


def _resnet(architecture, image, train_bn):
    return resnet_graph(image, architecture, stage5=True, train_bn=train_bn)[1:]


for _name in ("resnet18", "resnet50", "resnet101"):
    register_backbone(_name, partial(_resnet, _name))
