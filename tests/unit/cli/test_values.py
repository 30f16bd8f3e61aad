"""What the text of a flag becomes."""

import argparse

import pytest

from mrcnn.cli.values import stage_list


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
