"""tools/pdf.py: the pages of the book become one document."""

from __future__ import annotations

from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from tools import addresses, browser_check, build_book, pdf

PAGE = """<!DOCTYPE html><html><head><title>A</title>
<link rel="stylesheet" href="../_static/style.css"></head><body><nav>not this</nav>
<article class="bd-article"><section id="summary"><h1>{title}</h1>
<a href="#summary">here</a><a href="{other}.html#summary">there</a><a href="{other}.html">page</a>
<a href="elsewhere.html#x">out</a><a href="https://example.org">web</a>
<img src="../_images/a.png"></section></article></body></html>"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    html = tmp_path / build_book.HTML
    (html / "book").mkdir(parents=True)
    for title, other in (("one", "two"), ("two", "one")):
        (html / f"book/{title}.html").write_text(PAGE.format(title=title, other=other))
    return html


def test_links_between_pages_lead_to_places_in_the_document(site: Path):
    soup = BeautifulSoup(pdf.together(site, ["book/one", "book/two"]), "html.parser")
    ids = [part["id"] for part in soup.find_all(id=True)]
    assert len(ids) == len(set(ids))
    assert soup.find("nav") is None
    one, two = soup.find_all("article")
    second = two.section["id"]
    assert [a["href"] for a in one.find_all("a")] == [
        "#summary",
        f"#{second}",
        f"#{two['id']}",
        "book/elsewhere.html",
        "https://example.org",
    ]
    assert [a["href"] for a in two.find_all("a")][:2] == [f"#{second}", "#summary"]
    assert one.img["src"] == "_images/a.png"
    assert soup.head.link["href"] == "_static/style.css"


def test_a_cover_lists_the_pages(site: Path):
    soup = BeautifulSoup(pdf.together(site, ["book/one", "book/two"]), "html.parser")
    cover = soup.select_one(".nm-cover")
    assert addresses.release().version in cover.p.get_text()
    listed = [(a.get_text(), a["href"]) for a in cover.select("li a")]
    (_, title), *rest = [(one["id"], one.h1.get_text()) for one in soup.find_all("article")]
    assert cover.h1.get_text() == title
    assert listed == [(name, f"#{place}") for place, name in rest]


def test_without_chromium_nothing_happens_and_it_is_said(monkeypatch, capsys):
    monkeypatch.setattr(browser_check, "chromium", lambda: None)
    assert pdf.main([]) == 0
    assert "no Chromium" in capsys.readouterr().out


def test_pages_that_are_not_built_are_named(monkeypatch, capsys, tmp_path: Path):
    monkeypatch.setattr(browser_check, "chromium", lambda: "chromium")
    monkeypatch.setattr(pdf.pairs, "ROOT", tmp_path)
    assert pdf.main(["book/nothing"]) == 1
    assert "the book is not built; run `make book` first" in capsys.readouterr().err
    (tmp_path / build_book.HTML / "book").mkdir(parents=True)
    (tmp_path / build_book.HTML / "book/there.html").touch()
    assert pdf.main(["book/nothing", "book/there"]) == 1
    assert "book/nothing: not built" in capsys.readouterr().err
