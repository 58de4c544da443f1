"""tools.notebooks: one execution, valid as long as nothing it depends on has changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tools.conftest import chapter
from tools import build_book, notebooks, pairs


def executed(book: Path) -> dict[str, notebooks.Execution]:
    notebooks.update(notebooks.stale(book), book)
    return notebooks.read_record(book)


def test_package_hash_follows_the_package_the_pins_and_the_tier(
    book: Path, monkeypatch: pytest.MonkeyPatch
):
    hashes = [notebooks.package_hash(book)]
    (book / "nmcourse/module.py").write_text("VALUE = 2\n")
    hashes.append(notebooks.package_hash(book))
    (book / "nmcourse/weights.safetensors").write_bytes(b"\0")
    hashes.append(notebooks.package_hash(book))
    (book / "requirements.txt").write_text("numpy==1\n")
    hashes.append(notebooks.package_hash(book))
    monkeypatch.setenv("NMCOURSE_TIER", "smoke")
    hashes.append(notebooks.package_hash(book))
    assert len(set(hashes)) == 5


def test_package_hash_passes_over_compiled_files(book: Path):
    before = notebooks.package_hash(book)
    (book / "nmcourse/__pycache__").mkdir()
    (book / "nmcourse/__pycache__/module.pyc").write_bytes(b"\0")
    assert notebooks.package_hash(book) == before


def test_one_execution_is_recorded_reused_and_dropped(
    book: Path, capfd: pytest.CaptureFixture[str]
):
    (book / "book/second.md").write_text(chapter("1 / 0"))
    pairs.write(pairs.sources(book), book)
    record = executed(book)
    assert list(record) == ["book/first"]
    assert 0 <= record["book/first"].seconds < 60
    assert notebooks.stale(book) == ["book/second"]
    assert "book/second: no successful execution" in notebooks.report(book)
    assert "ZeroDivisionError" in capfd.readouterr().out

    (book / "book/second.md").write_text(chapter("2"))
    pairs.write(pairs.sources(book), book)
    assert list(executed(book)) == ["book/first", "book/second"]
    assert notebooks.report(book) == []

    (book / "nmcourse/module.py").write_text("VALUE = 2\n")
    assert notebooks.stale(book) == ["book/first", "book/second"]
    assert build_book.build(book) == [
        "book/first: no valid execution; run `make notebooks`",
        "book/second: no valid execution; run `make notebooks`",
    ]


def test_a_slow_chapter_is_a_problem(book: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(notebooks, "execute", lambda selected, root: dict.fromkeys(selected, 130.0))
    monkeypatch.setattr(notebooks, "fill_cache", lambda root: None)
    paces = iter([1.0, 1.0, 1.0, 2.0])
    monkeypatch.setattr(notebooks, "pace", lambda: next(paces))
    for name in notebooks.names(book):
        (book / notebooks.EXECUTED / name).parent.mkdir(parents=True, exist_ok=True)
        (book / notebooks.EXECUTED / f"{name}.ipynb").write_text("{}")
    executed(book)
    assert "book/first: took 130 s, more than the 120 s allowed" in notebooks.report(book)
    monkeypatch.setenv("NMCOURSE_CHAPTER_SECONDS", "200")
    assert notebooks.report(book) == []
    monkeypatch.delenv("NMCOURSE_CHAPTER_SECONDS")
    notebooks.update(notebooks.names(book), book)  # on a machine that has become half as fast
    assert notebooks.report(book) == []
