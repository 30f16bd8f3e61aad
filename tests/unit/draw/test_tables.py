"""Tables: their text, their HTML, and what is said of weights."""

from types import SimpleNamespace

import numpy as np
import pytest

from mrcnn.draw.tables import Table, display_table, display_weight_stats


def test_text_in_columns(capsys):
    table = display_table([["name", "n"], ("a", 100), ["longer", 2.5, None]])
    assert str(table).splitlines() == ["name    n", "a       100", "longer  2.5  None"]
    assert capsys.readouterr().out == ""


def test_html_is_escaped():
    assert display_table([["<b>", 1]])._repr_html_() == (
        "<table><tr><td>&lt;b&gt;</td><td>1</td></tr></table>"
    )


def test_empty_tables():
    assert str(Table(())) == "" and str(display_table([[]])) == ""
    assert display_table([])._repr_html_() == "<table></table>"


class Layer:
    """What the table needs of a Keras layer."""

    def __init__(self, name, **values):
        self.values = [np.array(value, np.float32) for value in values.values()]
        self.weights = [SimpleNamespace(path=f"{name}/{kind}") for kind in values]

    def get_weights(self):
        return self.values


def rows_of(*layers):
    model = SimpleNamespace(get_trainable_layers=lambda: list(layers))
    return display_weight_stats(model).rows


def test_a_row_for_each_weight():
    header, kernel, bias = rows_of(Layer("conv1", kernel=[[1, -3]], bias=[0, 0]))
    assert header == ("WEIGHT NAME", "SHAPE", "MIN", "MAX", "STD", "NOTE")
    # Deviation of 1 and -3 from their mean -1.
    assert kernel == (
        "conv1/kernel",
        "(1, 2)",
        "  -3.0000",
        "   +1.0000",
        "  +2.0000",
        "",
    )
    # A bias may be one value.
    assert bias[0] == "conv1/bias" and bias[-1] == ""


@pytest.mark.parametrize(
    ("values", "note"),
    [
        ([1, 1, 1], "dead?"),
        ([1, -1001], "overflow?"),
        ([0, 1001], "overflow?"),
        ([0, 1000], ""),
        ([1, np.nan], "not finite"),
        ([1, np.inf], "not finite"),
    ],
)
def test_odd_weights_are_noted(values, note):
    _, row = rows_of(Layer("bn", gamma=values))
    assert row[-1] == note


def test_layers_without_weights():
    assert len(rows_of(Layer("pool"), Layer("empty", kernel=np.zeros((0, 3))))) == 1
