#!/usr/bin/env python3
"""Check a release of the course, with nothing but Python: site, wheel, weights, ledger records.

    python verify.py [FOLDER] [--fingerprint HEX] [--site FOLDER] [--package FOLDER]

FOLDER holds the files of a release; it is the folder of this script if none is named. Every file is
compared with MANIFEST.json, and so is everything in the wheel and in the zip file of the site: each
page, each file of weights, and each record of the ledger by its id. ``--site`` and ``--package``
check an unpacked site and an installed package (the folder ``nmcourse``) as well.

The manifest has a date and the commit that it was made of. It shows that the files belong together.
That they come from the authors only its fingerprint shows, the 16 digits printed at the end:
compare them with those in the notes of the release, or give them with ``--fingerprint``.

Exit status: 0 if all is as it was made, 1 if anything is not; each thing is named in a line.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

MANIFEST, SUMS, FORMAT = "MANIFEST.json", "SHA256SUMS", 1
LEDGER = "nmcourse/claims/ledger.json"
WEIGHTS = "nmcourse/pretrained/weights/"
DIGITS = 16  # of a fingerprint


def sha256(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def of_record(record: Any) -> str:
    """SHA-256 of a record of the ledger, however its file is laid out."""
    return sha256(json.dumps(record, sort_keys=True, ensure_ascii=False).encode())


def records_of(ledger: bytes) -> dict[str, str]:
    """Id -> SHA-256 of every record of a ledger.

    Raises:
        ValueError: it is no list of records, each with an id of its own.
    """
    found: dict[str, str] = {}
    entries = json.loads(ledger)
    entries = entries["claims"] if isinstance(entries, dict) and "claims" in entries else entries
    pairs = entries.items() if isinstance(entries, dict) else [(e["id"], e) for e in entries]
    for name, entry in pairs:
        if name in found:
            raise ValueError(f"two records are named {name}")
        found[name] = of_record(entry)
    return found


def inside(archive: Path) -> dict[str, bytes]:
    """Name -> content of every file in a wheel or a zip file.

    Raises:
        zipfile.BadZipFile: it is damaged, or two files in it have one name.
    """
    with zipfile.ZipFile(archive) as opened:
        names = [name for name in opened.namelist() if not name.endswith("/")]
        if len(set(names)) < len(names):
            raise zipfile.BadZipFile("two files in it have one name")
        return {name: opened.read(name) for name in names}


def make_manifest(folder: Path, *, version: str, date: str, commit: str) -> dict[str, Any]:
    """The manifest of the files that lie in a folder.

    Args:
        folder: holds a wheel and the zip file of the site, and perhaps more.
        version: of the release.
        date: of the commit, as ISO 8601 has it.
        commit: what it was made of.
    """
    files = sorted(p for p in folder.iterdir() if p.is_file() and p.name not in (MANIFEST, SUMS))
    archives = {p.name: inside(p) for p in files if p.suffix in (".whl", ".zip")}
    wheel = next(content for name, content in archives.items() if name.endswith(".whl"))
    return {
        "format": FORMAT,
        "version": version,
        "date": date,
        "commit": commit,
        "files": {p.name: sha256(p.read_bytes()) for p in files},
        "inside": {
            name: {inner: sha256(data) for inner, data in sorted(content.items())}
            for name, content in archives.items()
        },
        "weights": sum(name.startswith(WEIGHTS) for name in wheel),
        "records": records_of(wheel[LEDGER]),
    }


def problems(
    folder: Path, *, fingerprint: str = "", site: Path | None = None, package: Path | None = None
) -> Iterator[str]:
    """Everything that is not as it was made, one line each."""
    try:
        data = (folder / MANIFEST).read_bytes()
        manifest = json.loads(data)
        _check(manifest)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        yield f"{MANIFEST}: cannot be read ({type(error).__name__}: {error})"
        return
    if fingerprint and len(fingerprint) < DIGITS:
        yield f"--fingerprint must have all {DIGITS} digits, got {fingerprint!r}"
    elif fingerprint and not sha256(data).startswith(fingerprint.lower()):
        yield f"{MANIFEST}: has the fingerprint {sha256(data)[:DIGITS]}, not {fingerprint}"
    yield from _sums(folder)
    there = {p.name for p in folder.iterdir() if p.is_file() and p.name not in (MANIFEST, SUMS)}
    yield from _differences(manifest["files"], there, lambda name: (folder / name).read_bytes())
    for name, wanted in manifest["inside"].items():
        try:
            content = inside(folder / name)
        except (OSError, zipfile.BadZipFile, EOFError, ValueError, NotImplementedError) as error:
            yield f"{name}: cannot be opened ({type(error).__name__}: {error})"
            continue
        yield from _differences(wanted, content, content.__getitem__, f"{name}: ")
        if LEDGER in content:
            yield from _records(manifest["records"], content[LEDGER], f"{name}: ")
    if site is not None:
        yield from _unpacked(manifest, site, ".zip", "", ("_sources",))
    if package is not None:
        yield from _unpacked(manifest, package.parent, ".whl", "nmcourse/", ("__pycache__",))
        yield from _records(manifest["records"], _read(package.parent / LEDGER), f"{package}: ")


def _check(manifest: Mapping[str, Any]) -> None:
    """Raise an error unless a manifest says all that is asked of it."""
    if manifest["format"] != FORMAT:
        raise ValueError(f"format must be {FORMAT}, got {manifest['format']!r}")
    for name in ("version", "date", "commit"):
        if not isinstance(manifest[name], str) or not manifest[name]:
            raise ValueError(f"{name} must be a text, got {manifest[name]!r}")
    for name in ("files", "inside", "records"):
        if not isinstance(manifest[name], dict) or not manifest[name]:
            raise ValueError(f"{name} must name something")
    for name in manifest["files"]:
        if Path(name).name != name:
            raise ValueError(f"files must be names without a folder, got {name!r}")
    weights = sum(
        inner.startswith(WEIGHTS) for content in manifest["inside"].values() for inner in content
    )
    if weights != manifest["weights"]:
        raise ValueError(f"weights must be the {weights} in the wheel, got {manifest['weights']!r}")


def _sums(folder: Path) -> Iterator[str]:
    """What SHA256SUMS says, which ``sha256sum --check`` reads too."""
    try:
        lines = (folder / SUMS).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        yield f"{SUMS}: cannot be read ({type(error).__name__}: {error})"
        return
    named: dict[str, str] = {}
    for line in lines:
        checksum, _, name = line.partition("  ")
        if not name or Path(name).name != name or name in named:
            yield f"{SUMS}: a line is none of a checksum and a name: {line!r}"
            continue
        named[name] = checksum
    there = {p.name for p in folder.iterdir() if p.is_file() and p.name != SUMS}
    where = f"{SUMS}: "
    yield from _differences(named, there, lambda name: (folder / name).read_bytes(), where)


def _differences(
    wanted: Mapping[str, str],
    there: Iterable[str],
    read: Callable[[str], bytes],
    where: str = "",
) -> Iterator[str]:
    """Names that are missing, altered, or too many."""
    found = set(there)
    for name in sorted(wanted.keys() - found):
        yield f"{where}{name}: is missing"
    for name in sorted(found - wanted.keys()):
        yield f"{where}{name}: does not belong to the release"
    for name in sorted(found & wanted.keys()):
        if sha256(read(name)) != wanted[name]:
            yield f"{where}{name}: is altered"


def _records(wanted: Mapping[str, str], ledger: bytes, where: str) -> Iterator[str]:
    """Records of the ledger that are missing, altered, or too many."""
    try:
        found = records_of(ledger)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        yield f"{where}the ledger cannot be read ({type(error).__name__}: {error})"
        return
    for name in sorted(wanted.keys() | found.keys()):
        if wanted.get(name) != found.get(name):
            how = (
                "missing" if name not in found else "altered" if name in wanted else "one too many"
            )
            yield f"{where}record {name} is {how}"


def _unpacked(
    manifest: Mapping[str, Any], folder: Path, kind: str, prefix: str, but: Iterable[str]
) -> Iterator[str]:
    """An unpacked archive beside the manifest's list of it."""
    wanted: dict[str, str] = {}
    for name, content in manifest["inside"].items():
        if name.endswith(kind):
            cut = f"{Path(name).stem}/" if kind == ".zip" else ""
            wanted |= {inner.removeprefix(cut): digest for inner, digest in content.items()}
    wanted = {name: digest for name, digest in wanted.items() if name.startswith(prefix)}
    below = folder / prefix
    there = {
        path.relative_to(folder).as_posix()
        for path in below.rglob("*")
        if path.is_file() and not set(but) & set(path.parts)
    }
    yield from _differences(wanted, there, lambda name: _read(folder / name), f"{folder}: ")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def a_path(text: str) -> Path:
    """A path as a person gives it: ``~`` is the home folder."""
    return Path(text).expanduser()


def main(arguments: list[str] | None = None) -> int:
    """Check a release; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("folder", nargs="?", type=a_path, default=Path(__file__).resolve().parent)
    parser.add_argument("--fingerprint", default="", help="of the manifest, as published")
    parser.add_argument("--site", type=a_path, help="an unpacked site")
    parser.add_argument("--package", type=a_path, help="an installed package: the folder nmcourse")
    options = parser.parse_args(arguments)
    if not options.folder.is_dir():
        print(f"folder must be one with the files of a release, got {options.folder}")
        return 1
    found = list(
        problems(
            options.folder,
            fingerprint=options.fingerprint,
            site=options.site,
            package=options.package,
        )
    )
    for line in found:
        print(line)
    if found:
        print(f"{len(found)} problems")
        return 1
    data = (options.folder / MANIFEST).read_bytes()
    manifest = json.loads(data)
    pages = sum(len(content) for content in manifest["inside"].values())
    print(
        f"version {manifest['version']} of {manifest['date']}, commit {manifest['commit']}: "
        f"{len(manifest['files'])} files with {pages} in them, {manifest['weights']} of weights, "
        f"and {len(manifest['records'])} records are as they were made\n"
        f"fingerprint of the manifest: {sha256(data)[:DIGITS]}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
