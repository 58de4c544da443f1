"""Depth is folded in one way everywhere, and so that a notebook in Colab folds it as well."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools import pairs

PAGES = sorted((pairs.ROOT / "book").rglob("*.md"))
NAMED = re.compile(r"[^\n]*Going deeper[^\n]*")
FOLDED_TEXT = re.compile(r"<details><summary>Going deeper: [^<]+</summary>")
FOLDED_CELL = re.compile(r"# @title Going deeper: .+")
SPOKEN_OF = re.compile(r".*\*Going deeper\*.*")
CELL = re.compile(r"^```\{code-cell\}[^\n]*\n(.*?)^```[ \t]*$", re.DOTALL | re.MULTILINE)


def other_ways(text: str) -> list[str]:
    """Return the lines that name *Going deeper* and fold it in another way."""
    ways = (FOLDED_TEXT, FOLDED_CELL, SPOKEN_OF)
    return [
        line for line in NAMED.findall(text) if not any(way.fullmatch(line.strip()) for way in ways)
    ]


def open_cells(text: str) -> list[str]:
    """Return the cells that are named *Going deeper* and are not folded."""
    cells = [cell for cell in CELL.findall(text) if FOLDED_CELL.search(cell)]
    return [cell for cell in cells if not re.search(r"hide-(cell|input)", cell)]


def test_another_way_of_folding_is_found():
    for wrong in (":::{dropdown} Going deeper: x", "### Going deeper", "**Going deeper.** x"):
        assert other_ways(f"a\n{wrong}\nb") == [wrong]
    cell = "```{code-cell} ipython3\n# @title Going deeper: x\n```\n"
    assert open_cells(cell)
    assert not open_cells(cell.replace("# @", ":tags: [hide-cell]\n# @"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_depth_is_folded_in_one_way(page: Path):
    text = page.read_text(encoding="utf-8")
    assert other_ways(text) == []
    assert open_cells(text) == []
    assert text.count("<details>") == text.count("</details>")
