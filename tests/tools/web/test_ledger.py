"""tools/web/ledger.py: what comes from the ledger leads to its record."""

from __future__ import annotations

import pytest
from docutils import nodes
from docutils.utils import new_document

from nmcourse import claims
from tools import pairs
from tools.web import ledger
from tools.web.glossary import LINKED_PAGES

CHAPTERS = [
    path
    for path in pairs.sources()
    if LINKED_PAGES.match(path.relative_to(pairs.ROOT).with_suffix("").as_posix())
]


def cell(code: str, tags: str = "remove-cell") -> str:
    return f"```{{code-cell}} ipython3\n:tags: [{tags}]\n\n{code}\n```\n"


def test_a_cell_that_checks_sentences_marks_the_last_of_them():
    text = "First.\n\nLast one.\n\n| a | table |\n\n" + cell('assert claims.value("N8", "a") > 1')
    assert ledger.mark_prose(text + "\nNot this.\n") == text.replace(
        "Last one.", "Last one. {ledger}`N8`"
    ) + ("\nNot this.\n")


def test_where_no_prose_stands_before_it_is_the_prose_after():
    text = cell("plot()", "hide-input") + "\n" + cell('claims.get("F4"); claims.number("R1", "b")')
    assert ledger.mark_prose(text + "\nTwo\nlines.\n\nMore.\n") == (
        text + "\nTwo\nlines. {ledger}`F4 R1`\n\nMore.\n"
    )


def test_cells_that_are_shown_or_read_nothing_mark_no_prose():
    text = "Words.\n\n" + cell('claims.value("N8", "a")', "hide-input") + "\n" + cell("assert True")
    assert ledger.mark_prose(text) == text


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_every_hidden_comparison_finds_its_prose(chapter):
    text = chapter.read_text(encoding="utf-8")
    wanted = {
        claim
        for found in pairs.CODE_CELL.finditer(text)
        if ledger.REMOVED.search(found[0])
        for claim in ledger.read_by(found[0])
    }
    marked = ledger.mark_prose(text)
    roles = {claim for of in ledger.ROLE.findall(marked) for claim in of.split()}
    assert wanted == roles
    assert ledger.ROLE.sub("", marked) == text


def test_a_cell_that_shows_numbers_of_the_ledger_has_a_mark_below():
    page = new_document("page")
    source = nodes.container(nb_element="cell_code_source")
    source += nodes.literal_block("", 'claims.box("N1")\nclaims.value("N2", "order")')
    shown = nodes.container("", source, nb_element="cell_code")
    page += shown
    ledger.link(page, lambda claim: f"claims.html#claim-{claim}", set(claims.ids()))
    marks = [*shown.findall(nodes.reference)]
    assert [mark["refuri"] for mark in marks] == ["claims.html#claim-N1", "claims.html#claim-N2"]
    assert "Claim N1, " in marks[0]["reftitle"]


def test_a_claim_that_is_named_in_a_sentence_leads_to_its_record():
    page = new_document("page")
    page += nodes.paragraph("", "By N8 and (C5), but not Z9 or N99.")
    before = page.astext()
    ledger.link(page, lambda claim: f"claims.html#claim-{claim}", {"N8", "C5"})
    assert page.astext() == before
    assert [mark.astext() for mark in page.findall(nodes.reference)] == ["N8", "C5"]
