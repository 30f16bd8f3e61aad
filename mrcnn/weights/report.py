"""WeightsReport: what came out of a weights file, layer by layer."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ShapeClash:
    """An array whose shape in the file is not the one in the network.

    Attributes:
        layer: name of the layer.
        array: name of the array in the network, "kernel" for example.
        file_shape: shape in the file, None where the file has no such array.
        model_shape: shape in the network, None where the network has no such array.
    """

    layer: str
    array: str
    file_shape: tuple[int, ...] | None
    model_shape: tuple[int, ...] | None

    def __str__(self) -> str:
        return (
            f"{self.layer}: {self.array} {_shape(self.file_shape)} in the file, "
            f"{_shape(self.model_shape)} in the network"
        )


@dataclass(frozen=True)
class WeightsReport:
    """What one load did; printing it gives a short table.

    Attributes:
        path: the file.
        matched: names of the layers that got their weights from the file.
        num_arrays: arrays assigned.
        num_parameters: numbers in those arrays.
        excluded: layers left as they were because the caller said so.
        inflated: layers whose RGB kernel was spread over other channels.
        clashed: arrays left as they were because their shapes follow the class count.
        missing: layers (or "layer/array") of the network that the file lacks.
        unused: layers of the file, with weights, that the network lacks.
    """

    path: Path
    matched: tuple[str, ...]
    num_arrays: int
    num_parameters: int
    excluded: tuple[str, ...]
    inflated: tuple[str, ...]
    clashed: tuple[ShapeClash, ...]
    missing: tuple[str, ...]
    unused: tuple[str, ...]

    def summary(self) -> str:
        """Return the table: a row each for matched, excluded, clashed and so on."""
        clashed = one_per_layer(self.clashed)
        rows = [
            (
                "matched",
                len(self.matched),
                f"{self.num_arrays} arrays, {self.num_parameters:,} parameters",
            ),
            ("excluded", len(self.excluded), shorten(self.excluded)),
            ("clashed", len(clashed), shorten(clashed, "; ")),
            ("missing", len(self.missing), shorten(self.missing)),
            ("unused", len(self.unused), shorten(self.unused)),
        ]
        if self.inflated:
            rows.insert(1, ("inflated", len(self.inflated), shorten(self.inflated)))
        lines = [f"  {word:9}{count:5}  {what}".rstrip() for word, count, what in rows]
        return "\n".join([f"Weights from {self.path} (layers)", *lines])

    def __str__(self) -> str:
        return self.summary()


def one_per_layer(clashes: Iterable[ShapeClash]) -> list[ShapeClash]:
    """Return the first clash of each layer, its kernel's where that clashes."""
    first: dict[str, ShapeClash] = {}
    for clash in clashes:
        first.setdefault(clash.layer, clash)
    return list(first.values())


def shorten(names: Iterable[object], separator: str = ", ", shown: int = 6) -> str:
    """Return the first few names, and how many there are besides.

    Example:
        >>> shorten("abcdefghi")
        'a, b, c, d, e, f and 3 more'
    """
    names = list(map(str, names))
    more = len(names) - shown
    return separator.join(names[:shown]) + (f" and {more} more" if more > 0 else "")


def _shape(shape: tuple[int, ...] | None) -> str:
    return "absent" if shape is None else str(list(shape))
