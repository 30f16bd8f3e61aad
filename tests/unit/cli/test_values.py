"""What the text of a flag becomes."""

import argparse
from fractions import Fraction

import pytest

from mrcnn.cli.values import frame_rate, rgb, seconds, stage_list


def test_stages():
    assert stage_list("heads:20:0.001, 4+:40:1e-3,res5.*|mrcnn_.*:60:0") == (
        ("heads", 20, 0.001),
        ("4+", 40, 0.001),
        ("res5.*|mrcnn_.*", 60, 0.0),
    )
    # The layers may hold a colon: epoch and rate are the last two.
    assert stage_list("(?:res5.*):3:0.5") == (("(?:res5.*)", 3, 0.5),)


@pytest.mark.parametrize(
    "text",
    [
        *("", "heads", "heads:20", "heads:20:", "heads:20:fast", "heads:2.5:0.1"),
        *(
            "heads:0:0.1",
            "heads:20:-1",
            "heads:20:nan",
            "heads:20:0.1,",
            "a:1:1,,b:2:1",
        ),
    ],
)
def test_text_that_is_no_stages(text):
    with pytest.raises(
        argparse.ArgumentTypeError,
        match=r"layers:epoch:rate .* such as heads:20:0\.001,all:60:0\.0001, received",
    ):
        stage_list(text)


@pytest.mark.parametrize("text", ["heads:20:1,all:20:1", "heads:20:1,all:10:1"])
def test_epochs_of_stages_rise(text):
    with pytest.raises(argparse.ArgumentTypeError, match="epochs that rise.*all:"):
        stage_list(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", 0), ("90.5", Fraction(181, 2)), ("2:05", 125), ("1:00:00.25", 3600.25)],
)
def test_seconds(text, value):
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["", "-1", "1:-5:0:0", "1:2:3:4", "soon", "1/0"])
def test_no_seconds(text):
    with pytest.raises(argparse.ArgumentTypeError, match="expected seconds"):
        seconds(text)


def test_frame_rate():
    assert frame_rate("30000/1001") == Fraction(30000, 1001)
    for text in ("0", "-3", "1/0", "fast"):
        with pytest.raises(argparse.ArgumentTypeError, match="frames per second"):
            frame_rate(text)


def test_rgb():
    assert rgb("0, 128,255") == (0, 128, 255)
    for text in ("1,2", "1,2,256", "-1,2,3", "red", "1,2,3,4"):
        with pytest.raises(argparse.ArgumentTypeError, match="red,green,blue"):
            rgb(text)
