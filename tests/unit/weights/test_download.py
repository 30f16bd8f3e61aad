"""Downloads from a local server that may cut connections and ignore ranges."""

import hashlib
import http.server
import logging
import threading

import numpy as np
import pytest
from keras.src.applications import (
    convnext,
    efficientnet_v2,
    inception_resnet_v2,
    mobilenet_v3,
)

from mrcnn.errors import WeightsError
from mrcnn.weights import download as module
from mrcnn.weights.download import (
    KNOWN_FILES,
    RemoteFile,
    cache_folder,
    download,
    download_trained_weights,
    fetch,
)

CONTENT = np.random.default_rng(0).bytes(1_000_000)
MD5 = hashlib.md5(CONTENT).hexdigest()
DIGEST = f"md5:{MD5}"


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT as the server's attributes say."""

    def do_GET(self):
        server = self.server
        asked = self.headers.get("Range")
        server.ranges.append(asked)
        start = 0
        if asked and server.knows_ranges:
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            if start >= len(server.content):
                self.send_error(416)
                return
            self.send_response(206)
            shown = start + server.range_error
            self.send_header(
                "Content-Range",
                f"bytes {shown}-{len(server.content) - 1}/{len(server.content)}",
            )
        else:
            self.send_response(server.status)
        body = server.content[start:]
        if server.tells_length:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        cut = server.cuts.pop(0) if server.cuts else len(body)
        self.wfile.write(body[:cut])

    def log_message(self, *args):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(module, "_WAIT_S", 0)
    for proxy in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(proxy, raising=False)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.content = CONTENT
    server.knows_ranges = server.tells_length = True
    server.status, server.range_error = 200, 0
    server.cuts, server.ranges = [], []
    server.url = f"http://127.0.0.1:{server.server_port}/folder/file.h5"
    server.handle_error = lambda *args: None  # a client that hangs up is expected
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def remote(server):
    return RemoteFile(server.url, size=len(CONTENT), digest=DIGEST)


def assert_whole(path):
    assert path.read_bytes() == CONTENT
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_download_makes_the_folder_and_the_file(server, remote, tmp_path):
    path = tmp_path / "new" / "file.h5"
    download(remote, path)
    assert_whole(path)
    assert server.ranges == [None]


def test_a_whole_file_is_not_downloaded_again(server, remote, tmp_path):
    path = tmp_path / "file.h5"
    path.write_bytes(CONTENT)
    download(remote, path)
    assert server.ranges == []


@pytest.mark.parametrize("wrong", [CONTENT[:-1], b"", b"x" + CONTENT[1:]])
def test_a_damaged_file_is_downloaded_again(server, remote, tmp_path, caplog, wrong):
    path = tmp_path / "file.h5"
    path.write_bytes(wrong)
    download(remote, path)
    assert_whole(path)
    assert f"{path} is damaged (" in caplog.text
    expected = f"{len(wrong):,} bytes instead of" if len(wrong) < 10**6 else "MD5 "
    assert expected in caplog.text


def test_a_file_is_known_by_sha256(server, tmp_path, caplog):
    path, digest = tmp_path / "file.h5", hashlib.sha256(CONTENT).hexdigest()
    path.write_bytes(b"x" + CONTENT[1:])
    download(RemoteFile(server.url, digest=f"sha256:{digest}"), path)
    assert_whole(path)
    assert f"instead of {digest}" in caplog.text


def test_files_are_those_that_keras_applications_downloads():
    """Addresses and digests of the library that is installed."""
    efficientnet = efficientnet_v2.WEIGHTS_HASHES
    for size in ("b0", "b1", "b2", "b3", "-s", "-m", "-l"):
        remote = KNOWN_FILES[f"imagenet-efficientnet_v2_{size.strip('-')}"]
        name = f"efficientnetv2-{size.strip('-')}_notop.h5"
        assert remote.url == f"{efficientnet_v2.BASE_WEIGHTS_PATH}{name}"
        assert remote.digest == f"md5:{efficientnet[size][1]}"
    for size in ("small", "large"):
        remote = KNOWN_FILES[f"imagenet-mobilenet_v3_{size}"]
        name = f"weights_mobilenet_v3_{size}_224_1.0_float_no_top_v2.h5"
        assert remote.url == mobilenet_v3.BASE_WEIGHT_PATH + name
        _, digest = mobilenet_v3.WEIGHTS_HASHES[f"{size}_224_1.0_float"]
        assert remote.digest == f"md5:{digest}"
    for size in ("tiny", "small", "base"):
        remote = KNOWN_FILES[f"imagenet-convnext_{size}"]
        assert remote.url == f"{convnext.BASE_WEIGHTS_PATH}convnext_{size}_notop.h5"
        _, digest = convnext.WEIGHTS_HASHES[f"convnext_{size}"]
        assert remote.digest == f"sha256:{digest}"
    remote = KNOWN_FILES["imagenet-inception_resnet_v2"]
    assert remote.url == inception_resnet_v2.BASE_WEIGHT_URL + remote.file_name


def test_a_part_is_continued(server, remote, tmp_path):
    (tmp_path / "file.h5.part").write_bytes(CONTENT[:300_000])
    download(remote, tmp_path / "file.h5")
    assert_whole(tmp_path / "file.h5")
    assert server.ranges == ["bytes=300000-"]


def test_a_server_without_ranges_begins_again(server, remote, tmp_path):
    server.knows_ranges = False
    (tmp_path / "file.h5.part").write_bytes(b"z" * 300_000)
    download(remote, tmp_path / "file.h5")
    assert_whole(tmp_path / "file.h5")


@pytest.mark.parametrize("size", [len(CONTENT), None])
def test_a_whole_part_needs_only_its_name(server, tmp_path, size):
    (tmp_path / "file.h5.part").write_bytes(CONTENT)
    download(RemoteFile(server.url, size=size, digest=DIGEST), tmp_path / "file.h5")
    assert_whole(tmp_path / "file.h5")


@pytest.mark.parametrize("knows_ranges", [True, False])
def test_cut_connections_are_continued(server, remote, tmp_path, knows_ranges):
    server.knows_ranges = knows_ranges
    server.cuts = [300_000, 400_000]
    download(remote, tmp_path / "file.h5")
    assert_whole(tmp_path / "file.h5")
    # With ranges the second connection begins where the first was cut.
    assert server.ranges == [
        None,
        "bytes=300000-",
        f"bytes={700_000 if knows_ranges else 400_000}-",
    ]


def test_without_a_length_the_known_size_tells_the_end(server, remote, tmp_path):
    server.tells_length = False
    server.cuts = [300_000]
    download(remote, tmp_path / "file.h5")
    assert_whole(tmp_path / "file.h5")


def test_a_server_that_sends_nothing_is_given_up_and_the_part_kept(
    server, remote, tmp_path
):
    server.cuts = [300_000] + [0] * 10
    with pytest.raises(WeightsError) as caught:
        download(remote, tmp_path / "file.h5")
    message = str(caught.value)
    assert "the connection was closed before the end" in message
    assert "Type the command again to continue" in message
    assert (tmp_path / "file.h5.part").read_bytes() == CONTENT[:300_000]
    assert not (tmp_path / "file.h5").exists()
    assert len(server.ranges) == 1 + 5
    server.cuts = []
    download(remote, tmp_path / "file.h5")
    assert_whole(tmp_path / "file.h5")


@pytest.mark.parametrize("content", [CONTENT[:-9], CONTENT + b"more"])
def test_another_size_is_an_error_and_removed(server, remote, tmp_path, content):
    server.content = content
    with pytest.raises(WeightsError) as caught:
        download(remote, tmp_path / "file.h5")
    assert f"{len(content):,} bytes instead of 1,000,000" in str(caught.value)
    assert str(tmp_path / "file.h5") in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_another_hash_is_an_error_and_removed(server, remote, tmp_path):
    server.content = b"x" + CONTENT[1:]
    with pytest.raises(WeightsError, match=f"MD5 .* instead of {MD5}"):
        download(remote, tmp_path / "file.h5")
    assert list(tmp_path.iterdir()) == []


def test_a_range_that_was_not_asked_for_is_not_written(server, remote, tmp_path):
    server.range_error = 5
    (tmp_path / "file.h5.part").write_bytes(CONTENT[:100])
    with pytest.raises(WeightsError, match="when asked for bytes from 100"):
        download(remote, tmp_path / "file.h5")
    assert (tmp_path / "file.h5.part").read_bytes() == CONTENT[:100]


def test_refusal_of_the_server_is_named(server, remote, tmp_path):
    server.status = 404
    with pytest.raises(WeightsError, match="the server's answer 404 Not Found"):
        download(remote, tmp_path / "file.h5")


def test_no_network_says_url_place_and_alternative(server, tmp_path, monkeypatch):
    server.server_close()
    monkeypatch.setitem(KNOWN_FILES, "coco", RemoteFile(server.url, size=5))
    with pytest.raises(WeightsError) as caught:
        fetch("coco", tmp_path)
    message = str(caught.value)
    assert message.startswith(f"Expected to download {server.url}. Received: ")
    assert f"put the file at {str(tmp_path / 'file.h5')!r}" in message
    assert "--weights=none or --weights=PATH" in message
    assert "\n" not in message


def test_an_unknown_host_is_no_network(tmp_path):
    remote = RemoteFile("http://no-such-host.invalid/file.h5", size=5)
    with pytest.raises(WeightsError, match="Expected to download http://no-such-host"):
        download(remote, tmp_path / "file.h5")


def test_fetch_keeps_files_in_the_cache(server, remote, tmp_path, monkeypatch):
    monkeypatch.setitem(KNOWN_FILES, "coco", remote)
    monkeypatch.setenv("MRCNN_HOME", str(tmp_path / "home"))
    for _ in range(2):
        path = fetch("coco")
        assert path == tmp_path / "home" / "file.h5"
        assert_whole(path)
    assert len(server.ranges) == 1


def test_fetch_of_an_unknown_name():
    with pytest.raises(WeightsError, match=r"'cocoo'\. Did you mean 'coco'\?"):
        fetch("cocoo")


def test_download_trained_weights_goes_to_the_path(
    server, remote, tmp_path, monkeypatch
):
    monkeypatch.setitem(KNOWN_FILES, "coco", remote)
    assert download_trained_weights(str(tmp_path / "mine.h5"), verbose=0) is None
    assert_whole(tmp_path / "mine.h5")


def test_the_cache_folder_follows_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    for name in ("MRCNN_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    assert cache_folder() == tmp_path / ".cache" / "mrcnn"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "mrcnn"
    monkeypatch.setenv("MRCNN_HOME", "~/weights")
    assert cache_folder() == tmp_path / "weights"


def test_progress_is_drawn_on_a_terminal_only(server, remote, tmp_path, capfd, caplog):
    with caplog.at_level(logging.INFO, "mrcnn"):
        download(remote, tmp_path / "file.h5")
    out = capfd.readouterr()
    assert out.out == ""
    assert "%" not in out.err  # standard error is no terminal here
    assert f"Downloading {server.url}" in caplog.text


def test_the_coco_file_is_the_originals():
    coco = KNOWN_FILES["coco"]
    assert coco.size == 257_557_808
    assert coco.file_name == "mask_rcnn_coco.h5"
