"""Open code fits a page: the browser checks it on the built site, this test within a second."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import pairs
from tools.guide.reading import CELL, FRONT_MATTER, HIDDEN

WIDEST = 98  # characters of a line that are seen in a window of 1280 px
PAGES = sorted((pairs.ROOT / "book").rglob("*.md"))


def too_wide(text: str) -> list[str]:
    """Return the lines of open cells that a reader cannot see to their end."""
    cells = CELL.findall(FRONT_MATTER.sub("", text))
    return [
        line
        for cell in cells
        if not HIDDEN.search(cell)
        for line in cell.splitlines()
        if len(line) > WIDEST and not line.startswith(":")
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_no_open_line_is_wider_than_the_page(page: Path):
    assert too_wide(page.read_text(encoding="utf-8")) == []


def test_a_wide_line_is_found_and_a_folded_one_is_not():
    wide = "x = " + "1" * WIDEST
    assert too_wide(f"```{{code-cell}} ipython3\n{wide}\n```\n") == [wide]
    assert too_wide(f"```{{code-cell}} ipython3\n:tags: [hide-input]\n\n{wide}\n```\n") == []
