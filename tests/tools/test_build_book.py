"""tools.build_book: the site shows what was executed, and a warning stops it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import build_book, check_pages, notebooks, pairs


def test_toc_pages_come_in_order_with_sections(book: Path):
    assert build_book.toc_pages(book) == ["book/intro", "book/first", "book/second"]


def test_every_page_of_the_contents_has_a_source():
    missing = [p for p in build_book.toc_pages() if not (pairs.ROOT / f"{p}.md").exists()]
    assert missing == []


def test_a_notebook_that_was_not_reused_is_a_problem():
    log = "/x/book/first.md: Using cached notebook: ID=1\n/x/book/second.md: Executing notebook\n"
    problems = build_book.reuse_problems(log, ["book/first", "book/second"])
    assert problems == ["book/second: executed again by the site build instead of reused"]


@pytest.mark.slow
def test_build_reuses_executions_and_stops_at_a_broken_reference(
    book: Path, capfd: pytest.CaptureFixture[str]
):
    notebooks.update(notebooks.stale(book), book)
    assert build_book.build(book) == []
    assert check_pages.missing_pages(book / build_book.HTML, book) == []
    assert check_pages.broken_links(book / build_book.HTML / "book/intro.html") == []

    (book / "book/intro.md").write_text("# Start\n\nSee [nothing](#not-there).\n")
    assert build_book.build(book) == ["jupyter-book ended with status 1"]
    assert "not-there" in capfd.readouterr().out


def test_a_page_that_is_not_in_the_contents_is_named(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["build_book", "--page", "book/nothing.md"])
    with pytest.raises(SystemExit):
        build_book.main()
    said = capsys.readouterr().err
    assert "no page 'book/nothing' in _toc.yml; there are book/intro" in said
