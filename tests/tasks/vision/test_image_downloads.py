"""Downloads, from a server that the test starts on this machine."""

from __future__ import annotations

import functools
import gc
import hashlib
import http.server
import io
import re
import sys
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from nmcourse.tasks import ImageFileError, fetch_images, read_cifar, read_idx
from nmcourse.tasks.vision.image_downloads import SOURCES, Source

PIXELS = bytes(range(256)) * 12


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves files without a word."""

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Address and folder of a server."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = functools.partial(Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}/", folder
        running.shutdown()
        thread.join()


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


@pytest.fixture
def mnist(server: tuple[str, Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four files of two images in place of MNIST."""
    address, folder = server
    for start in ("train", "t10k"):
        images = bytes([0, 0, 8, 3, *[0, 0, 0, 2] * 3, *range(8)])
        (folder / f"{start}-images-idx3-ubyte").write_bytes(images)
        (folder / f"{start}-labels-idx1-ubyte").write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 2, 3, 4]))
    files = {path.name: md5(path) for path in folder.iterdir()}
    monkeypatch.setitem(SOURCES, "mnist", Source(address, files))
    return folder


@pytest.fixture
def cifar(server: tuple[str, Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """An archive of one image in each file in place of CIFAR-10."""
    address, folder = server
    archive = folder / "cifar.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for name in SOURCES["cifar-10"].unpack:
            content = b"\n".join(b"class" for _ in range(10)) if "txt" in name else b"\7" + PIXELS
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    source = Source(address, {archive.name: md5(archive)}, SOURCES["cifar-10"].unpack)
    monkeypatch.setitem(SOURCES, "cifar-10", source)
    return archive


def test_idx_files_are_fetched_and_read(mnist: Path, tmp_path: Path):
    where = fetch_images("mnist", tmp_path / "data")
    assert where == tmp_path / "data" / "mnist"
    assert read_idx(where, "test").labels.tolist() == [3, 4]
    for path in mnist.iterdir():
        path.unlink()
    assert fetch_images("mnist", tmp_path / "data") == where  # nothing is downloaded again


def test_an_archive_is_fetched_unpacked_and_noted(cifar: Path, tmp_path: Path):
    where = fetch_images("cifar-10", tmp_path / "data")
    assert read_cifar(where).labels.tolist() == [7] * 5
    (where / "data_batch_1.bin").write_bytes(b"\7" + PIXELS[::-1])
    with pytest.raises(ImageFileError, match="is not the file that was downloaded"):
        read_cifar(where)
    fetch_images("cifar-10", tmp_path / "data")  # mends it
    assert read_cifar(where).labels.tolist() == [7] * 5


def test_a_file_with_another_checksum_is_refused(mnist: Path, tmp_path: Path):
    (mnist / "t10k-labels-idx1-ubyte").write_bytes(b"something else")
    with pytest.raises(ImageFileError, match="t10k-labels-idx1-ubyte is not the published file"):
        fetch_images("mnist", tmp_path / "data")
    assert not (tmp_path / "data" / "mnist" / "t10k-labels-idx1-ubyte").exists()


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # of requests, for an answer that failed
def test_a_file_that_is_not_there_names_address_and_folder(mnist: Path, tmp_path: Path):
    (mnist / "train-images-idx3-ubyte").unlink()
    message = "train-images-idx3-ubyte cannot be downloaded"
    with pytest.raises(ConnectionError, match=message) as error:
        fetch_images("mnist", tmp_path / "data")
    assert str(tmp_path / "data" / "mnist") in str(error.value)
    del error
    gc.collect()  # here, where its warning is expected


def test_an_archive_without_a_file_is_named(
    cifar: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    source = SOURCES["cifar-10"]
    monkeypatch.setitem(SOURCES, "cifar-10", Source(source.address, source.files, ("other.bin",)))
    with pytest.raises(ImageFileError, match=re.escape("must hold a file other.bin")):
        fetch_images("cifar-10", tmp_path)


def test_without_pooch_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(ImportError, match=re.escape('pip install "nmcourse[data]"')):
        fetch_images("mnist", tmp_path)


def test_an_unknown_set_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match=r"name must be one of .*got 'imagenet'"):
        fetch_images("imagenet", tmp_path)


def test_every_published_file_has_a_checksum_and_a_safe_address():
    for source in SOURCES.values():
        assert source.address.startswith("https://")
        assert all(re.fullmatch("[0-9a-f]{32}", checksum) for checksum in source.files.values())
