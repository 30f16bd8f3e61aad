"""Files of the zoo's graphs: which is meant, and archives that mean no good."""

import gzip
import hashlib
import io
import re
import tarfile

import numpy as np
import pytest

from mrcnn.errors import WeightsError
from mrcnn.weights import download
from mrcnn.weights import zoo as module
from mrcnn.weights.zoo import fetch_graph, find_graph, is_graph, read_graph

GRAPH = np.random.default_rng(0).bytes(3000)
NAME = "mask_rcnn_x/frozen_inference_graph.pb"


def archive(path, *members):
    """Write a .tar.gz of (name, content, attributes of the TarInfo)."""
    with tarfile.open(path, "w:gz") as file:
        for name, content, attributes in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            for key, value in attributes.items():
                setattr(info, key, value)
            file.addfile(info, io.BytesIO(content))
    return path


def raw_archive(path, *headers: tarfile.TarInfo, content=b""):
    """Write headers as they are, whatever they claim, and content behind them."""
    blocks = b"".join(header.tobuf(tarfile.GNU_FORMAT) for header in headers)
    path.write_bytes(gzip.compress(blocks + content))
    return path


def header(name, size, kind=tarfile.REGTYPE):
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    return info


def refusal(path) -> str:
    with pytest.raises(WeightsError) as caught:
        read_graph(path)
    message = str(caught.value)
    assert f"Expected a frozen graph, or an archive (.tar.gz) with {NAME[12:]}." in (
        message
    )
    assert f"Received: {path} (" in message
    return message


def test_what_is_a_graph(tmp_path):
    for name in ("saved/saved_model.pb", "frozen/frozen_inference_graph.pb", "no/x.h5"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    graphs = ["zoo:inception_v2", "zoo:nothing", "a/b.pb", "x.tar.gz", "x.tgz"]
    graphs += [tmp_path / "saved", tmp_path / "frozen", str(tmp_path / "saved")]
    others = ["last", "best", "coco", "a.h5", tmp_path / "no", "frozen", "zoo"]
    assert [is_graph(name) for name in graphs] == [True] * len(graphs)
    assert [is_graph(name) for name in others] == [False] * len(others)
    for name, found in (
        ("saved", "saved"),
        ("saved/saved_model.pb", "saved"),
        ("frozen", "frozen/frozen_inference_graph.pb"),
        ("no/x.pb", "no/x.pb"),
    ):
        assert find_graph(tmp_path / name) == tmp_path / found


def test_a_graph_in_an_archive(tmp_path):
    others = [("mask_rcnn_x/" + name, b"x" * 3000, {}) for name in ("model", "config")]
    folder = ("mask_rcnn_x", b"", {"type": tarfile.DIRTYPE})
    graph = (NAME, GRAPH, {})
    path = archive(tmp_path / "a.tar.gz", folder, *others, graph, *others)
    assert read_graph(path) == GRAPH
    assert read_graph(archive(tmp_path / "b.tgz", graph)) == GRAPH
    plain = tmp_path / "a.pb"
    plain.write_bytes(GRAPH)
    assert read_graph(plain) == GRAPH


@pytest.mark.parametrize(
    "name",
    [f"../../{NAME}", f"/etc/{NAME}", "..", "/tmp/evil", "C:\\evil", "a/../../evil"],
)
def test_names_in_an_archive_become_no_paths(tmp_path, name):
    folder = tmp_path / "deep" / "deeper"
    folder.mkdir(parents=True)
    path = archive(folder / "a.tar.gz", (name, b"evil", {}), (NAME, GRAPH, {}))
    assert read_graph(path) == (b"evil" if name.endswith(NAME) else GRAPH)
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == [path]


@pytest.mark.parametrize(
    "attributes",
    [
        {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"},
        {"type": tarfile.LNKTYPE, "linkname": "../secret"},
        {"type": tarfile.LNKTYPE, "linkname": "secret"},
        {"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 5},
        {"type": tarfile.BLKTYPE},
        {"type": tarfile.FIFOTYPE},
        {"type": tarfile.DIRTYPE},
    ],
)
def test_only_a_file_is_a_graph(tmp_path, attributes):
    (tmp_path / "secret").write_bytes(b"secret")
    secret = ("secret", b"secret", {})
    path = archive(tmp_path / "a.tar.gz", secret, (NAME, b"", attributes))
    assert "no such file of at most 1024 MB in it" in refusal(path)


def test_an_archive_without_a_graph(tmp_path):
    path = archive(tmp_path / "a.tar.gz", ("x/saved_model/saved_model.pb", b"x", {}))
    assert "(no such file of" in refusal(path)
    assert "give the folder with the graph, or the folder saved_mo" in refusal(path)


def test_a_graph_that_is_too_large(tmp_path, monkeypatch):
    path = archive(tmp_path / "a.tar.gz", (NAME, GRAPH, {}))
    monkeypatch.setattr(module, "_MOST_OF_GRAPH", len(GRAPH))
    assert read_graph(path) == GRAPH
    monkeypatch.setattr(module, "_MOST_OF_GRAPH", len(GRAPH) - 1)
    assert "no such file of at most" in refusal(path)


def test_more_files_than_there_should_be(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_MOST_FILES", 3)
    many = [("x", b"", {})] * 2
    assert read_graph(archive(tmp_path / "a.tgz", *many, (NAME, GRAPH, {}))) == GRAPH
    path = archive(tmp_path / "b.tgz", *many, many[0], (NAME, GRAPH, {}))
    assert "no such file" in refusal(path)


@pytest.mark.parametrize(
    ("headers", "problem"),
    [
        # A file of 5 GB before the graph, of which nothing is there.
        ([header("x", 5 << 30), header(NAME, 9)], "more than 4 GB unpacked"),
        ([header("x", 1 << 60), header(NAME, 9)], "more than 4 GB unpacked"),
        # Names and attributes of a terabyte, which tarfile reads into memory.
        ([header("x", 1 << 40, tarfile.GNUTYPE_LONGNAME)], "a file header too large"),
        ([header("x", 1 << 40, tarfile.XHDTYPE)], "a file header too large"),
        # Less than it says, and an end in the middle.
        ([header(NAME, 1000)], "unexpected end of data"),
        ([header("x", 1000), header(NAME, 9)], "unexpected end of data"),
        # A header of a header of a header.
        ([header("x", 0, tarfile.XHDTYPE)] * 5000, "recursion"),
    ],
)
def test_sizes_that_are_not_true(tmp_path, headers, problem):
    assert problem in refusal(raw_archive(tmp_path / "a.tar.gz", *headers))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "empty file"),
        (b"text, no archive at all", "Not a gzipped file"),
        (gzip.compress(b"text, no archive at all" * 99), "header"),
        (lambda whole: whole[: len(whole) // 2], "end"),
        (lambda whole: whole[:-5], "end"),
        (lambda whole: whole[:1000] + b"\0\xff" * 9 + whole[1018:], "CRC check failed"),
    ],
    ids=["empty", "text", "zipped text", "half", "no checksum", "changed bytes"],
)
def test_damaged_archives(tmp_path, content, problem):
    path = archive(tmp_path / "a.tar.gz", (NAME, GRAPH, {}))
    whole = path.read_bytes()
    path.write_bytes(content(whole) if callable(content) else content)
    assert problem in refusal(path)


def test_a_file_that_is_not_there(tmp_path):
    assert "(No such file or directory)" in refusal(tmp_path / "a.pb")
    assert "(No such file or directory)" in refusal(tmp_path / "a.tar.gz")


@pytest.fixture
def known(tmp_path, monkeypatch):
    """A known model whose archive is in the cache folder, but nowhere else."""
    path = archive(tmp_path / "graph.tar.gz", (NAME, GRAPH, {}))
    content = path.read_bytes()
    remote = download.RemoteFile(
        "http://no-such-host.invalid/graph.tar.gz",
        size=len(content),
        digest=f"sha256:{hashlib.sha256(content).hexdigest()}",
    )
    monkeypatch.setitem(download.KNOWN_FILES, "zoo:resnet50", remote)
    monkeypatch.setattr(download, "_WAIT_S", 0)
    return path


def test_a_known_graph_is_unpacked_once(known, tmp_path):
    path = find_graph("zoo:resnet50", tmp_path)
    assert path == tmp_path / "graph.pb"
    assert path.read_bytes() == GRAPH
    assert {file.name for file in tmp_path.iterdir()} == {"graph.pb", "graph.tar.gz"}
    known.unlink()
    assert fetch_graph("zoo:resnet50", tmp_path) == path


def test_a_known_archive_that_is_not_what_it_was(known, tmp_path, caplog):
    content = bytearray(known.read_bytes())
    content[-5] ^= 1
    known.write_bytes(content)
    with pytest.raises(WeightsError, match="Expected to download http://no-such-host"):
        fetch_graph("zoo:resnet50", tmp_path)
    assert "SHA256 " in caplog.text
    assert not (tmp_path / "graph.pb").exists()


def test_a_graph_that_cannot_be_written(known, tmp_path, monkeypatch):
    def full(self, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    with pytest.raises(WeightsError, match=r"Expected to write .*graph\.pb.*No space"):
        fetch_graph("zoo:resnet50", tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["graph.tar.gz"]


def test_an_unknown_name():
    with pytest.raises(WeightsError, match=r"'zoo:resnet5'\. Did you mean 'zoo:resne"):
        find_graph("zoo:resnet5")


def test_the_known_models_are_the_zoos():
    names = ("inception_v2", "inception_resnet_v2_atrous", "resnet50_atrous")
    known = {
        name: file
        for name, file in download.KNOWN_FILES.items()
        if name.startswith("zoo:")
    }
    assert [file.file_name for file in known.values()] == [
        f"mask_rcnn_{name}_coco_2018_01_28.tar.gz"
        for name in (*names, "resnet101_atrous")
    ]
    for name, file in known.items():
        assert is_graph(name)
        assert re.fullmatch("sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}", file.digest)
