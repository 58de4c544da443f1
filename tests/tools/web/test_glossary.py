"""tools/web/glossary.py: the first use of a word leads to the glossary."""

from __future__ import annotations

from docutils import nodes
from docutils.utils import new_document

from tools.web.glossary import link

TERMS = {
    "gain": ("term-gain", "A factor."),
    "fixed point": ("term-fixed-point", "It stays."),
    "low-rank network": ("term-low-rank-network", "A sum."),
    "rank": ("term-rank", "How many."),
}


def page(*children: nodes.Node) -> nodes.document:
    document = new_document("page")
    document += list(children)
    return document


def prose(text: str) -> nodes.paragraph:
    return nodes.paragraph("", text)


def links(document: nodes.document) -> list[tuple[str, str]]:
    return [(one.astext(), one.get("refuri", "")) for one in document.findall(nodes.reference)]


def linked(*children: nodes.Node) -> list[tuple[str, str]]:
    document = page(*children)
    before = document.astext()
    link(document, TERMS, lambda place: f"g.html#{place}")
    assert document.astext() == before
    return links(document)


def test_the_first_use_becomes_a_link_and_the_second_does_not():
    assert linked(prose("A gain here."), prose("A gain there.")) == [("gain", "g.html#term-gain")]


def test_a_link_shows_what_the_word_means():
    document = page(prose("A gain here."))
    assert link(document, TERMS, str) == ["gain"]
    (word,) = document.findall(nodes.reference)
    assert word["reftitle"] == "A factor."


def test_plurals_and_capitals_are_uses_and_parts_of_words_are_not():
    assert linked(prose("Fixed points.")) == [("Fixed points", "g.html#term-fixed-point")]
    assert linked(prose("Nothing was gained again, gain-free.")) == []


def test_the_longer_term_comes_first():
    found = linked(prose("A low-rank network."), prose("Its rank."))
    assert found == [
        ("low-rank network", "g.html#term-low-rank-network"),
        ("rank", "g.html#term-rank"),
    ]


def test_headings_links_and_code_are_left_alone():
    there = nodes.reference("", "gain", refuri="elsewhere")
    code = nodes.literal("", "gain")
    assert linked(nodes.title("", "The gain"), nodes.paragraph("", "", there, code)) == [
        ("gain", "elsewhere")
    ]
