"""tools/web/citations.py: a work that is named leads to the list of references."""

from __future__ import annotations

import re

import pytest
from docutils import nodes
from docutils.utils import new_document

from tools.web import citations
from tools.web.citations import link, mentions

PLACES = {
    "costacurta2024structured": ("r.html#a", "Structured flexibility."),
    "beiran2023parametric": ("r.html#b", "Parametric control."),
}
PAPER = "costacurta2024structured"


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("As Sussillo and Barak (2013) do.", ["sussillo2013opening"]),
        ("It scales (Driscoll and colleagues).", ["driscoll2024flexible"]),
        ("Sompolinsky, Crisanti and Sommers (1988)", ["sompolinsky1988chaos"]),
        ("(Liang and Hu, 2015; Bai and colleagues, 2019)", ["liang2015recurrent", "bai2019deep"]),
        ("Beiran and colleagues (2023)", ["beiran2023parametric"]),
        ("Beiran and colleagues (2021)", ["beiran2021shaping"]),
        ("Beiran and colleagues wrote two.", []),
        ("Sussillo and Barak (1999)", []),
        ("Barak (2013) and Haitian colleagues", []),
    ],
)
def test_a_work_is_found_by_its_authors_and_by_the_year_where_they_wrote_two(text, keys):
    assert [one.key for one in mentions(text)] == keys


def test_of_two_that_overlap_the_longer_counts(monkeypatch):
    found = {
        "one": re.compile("Hu"),
        "two": re.compile(r"Hu and Liang"),
        "three": re.compile("Liang"),
    }
    monkeypatch.setattr(citations, "patterns", lambda: found)
    assert [one.key for one in mentions("Hu and Liang; Liang")] == ["two", "three"]


def page(*sections: list[str]) -> nodes.document:
    document = new_document("page")
    for paragraphs in sections:
        section = nodes.section()
        section += [nodes.paragraph("", text) for text in paragraphs]
        document += section
    return document


def links(document: nodes.document) -> list[tuple[str, str]]:
    return [(one.astext(), one["refuri"]) for one in document.findall(nodes.reference)]


def test_every_work_that_is_named_is_linked_and_the_text_stays():
    document = page(["Beiran and colleagues (2023) and Costacurta and colleagues, 2024."])
    before = document.astext()
    link(document, PLACES)
    assert document.astext() == before
    assert links(document) == [
        ("Beiran and colleagues (2023)", "r.html#b"),
        ("Costacurta and colleagues, 2024", "r.html#a"),
    ]


def test_the_paper_is_linked_once_in_a_section():
    document = page(["In the paper.", "Of the paper."], ["The authors reply; the paper too."])
    assert link(document, PLACES, PAPER) == [PAPER, PAPER]
    assert links(document) == [("the paper", "r.html#a"), ("The authors", "r.html#a")]


def test_without_a_paper_of_its_own_the_words_are_only_words():
    document = page(["In the paper."])
    assert link(document, PLACES) == []
