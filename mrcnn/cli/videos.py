"""The flags that say which frames of a video are read."""

import argparse
from fractions import Fraction
from pathlib import Path

from mrcnn.cli.values import frame_rate, positive, seconds


def add_video_flags(parser: argparse.ArgumentParser, *, numbers: bool = True) -> None:
    """Add the flags that say which frames of a video are read.

    Args:
        parser: the parser to add to.
        numbers: whether to add --track too, for results that show numbers.
    """
    group = parser.add_argument_group(
        "video",
        "A URL (http, rtsp), numbered images (shots/%04d.png) and the number of a "
        "camera (0) are videos too; Ctrl-C ends them with a whole file.",
    )
    group.add_argument(
        "--start",
        type=seconds,
        metavar="TIME",
        default=Fraction(0),
        help="where to begin, in seconds or as 1:02:03",
    )
    group.add_argument(
        "--end", type=seconds, metavar="TIME", help="where to end, likewise"
    )
    group.add_argument(
        "--stride",
        type=positive,
        metavar="N",
        default=1,
        help="take every Nth frame; the result lasts as long (default: %(default)s)",
    )
    group.add_argument(
        "--fps",
        type=frame_rate,
        metavar="RATE",
        help="frames per second of numbered images (default: 25)",
    )
    if numbers:
        _add_track_flag(group)


def open_video(source: Path | str, args: argparse.Namespace):
    """Return the `FrameSource` of an input, and the `Cut` that the flags describe.

    Args:
        source: from `outputs.find_inputs`.
        args: flags of `add_video_flags`.

    Raises:
        VideoError: it cannot be opened, or the flags contradict each other.
    """
    from mrcnn.video.sources import Cut, open_source

    # First, so that wrong flags leave nothing open.
    cut = Cut(args.start, args.end, args.stride)
    return open_source(source, fps=args.fps), cut


def _add_track_flag(group) -> None:
    group.add_argument(
        "--track",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="number the objects, and colour them by number instead of by class "
        "(default: yes)",
    )
