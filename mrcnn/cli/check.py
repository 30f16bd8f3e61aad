"""``mrcnn check``: the doctor for data sets."""

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from mrcnn.cli import arguments, stats
from mrcnn.cli.datasets import add_source_flags, quiet_log
from mrcnn.cli.saving import format_of, refuse_same_folder
from mrcnn.errors import ConfigError

EXIT_ERRORS = 1
# Messages of a kind that are shown without --all.
_EXAMPLES = 5
# Share of objects without a good anchor that is worth a word, and what has to be won.
_MANY_POOR = 0.2
_LEAST_GAIN = 0.5

_DESCRIPTION = """\
Find everything that is wrong with a data set: files that are missing or broken,
photos that are turned, outlines outside or crossing themselves, labels that are
misspelt, copies and leaks between train and val, too many or too small objects.

The exit code is 1 if there are errors, which stop a training or spoil it."""

_EPILOG = """\
examples:
  mrcnn check photos/
  mrcnn check photos/ --html report.html
      with thumbnails of what is wrong
  mrcnn check photos/ --fix repaired/
      write a copy in which what can be mended is mended"""


def add_parser(subparsers) -> None:
    """Add the command to a parser's subparsers."""
    parser = subparsers.add_parser(
        "check",
        help="find what is wrong with a data set",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("path", type=Path, metavar="PATH", help="data set")
    add_source_flags(parser)
    arguments.add_setting_flags(parser.add_argument_group("settings"))
    group = parser.add_argument_group("report")
    group.add_argument("--all", action="store_true", help="show every problem")
    group.add_argument("--json", action="store_true", help="print JSON")
    group.add_argument(
        "--html", type=Path, metavar="FILE", help="write a page with thumbnails, too"
    )
    group.add_argument(
        "--fix",
        type=Path,
        metavar="FOLDER",
        help="write a repaired copy there; the original stays as it is",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print what is wrong with a data set.

    Returns:
        1 if there are errors, else 0.
    """
    from mrcnn.data.check import check

    config = stats.config_of(args)
    if args.fix:
        refuse_same_folder(args.path, args.fix)
    with quiet_log():
        report = check(
            args.path,
            class_names=args.classes,
            class_attribute=args.class_attribute,
            num_channels=args.channels or 3,
            limits={
                name: getattr(config, name)
                for name in ("MAX_GT_INSTANCES", "DETECTION_MAX_INSTANCES")
            },
            progress=_progress,
        )
    figures = stats.figures(report.parts, config)
    problems = [*report.problems, *_anchor_problem(figures["anchors"])]
    if args.json:
        print(json.dumps(_as_json(args.path, problems, figures), indent=1))
    else:
        print("\n".join(_as_text(args.path, problems, figures, show_all=args.all)))
    if args.html:
        from mrcnn.cli.check_page import page

        _write(args.html, page(report, problems, stats.describe(figures)))
    if args.fix:
        _fix(report, args.fix)
    return EXIT_ERRORS if report.num_errors else 0


def _progress(images: Sequence) -> Sequence:
    from tqdm import tqdm

    # Only on a terminal.
    return tqdm(images, desc="reading images", disable=None, leave=False)


def _anchor_problem(anchors: dict) -> Iterator:
    from mrcnn.data.problems import Problem

    poor, better = anchors["poor_share"], anchors.get("suggested_poor_share", 1)
    if poor > _MANY_POOR and better < _LEAST_GAIN * poor:
        scales = ",".join(f"{scale:g}" for scale in anchors["suggested"])
        text = (
            f"{poor:.0%} of the objects have no anchor that overlaps them by "
            f"{stats.GOOD_OVERLAP:g}; with RPN_ANCHOR_SCALES=({scales}) it would be "
            f"{better:.0%}. Set that, or another --image-size; the network then has to "
            "learn its proposals anew."
        )
        yield Problem("anchors", text)


def _as_json(path: Path, problems: list, figures: dict) -> dict:
    return {
        "path": str(path),
        "problems": [
            {
                "severity": problem.severity,
                "kind": problem.kind,
                "message": problem.message,
                "image": problem.image,
                "object": problem.place,
                "boxes": [region.shape.extent for region in problem.regions],
                "others": problem.others,
            }
            for problem in problems
        ],
        "statistics": figures,
    }


def _as_text(path: Path, problems: list, figures: dict, *, show_all: bool) -> list[str]:
    from mrcnn.data.problems import KINDS, SEVERITIES

    lines = [str(path), ""]
    for kind, (severity, title) in KINDS.items():
        messages = [problem.message for problem in problems if problem.kind == kind]
        if not messages:
            continue
        shown = messages if show_all else messages[:_EXAMPLES]
        lines.append(f"{severity}: {title} ({kind}): {len(messages)}")
        lines += [f"  {' '.join(message.split())}" for message in shown]
        if len(messages) > len(shown):
            lines.append(f"  and {len(messages) - len(shown)} more; --all shows them")
        lines.append("")
    counts = (
        (sum(problem.severity == severity for problem in problems), severity)
        for severity in SEVERITIES
    )
    summary = ", ".join(f"{n} {word}{'' if n == 1 else 's'}" for n, word in counts)
    return [*lines, *stats.describe(figures), "", summary]


def _fix(report, folder: Path) -> None:
    from mrcnn.data.repair import repair

    parts = [part for part in report.parts.values() if part.image_info]
    format_name = format_of(parts[0]) if parts else "coco"
    listing, changes = repair(report, folder, format_name)
    print(f"repaired copy: {folder} ({format_name}), {len(changes)} changes: {listing}")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"Expected a file to write the report to. Received: {path} "
            f"({error.strerror}). Choose another one with --html."
        ) from error
    print(f"report: {path}")
