"""Where the files of an image set lie, and what lies there instead.

People have these sets as other tools leave them: under a slightly different name, in a folder with
the file's own name, some folders further down, packed or not. All of that is found. What cannot be
read, such as an archive or the Python version of CIFAR, is named for what it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from nmcourse._files import user_path

DEPTH = 2  # folders below the one that is given: MNIST/raw
MOST_FOLDERS = 2000  # looked into, so that a large tree takes no time
GZIP = b"\x1f\x8b"

# How a file begins, and what it then is.
_KINDS = {
    b"PK\x03\x04": "a zip archive: unpack it",
    GZIP: "packed with gzip, twice or more",
    b"BZh": "packed with bzip2: unpack it",
    b"\xfd7zXZ": "packed with xz: unpack it",
    b"7z\xbc\xaf": "a 7z archive: unpack it",
    b"Rar!": "a rar archive: unpack it",
    b"version https://git-lfs": "a pointer of Git LFS, and not the file itself: fetch that",
    b"\x89HDF": "an HDF5 file, as MATLAB and h5py write",
    b"MATLAB": "a file of MATLAB",
    b"\x93NUMPY": "an array of NumPy",
    b"\x80\x02": "a pickle of Python",
    b"\x80\x03": "a pickle of Python",
    b"\x80\x04": "a pickle of Python",
    b"\x80\x05": "a pickle of Python",
}
_ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".7z", ".rar")


def existing_folder(folder: str | Path, source: str) -> Path:
    """The folder as a path.

    Args:
        folder: where files should lie.
        source: how to get them, as a sentence.

    Raises:
        FileNotFoundError: if it is not there, saying where it was looked for, and how to get it.
    """
    path = user_path(folder, "folder")
    if path.is_file():
        raise FileNotFoundError(
            f"no folder {folder}: {path.absolute()} is a file; give the folder that it lies in"
        )
    if not path.is_dir():
        raise FileNotFoundError(f"no folder {folder}: looked for {path.absolute()}. {source}")
    return path


def files_of(
    folder: str | Path,
    names: Sequence[Sequence[str]],
    instead: Sequence[Sequence[str]] = (),
    *,
    source: str,
) -> list[Path]:
    """The files of a set, all from one folder, with ``.gz`` or without.

    Args:
        folder: where they lie, or a folder above; each may lie in a folder of its own name, too.
        names: for each file the names that it may have, the official one first.
        instead: for each other version of the set its files, and last what it is called.
        source: how to get the set, as a sentence.

    Raises:
        FileNotFoundError: if there is no such folder, if a file is missing, or if several folders
            below hold the set. It says what is there instead.
    """
    where = existing_folder(folder, source)
    found = {place: [_one(place, spellings) for spellings in names] for place in _below(where)}
    whole = {place: paths for place, paths in found.items() if None not in paths}
    if where in whole or len(whole) == 1:
        return [path for path in whole.get(where, next(iter(whole.values()))) if path]
    if whole:
        raise FileNotFoundError(
            f"{where.absolute()} holds several files {names[0][0]}, in "
            f"{', '.join(str(place.relative_to(where)) for place in list(whole)[:8])}: give one "
            "of these folders"
        )
    nearest = max(found, key=lambda place: len(names) - found[place].count(None))
    missing = names[found[nearest].index(None)][0]
    raise FileNotFoundError(
        f"no file {missing} (or {missing}.gz): looked in {nearest.absolute()}, which holds "
        + _holds(nearest)
        + (_another_version(where, instead) or f". {source}")
    )


def kind_of(start: bytes) -> str:
    """What a file is that begins so: a few words, or nothing."""
    page = start.lstrip(b"\xef\xbb\xbf \t\r\n")[:14].lower()
    if page.startswith((b"<!doctype html", b"<html", b"<head", b"<?xml", b"<!--")):
        return "a web page, and not what should have been downloaded"
    if page[:1] in (b"{", b"["):
        return "text of a server, and not what should have been downloaded"
    return next((kind for begins, kind in _KINDS.items() if start.startswith(begins)), "")


def _one(place: Path, names: Sequence[str]) -> Path | None:
    """The file of a folder, or of a folder in it that is named as the file."""
    spellings = [spelling for name in names for spelling in (name, f"{name}.gz")]
    for spelling in spellings:
        path = place / spelling
        if path.is_file():
            return path
        inside = [path / other for other in spellings]
        found = next((other for other in inside if other.is_file()), None)
        if found is not None:
            return found
    return None


def _below(where: Path) -> Iterator[Path]:
    """A folder and those in it, level by level; hidden ones are left out."""
    level, left = [where], MOST_FOLDERS
    for _ in range(DEPTH + 1):
        yield from level[:left]
        left -= len(level)
        level = [
            path
            for place in level[: max(left, 0)]
            for path in sorted(place.iterdir())
            if path.is_dir() and not path.name.startswith(".")
        ]


def _holds(where: Path) -> str:
    there = sorted(path.name for path in where.iterdir())
    return ", ".join(there[:8]) + (", .." if len(there) > 8 else "") if there else "nothing"


def _another_version(where: Path, instead: Sequence[Sequence[str]]) -> str:
    """What lies there instead, as a sentence."""
    for *names, version in instead:
        for place in _below(where):
            if all((place / name).is_file() for name in names):
                return f". This is {version}"
    archives = [path.name for path in sorted(where.iterdir()) if path.name.endswith(_ARCHIVES)]
    return f". {archives[0]} is an archive: unpack it" if archives else ""
