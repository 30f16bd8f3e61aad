"""What the text of a flag becomes; `argparse` calls these as types."""

import argparse
import ast
import re
from fractions import Fraction
from pathlib import Path


def positive(text: str) -> int:
    """Return a flag's text as a whole number of at least 1."""
    if not re.fullmatch(r"\d+", text) or int(text) < 1:
        raise argparse.ArgumentTypeError(
            f"expected a whole number of at least 1, received {text!r}"
        )
    return int(text)


def whole(text: str) -> int:
    """Return a flag's text as a whole number of at least 0."""
    if not re.fullmatch(r"\d+", text):
        raise argparse.ArgumentTypeError(
            f"expected a whole number of at least 0, received {text!r}"
        )
    return int(text)


def devices(text: str) -> int | tuple[int, ...]:
    """Return a flag's text as a number of devices, or as the numbers of devices.

    Example:
        >>> devices("2"), devices("0,3"), devices("1,")
        (2, (0, 3), (1,))
    """
    numbers = text.removesuffix(",").split(",")
    if not all(re.fullmatch(r"\d+", number) for number in numbers) or text == "0":
        raise argparse.ArgumentTypeError(
            "expected how many devices, 2 for example, or which ones, 0,1 for "
            f"example, received {text!r}"
        )
    return tuple(map(int, numbers)) if "," in text else int(text)


def fraction(text: str) -> float:
    """Return a flag's text as a number from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(
            f"expected a number from 0 to 1, received {text!r}"
        )
    return value


def number_list(text: str) -> tuple[float, ...]:
    """Return a flag's text as numbers.

    Example:
        >>> number_list("0.1, 2")
        (0.1, 2.0)
    """
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"expected numbers separated by commas, received {text!r}"
        ) from error


def stage_list(text: str) -> tuple[tuple[str, int, float], ...]:
    """Return a flag's text as layers, epochs and rate of each stage of a training.

    Example:
        >>> stage_list("heads:20:0.001,all:60:0.0001")
        (('heads', 20, 0.001), ('all', 60, 0.0001))
    """
    try:
        parts = [part.rsplit(":", 2) for part in text.split(",")]
        stages = tuple(
            (layers.strip(), positive(epochs), _rate(rate))
            for layers, epochs, rate in parts
        )
    except (ValueError, argparse.ArgumentTypeError) as error:
        raise argparse.ArgumentTypeError(
            "expected stages as layers:epoch:rate separated by commas, such as "
            f"heads:20:0.001,all:60:0.0001, received {text!r}"
        ) from error
    epochs = [epochs for _, epochs, _ in stages]
    if epochs != sorted(set(epochs)):
        raise argparse.ArgumentTypeError(
            "expected epochs that rise from stage to stage, since they count from the "
            f"start of the run, received {text!r}"
        )
    return stages


def _rate(text: str) -> float:
    rate = float(text)
    if not 0 <= rate < float("inf"):
        raise ValueError(f"{text} is not a learning rate")
    return rate


def seconds(text: str) -> Fraction:
    """Return a flag's text, seconds or hours, minutes and seconds, as seconds.

    Example:
        >>> float(seconds("90.5")), float(seconds("1:02:03"))
        (90.5, 3723.0)
    """
    parts = text.split(":")
    try:
        value = sum(
            Fraction(part) * 60**power for power, part in enumerate(reversed(parts))
        )
    except (ValueError, ZeroDivisionError):
        value = Fraction(-1)
    if value < 0 or len(parts) > 3:
        raise argparse.ArgumentTypeError(
            f"expected seconds, such as 90.5, or 1:02:03, received {text!r}"
        )
    return value


def rgb(text: str) -> tuple[int, int, int]:
    """Return a flag's text as a colour.

    Example:
        >>> rgb("255,0,128")
        (255, 0, 128)
    """
    parts = text.split(",")
    if len(parts) != 3 or not all(
        re.fullmatch(r" *\d+ *", part) and int(part) <= 255 for part in parts
    ):
        raise argparse.ArgumentTypeError(
            f"expected red,green,blue from 0 to 255, received {text!r}"
        )
    return tuple(int(part) for part in parts)


def height_width(text: str) -> tuple[int, int]:
    """Return a flag's text as height and width.

    Example:
        >>> height_width("40x64")
        (40, 64)
    """
    match = re.fullmatch(r"(\d+)x(\d+)", text.lower())
    if match is None or 0 in map(int, match.groups()):
        raise argparse.ArgumentTypeError(
            f"expected height and width, such as 40x64, received {text!r}"
        )
    return int(match[1]), int(match[2])


def frame_rate(text: str) -> Fraction:
    """Return a flag's text as frames per second.

    Example:
        >>> frame_rate("30000/1001"), frame_rate("12.5")
        (Fraction(30000, 1001), Fraction(25, 2))
    """
    try:
        value = Fraction(text)
    except (ValueError, ZeroDivisionError):
        value = Fraction(0)
    if value <= 0:
        raise argparse.ArgumentTypeError(
            f"expected frames per second, such as 25 or 30000/1001, received {text!r}"
        )
    return value


def class_list(text: str) -> list[str]:
    """Return a flag's text as class names.

    Example:
        >>> class_list("remote, cell phone")
        ['remote', 'cell phone']
    """
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise argparse.ArgumentTypeError(
            f"expected names separated by commas, received {text!r}"
        )
    return names


def setting(text: str) -> tuple[str, object]:
    """Return a flag's text as a key of the configuration and its value.

    Example:
        >>> setting("TRAIN_ROIS_PER_IMAGE=50")
        ('TRAIN_ROIS_PER_IMAGE', 50)
    """
    key, separator, value = text.partition("=")
    if not (key and separator):
        raise argparse.ArgumentTypeError(f"expected KEY=VALUE, received {text!r}")
    try:
        return key, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return key, value  # a word, such as a backbone's name


def default_words(value) -> str:
    """Return what the help of a flag says of its default; nothing for None."""
    if value is None:
        return ""
    if isinstance(value, Path) and value.is_relative_to(Path.cwd()):
        value = value.relative_to(Path.cwd())
    return f" (default: {value})"
