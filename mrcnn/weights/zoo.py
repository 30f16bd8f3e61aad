"""The files of graphs from TensorFlow's detection model zoo: names, paths, archives.

A graph is named ``zoo:inception_v2`` and the like, or by a path: a frozen graph
(``.pb``), an archive of the zoo, the folder of a saved model. `inference.zoo` finds
and reads it here and runs it.

Of an archive one file is read, and nothing in it becomes a path: names that lead out
of the folder, links and devices have no way to do harm.
"""

import gzip
import tarfile
import zlib
from functools import partial
from itertools import islice
from pathlib import Path, PurePosixPath

from mrcnn.errors import WeightsError
from mrcnn.weights.download import cache_folder, fetch, known_file
from mrcnn.weights.files import written_whole

FROZEN_GRAPH = "frozen_inference_graph.pb"
SAVED_MODEL = "saved_model.pb"
_NAMES = "zoo:"
_ARCHIVES = (".tar.gz", ".tgz")
# The largest archive of the zoo has 0.7 GB and eleven files.
_MOST_UNPACKED = 4 << 30
_MOST_OF_GRAPH = 1 << 30
_MOST_FILES = 1000
_CHUNK_BYTES = 1 << 20
# What a damaged archive, or one that means no good, can bring its readers to.
_UNREADABLE = (
    *(tarfile.TarError, zlib.error, OSError, EOFError, ValueError, RecursionError),
)


def is_graph(weights: str | Path) -> bool:
    """Return whether weights are a graph of the zoo and not those of a network here.

    Args:
        weights: as --weights names them.

    Example:
        >>> [is_graph(text) for text in ("zoo:resnet50", "a/graph.pb", "last", "a.h5")]
        [True, True, False, False]
    """
    path = Path(weights)
    return (
        str(weights).startswith(_NAMES)
        or path.name.endswith((".pb", *_ARCHIVES))
        or any((path / name).is_file() for name in (FROZEN_GRAPH, SAVED_MODEL))
    )


def find_graph(weights: str | Path, cache_dir: str | Path | None = None) -> Path:
    """Return where a graph is.

    Args:
        weights: ``zoo:NAME``, or the path of a graph, an archive, or a folder of one.
        cache_dir: folder of downloaded files; see `download.cache_folder`.

    Returns:
        The folder of a saved model, or a file for `read_graph`.

    Raises:
        WeightsError: the name is unknown, or the graph cannot be downloaded.
    """
    if str(weights).startswith(_NAMES):
        return fetch_graph(str(weights), cache_dir)
    path = Path(weights)
    if path.name == SAVED_MODEL:
        return path.parent
    frozen = path / FROZEN_GRAPH
    return frozen if frozen.is_file() else path


def fetch_graph(name: str, cache_dir: str | Path | None = None) -> Path:
    """Return a frozen graph of the zoo, downloaded and unpacked where it is not there.

    Args:
        name: ``zoo:inception_v2`` for example, a key of `download.KNOWN_FILES`.
        cache_dir: folder to keep archive and graph in.

    Raises:
        WeightsError: as `download.fetch`, or the graph cannot be written.
    """
    file_name = known_file(name).file_name.replace(".tar.gz", ".pb")
    path = Path(cache_dir or cache_folder()) / file_name
    if path.is_file():
        return path
    content = read_graph(fetch(name, cache_dir))
    try:
        with written_whole(path) as unfinished:
            unfinished.write_bytes(content)
    except OSError as error:
        raise WeightsError(
            f"Expected to write {path}. Received: {error.strerror}. Check the folder's "
            "rights and the space on the disk, or set MRCNN_HOME to another folder."
        ) from error
    return path


def read_graph(path: Path) -> bytes:
    """Return the frozen graph in a file, or in an archive.

    Args:
        path: a ``.pb``, or a ``.tar.gz`` with a file frozen_inference_graph.pb.

    Raises:
        WeightsError: it cannot be read, or there is no graph in the archive.
    """
    try:
        if not path.name.endswith(_ARCHIVES):
            return path.read_bytes()
        with gzip.open(path) as unpacked:
            content = _read_member(unpacked)
            unpacked.seek(_MOST_UNPACKED)  # to the end, where the checksum is
    except _UNREADABLE as error:
        problem = getattr(error, "strerror", None) or error
    else:
        if content is not None:
            return content
        problem = f"no such file of at most {_MOST_OF_GRAPH >> 20} MB in it"
    raise WeightsError(
        f"Expected a frozen graph, or an archive (.tar.gz) with {FROZEN_GRAPH}. "
        f"Received: {path} ({problem}). Check the path; unpack an archive by hand and "
        "give the folder with the graph, or the folder saved_model; or name a model "
        "to download, such as zoo:inception_v2."
    )


def _read_member(unpacked: gzip.GzipFile) -> bytes | None:
    """Return the frozen graph in a tar archive, None where there is none."""
    with tarfile.open(fileobj=_Limited(unpacked), mode="r:") as archive:
        for member in islice(archive, _MOST_FILES):
            is_file = member.isreg() and not member.issparse()
            if is_file and PurePosixPath(member.name).name == FROZEN_GRAPH:
                if member.size > _MOST_OF_GRAPH:
                    return None
                file = archive.extractfile(member)
                return b"".join(iter(partial(file.read, _CHUNK_BYTES), b""))
    return None


class _Limited:
    """A file that gives little at a time, and not beyond a number of bytes.

    `tarfile` believes an archive about its sizes: a few bytes can ask for a terabyte.
    """

    def __init__(self, file: gzip.GzipFile):
        self._file = file

    def tell(self) -> int:
        return self._file.tell()

    def seek(self, offset: int) -> int:
        if not 0 <= offset <= _MOST_UNPACKED:
            raise tarfile.ReadError(f"more than {_MOST_UNPACKED >> 30} GB unpacked")
        return self._file.seek(offset)

    def read(self, size: int) -> bytes:
        if not 0 <= size <= _CHUNK_BYTES:
            raise tarfile.ReadError("a file header too large")
        return self._file.read(size)
