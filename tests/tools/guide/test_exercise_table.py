"""The table of exercises says what the exercises, the chapters and the tests say."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from nmcourse.exercises import exercises
from tools import build_book, pairs
from tools.guide import chapters, exercise_table, pages


@pytest.fixture(scope="module")
def table() -> str:
    return exercise_table.table()


def rows(table: str) -> dict[str, list[str]]:
    found = re.findall(r"^\| \[.*?\]\(#(.+?)\) \(`(.+?)`\) \| (.+) \|$", table, re.MULTILINE)
    return {one: [label, *rest.split(" | ")] for label, one, rest in found}


def test_every_exercise_has_its_line(table: str):
    lines = rows(table)
    assert list(lines) == [one.id for one in exercises()]
    for one in exercises():
        label, kind, difficulty, minutes, wrong, hints, tests = lines[one.id]
        assert (label, kind, minutes) == (one.label, one.kind, str(one.minutes))
        assert difficulty == f"{one.difficulty} of 5"
        assert wrong == (str(len(one.wrong)) if one.checkable else "rubric")
        assert hints in ("2", "3")
        # Stub, right answers and each wrong one are tested with two seeds, at least.
        assert int(tests) >= (2 * len(one.wrong) + 4 if one.checkable else 3)


def test_hints_are_those_of_the_chapter():
    chapter = next(one for one in chapters.course() if one.number == 2)
    source = (pairs.ROOT / f"{chapter.page}.md").read_text(encoding="utf-8")
    assert sum(chapter.hints.values()) == source.count("<details><summary>Hint")
    assert chapter.hints["ex-ring-drift"] == 3


def test_the_sums_are_those_of_the_lines(table: str):
    numbers = [int(line[-1]) for line in rows(table).values()]
    assert f"{sum(numbers)} tests prove the checks" in table
    assert f"**{len(numbers)} exercises**" in table


def test_a_test_belongs_to_the_exercise_that_it_names():
    parameters = ("0-rates-1: Euler's step", "rates-1", "x-rates-12", "rates-12-y", "rates-1b", "z")
    found = exercise_table.tests_of(["rates-1", "rates-12"], parameters)
    assert found == Counter({"rates-1": 2, "rates-12": 2})


def test_headings_in_code_are_no_headings():
    titles = {one.title for chapter in chapters.course() for one in chapter.sections}
    assert not [title for title in titles if title.startswith(("@title", "One step"))]
    assert "Euler and its limits" in titles


def test_links_end_as_myst_ends_them():
    assert chapters._slug("From $N^2$ weights to `two`", set()) == "from--weights-to-two"
    taken = {"summary"}
    assert chapters._slug("Summary", taken) == "summary-1"
    assert taken == {"summary", "summary-1"}


def test_a_part_that_nobody_makes_is_an_error():
    assert pages.fill("no place") == "no place"
    two = "<!-- generated: errata -->\n\nbetween\n\n<!-- generated: errata -->\n"
    assert pages.fill(two).count("## Release") == 2
    assert "\n\nbetween\n\n" in pages.fill(two)
    with pytest.raises(KeyError, match=r"generated part must be one of .* got 'soup'"):
        pages.fill("<!-- generated: soup -->")


@pytest.mark.parametrize("page", sorted((pairs.ROOT / "book/teaching").glob("*.md")), ids=str)
def test_no_place_of_a_teaching_page_is_left_empty(page: Path):
    assert f"book/teaching/{page.stem}" in build_book.toc_pages()
    source = page.read_text(encoding="utf-8")
    assert source.count("<!--") == len(pages.PLACE.findall(source)), "a place that is misspelt"


def test_every_chapter_is_in_one_of_the_pages_of_plans():
    folder = pairs.ROOT / "book" / "teaching"
    sources = "".join(path.read_text(encoding="utf-8") for path in folder.glob("plans_*.md"))
    asked = " ".join(place[1] for place in pages.PLACE.findall(sources)).split()
    needed = {one.page.rsplit("/", 1)[0] for one in chapters.course()}
    assert sorted(asked) == sorted(needed)
