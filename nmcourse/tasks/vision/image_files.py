"""Images from the files in which well-known sets are published.

    set                     reader                  what the folder holds
    MNIST, Fashion-MNIST    ``read_idx``            train-images-idx3-ubyte, .. (also .gz)
    CIFAR-10, CIFAR-100     ``read_cifar``          data_batch_1.bin, .. or train.bin, ..
    ImageNet                ``read_image_folder``   one folder of pictures per class

The folder may also be one above, such as that of which torchvision makes ``MNIST/raw``.

Nothing is downloaded here: see ``nmcourse.tasks.fetch_images``. What it downloads it notes in a
file ``SHA256SUMS``, and these readers compare each file with its entry. Without that file an
altered pixel cannot be noticed; a wrong length, a wrong header or an impossible label can.

A file is taken for what it is, not for what it says: no more is read or unpacked than a set can
hold, so that neither a header nor a small packed file can ask for more memory than there is.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import math
import re
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Literal

import numpy as np
import torch
from torch import Tensor

from nmcourse._files import user_path
from nmcourse._inputs import whole
from nmcourse.tasks._digit_data import Split, check_split
from nmcourse.tasks.vision._finding import GZIP, files_of, kind_of
from nmcourse.tasks.vision.images import ImageSet

CHECKSUMS = "SHA256SUMS"
LARGEST = 2**30  # bytes of a file, packed and unpacked; those of these sets stay below 2**28
FASHION_CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)

_DIGIT_CLASSES = tuple("0123456789")
_IDX_NAMES = {"train": "train", "test": "t10k"}
_IDX_BYTES = 0x08  # the code of unsigned bytes in the third byte of an IDX file
_CIFAR_PIXELS = (3, 32, 32)
_CIFAR_IMAGES = 50_000  # no file of these sets holds more
_VERSION = (
    "the version of CIFAR-{0} for Python, which holds pickles and is not read; take the binary "
    "version, cifar-{0}-binary.tar.gz, or fetch_images"
)
_TEXT = 2**20  # bytes of a file of names or checksums
_CHUNK = 2**20
# classes -> files of each split, file of the class names, labels per image (the last one is used)
_CIFAR: dict[int, tuple[dict[str, tuple[str, ...]], str, int]] = {
    10: (
        {
            "train": tuple(f"data_batch_{k}.bin" for k in range(1, 6)),
            "test": ("test_batch.bin",),
        },
        "batches.meta.txt",
        1,
    ),
    100: ({"train": ("train.bin",), "test": ("test.bin",)}, "fine_label_names.txt", 2),
}


_PYTHON = {  # classes -> files of the version for Python
    10: ("data_batch_1", "batches.meta"),
    100: ("train", "meta"),
}
_OTHER = "the set with {0} classes: give n_classes={0}"


def _instead(n_classes: int) -> list[tuple[str, ...]]:
    """What may lie in the place of a CIFAR set: files, and what they are."""
    other = 110 - n_classes
    binary = (_CIFAR[other][0]["test"][0], _CIFAR[other][1])
    return [
        (*_PYTHON[n_classes], _VERSION.format(n_classes)),
        (*binary, _OTHER.format(other)),
        (*_PYTHON[other], _VERSION.format(other)),
    ]


def _sets_of(class_names: Sequence[str]) -> tuple[str, ...]:
    """Sets in IDX files that may have these classes, by the names that ``fetch_images`` takes."""
    return (
        ("fashion-mnist",) if tuple(class_names) == FASHION_CLASSES else ("mnist", "fashion-mnist")
    )


def _fetching(folder: str | Path, *names: str) -> str:
    """The call after which a reader finds one of these sets in the same folder, as a sentence.

    ``fetch_images`` makes a folder that is named as the set, and a reader looks also into folders
    below the one that it is given.
    """
    given = user_path(folder, "folder")
    meant = given.name in names
    where, wanted = (given.parent, (given.name,)) if meant else (given, names)
    calls = [f'fetch_images("{name}", "{where.as_posix()}")' for name in wanted]
    return f"{' or '.join(calls)} downloads these files to it"


class ImageFileError(ValueError):
    """A data file is not what it should be; the message says which one and why."""


def read_idx(
    folder: str | Path, split: Split = "train", *, class_names: Sequence[str] = _DIGIT_CLASSES
) -> ImageSet:
    """MNIST, Fashion-MNIST, or another set of grey images in IDX files.

    Args:
        folder: holds ``train-images-idx3-ubyte`` and ``train-labels-idx1-ubyte``, for the test
            split ``t10k-..``; with or without ``.gz``.
        split: ``"train"`` or ``"test"``.
        class_names: digits by default; those of Fashion-MNIST are ``FASHION_CLASSES``.

    Returns:
        Images (image, 1, height, width), brightness 0 to 1.

    Raises:
        FileNotFoundError: if the folder or a file is not there.
        ImageFileError: for a truncated or altered file.
        ValueError: for an unknown split.
    """
    check_split(split)
    start = _IDX_NAMES[split]
    kinds = ("images-idx3", "labels-idx1")
    images_path, labels_path = files_of(
        folder,
        [(f"{start}-{kind}-ubyte", f"{start}-{kind.replace('-', '.')}-ubyte") for kind in kinds],
        source=_fetching(folder, *_sets_of(class_names)),
    )
    images, labels = _idx(images_path, n_axes=3), _idx(labels_path, n_axes=1)
    if len(images) != len(labels):
        raise ImageFileError(
            f"{labels_path} must hold one label for each of the {len(images)} images of "
            f"{images_path.name}, got {len(labels)}"
        )
    return _image_set(images.unsqueeze(1), labels, class_names, labels_path)


def read_cifar(
    folder: str | Path, split: Split = "train", *, n_classes: Literal[10, 100] = 10
) -> ImageSet:
    """CIFAR-10 or CIFAR-100 in the binary version.

    Args:
        folder: holds ``data_batch_1.bin`` to ``data_batch_5.bin``, ``test_batch.bin`` and
            ``batches.meta.txt``, or for 100 classes ``train.bin``, ``test.bin`` and
            ``fine_label_names.txt``.
        split: ``"train"`` or ``"test"``.
        n_classes: 10, or 100 (then the fine labels are used).

    Returns:
        Images (image, 3, 32, 32), brightness 0 to 1.

    Raises:
        FileNotFoundError: if the folder or a file is not there.
        ImageFileError: for a truncated or altered file.
        ValueError: for an unknown split or number of classes.
    """
    check_split(split)
    number = whole("n_classes", n_classes, allowed="10 or 100")
    if number not in _CIFAR:
        raise ValueError(f"n_classes must be 10 or 100, got {n_classes!r}")
    files, names_file, n_labels = _CIFAR[number]
    version = _instead(number)
    source = _fetching(folder, f"cifar-{n_classes}")
    (names_path,) = files_of(folder, [(names_file,)], version, source=source)
    content = _contents(names_path, _TEXT)
    lines = content.decode("utf-8", errors="replace").split("\n")
    names = [name.strip() for name in lines if name.strip()]
    if len(names) != n_classes:
        kind = kind_of(bytes(content[:64]))
        raise ImageFileError(
            f"{names_path} must name {n_classes} classes, got {len(names)}"
            + (f": it is {kind}" if kind else "")
        )
    record = n_labels + math.prod(_CIFAR_PIXELS)
    parts = []
    wanted = [(name,) for name in files[split]]
    for path in files_of(names_path.parent, wanted, version, source=source):
        content = _contents(path, _CIFAR_IMAGES * record)
        if not content or len(content) % record:
            raise ImageFileError(
                f"{path} must hold whole images of {record} bytes, got {len(content)} bytes: it is "
                + (
                    kind_of(bytes(content[:64]))
                    or f"truncated or not CIFAR-{n_classes} in the binary version"
                )
            )
        part = _bytes(content).view(-1, record)
        _check_labels(part[:, n_labels - 1], n_classes, path)
        parts.append(part)
    found = torch.cat(parts)
    images = found[:, n_labels:].unflatten(1, _CIFAR_PIXELS)
    return _image_set(images, found[:, n_labels - 1], names, names_path)


def _checked(path: Path) -> bytes:
    """The bytes of a file as it lies there, compared with ``SHA256SUMS`` beside it.

    Raises:
        ImageFileError: if it is larger than ``LARGEST`` or differs from its checksum.
    """
    size = path.stat().st_size
    if size > LARGEST:
        raise ImageFileError(f"{path} must hold at most {LARGEST} bytes, got {size}")
    content = path.read_bytes()
    expected = _checksums(path.parent).get(path.name)
    if expected is not None and hashlib.sha256(content).hexdigest() != expected:
        raise ImageFileError(
            f"{path} is not the file that was downloaded: its SHA-256 differs from {CHECKSUMS}; "
            "move it away and fetch it again"
        )
    return content


def _opened(path: Path) -> IO[bytes]:
    """A checked file, to be unpacked while it is read if it is packed, whatever its name says."""
    content = _checked(path)
    stream = io.BytesIO(content)
    return gzip.GzipFile(fileobj=stream) if content.startswith(GZIP) else stream  # type: ignore[return-value]


def _some(stream: IO[bytes], most: int, path: Path) -> bytearray:
    """At most so many bytes; memory is taken as they come."""
    found = bytearray()
    try:
        while len(found) < most and (chunk := stream.read(min(_CHUNK, most - len(found)))):
            found += chunk
    except (EOFError, OSError, zlib.error) as error:
        raise ImageFileError(f"{path} is truncated or altered: {error}") from error
    return found


def _contents(path: Path, most: int) -> bytearray:
    """The bytes of a checked file, unpacked."""
    content = _some(_opened(path), most + 1, path)
    if len(content) > most:
        raise ImageFileError(f"{path} must hold at most {most} bytes, got more")
    return content


def _checksums(folder: Path) -> dict[str, str]:
    """File name -> SHA-256, as ``sha256sum`` writes them."""
    path = folder / CHECKSUMS
    if not path.is_file():
        return {}
    if path.stat().st_size > _TEXT:
        raise ImageFileError(f"{path} must hold at most {_TEXT} bytes, got {path.stat().st_size}")
    found = {}
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        entry = re.fullmatch(r"([0-9a-fA-F]{64}) [ *](.+)", line)
        if entry is None and line.strip():
            raise ImageFileError(
                f"{path} must hold lines of a SHA-256 and a file name, got {line[:80]!r}; "
                "fetch the set again"
            )
        if entry is not None:
            found[entry[2].strip()] = entry[1].lower()
    return found


def _idx(path: Path, n_axes: int) -> Tensor:
    """The array of an IDX file of bytes: two zeros, type, number of axes, sizes, values."""
    stream, start = _opened(path), 4 + 4 * n_axes
    header = _some(stream, start, path)
    magic = bytes([0, 0, _IDX_BYTES, n_axes])
    if header[:4] != magic:
        kind = kind_of(bytes(header + _some(stream, 64, path)))
        damaged = "is truncated or altered: it " if path.suffix == ".gz" and not kind else ""
        raise ImageFileError(
            f"{path} {damaged}must begin with {magic.hex()} (IDX, bytes, {n_axes} axes), "
            f"got {header[:4].hex() or 'an empty file'}" + (f": it is {kind}" if kind else "")
        )
    if len(header) < start:
        raise ImageFileError(f"{path} is truncated: it ends after {len(header)} bytes")
    shape = [int(n) for n in np.frombuffer(header[4:], dtype=">u4")]
    n_values = math.prod(shape)
    sizes = f"{' x '.join(map(str, shape))} = {n_values}"
    if n_values > LARGEST:
        raise ImageFileError(
            f"{path} must hold at most {LARGEST} bytes, but its header promises {sizes}"
        )
    content = _some(stream, n_values + _CHUNK, path)  # a little more, to see that there is no more
    if len(content) != n_values:
        more = " or more" if len(content) == n_values + _CHUNK else ""
        raise ImageFileError(
            f"{path} must hold {sizes} bytes after its header, got {len(content)}{more}"
        )
    if 0 in shape:
        raise ImageFileError(f"{path} holds no image")
    return _bytes(content).view(shape)


def _bytes(content: bytearray) -> Tensor:
    return torch.from_numpy(np.frombuffer(content, dtype=np.uint8))


def _check_labels(labels: Tensor, n_classes: int, path: Path) -> None:
    if int(labels.max()) >= n_classes:
        raise ImageFileError(
            f"{path} holds the label {int(labels.max())}, but there are {n_classes} classes: "
            "it is altered or another set"
        )


def _image_set(images: Tensor, labels: Tensor, names: Sequence[str], path: Path) -> ImageSet:
    """From bytes to brightness 0 to 1."""
    _check_labels(labels, len(names), path)
    scaled = images.to(torch.get_default_dtype()) / 255.0
    return ImageSet(scaled, labels.long(), tuple(names))
