"""The errors a user of the package can meet, and how they are worded.

Every message says what was expected, what was found, where, and what to do:
``Expected <what>. Received: <name>=<value>. <what to do>.`` All of them derive
from `MrcnnError`, which the command line prints in one line with exit code 2.
"""

import difflib
from collections.abc import Iterable


class MrcnnError(ValueError):
    """Base of the errors that bad input can cause."""


class ConfigError(MrcnnError):
    """A configuration holds unknown, wrong or contradictory values."""


class DatasetError(MrcnnError):
    """A data set cannot be read; names the file, the image and the region.

    Args:
        message: what a person reads.
        kind: what `mrcnn check` lists it under, a key of `data.problems.KINDS`.
        region: the object that is refused, where it could be read.
    """

    def __init__(self, message: str = "", *, kind: str = "broken", region=None):
        super().__init__(message)
        self.kind = kind
        self.region = region


class WeightsError(MrcnnError):
    """A weights file is missing, damaged or does not fit the network."""


class TrainingError(MrcnnError):
    """A training cannot go on."""


class VideoError(MrcnnError):
    """A video cannot be opened, read or written."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return a hint naming the known word nearest to `name`.

    Args:
        name: the word that was not recognised.
        known: the words that would have been.

    Returns:
        ``" Did you mean 'x'?"`` with a leading space, or an empty string when
        nothing is near.

    Example:
        >>> nearest("resnet100", ["resnet50", "resnet101"])
        " Did you mean 'resnet101'?"
    """
    matches = difflib.get_close_matches(str(name), [str(k) for k in known], n=1)
    return f" Did you mean {matches[0]!r}?" if matches else ""
