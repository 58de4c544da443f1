"""The exercises of the chapters and those of the package are the same exercises.

Stub and solution stand in the chapter and nowhere else. Here they are taken out of it: the stub
must fail the check, and the solution must pass.
"""

from __future__ import annotations

import ast
import builtins
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest
import yaml

from nmcourse.exercises import PAGES, Exercise, check, exercises

ROOT = Path(__file__).resolve().parents[2]
PIECE = re.compile(
    r"^```\{code-cell\}.*?\n(?P<code>.*?)^```[ \t]*$"
    r"|^:::\{exercise\} (?P<title>.*?)$(?P<text>.*?)^:::$",
    re.MULTILINE | re.DOTALL,
)
SHOWN = re.compile(r"Difficulty (\d)/5 · importance (\d)/5 · (\d+) minutes\.")
SHOWS = re.compile(
    r"^\s*print\(|^\s*(?:\w+\.)*(?:plot|show|draw|scatter|legend|set)\w*\(", re.MULTILINE
)
BUILT_IN = set(dir(builtins))


@dataclass
class Place:
    """An exercise as it stands in a chapter: its text, the cells below it, and those above."""

    title: str
    text: str
    above: list[str]
    below: list[str] = field(default_factory=list)

    def cell(self, part: str) -> str:
        """Return the first cell below that holds a text."""
        found = [code for code in self.below if part in code]
        assert found, f"no cell below {self.title!r} holds {part!r}"
        return found[0]


@cache
def places(chapter: str) -> dict[str, Place]:
    """Return the exercises of a chapter by their labels."""
    source = (ROOT / f"{chapter}.md").read_text(encoding="utf-8")
    found: dict[str, Place] = {}
    cells: list[str] = []
    for piece in PIECE.finditer(source):
        if piece["code"] is None:
            label = re.search(r"^:label: (.+)$", piece["text"], re.MULTILINE)[1]
            found[label] = place = Place(piece["title"].strip(), piece["text"], list(cells))
        else:
            cells.append(piece["code"])
            if found:
                place.below.append(piece["code"])
    return found


def code_only(cell: str) -> list[ast.stmt]:
    """Parse a cell without its options and without the commands of IPython."""
    cell = re.sub(r"\A---\n.*?^---\n", "", cell, flags=re.MULTILINE | re.DOTALL)
    lines = [line for line in cell.split("\n") if not re.match(r":\w+:|\s*%", line)]
    if any(line.startswith("try:") for line in lines):  # the set-up cell
        return []
    return ast.parse("\n".join(lines)).body


def defined(statement: ast.stmt) -> set[str]:
    """Names that a statement defines."""
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).split(".")[0] for alias in statement.names}
    nodes = (node for node in ast.walk(statement) if isinstance(node, ast.Name))
    return {node.id for node in nodes if isinstance(node.ctx, ast.Store)}


def used_by(statement: ast.stmt) -> set[str]:
    """Names that a statement takes from around it; those of a function's own stay inside."""
    names = [node for node in ast.walk(statement) if isinstance(node, ast.Name)]
    used = {node.id for node in names}
    if isinstance(statement, ast.FunctionDef):
        inner = [node for node in ast.walk(statement) if isinstance(node, ast.FunctionDef)]
        used -= {node.name for node in inner}
        used -= {node.arg for node in ast.walk(statement) if isinstance(node, ast.arg)}
        used -= {node.id for node in names if isinstance(node.ctx, ast.Store)}
    return used


def value_of(name: str, cell: str, above: list[str]) -> object:
    """Return what a cell defines, with what it uses from the cells above, and nothing else."""
    earlier = [statement for code in above for statement in code_only(code)]
    statements = [*earlier, *code_only(cell)]
    needed: set[int] = set()

    def need(name: str, before: int) -> None:
        places = [k for k in range(before) if name in defined(statements[k])]
        if not places or places[-1] in needed:
            return
        last = places[-1]
        needed.add(last)
        inside = isinstance(statements[last], ast.FunctionDef | ast.ClassDef)
        for other in sorted(used_by(statements[last]) - BUILT_IN - {name}):
            need(other, len(statements) if inside else last)

    need(name, len(statements))
    scope: dict[str, object] = {"__name__": "chapter"}
    for k in sorted(needed):
        exec(compile(ast.Module([statements[k]], []), "<chapter>", "exec"), scope)
    return scope[name]


EVERY = pytest.mark.parametrize("one", exercises(), ids=lambda one: one.id)
CHECKABLE = pytest.mark.parametrize(
    "one", [one for one in exercises() if one.checkable], ids=lambda one: one.id
)


@EVERY
def test_title_and_measures_are_those_of_the_chapter(one: Exercise):
    place = places(one.chapter)[one.label]
    assert place.title == one.title
    shown = SHOWN.search(place.text)
    assert shown, f"{one.label}: difficulty, importance and minutes are missing"
    assert tuple(map(int, shown.groups())) == (one.difficulty, one.importance, one.minutes)
    assert 2 <= place.text.count("<details><summary>Hint") <= 3


@EVERY
def test_a_check_and_a_folded_solution_follow_the_exercise(one: Exercise):
    place = places(one.chapter)[one.label]
    call = f'check("{one.id}", {one.function})' if one.checkable else f'check("{one.id}")'
    assert call in "\n".join(place.below[:2])
    solution = place.cell("# @title Solution")
    assert place.below.index(solution) <= 2
    assert "solution]" in solution.split("# @title")[0]


@CHECKABLE
def test_the_stub_of_the_chapter_is_not_yet_an_answer(one: Exercise):
    place = places(one.chapter)[one.label]
    stub = value_of(one.function, place.below[0], place.above)
    assert check(one.id, stub).status == "not yet"


@CHECKABLE
def test_what_should_come_out_is_shown_beside_the_stub(one: Exercise):
    """The check of the stub gives an expected value, or the solution shows something to repeat."""
    place = places(one.chapter)[one.label]
    stub = value_of(one.function, place.below[0], place.above)
    by_check = re.search(r"^\W*Expected\b", str(check(one.id, stub)), re.MULTILINE)
    assert by_check or SHOWS.search(place.cell("# @title Solution"))


@CHECKABLE
def test_the_solution_of_the_chapter_passes(one: Exercise):
    place = places(one.chapter)[one.label]
    solution = place.cell("# @title Solution")
    answer = value_of(one.function, solution, place.above)
    result = check(one.id, answer, seed=0, seconds=60)
    assert result.passed, result


@EVERY
def test_what_to_read_again_is_a_section_of_the_chapter(one: Exercise):
    source = (ROOT / f"{one.chapter}.md").read_text(encoding="utf-8")
    headings = set(re.findall(r"^##+ (.+)$", source, re.MULTILINE))
    assert {wrong.read for wrong in one.wrong} <= headings


def test_every_exercise_of_these_chapters_is_registered():
    for chapter in {one.chapter for one in exercises()}:
        registered = {one.label for one in exercises() if one.chapter == chapter}
        assert set(places(chapter)) == registered


def test_a_definition_is_taken_with_what_it_needs_and_without_the_rest():
    above = ["import math\nk = 1 / 0\n", "k = 3\n\n\ndef g(x):\n    return k * x\n"]
    cell = ":tags: [solution]\n\ndef f(x):\n    return g(math.floor(x))\n\n\nassert f(0) == 1\n"
    assert value_of("f", cell, above)(2.5) == 6


def test_the_list_of_chapters_is_the_one_of_the_table_of_contents():
    parts = yaml.safe_load((ROOT / "_toc.yml").read_text())["parts"]
    of_course = ("Start", "Part ")
    pages: list[str] = []
    for part in parts:
        if part["caption"].startswith(of_course):
            for chapter in part["chapters"]:
                pages += [chapter["file"], *(s["file"] for s in chapter.get("sections", []))]
    asking = [page for page in pages if "{exercise}" in (ROOT / f"{page}.md").read_text("utf-8")]
    assert [page.removeprefix("book/") for page in asking] == list(PAGES)
