"""The front page and the contents agree, and no count of chapters or claims is typed into them."""

from __future__ import annotations

import re

import pytest

from tools import pairs
from tools.guide.chapters import course

FRONT = (pairs.ROOT / "book/intro.md").read_text(encoding="utf-8")
STOP = re.compile(
    r'<li class="nm-stop[^"]*" value="(\d+)">\s+\[([^\]]+)\]\(([^)]+)\.md\)', re.MULTILINE
)
COUNTED = re.compile(r"[Cc]hapters? \d+ (?:to|and) \d+|\bmost claims\b", re.IGNORECASE)


def test_the_map_shows_the_chapters_in_their_order():
    chapters = [one for one in course() if one.number is not None]
    on_map = [(int(number), title, f"book/{page}") for number, title, page in STOP.findall(FRONT)]
    assert on_map == [(one.number, one.title, one.page) for one in chapters]


@pytest.mark.parametrize("page", ["book/intro.md", "README.md", "book/claims.md"])
def test_no_range_of_chapters_and_no_share_of_claims_is_typed(page: str):
    text = (pairs.ROOT / page).read_text(encoding="utf-8")
    assert COUNTED.findall(text) == []


@pytest.mark.parametrize("page", ["book/intro.md", "book/claims.md"])
def test_a_page_counts_the_claims_with_the_ledger(page: str):
    assert "claims.in_short()" in (pairs.ROOT / page).read_text(encoding="utf-8")
