"""Tables for notebooks and terminals, and the one of a network's weights.

A `Table` shows itself: as HTML where it is the last line of a notebook's cell, as
text where it is printed or logged.
"""

from __future__ import annotations

import html
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

# Beyond it a weight is suspicious.
_LARGEST = 1000


@dataclass(frozen=True)
class Table:
    """Rows of texts.

    Attributes:
        rows: of any lengths.

    Example:
        >>> print(Table((("name", "min"), ("conv1", "-0.86"))))
        name   min
        conv1  -0.86
    """

    rows: tuple[tuple[str, ...], ...]

    def __str__(self) -> str:
        """Return the rows one below the other, columns in line."""
        columns = max(map(len, self.rows), default=0)
        widths = [
            max(len(row[i]) for row in self.rows if i < len(row))
            for i in range(columns)
        ]
        lines = [
            "  ".join(
                cell.ljust(width) for cell, width in zip(row, widths, strict=False)
            )
            for row in self.rows
        ]
        return "\n".join(line.rstrip() for line in lines)

    def _repr_html_(self) -> str:
        rows = (
            "".join(f"<td>{html.escape(cell)}</td>" for cell in row)
            for row in self.rows
        )
        return "<table>" + "".join(f"<tr>{row}</tr>" for row in rows) + "</table>"


def display_table(table: Iterable[Iterable]) -> Table:
    """Return values as a table, which a notebook shows.

    Args:
        table: rows of values.

    Example:
        >>> print(display_table([["layer", "weights"], ["conv1", 9472]]))
        layer  weights
        conv1  9472
    """
    return Table(tuple(tuple(str(cell) for cell in row) for row in table))


def display_weight_stats(model) -> Table:
    """Return the range and deviation of every weight, with a note where it is odd.

    Args:
        model: a `MaskRCNN`, or anything with its `get_trainable_layers`.

    Returns:
        A row for each weight: name, shape, least, greatest and standard deviation;
        "dead?" for a weight of one value, but the bias of a convolution,
        "overflow?" beyond 1000, "not finite" for a nan or an infinity.
    """
    rows = [("WEIGHT NAME", "SHAPE", "MIN", "MAX", "STD", "NOTE")]
    for layer in model.get_trainable_layers():
        for weight, values in zip(layer.weights, layer.get_weights(), strict=True):
            values = np.asarray(values)
            if not values.size:
                continue
            with np.errstate(invalid="ignore"):  # a nan or an infinity is noted
                deviation = values.std(dtype=float)
            rows.append(
                (
                    *(weight.path, str(values.shape), f"{values.min():+9.4f}"),
                    *(f"{values.max():+10.4f}", f"{deviation:+9.4f}"),
                    _note(weight.path, values),
                )
            )
    return Table(tuple(rows))


def _note(name: str, values: np.ndarray) -> str:
    if not np.isfinite(values).all():
        return "not finite"
    if np.abs(values).max() > _LARGEST:
        return "overflow?"
    if values.min() == values.max() and not name.endswith("bias"):
        return "dead?"
    return ""
