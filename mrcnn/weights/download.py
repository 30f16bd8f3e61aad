"""Weights files from the network: resumed, checked, and whole in the cache.

`fetch` returns the path of a file in the cache folder and downloads it first
where needed. Bytes gather in a file ``.part`` beside it, which stays when the
connection breaks and is continued next time; only a file of the right size and
hash gets its name. The cache is ``$MRCNN_HOME``, else ``$XDG_CACHE_HOME/mrcnn``,
else ``~/.cache/mrcnn``.
"""

import hashlib
import http.client
import logging
import os
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from mrcnn.errors import WeightsError, nearest

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RemoteFile:
    """A file that can be downloaded, and how to know it came whole.

    Attributes:
        url: where it is.
        size: bytes, None where not known.
        digest: algorithm and hexadecimal digits, "md5:a268eb855778..." for example;
            None where not known.
    """

    url: str
    size: int | None = None
    digest: str | None = None

    @property
    def file_name(self) -> str:
        """The last part of the URL."""
        return self.url.rsplit("/", 1)[-1]


_APPLICATIONS = "https://storage.googleapis.com/tensorflow/keras-applications/"
_ZOO = "http://download.tensorflow.org/models/object_detection/mask_rcnn_"
KNOWN_FILES = {
    "coco": RemoteFile(
        "https://github.com/matterport/Mask_RCNN/releases/download/v2.0/"
        "mask_rcnn_coco.h5",
        size=257_557_808,
    ),
    "imagenet-resnet50": RemoteFile(
        "https://github.com/fchollet/deep-learning-models/releases/download/v0.2/"
        "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
        digest="md5:a268eb855778b3df3c7506639542a6af",
    ),
    "imagenet-resnet101": RemoteFile(
        _APPLICATIONS + "resnet/resnet101_weights_tf_dim_ordering_tf_kernels_notop.h5",
        digest="md5:88cf7a10940856eca736dc7b7e228a21",
    ),
    "imagenet-inception_resnet_v2": RemoteFile(
        _APPLICATIONS + "inception_resnet_v2/"
        "inception_resnet_v2_weights_tf_dim_ordering_tf_kernels_notop.h5",
        digest="md5:d19885ff4a710c122648d3b5c3b684e4",
    ),
    **{
        f"imagenet-mobilenet_v3_{size}": RemoteFile(
            f"{_APPLICATIONS}mobilenet_v3/"
            f"weights_mobilenet_v3_{size}_224_1.0_float_no_top_v2.h5",
            digest=f"md5:{md5}",
        )
        for size, md5 in {
            "small": "d3e8ec802a04aa4fc771ee12a9a9b836",
            "large": "07fb09a5933dd0c8eaafa16978110389",
        }.items()
    },
    **{
        f"imagenet-efficientnet_v2_{size}": RemoteFile(
            f"{_APPLICATIONS}efficientnet_v2/efficientnetv2-{size}_notop.h5",
            digest=f"md5:{md5}",
        )
        for size, md5 in {
            "b0": "893217f2bb855e2983157299931e43ff",
            "b1": "0e80663031ca32d657f9caa404b6ec37",
            "b2": "1dfe2e7a5d45b6632553a8961ea609eb",
            "b3": "f6abf7b5849ac99a89b50dd3fd532856",
            "s": "af0682fb74e8c54910f2d4393339c070",
            "m": "1b8dc055df72dde80d614482840fe342",
            "l": "b0b66b5c863aef5b46e8608fe1711615",
        }.items()
    },
    **{
        f"imagenet-convnext_{size}": RemoteFile(
            f"{_APPLICATIONS}convnext/convnext_{size}_notop.h5",
            digest=f"sha256:{sha256}",
        )
        for size, sha256 in {
            "tiny": "d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1",
            "small": "6fc8009faa2f00c1c1dfce59feea9b0745eb260a7dd11bee65c8e20843da6eab",
            "base": "40a20c5548a5e9202f69735ecc06c990e6b7c9d2de39f0361e27baeb24cb7c45",
        }.items()
    },
    # TensorFlow's zoo publishes no digests; these are those of Open Model Zoo.
    "zoo:inception_v2": RemoteFile(
        f"{_ZOO}inception_v2_coco_2018_01_28.tar.gz",
        size=177_817_887,
        digest="sha256:"
        "4f57861c2ff1c87e92495789ee266e41a7dc79a038521d93a153be403b0b601f",
    ),
    "zoo:inception_resnet_v2": RemoteFile(
        f"{_ZOO}inception_resnet_v2_atrous_coco_2018_01_28.tar.gz",
        size=727_390_102,
        digest="sha384:fe7871a3b291e30b299b859ffddc2b73f25890c259aedcd5"
        "bde6fb6dd6b5507a24e7d370365e3bdd3497f1786a0f4d36",
    ),
    "zoo:resnet50": RemoteFile(
        f"{_ZOO}resnet50_atrous_coco_2018_01_28.tar.gz",
        size=449_505_463,
        digest="sha256:"
        "f3741f099bdb414e172cc8cc41370213a41afd04d7aa970f7854f09a75172481",
    ),
    "zoo:resnet101": RemoteFile(
        f"{_ZOO}resnet101_atrous_coco_2018_01_28.tar.gz",
        size=661_899_639,
        digest="sha256:"
        "67ac8d5f0974753e9a5b04d36376e20b3be55b5dcd6ce43bc25aed6c5583709d",
    ),
}

_TIMEOUT_S = 30
_CHUNK_BYTES = 1 << 18
# Broken connections are continued at once; this many without a new byte end it.
_ATTEMPTS = 5
_WAIT_S = 1.0
_RANGE_NOT_SATISFIABLE = 416


def cache_folder() -> Path:
    """Return the folder that keeps downloaded files; it may not exist yet."""
    if home := os.environ.get("MRCNN_HOME"):
        return Path(home).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache).expanduser() / "mrcnn"


def fetch(
    name: str, cache_dir: str | Path | None = None, *, progress: bool = True
) -> Path:
    """Return the path of a known weights file, downloading it when it is not there.

    Args:
        name: a key of `KNOWN_FILES`, "coco" for example.
        cache_dir: folder to keep it in; `cache_folder` by default.
        progress: whether to draw a progress bar (on a terminal only).

    Raises:
        WeightsError: the name is unknown, there is no network, or what came is
            not the file.
    """
    remote = known_file(name)
    path = Path(cache_dir or cache_folder()) / remote.file_name
    download(remote, path, progress=progress)
    return path


def known_file(name: str) -> RemoteFile:
    """Return a known file by its name.

    Raises:
        WeightsError: the name is unknown.
    """
    if name not in KNOWN_FILES:
        raise WeightsError(
            f"Expected one of {', '.join(KNOWN_FILES)}. Received: name={name!r}."
            f"{nearest(name, KNOWN_FILES)}"
        )
    return KNOWN_FILES[name]


def download_trained_weights(coco_model_path: str | Path, verbose: int = 1) -> None:
    """Download the COCO weights to a path, as the original's function of this name.

    Args:
        coco_model_path: the file to make.
        verbose: 0 draws no progress bar.

    Raises:
        WeightsError: as `fetch`.
    """
    download(KNOWN_FILES["coco"], coco_model_path, progress=verbose > 0)


def download(remote: RemoteFile, path: str | Path, *, progress: bool = True) -> None:
    """Bring a file to a path, unless it is there and whole.

    Args:
        remote: what to download.
        path: the file to make; its folder is made when missing.
        progress: whether to draw a progress bar (on a terminal only).

    Raises:
        WeightsError: there is no network, or what came is not the file.
    """
    path = Path(path)
    if path.exists():
        problem = _problem(remote, path)
        if not problem:
            return
        logger.warning("%s is damaged (%s): downloading it again.", path, problem)
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        logger.info("Downloading %s to %s", remote.url, path)
        _fill(remote, part, path, progress)
        if problem := _problem(remote, part):
            part.unlink()
            raise WeightsError(
                f"Expected the file at {remote.url} to be what it was. Received: "
                f"{problem}. What came is removed: try again, or put the file at "
                f"{str(path)!r}."
            )
        os.replace(part, path)
    except (OSError, http.client.HTTPException) as error:
        raise WeightsError(_no_network_message(remote, path, error)) from error


def _fill(remote: RemoteFile, part: Path, path: Path, progress: bool) -> None:
    """Append to the part file until the server says that it has sent everything.

    Raises:
        OSError: the connection failed and bytes stopped coming, or the disk is full.
    """
    bar = tqdm(
        desc=path.name,
        total=remote.size,
        unit="B",
        unit_scale=True,
        disable=None if progress else True,
    )
    failures = 0
    with bar:
        while failures < _ATTEMPTS:
            before = _size(part)
            try:
                if _append(remote, part, bar):
                    return
                error = ConnectionError("the connection was closed before the end")
            except urllib.error.HTTPError:
                raise  # the server answered: asking again would not change it
            except (
                http.client.HTTPException,
                ConnectionError,
                TimeoutError,
            ) as broken:
                error = broken
            failures = 0 if _size(part) > before else failures + 1
            logger.info("%s; continuing at byte %d", error, _size(part))
            time.sleep(_WAIT_S)
    raise error


def _append(remote: RemoteFile, part: Path, bar: tqdm) -> bool:
    """Read one connection to its end; return whether the file is complete."""
    have = _size(part)
    if remote.size is not None and have >= remote.size:
        return True  # whole, or too long: the check that follows will say
    request = urllib.request.Request(remote.url, headers={"User-Agent": "mrcnn"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        response = urllib.request.urlopen(request, timeout=_TIMEOUT_S)
    except urllib.error.HTTPError as error:
        if error.code != _RANGE_NOT_SATISFIABLE:
            raise
        error.close()
        # Nothing lies beyond what is here: it is whole, or another file's beginning.
        return True
    with response:
        start = _first_byte(response, have)
        expected = _expected_size(response, start, remote)
        bar.total = expected
        bar.n = start
        bar.refresh()
        with open(part, "r+b" if start else "wb") as file:
            file.seek(start)
            file.truncate()
            while chunk := response.read(_CHUNK_BYTES):
                file.write(chunk)
                bar.update(len(chunk))
    return expected is None or _size(part) >= expected


def _first_byte(response, have: int) -> int:
    """Return where the answer begins: 0 from a server that does not know ranges."""
    if response.status != http.client.PARTIAL_CONTENT:
        return 0
    text = response.headers.get("Content-Range", "")  # "bytes 1000-1999/2000"
    if not text.startswith(f"bytes {have}-"):
        raise http.client.HTTPException(
            f"the server sent {text!r} when asked for bytes from {have}"
        )
    return have


def _expected_size(response, start: int, remote: RemoteFile) -> int | None:
    length = response.headers.get("Content-Length")
    return start + int(length) if length else remote.size


def _problem(remote: RemoteFile, path: Path) -> str | None:
    """Return what is wrong with a file, None if it is whole."""
    size = _size(path)
    if remote.size is not None and size != remote.size:
        return f"{size:,} bytes instead of {remote.size:,}"
    if remote.digest is not None:
        algorithm, _, expected = remote.digest.partition(":")
        digest = hashlib.new(algorithm, usedforsecurity=False)
        with open(path, "rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
        if digest.hexdigest() != expected:
            return f"{algorithm.upper()} {digest.hexdigest()} instead of {expected}"
    return None


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _no_network_message(remote: RemoteFile, path: Path, error: Exception) -> str:
    reason = " ".join(str(getattr(error, "reason", error) or error).split())
    if isinstance(error, urllib.error.HTTPError):
        reason = f"the server's answer {error.code} {reason}"
    return (
        f"Expected to download {remote.url}. Received: {reason}. Type the command "
        f"again to continue, put the file at {str(path.absolute())!r}, or type "
        "--weights=none or --weights=PATH instead."
    )
