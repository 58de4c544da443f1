"""Make the files of a release: wheel, built site as a zip file, book as a PDF, what verifies them.

    python -m tools.bundle

The site must have been built (`make book`); the PDF is printed where there is a Chromium. The
files go to `_build/release`. With the environment variable NMCOURSE_TAG this fails unless it is
the tag of the version in pyproject.toml.

`verify.py` in that folder checks all of it, with `MANIFEST.json`; the date in there, and in the
wheel, is that of the commit. So the same commit and the same site give the same bytes.
"""

from __future__ import annotations

import calendar
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from datetime import UTC, datetime
from pathlib import Path

from tools import addresses, browser_check, build_book, check_pages, pairs, pdf, verify

OUT = Path("_build/release")
DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip file can hold: equal sites, equal files
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "LICENSE-TEXT")
NOT_SHIPPED = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")


def wheel(folder: Path, root: Path = pairs.ROOT) -> Path:
    """Build the wheel of the package into `folder`, without a network; return its path."""
    with tempfile.TemporaryDirectory() as temporary:  # a build leaves files beside its sources
        copy = Path(temporary)
        for name in SOURCES:
            shutil.copy(root / name, copy)
        shutil.copytree(root / "nmcourse", copy / "nmcourse", ignore=NOT_SHIPPED)
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index"]
        command += ["--no-build-isolation", "--disable-pip-version-check"]
        for path in (copy, *copy.rglob("*")):  # whatever the umask of who checked it out
            path.chmod(0o755 if path.is_dir() else 0o644)
        umask = 0o022 if os.name == "posix" else -1  # and of who builds
        environment = os.environ | {"SOURCE_DATE_EPOCH": str(made_of(root)[1])}
        command += ["--wheel-dir", str(folder), str(copy)]
        subprocess.run(command, check=True, env=environment, umask=umask)
    (built,) = folder.glob("nmcourse-*.whl")
    return built


def made_of(root: Path = pairs.ROOT) -> tuple[str, int]:
    """The commit that a folder holds, and its time in seconds since 1970.

    Outside a repository: "unknown", and the earliest time that a zip file can hold.
    """
    command = ["git", "-C", str(root), "log", "-1", "--format=%H %ct"]
    found = subprocess.run(command, capture_output=True, text=True)
    if found.returncode or not found.stdout.strip():
        return "unknown", calendar.timegm(DATE)
    commit, seconds = found.stdout.split()
    return commit, int(seconds)


def missing_from_wheel(built: Path, root: Path = pairs.ROOT) -> list[str]:
    """Return the files of the package that the wheel lacks: weights, results, scripts, code."""
    with zipfile.ZipFile(built) as archive:
        shipped = set(archive.namelist())
    files = (path for path in (root / "nmcourse").rglob("*") if path.is_file())
    names = {path.relative_to(root).as_posix() for path in files if "__pycache__" not in path.parts}
    return sorted(names - shipped)


def zip_site(html: Path, target: Path) -> None:
    """Pack a built site under one folder; the same site gives the same bytes."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(html.rglob("*")):
            inside = path.relative_to(html)
            if path.is_file() and "_sources" not in inside.parts:
                name = f"{target.stem}/{inside.as_posix()}"
                entry = zipfile.ZipInfo(name, DATE)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, path.read_bytes())


def write_checksums(folder: Path) -> None:
    """Write SHA256SUMS, which `sha256sum --check` reads, for every other file of a folder."""
    files = sorted(path for path in folder.iterdir() if path.name != verify.SUMS)
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
    (folder / verify.SUMS).write_text("".join(lines), encoding="utf-8")


def bundle(root: Path = pairs.ROOT, *, printed: bool = False) -> list[str]:
    """Make the files, with the PDF if it is to be printed; return what went wrong."""
    release, html, out = addresses.release(root), root / build_book.HTML, root / OUT
    tag = os.environ.get("NMCOURSE_TAG", "")
    if tag not in ("", release.tag):
        return [f"the tag is {tag}, and the version in pyproject.toml gives {release.tag}"]
    if missing := check_pages.missing_pages(html, root):
        return [f"{problem}; run `make book`" for problem in missing]
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    lacking = missing_from_wheel(wheel(out, root), root)
    zip_site(html, out / f"nmcourse-book-{release.version}.zip")
    if printed:
        document = pdf.write(pdf.printed_pages(root), root)
        shutil.copy(document, out / f"nmcourse-book-{release.version}.pdf")
    shutil.copy(verify.__file__, out)
    commit, seconds = made_of(root)
    date = datetime.fromtimestamp(seconds, UTC).isoformat()
    manifest = verify.make_manifest(out, version=release.version, date=date, commit=commit)
    text = json.dumps(manifest, indent=1, ensure_ascii=False) + "\n"
    (out / verify.MANIFEST).write_text(text, encoding="utf-8")
    write_checksums(out)
    for path in sorted(out.iterdir()):
        print(f"{path.stat().st_size / 2**20:8.2f} MiB  {path.relative_to(root)}")
    print(f"fingerprint of the manifest: {verify.sha256(text.encode())[:16]}")
    return [f"{name}: not in the wheel" for name in lacking] + list(verify.problems(out))


def main() -> int:
    """Make the files; return the exit status."""
    problems = bundle(printed=browser_check.chromium() is not None)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
