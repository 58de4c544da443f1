"""Files of image sets: written here in the published formats, read back, and damaged."""

from __future__ import annotations

import gzip
import hashlib
import re
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch

from nmcourse.tasks import (
    FASHION_CLASSES,
    ImageFileError,
    read_cifar,
    read_idx,
    read_image_folder,
)

FASHION = partial(read_idx, class_names=FASHION_CLASSES)
CIFAR_10 = [f"data_batch_{k}.bin" for k in range(1, 6)]


def complains(message: str, kind: type[Exception] = ImageFileError):
    return pytest.raises(kind, match=re.escape(message))


def idx(values: np.ndarray) -> bytes:
    """Bytes of an IDX file: two zeros, 8 for bytes, number of axes, sizes, values."""
    sizes = b"".join(int(n).to_bytes(4, "big") for n in values.shape)
    return bytes([0, 0, 8, values.ndim]) + sizes + values.tobytes()


@pytest.fixture
def numbers() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def mnist(tmp_path: Path, numbers: np.random.Generator) -> dict[str, np.ndarray]:
    """A folder with 6 training and 4 test images of 5 x 7 pixels."""
    arrays = {}
    for start, n in (("train", 6), ("t10k", 4)):
        images = numbers.integers(0, 256, (n, 5, 7), dtype=np.uint8)
        labels = numbers.integers(0, 10, n, dtype=np.uint8)
        arrays |= {f"{start}-images-idx3-ubyte": images, f"{start}-labels-idx1-ubyte": labels}
    for name, values in arrays.items():
        (tmp_path / name).write_bytes(idx(values))
    return arrays


@pytest.mark.parametrize(("split", "start"), [("train", "train"), ("test", "t10k")])
@pytest.mark.parametrize("packed", [False, True])
def test_idx_files_are_read_packed_or_not(
    tmp_path: Path, mnist: dict[str, np.ndarray], split: str, start: str, packed: bool
):
    if packed:
        for path in list(tmp_path.iterdir()):
            path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes()))
            path.unlink()
    found = read_idx(tmp_path, split, class_names=FASHION_CLASSES)
    images, labels = (mnist[f"{start}-{kind}-ubyte"] for kind in ("images-idx3", "labels-idx1"))
    assert torch.equal(found.images[:, 0] * 255, torch.as_tensor(images).float())
    assert found.labels.tolist() == labels.tolist()
    assert found.class_names == FASHION_CLASSES
    assert found.size == (5, 7)


def test_idx_damage_is_named(tmp_path: Path, mnist: dict[str, np.ndarray]):
    path = tmp_path / "train-images-idx3-ubyte"
    whole = path.read_bytes()
    damages = {
        whole[:-1]: "must hold 6 x 5 x 7 = 210 bytes after its header, got 209",
        whole + b"0": "must hold 6 x 5 x 7 = 210 bytes after its header, got 211",
        whole[:10]: "is truncated: it ends after 10 bytes",
        b"": "must begin with 00000803 (IDX, bytes, 3 axes), got an empty file",
        b"\0\0\x0d\x03" + whole[4:]: "must begin with 00000803 (IDX, bytes, 3 axes), got 00000d03",
        idx(np.zeros((0, 5, 7), np.uint8)): "holds no image",
        idx(np.zeros((5, 5, 7), np.uint8)): "must hold one label for each of the 5 images of "
        "train-images-idx3-ubyte, got 6",
    }
    for content, message in damages.items():
        path.write_bytes(content)
        with complains(message):
            read_idx(tmp_path)
    path.write_bytes(whole)
    assert len(read_idx(tmp_path)) == 6


def test_a_label_without_a_class_is_an_error(tmp_path: Path, mnist: dict[str, np.ndarray]):
    path = tmp_path / "train-labels-idx1-ubyte"
    path.write_bytes(idx(np.array([0, 1, 2, 3, 4, 10], np.uint8)))
    with complains(f"{path} holds the label 10, but there are 10 classes"):
        read_idx(tmp_path)


def test_a_damaged_gz_file_is_named(tmp_path: Path, mnist: dict[str, np.ndarray]):
    path = tmp_path / "train-images-idx3-ubyte"
    packed = gzip.compress(path.read_bytes())
    path.unlink()
    path = tmp_path / "train-images-idx3-ubyte.gz"
    altered = bytearray(packed)
    altered[len(packed) // 2] ^= 1
    for content in (packed[:-20], bytes(altered), b"not a gz file"):
        path.write_bytes(content)
        with complains(f"{path} is truncated or altered"):
            read_idx(tmp_path)


def test_what_is_missing_and_where_it_was_looked_for(tmp_path: Path):
    with complains(f"looked for {tmp_path / 'nowhere'}", FileNotFoundError):
        read_idx(tmp_path / "nowhere")
    message = "no file train-images-idx3-ubyte (or train-images-idx3-ubyte.gz): looked in "
    with complains(f"{message}{tmp_path}, which holds nothing", FileNotFoundError):
        read_idx(tmp_path)
    (tmp_path / "notes.txt").write_text("")
    with complains(f"{message}{tmp_path}, which holds notes.txt", FileNotFoundError):
        read_idx(tmp_path)
    with complains("no file batches.meta.txt", FileNotFoundError):
        read_cifar(tmp_path)
    with complains("no file fine_label_names.txt", FileNotFoundError):
        read_cifar(tmp_path, n_classes=100)


def cifar(folder: Path, n_classes: int, numbers: np.random.Generator) -> dict[str, np.ndarray]:
    """Write a folder of CIFAR with three images in each file."""
    n_labels, names = {10: (1, "batches.meta.txt"), 100: (2, "fine_label_names.txt")}[n_classes]
    files = [*CIFAR_10, "test_batch.bin"] if n_classes == 10 else ["train.bin", "test.bin"]
    records = {}
    for name in files:
        records[name] = numbers.integers(0, 256, (3, n_labels + 3072), dtype=np.uint8)
        records[name][:, :n_labels] = numbers.integers(0, n_classes, (3, n_labels))
        (folder / name).write_bytes(records[name].tobytes())
    text = "\n".join(f"class {k}" for k in range(n_classes)) + "\n\n"  # ends with an empty line
    (folder / names).write_text(text)
    return records


@pytest.mark.parametrize("n_classes", [10, 100])
def test_cifar_is_read(tmp_path: Path, numbers: np.random.Generator, n_classes: int):
    records = cifar(tmp_path, n_classes, numbers)
    for split in ("train", "test"):
        found = read_cifar(tmp_path, split, n_classes=torch.tensor(n_classes))
        rows = np.concatenate([v for k, v in records.items() if ("test" in k) == (split == "test")])
        pixels = rows[:, -3072:].reshape(-1, 3, 32, 32)  # red, green, blue, each row by row
        assert torch.equal(found.images * 255, torch.as_tensor(pixels).float())
        assert found.labels.tolist() == rows[:, -3073].tolist()  # the last label: the fine one
        assert found.class_names[-1] == f"class {n_classes - 1}"


def test_cifar_damage_is_named(tmp_path: Path, numbers: np.random.Generator):
    cifar(tmp_path, 10, numbers)
    path = tmp_path / "data_batch_3.bin"
    whole = path.read_bytes()
    for content in (whole[:-1], b""):
        path.write_bytes(content)
        with complains(
            f"{path} must hold whole images of 3073 bytes, got {len(content)} bytes: it is "
            "truncated or not CIFAR-10 in the binary version"
        ):
            read_cifar(tmp_path)
    path.write_bytes(b"\x0a" + whole[1:])
    with complains(f"{path} holds the label 10, but there are 10 classes"):
        read_cifar(tmp_path)
    path.unlink()
    with complains("no file data_batch_3.bin", FileNotFoundError):
        read_cifar(tmp_path)
    (tmp_path / "batches.meta.txt").write_text("cat\ndog\n")
    with complains("batches.meta.txt must name 10 classes, got 2"):
        read_cifar(tmp_path, "test")


def test_an_altered_pixel_is_noticed_where_checksums_lie_beside(
    tmp_path: Path, numbers: np.random.Generator
):
    cifar(tmp_path, 10, numbers)
    path = tmp_path / "test_batch.bin"
    altered = bytearray(path.read_bytes())
    sums = f"{hashlib.sha256(altered).hexdigest()}  test_batch.bin\n"
    (tmp_path / "SHA256SUMS").write_text(sums)
    assert len(read_cifar(tmp_path, "test")) == 3
    altered[100] ^= 1
    path.write_bytes(altered)
    with complains(f"{path} is not the file that was downloaded"):
        read_cifar(tmp_path, "test")
    (tmp_path / "SHA256SUMS").unlink()
    assert len(read_cifar(tmp_path, "test")) == 3  # nothing to compare with


def test_bad_requests(tmp_path: Path):
    for read in (read_idx, read_cifar):
        with complains("split must be 'train' or 'test', got 'all'", ValueError):
            read(tmp_path, "all")
    with complains("n_classes must be 10 or 100, got 20", ValueError):
        read_cifar(tmp_path, n_classes=20)


def moved(folder: Path, place: str, rename=lambda name: name) -> None:
    """Move all files of a folder to one below it, under other names."""
    contents = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    for name in contents:
        (folder / name).unlink()
    for name, content in contents.items():
        target = folder / place / rename(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


@pytest.mark.parametrize(
    ("place", "rename"),
    [
        (".", lambda name: name.replace("-idx", ".idx")),
        (".", lambda name: f"{name}/{name}"),
        (".", lambda name: f"{name}/{name.replace('-idx', '.idx')}"),
        (".", lambda name: f"{name.replace('-idx', '.idx')}/{name}"),
        ("MNIST/raw", lambda name: name),
        ("raw", lambda name: name),
        ("mnist", lambda name: name),
        ("archive", lambda name: f"{name}/{name}"),
    ],
    ids=range(8),
)
@pytest.mark.parametrize("packed", ["as named", "not, named .gz", "named without .gz"])
def test_mnist_as_people_have_it(
    tmp_path: Path, mnist: dict[str, np.ndarray], place: str, rename, packed: str
):
    moved(tmp_path, place, rename)
    for path in [path for path in tmp_path.rglob("*ubyte") if path.is_file()]:
        if packed == "named without .gz":
            path.write_bytes(gzip.compress(path.read_bytes()))
        elif packed == "not, named .gz":
            path.rename(path.with_name(f"{path.name}.gz"))
    for split, start in (("train", "train"), ("test", "t10k")):
        found = read_idx(tmp_path, split)
        assert torch.equal(
            found.images[:, 0] * 255, torch.as_tensor(mnist[f"{start}-images-idx3-ubyte"]).float()
        )


def test_two_sets_in_one_folder_are_named(tmp_path: Path, mnist: dict[str, np.ndarray]):
    for name in ("mnist", "fashion-mnist"):
        (tmp_path / name).mkdir()
        for kind in ("images-idx3", "labels-idx1"):
            source = tmp_path / f"train-{kind}-ubyte"
            (tmp_path / name / source.name).write_bytes(source.read_bytes())
    assert len(read_idx(tmp_path)) == 6  # what lies in the folder itself comes first
    for path in tmp_path.glob("*ubyte"):
        path.unlink()
    with complains("in fashion-mnist, mnist: give one of these folders", FileNotFoundError):
        read_idx(tmp_path)


def test_images_and_labels_come_from_one_folder(tmp_path: Path, mnist: dict[str, np.ndarray]):
    moved(tmp_path, "MNIST/raw")
    labels = "train-labels-idx1-ubyte"
    (tmp_path / labels).write_bytes(idx(np.full(6, 3, np.uint8)))  # of something else
    assert read_idx(tmp_path).labels.tolist() == mnist[labels].tolist()
    (tmp_path / "MNIST/raw" / labels).unlink()
    with complains("no file train-images-idx3-ubyte", FileNotFoundError):
        read_idx(tmp_path)


def test_a_hidden_or_deep_folder_is_not_looked_into(tmp_path: Path, mnist: dict[str, np.ndarray]):
    for place in (".cache", "a/b/c"):
        moved(tmp_path, place)
        with complains("no file train-images-idx3-ubyte", FileNotFoundError):
            read_idx(tmp_path)
        for path in (tmp_path / place).iterdir():
            path.rename(tmp_path / path.name)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<!DOCTYPE html><html>no", "it is a web page, and not what should have been downloaded"),
        (b"\n  <HTML lang=en>", "it is a web page"),
        (b"\xef\xbb\xbf<html>", "it is a web page"),
        (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "it is a web page"),
        (b'{"message": "Not Found"}', "it is text of a server"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "it is a pointer of Git LFS"),
        (b"PK\x03\x04more", "it is a zip archive: unpack it"),
        (b"\x80\x04\x95more", "it is a pickle of Python"),
        (
            gzip.compress(gzip.compress(b"x", mtime=0), mtime=0),
            "it is packed with gzip, twice or more",
        ),
    ],
)
def test_what_was_downloaded_instead_is_named(
    tmp_path: Path, mnist: dict[str, np.ndarray], content: bytes, message: str
):
    official = tmp_path / "train-images-idx3-ubyte"
    official.unlink()
    for path in (official, official.with_name(f"{official.name}.gz")):
        for stored in (content, gzip.compress(content)):
            path.write_bytes(stored)
            with pytest.raises(ImageFileError, match=rf"{path} must begin with .*: {message}"):
                read_idx(tmp_path)
        path.unlink()


def test_a_file_in_place_of_its_folder(tmp_path: Path, mnist: dict[str, np.ndarray]):
    path = tmp_path / "train-images-idx3-ubyte"
    with complains(f"{path} is a file; give the folder that it lies in", FileNotFoundError):
        read_idx(path)


def test_an_archive_is_named(tmp_path: Path):
    (tmp_path / "cifar-10-binary.tar.gz").write_bytes(b"")
    for read in (read_idx, read_cifar):
        with complains("cifar-10-binary.tar.gz is an archive: unpack it", FileNotFoundError):
            read(tmp_path)


@pytest.mark.parametrize("n_classes", [10, 100])
def test_cifar_in_the_folder_above(tmp_path: Path, numbers: np.random.Generator, n_classes: int):
    place = {10: "cifar-10-batches-bin", 100: "cifar-100-binary"}[n_classes]
    (tmp_path / place).mkdir()
    records = cifar(tmp_path / place, n_classes, numbers)
    found = read_cifar(tmp_path, "test", n_classes=n_classes)
    assert (
        found.labels.tolist()
        == records[f"test{'_batch' * (n_classes == 10)}.bin"][:, -3073].tolist()
    )


@pytest.mark.parametrize("place", [".", "cifar-10-batches-py"])
def test_cifar_for_python_is_named(tmp_path: Path, place: str):
    (tmp_path / place).mkdir(exist_ok=True)
    files = {
        10: [*(f"data_batch_{k}" for k in range(1, 6)), "test_batch", "batches.meta"],
        100: ["train", "test", "meta"],
    }
    for n_classes, names in files.items():
        for name in names:
            (tmp_path / place / name).write_bytes(b"\x80\x04\x95pickled")
        message = (
            f"This is the version of CIFAR-{n_classes} for Python, which holds pickles and is not "
            f"read; take the binary version, cifar-{n_classes}-binary.tar.gz, or fetch_images"
        )
        with complains(message, FileNotFoundError):
            read_cifar(tmp_path, n_classes=n_classes)


def test_a_page_in_place_of_cifar(tmp_path: Path, numbers: np.random.Generator):
    cifar(tmp_path, 10, numbers)
    (tmp_path / "data_batch_2.bin").write_bytes(b"<html>404</html>")
    with complains("it is a web page, and not what should have been downloaded"):
        read_cifar(tmp_path)
    (tmp_path / "batches.meta.txt").write_text("<!doctype html>\n<p>404")
    with complains("batches.meta.txt must name 10 classes, got 2: it is a web page"):
        read_cifar(tmp_path)


@pytest.mark.parametrize(
    ("read", "called", "calls"),
    [
        (read_idx, "data", 'fetch_images("mnist", "{0}/data") or fetch_images("fashion-mnist", '
         '"{0}/data") downloads these files to it'),
        (read_idx, "mnist", 'fetch_images("mnist", "{0}") downloads these files to it'),
        (read_idx, "fashion-mnist", 'fetch_images("fashion-mnist", "{0}") downloads these files '
         "to it"),
        (FASHION, "fashion", 'fetch_images("fashion-mnist", "{0}/fashion") downloads these files '
         "to it"),
        (read_cifar, "data", 'fetch_images("cifar-10", "{0}/data") downloads these files to it'),
        (read_cifar, "cifar-10", 'fetch_images("cifar-10", "{0}") downloads these files to it'),
        (read_image_folder, "data", "It must hold one folder of pictures for each class"),
    ],
)  # fmt: skip
def test_a_folder_that_is_not_there(read, called, calls, tmp_path):
    where = tmp_path / called
    with pytest.raises(FileNotFoundError) as error:
        read(where)
    assert str(error.value) == f"no folder {where}: looked for {where}. {calls.format(tmp_path)}"


@pytest.mark.parametrize("called", ["mnist", "data"])
def test_the_call_in_the_message_puts_the_files_where_the_reader_looks(
    called: str, tmp_path: Path, mnist: dict[str, np.ndarray]
):
    where = tmp_path / called
    where.mkdir()
    with pytest.raises(FileNotFoundError) as error:
        read_idx(where)
    call = re.findall(r'fetch_images\("mnist", "([^"]*)"\)', str(error.value))
    place = Path(call[0]) / "mnist"  # what fetch_images makes of it
    place.mkdir(exist_ok=True)
    for path in sorted(tmp_path.glob("*ubyte")):
        path.rename(place / path.name)
    assert len(read_idx(where)) == len(mnist["train-labels-idx1-ubyte"])


def test_a_folder_without_the_files_says_where_they_come_from(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'fetch_images\("mnist", ') as error:
        read_idx(tmp_path)
    assert str(tmp_path) in str(error.value)


@pytest.mark.parametrize(("n_classes", "other"), [(10, 100), (100, 10)])
def test_the_other_cifar_is_named(tmp_path: Path, n_classes: Literal[10, 100], other: int):
    files = {10: ("test_batch.bin", "batches.meta.txt"), 100: ("test.bin", "fine_label_names.txt")}
    folder = tmp_path / f"cifar-{other}-binary"
    folder.mkdir()
    for name in files[other]:
        (folder / name).write_bytes(b"")
    said = f"This is the set with {other} classes: give n_classes={other}"
    with pytest.raises(FileNotFoundError, match=said):
        read_cifar(tmp_path, n_classes=n_classes)
