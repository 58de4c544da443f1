"""Files of images that were cut, altered or made to do harm: refused by name."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import re
import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import EpsImagePlugin, Image

from nmcourse.tasks import (
    ImageFileError,
    ImageFolder,
    ImageSet,
    read_cifar,
    read_idx,
    read_image_folder,
)
from nmcourse.tasks.vision import image_files
from tests.properties.damage import damaged, damages, folder, unless_refused

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


def idx(values: np.ndarray) -> bytes:
    sizes = b"".join(int(n).to_bytes(4, "big") for n in values.shape)
    return bytes([0, 0, 8, values.ndim]) + sizes + values.tobytes()


@st.composite
def pictures(draw) -> tuple[np.ndarray, np.ndarray]:
    """Images (image, height, width) and labels below ten."""
    numbers = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = [draw(st.integers(1, n)) for n in (6, 7, 7)]
    images = numbers.integers(0, 256, shape, dtype=np.uint8)
    return images, numbers.integers(0, 10, len(images), dtype=np.uint8)


def write(path: Path, content: bytes, packed: bool) -> Path:
    path = path.with_name(path.name + ".gz") if packed else path
    path.write_bytes(gzip.compress(content, mtime=0) if packed else content)
    return path


def same_set(one: ImageSet, two: ImageSet) -> bool:
    return torch.equal(one.images, two.images) and torch.equal(one.labels, two.labels)


@given(pictures(), st.booleans())
def test_images_are_read_as_they_were_written(arrays, packed):
    images, labels = arrays
    with folder() as where:
        write(where / IMAGES, idx(images), packed)
        write(where / LABELS, idx(labels), packed)
        found = read_idx(where)
    assert torch.equal((found.images[:, 0] * 255).round().byte(), torch.from_numpy(images))
    assert found.labels.tolist() == labels.tolist()


@given(pictures(), st.booleans(), st.sampled_from((IMAGES, LABELS)), damages())
def test_a_damaged_image_file_is_named(arrays, packed, name, damage):
    """Cut or longer: always. A flipped bit: in the header, or anywhere in a packed file."""
    with folder() as where:
        paths = {
            key: write(where / key, idx(values), packed)
            for key, values in zip((IMAGES, LABELS), arrays, strict=True)
        }
        before, path = read_idx(where), paths[name]
        header = None if packed else 16 if name == IMAGES else 8
        path.write_bytes(damaged(path.read_bytes(), damage, header))
        with unless_refused(ImageFileError, str(where)):
            assert same_set(read_idx(where), before)
            assert packed, "a plain file was read in spite of its damage"


@given(pictures(), st.sampled_from((IMAGES, LABELS)), damages(), st.booleans())
def test_with_checksums_nothing_altered_is_read(arrays, name, damage, packed):
    with folder() as where:
        paths = [
            write(where / key, idx(values), packed)
            for key, values in zip((IMAGES, LABELS), arrays, strict=True)
        ]
        sums = [f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.name}\n" for p in paths]
        (where / "SHA256SUMS").write_text("".join(sums))
        read_idx(where)
        path = paths[name == LABELS]
        path.write_bytes(damaged(path.read_bytes(), damage))
        with pytest.raises(ImageFileError, match=f"{name}.*SHA-256 differs"):
            read_idx(where)


@given(pictures(), damages())
def test_damaged_checksums_hide_nothing(arrays, damage):
    """Whatever became of the list, an altered image is not read without a word."""
    images, labels = arrays
    with folder() as where:
        write(where / IMAGES, idx(images), False)
        write(where / LABELS, idx(labels), False)
        paths = sorted(where.iterdir())
        sums = [f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.name}\n" for p in paths]
        content = damaged("".join(sums).encode(), ("flip", *damage[1:]))
        (where / "SHA256SUMS").write_bytes(content)
        listed = content.decode(errors="replace")
        with unless_refused(ImageFileError, str(where)):
            read_idx(where)
            # The damage made another name of it, or another case of a letter or blank of a sum.
            same = listed.lower().split() == "".join(sums).split()
            assert same or any(path.name not in listed.split() for path in paths)


CIFAR_NAMES = "\n".join(f"class {number}" for number in range(10)) + "\n"


@given(st.integers(1, 3), st.integers(0, 2**32 - 1), damages())
def test_cifar_files_are_read_as_written_or_refused(n_images, seed, damage):
    numbers = np.random.default_rng(seed)
    records = numbers.integers(0, 256, (n_images, 3073), dtype=np.uint8)
    records[:, 0] %= 10
    with folder() as where:
        (where / "batches.meta.txt").write_text(CIFAR_NAMES)
        path = where / "test_batch.bin"
        path.write_bytes(records.tobytes())
        found = read_cifar(where, "test")
        pixels = (found.images.flatten(1) * 255).round().byte().numpy()
        assert (pixels == records[:, 1:]).all()
        assert found.labels.tolist() == records[:, 0].tolist()
        if damage[0] == "flip":  # the label, the only thing that can be wrong
            path.write_bytes(bytes([10 + damage[2]]) + records.tobytes()[1:])
        else:
            path.write_bytes(damaged(records.tobytes(), damage))
        whole = len(path.read_bytes()) % 3073 == 0 and len(path.read_bytes()) > 0
        if whole and damage[0] != "flip":
            return
        with pytest.raises(ImageFileError, match=re.escape(str(path))):
            read_cifar(where, "test")


@given(st.binary(max_size=200), st.sampled_from((IMAGES, f"{IMAGES}.gz", LABELS, "SHA256SUMS")))
def test_any_bytes_at_all_are_a_set_or_an_error(content, name):
    with folder() as where:
        write(where / IMAGES, idx(np.zeros((1, 2, 2), np.uint8)), False)
        write(where / LABELS, idx(np.zeros(1, np.uint8)), False)
        if name.endswith(".gz"):
            (where / IMAGES).unlink()
        (where / name).write_bytes(content)
        with unless_refused(ImageFileError, str(where)):
            read_idx(where)


@given(st.lists(st.integers(2**20, 2**32 - 1), min_size=3, max_size=3), st.booleans())
def test_a_header_that_promises_too_much_is_refused_at_once(sizes, packed):
    header = bytes([0, 0, 8, 3]) + b"".join(n.to_bytes(4, "big") for n in sizes)
    with folder() as where:
        write(where / IMAGES, header + b"1234", packed)
        write(where / LABELS, idx(np.zeros(1, np.uint8)), packed)
        with pytest.raises(ImageFileError, match=f"must hold at most .* promises {sizes[0]} x"):
            read_idx(where)


@pytest.mark.parametrize("kind", ["idx", "cifar", "names"])
def test_a_small_file_that_unpacks_to_a_large_one_takes_no_memory(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(image_files, "_CIFAR_IMAGES", 100)
    start = idx(np.zeros((2, 3, 3), np.uint8)) if kind == "idx" else b""
    bomb = gzip.compress(start + bytes(30_000_000), 1)
    if kind == "idx":
        (tmp_path / f"{IMAGES}.gz").write_bytes(bomb)
        write(tmp_path / LABELS, idx(np.zeros(2, np.uint8)), False)
    elif kind == "cifar":
        (tmp_path / "batches.meta.txt").write_text(CIFAR_NAMES)
        (tmp_path / "test_batch.bin.gz").write_bytes(bomb)
    else:
        (tmp_path / "batches.meta.txt.gz").write_bytes(bomb)
    tracemalloc.start()
    try:
        with pytest.raises(ImageFileError, match=r"got .*more"):
            read_idx(tmp_path) if kind == "idx" else read_cifar(tmp_path, "test")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8e6


# pictures


def picture(kind: str, size: tuple[int, int] = (9, 7)) -> bytes:
    numbers = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(numbers).save(stream, kind)
    return stream.getvalue()


PICTURES = {kind: picture(kind) for kind in ("png", "jpeg", "bmp", "ppm", "webp")}


@given(kind=st.sampled_from(sorted(PICTURES)), damage=damages(), first=st.sampled_from((40, None)))
def test_a_damaged_picture_is_a_picture_or_an_error(kind, damage, first):
    with folder() as where:
        path = where / "cats" / f"1.{kind}"
        path.parent.mkdir()
        path.write_bytes(damaged(PICTURES[kind], damage, first))
        with unless_refused(ImageFileError, str(path)):
            found = read_image_folder(where, 4)
            assert found.images.shape == (1, 3, 4, 4)
            assert 0 <= found.images.min() <= found.images.max() <= 1


def png_of(width: int, height: int) -> bytes:
    """A PNG file whose header promises a size."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    sum_of_header = struct.pack(">I", zlib.crc32(header))
    start = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + sum_of_header
    return start + struct.pack(">I", 1000) + b"IDAT" + zlib.compress(bytes(1000))


@pytest.mark.parametrize(
    ("size", "message"),
    [
        ((100_000, 100_000), "too many pixels"),
        ((10_000, 9_000), "too many pixels"),
        ((9_000, 9_000), "must have at most 80000000 pixels"),
        ((1, 10_000_000), "must have at most 80000000 pixels"),
        ((0, 5), "cannot be read as a picture"),
    ],
)
def test_a_picture_that_would_not_fit_is_refused_at_once(tmp_path, size, message):
    (tmp_path / "cats").mkdir()
    (tmp_path / "cats" / "1.png").write_bytes(png_of(*size))
    with pytest.raises(ImageFileError, match=message):
        read_image_folder(tmp_path)


def test_a_program_under_the_name_of_a_picture_is_not_run(tmp_path, monkeypatch):
    """Pillow hands PostScript to an interpreter if it is let."""
    path = tmp_path / "cats" / "1.png"
    path.parent.mkdir()
    path.write_bytes(
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n(x) print\n%%EOF\n"
    )
    run = []

    def interpret(*arguments: object, **options: object) -> object:
        run.append(arguments)
        return Image.new("RGB", (10, 10)).im

    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", interpret)
    with Image.open(path) as file:
        file.load()
    assert run  # the program would be run
    run.clear()
    with pytest.raises(ImageFileError, match=r"1\.png cannot be read as a picture"):
        read_image_folder(tmp_path)
    assert run == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes")
def test_what_is_no_file_is_no_picture(tmp_path):
    (tmp_path / "cats" / "2.png").mkdir(parents=True)
    os.mkfifo(tmp_path / "cats" / "1.png")  # opening it would wait for ever
    (tmp_path / "cats" / "3.png").write_bytes(PICTURES["png"])
    assert len(ImageFolder(tmp_path)) == 1
