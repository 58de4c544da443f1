"""The page Notation names what the package and the released code really hold."""

from __future__ import annotations

import re
from operator import attrgetter

import pytest

from nmcourse.models import NMRNN, CordsNet, LowRankRNN, Modulator
from nmcourse.published._cordsnet import LAYERS
from nmcourse.published._nm_rnn import LAYOUTS
from tools import pairs
from tools.guide import symbols
from tools.guide.chapters import Chapter, course
from tools.guide.pages import fill

PAGE = (pairs.ROOT / "book/notation.md").read_text(encoding="utf-8")
GLOSSARY = (pairs.ROOT / "book/glossary.md").read_text(encoding="utf-8")
NAME = re.compile(r"`([\w.]+)`")
SETTINGS = {"tau_x", "tau_z"}


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the table under a heading, without its head."""
    table = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in table.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def released(name: str) -> dict[str, str]:
    """Return every name of the released code for our name of an array of an NM-RNN."""
    pairs_of_names = [pair for layout in LAYOUTS.values() for pair in layout.names.items()]
    return {theirs: ours for theirs, ours in pairs_of_names if ours == name}


@pytest.mark.parametrize("row", rows("Names of the NM-RNN"), ids=lambda row: row[0])
def test_names_of_the_nm_rnn(row: list[str]):
    network = NMRNN(LowRankRNN(2, 6, 1, 2), Modulator(2, 3, 2, n_feedback=6))
    for ours in NAME.findall(row[2]):
        assert attrgetter(ours)(network) is not None
        theirs = {*NAME.findall(row[3])} - SETTINGS
        assert theirs == {*released(ours)}


@pytest.mark.parametrize("row", rows("Names of CordsNet"), ids=lambda row: row[2])
def test_names_of_cordsnet(row: list[str]):
    network = CordsNet("small-R4", 1, 10)
    for ours in NAME.findall(row[3]):
        assert attrgetter(ours)(network) is not None
    for theirs in NAME.findall(row[4]):
        assert theirs.split(".")[0] in {*LAYERS, "original0", "original1"}


def test_nothing_of_the_notation_is_written_twice():
    front = (pairs.ROOT / "book/intro.md").read_text(encoding="utf-8")
    assert "| symbol |" not in front
    assert "(notation.md)" in front


CHAPTERS = [chapter for chapter in course() if chapter.number is not None]


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda one: one.page.split("/")[-1])
def test_every_chapter_has_its_symbols_on_the_page(chapter: Chapter):
    source = (pairs.ROOT / f"{chapter.page}.md").read_text(encoding="utf-8")
    found = symbols.rows(source)
    # The last table of a chapter, read in another way.
    table = source.split("\n| symbol |")[-1].split("\n\n")[0].splitlines()[2:]
    assert len(found) >= len(table) > 2
    page = fill(PAGE)
    for symbol, meaning in found:
        assert f"| {symbol} | {meaning} |" in page
        assert meaning, symbol
        assert "](" not in meaning, "a link of a chapter leads nowhere on another page"


def test_terms_of_the_glossary_stand_once_in_order():
    terms = re.findall(r"^(\S[^\n]*)\n  \S", GLOSSARY.split("{glossary}\n")[1], re.MULTILINE)
    assert len(terms) > 30
    assert terms == sorted({*terms}, key=str.lower)


def test_a_meaning_is_words_alone_because_it_is_also_shown_beside_a_link():
    assert not re.search(r"[$`{]", GLOSSARY.split("{glossary}\n")[1].removesuffix("```\n"))
