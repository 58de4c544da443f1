"""Every work that the course cites can be found, and every citation is of a work that is listed."""

from __future__ import annotations

import re

import pytest
from pybtex.database import Entry, parse_file

from tools import pairs
from tools.web.citations import mentions

ENTRIES: dict[str, Entry] = dict(parse_file(str(pairs.ROOT / "references.bib")).entries)
# Works without an address: nobody could confirm one.
WITHOUT_ADDRESS = {
    "abbott1990modulation": "no DOI could be confirmed; volume and pages are",
    "miller2012mathematical": "no DOI could be confirmed; journal and year are",
}
DOI = re.compile(r"^10\.\d{4,9}/\S+$")
CITATION = re.compile(r"\{cite:[pt]\}`([^`]+)`")
CHAPTERS = [
    path
    for path in pairs.sources()
    if path.parent.name in ("dynamics", "neuromodulation", "vision")
    and not path.stem.startswith("project")
]


@pytest.mark.parametrize("key", ENTRIES)
def test_a_reference_has_a_doi_or_an_address(key: str):
    fields = ENTRIES[key].fields
    if key in WITHOUT_ADDRESS:
        assert "doi" not in fields
        assert "url" not in fields
        return
    assert "doi" in fields or "url" in fields
    assert DOI.match(fields.get("doi", "10.0000/none"))
    assert fields.get("url", "https://").startswith("https://")


def test_no_two_references_are_of_one_work():
    for name in ("title", "doi", "url"):
        values = [e.fields[name].lower() for e in ENTRIES.values() if name in e.fields]
        assert len(values) == len(set(values)), name


def cited(text: str) -> list[str]:
    return [key.strip() for keys in CITATION.findall(text) for key in keys.split(",")]


def test_every_citation_is_of_a_work_that_is_listed():
    pages = (pairs.ROOT / "book").rglob("*.md")
    assert {key for page in pages for key in cited(page.read_text("utf-8"))} <= set(ENTRIES)


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_cites_where_the_sentence_is(chapter):
    """Not only in the list at its end."""
    text, _, reading = chapter.read_text(encoding="utf-8").partition("\n## Further reading\n")
    assert reading
    named = {one.key for one in mentions(" ".join(pairs.CODE_CELL.sub("", text).split()))}
    assert len(named | set(cited(text))) >= 2
