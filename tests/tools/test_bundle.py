"""tools.bundle: the files of a release, and what stops them."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path

import pytest

from tools import addresses, build_book, bundle, verify


@pytest.fixture
def site(book: Path) -> Path:
    """The small book, as if built."""
    for page in build_book.toc_pages(book):
        built = book / build_book.HTML / f"{page}.html"
        built.parent.mkdir(parents=True, exist_ok=True)
        built.write_text(f"<html>{page}</html>")
    (book / build_book.HTML / "_sources").mkdir()
    (book / build_book.HTML / "_sources/first.md").write_text("source")
    return book


@pytest.fixture(autouse=True)
def _no_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put an empty file where the wheel would be: tests/tools/test_colab.py has the real one."""
    monkeypatch.delenv("NMCOURSE_TAG", raising=False)
    monkeypatch.setattr(bundle, "missing_from_wheel", lambda built, root: [])

    def wheel(folder: Path, root: Path) -> Path:
        built = folder / "nmcourse-0-py3-none-any.whl"
        ledger = '[{"id": "N1"}]'
        with zipfile.ZipFile(built, "w") as archive:
            archive.writestr(zipfile.ZipInfo(verify.LEDGER, bundle.DATE), ledger)
        return built

    monkeypatch.setattr(bundle, "wheel", wheel)


def test_a_release_has_wheel_site_and_checksums(site: Path):
    assert bundle.bundle(site) == []
    out = site / bundle.OUT
    version = addresses.release(site).version
    name = f"nmcourse-book-{version}"
    sums = dict(line.split()[::-1] for line in (out / "SHA256SUMS").read_text().splitlines())
    made = {f"{name}.zip", "nmcourse-0-py3-none-any.whl", "verify.py"}
    assert set(sums) == made | {verify.MANIFEST}
    manifest = json.loads((out / verify.MANIFEST).read_text())
    assert set(manifest["files"]) == made
    assert manifest["records"].keys() == {"N1"}
    assert manifest["version"] == version
    for file, checksum in sums.items():
        assert hashlib.sha256((out / file).read_bytes()).hexdigest() == checksum
    with zipfile.ZipFile(out / f"{name}.zip") as archive:
        pages = [f"{name}/{page}.html" for page in build_book.toc_pages(site)]
        assert sorted(archive.namelist()) == sorted(pages)
        assert archive.testzip() is None


def test_the_same_site_gives_the_same_bytes(site: Path, tmp_path: Path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        bundle.zip_site(site / build_book.HTML, tmp_path / name / "site.zip")
        for page in (site / build_book.HTML).rglob("*.html"):
            page.touch()  # another time, the same content
    assert (tmp_path / "a/site.zip").read_bytes() == (tmp_path / "b/site.zip").read_bytes()


def test_the_same_commit_and_site_give_the_same_release(site: Path):
    """All of it: the manifest has the date of the commit, not that of the day."""
    there = []
    for _ in range(2):
        assert bundle.bundle(site) == []
        out = site / bundle.OUT
        there.append({path.name: path.read_bytes() for path in out.iterdir()})
    assert there[0] == there[1]
    assert bundle.made_of(site)[0] == "unknown"


def test_another_tag_stops_the_release(site: Path, monkeypatch: pytest.MonkeyPatch):
    right = addresses.release(site).tag
    monkeypatch.setenv("NMCOURSE_TAG", "v99.0")
    (problem,) = bundle.bundle(site)
    assert problem == f"the tag is v99.0, and the version in pyproject.toml gives {right}"
    assert not (site / bundle.OUT).exists()
    monkeypatch.setenv("NMCOURSE_TAG", right)
    assert bundle.bundle(site) == []


def test_a_missing_page_stops_the_release(site: Path):
    (site / build_book.HTML / "book/second.html").unlink()
    assert bundle.bundle(site) == ["book/second: no page; run `make book`"]


def test_a_release_has_the_book_as_a_pdf_where_it_can_be_printed(
    site: Path, monkeypatch: pytest.MonkeyPatch
):
    def write(pages: list[str], root: Path) -> Path:
        (root / "book.pdf").write_text(" ".join(pages))
        return root / "book.pdf"

    monkeypatch.setattr(bundle.pdf, "write", write)
    assert bundle.bundle(site, printed=True) == []
    out, name = site / bundle.OUT, f"nmcourse-book-{addresses.release(site).version}.pdf"
    assert (out / name).read_text() == "book/intro book/first book/second"
    assert f"  {name}\n" in (out / "SHA256SUMS").read_text()
