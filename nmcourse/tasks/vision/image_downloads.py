"""Downloads of image sets, only when a reader asks for them.

Each download is compared with the checksum that the set's publisher gives (CIFAR), or that the
set's own page or the common loaders give (MNIST, Fashion-MNIST). These are MD5 sums: they notice
a damaged file, not a malicious one. ImageNet needs a registration and is not fetched.

    set              size      source
    mnist            12 MB     LeCun, Cortes and Burges
    fashion-mnist    31 MB     Xiao, Rasul and Vollgraf 2017
    cifar-10         170 MB    Krizhevsky 2009
    cifar-100        169 MB    Krizhevsky 2009
"""

from __future__ import annotations

import hashlib
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from nmcourse._files import user_path, write_bytes, write_text
from nmcourse.tasks.vision.image_files import CHECKSUMS, LARGEST, ImageFileError


@dataclass(frozen=True)
class Source:
    """Where a set is found.

    Attributes:
        address: what stands before each file name.
        files: name -> MD5.
        unpack: files to take out of the archive; empty if the files are used as they are.
    """

    address: str
    files: dict[str, str]
    unpack: tuple[str, ...] = ()


SOURCES = {
    "mnist": Source(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        {
            "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
            "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
            "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
            "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
        },
    ),
    "fashion-mnist": Source(
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        {
            "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
            "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
            "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
        },
    ),
    "cifar-10": Source(
        "https://www.cs.toronto.edu/~kriz/",
        {"cifar-10-binary.tar.gz": "c32a1d4ab5d03f1284b67883e8d87530"},
        (*(f"data_batch_{k}.bin" for k in range(1, 6)), "test_batch.bin", "batches.meta.txt"),
    ),
    "cifar-100": Source(
        "https://www.cs.toronto.edu/~kriz/",
        {"cifar-100-binary.tar.gz": "03b5dce01913d631647c71ecec9e9cb8"},
        ("train.bin", "test.bin", "fine_label_names.txt"),
    ),
}


def fetch_images(name: str, folder: str | Path = "data") -> Path:
    """Download a set of images; what is there already and whole is not downloaded again.

    Args:
        name: ``"mnist"``, ``"fashion-mnist"``, ``"cifar-10"`` or ``"cifar-100"``.
        folder: the files go into a folder ``name`` of this one.

    Returns:
        The folder to give to ``read_idx`` or ``read_cifar``. A file ``SHA256SUMS`` in it lets them
        notice later changes.

    Raises:
        ImportError: without pooch (``pip install "nmcourse[data]"``).
        ImageFileError: if a download does not have its checksum.
        ConnectionError: if the address cannot be reached.
        ValueError: for an unknown set.
    """
    if name not in SOURCES:
        raise ValueError(f"name must be one of {list(SOURCES)}, got {name!r}")
    source, where = SOURCES[name], user_path(folder, "folder") / name
    paths = [_download(source.address + file, md5, where) for file, md5 in source.files.items()]
    if source.unpack:
        sums = [sum for archive in paths for sum in _unpack(archive, source.unpack, where)]
    else:
        sums = [_sum(path.name, path.read_bytes()) for path in paths]
    write_text(where / CHECKSUMS, "\n".join(sums) + "\n")
    return where


def _sum(name: str, content: bytes) -> str:
    """A line of ``SHA256SUMS``."""
    return f"{hashlib.sha256(content).hexdigest()}  {name}"


def _download(address: str, md5: str, where: Path) -> Path:
    """Download one file and compare its checksum."""
    try:
        import pooch  # an extra: only downloads need it
    except ImportError as error:
        raise ImportError(
            'downloads need pooch: pip install "nmcourse[data]", or put '
            f"{address} into {where.absolute()} by hand"
        ) from error
    file = address.rsplit("/", 1)[-1]
    try:
        return Path(pooch.retrieve(address, known_hash=f"md5:{md5}", fname=file, path=where))
    except ValueError as error:  # the checksum
        raise ImageFileError(f"{address} is not the published file: {error}") from error
    except OSError as error:  # no network, no such host, no such file
        raise ConnectionError(
            f"{address} cannot be downloaded ({error}); put the file into {where.absolute()} by "
            "hand and ask again"
        ) from error


def _unpack(archive: Path, names: tuple[str, ...], where: Path) -> list[str]:
    """Take files out of an archive by their names, whatever folder they are in there.

    The names are ours and not those of the archive, so nothing is written elsewhere.

    Returns:
        A line of ``SHA256SUMS`` for each.
    """
    try:
        with tarfile.open(archive) as tar:
            assert tar.fileobj is not None
            while tar.fileobj.read(2**20):  # to the end, where the checksum of a packed one stands
                pass
            return [_take_out(tar, archive, name, where) for name in names]
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise ImageFileError(f"{archive} is truncated or altered: {error}") from error


def _take_out(tar: tarfile.TarFile, archive: Path, name: str, where: Path) -> str:
    members = {Path(member.name).name: member for member in tar.getmembers() if member.isfile()}
    if name not in members:
        raise ImageFileError(f"{archive} must hold a file {name}, got {sorted(members)[:20]}")
    if members[name].size > LARGEST:
        raise ImageFileError(
            f"{archive} must hold files of at most {LARGEST} bytes, got {members[name].size} "
            f"for {name}"
        )
    file = tar.extractfile(members[name])
    assert file is not None  # a plain file has content
    with file:
        content = file.read()
    write_bytes(where / name, content)
    return _sum(name, content)
