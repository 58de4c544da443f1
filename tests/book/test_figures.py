"""Every picture of a chapter says what to see in it, under a number that can be named."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest

from tools import pairs
from tools.build_book import toc_pages
from tools.guide.chapters import course
from tools.web.figures import slug

CHAPTERS = pairs.sources()
# A cell that draws: its picture, or the figure that responds, has an alternative text.
RESPONDS = re.compile(r"^    alt=", re.MULTILINE)


def drawing_cells(chapter: Path) -> list[Any]:
    """Return the cells of a chapter that draw a picture."""
    cells = nbformat.read(chapter.with_suffix(".ipynb"), as_version=4).cells
    return [
        cell
        for cell in cells
        if cell.cell_type == "code"
        and ("image" in cell.metadata.get("mystnb", {}) or RESPONDS.search(cell.source))
    ]


def caption(cell: Any) -> str:
    """Return the caption of a cell, empty if it has none."""
    return str(cell.metadata.get("mystnb", {}).get("figure", {}).get("caption", ""))


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_every_picture_has_a_caption_and_an_address_of_its_own(chapter: Path):
    cells = drawing_cells(chapter)
    without = [cell.source[:60] for cell in cells if not caption(cell)]
    assert without == []
    captions, addresses = [caption(c) for c in cells], [slug(c.source) for c in cells]
    assert len({*captions}) == len(captions)
    assert len({*addresses}) == len(addresses)


def introduced() -> dict[Path, set[str]]:
    """For each chapter the models that no chapter before it takes from the package."""
    known, found = {"SparseTerms"}, {}  # a low-rank network with another mask, for one question
    for page in toc_pages():
        chapter = pairs.ROOT / f"{page}.md"
        if chapter not in CHAPTERS:
            continue
        taken = re.findall(r"from nmcourse\.models import (\([^)]*\)|.*)", chapter.read_text())
        models = {*re.findall(r"\b[A-Z]\w+", " ".join(taken))}
        found[chapter], known = models - known, known | models
    return found


INTRODUCED = introduced()


@pytest.mark.parametrize(
    "chapter", [chapter for chapter, new in INTRODUCED.items() if new], ids=lambda path: path.stem
)
def test_a_chapter_that_introduces_a_model_draws_its_circuit(chapter: Path):
    drawn = [cell for cell in drawing_cells(chapter) if "# @title Circuit: " in cell.source]
    assert drawn
    for cell in drawn:
        assert re.search(r"^(figures\.)?draw_\w+\(.*\);$", cell.source, re.MULTILINE)


def test_models_are_introduced_in_all_parts():
    parts = {chapter.parent.name for chapter, new in INTRODUCED.items() if new}
    assert parts == {"dynamics", "neuromodulation", "vision"}


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_a_caption_is_short_and_a_sentence(chapter: Path):
    for text in map(caption, drawing_cells(chapter)):
        assert len(text) <= 240, text
        assert text[0].isupper(), text
        assert text.endswith("."), text


# A cell whose figure the reader moves on the page, without a kernel.
MOVES = re.compile(r"^(?:figures\.)?(?:interactive_\w+|power_calculator)\(", re.MULTILINE)
PAGES = [f"{one.page}.md" for one in course()] + ["book/intro.md"]
AT_LEAST = 2


def places(text: str) -> list[float]:
    """Return where on a page its figures that respond stand, as parts of its lines."""
    lines = text.splitlines()
    return [number / len(lines) for number, line in enumerate(lines) if MOVES.match(line)]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_has_two_figures_that_respond_and_one_of_them_near_the_top(page: str):
    found = places((pairs.ROOT / page).read_text(encoding="utf-8"))
    assert len(found) >= AT_LEAST
    assert found[0] < 1 / 3


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_a_figure_that_responds_is_the_last_thing_of_its_cell_and_so_shown(chapter: Path):
    for cell in nbformat.read(chapter.with_suffix(".ipynb"), as_version=4).cells:
        if cell.cell_type == "code" and MOVES.search(cell.source):
            last = ast.parse(_python(cell.source)).body[-1]
            assert isinstance(last, ast.Expr), cell.source[:60]
            assert MOVES.match(ast.unparse(last)), cell.source[:60]


def _python(source: str) -> str:
    """A cell without the lines that only a notebook understands."""
    return "\n".join(line for line in source.splitlines() if not line.lstrip().startswith("%"))


def test_places_are_parts_of_a_page():
    text = "a\n" * 6 + "figures.interactive_lines(\n" + "b\n" * 2 + "x = interactive_lines(\n"
    assert places(text) == [0.6]
