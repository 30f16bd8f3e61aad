import argparse

import numpy as np
import pytest
from PIL import Image

from mrcnn.cli import outputs
from mrcnn.cli.redraw import redraw
from mrcnn.cli.videos import add_video_flags
from mrcnn.errors import DatasetError
from mrcnn.structures import Detections
from mrcnn.video.writer import VideoWriter


@pytest.fixture
def args(tmp_path):
    parser = argparse.ArgumentParser()
    outputs.add_output_flag(parser)
    add_video_flags(parser, numbers=False)
    parser.set_defaults(batch=2)
    (tmp_path / "out").mkdir()
    return parser.parse_args([f"--output={tmp_path / 'out'}"])


@pytest.fixture
def inputs(tmp_path):
    """A JPEG, a PNG, a damaged image and a clip of 3 frames, all grey."""
    grey = np.full((40, 60, 3), 100, np.uint8)
    folder = tmp_path / "in"
    folder.mkdir()
    for name in ("a.jpg", "b.png"):
        Image.fromarray(grey).save(folder / name)
    (folder / "c.png").write_bytes(b"no picture")
    with VideoWriter(folder / "d.mp4", width=60, height=40, fps=5) as writer:
        for _ in range(3):
            writer.write(grey)
    return outputs.find_inputs([str(folder)])


def find_nothing(images):
    return [Detections.empty(image.shape[:2]) for image in images]


def inverted(image, found):
    return 255 - image


def test_each_kind_and_errors_last(inputs, args, capsys):
    with pytest.raises(DatasetError, match=r"c\.png"):
        redraw(inputs, find_nothing, inverted, args, ending="_new")
    names = sorted(path.name for path in args.output.iterdir())
    assert names == ["a_new.jpg", "b_new.png", "d_new.mp4"]
    with Image.open(args.output / "b_new.png") as picture:
        assert (np.asarray(picture) == 155).all()
    printed = capsys.readouterr().out
    assert "c.png: not done" in printed and "d.mp4: 3 frames" in printed


@pytest.mark.parametrize(
    ("suffix", "written"),
    [
        (".mkv", ["a_new.png", "d_new.mkv"]),
        ("/%03d.png", ["a_new.png", "d_new/000.png", "d_new/001.png", "d_new/002.png"]),
    ],
)
def test_exact(inputs, args, suffix, written):
    paths = [inputs[0], inputs[3]]
    redraw(
        paths,
        find_nothing,
        inverted,
        args,
        ending="_new",
        exact=True,
        video_suffix=suffix,
    )
    found = [path for path in args.output.rglob("*") if path.is_file()]
    names = sorted(path.relative_to(args.output).as_posix() for path in found)
    assert names == written


def test_target_that_cannot_be_written(inputs, args):
    (args.output / "b_new.png").mkdir()
    with pytest.raises(DatasetError, match=r"Expected to write .*b_new\.png"):
        redraw(inputs[1:2], find_nothing, inverted, args, ending="_new")
