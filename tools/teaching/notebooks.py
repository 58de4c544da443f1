"""The notebooks of an assignment: for students, and for the instructor."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from nmcourse.exercises.checking.describe import in_words
from nmcourse.exercises.handing_in import COMPLETE_HEADING, PACKAGES
from tools.teaching.homework import Part, Version
from tools.teaching.literals import literal
from tools.teaching.sandbox.limits import Limits

SET_UP = re.compile(r"# @title Set-up: run this cell first\n.*?(?=\n```)", re.DOTALL)
CHAPTER_WITH_SET_UP = Path("book/dynamics/rate_networks.md")
ROOT = Path(__file__).resolve().parents[2]
OPEN = "*Your words here.*"
_DIGITS = 10  # of the numbers that students see
_COMPLETE = (
    "## Is it complete?\n\nThe next cell looks through the notebook as it will be marked: is every "
    "answer there, and does it work without the cells that it should not need?"
)
_HELP = (
    "## What helped you\n\nName the people, pages and programs, AI assistants among them, that "
    "helped you, and with what. This costs no points."
)


@dataclass(frozen=True)
class Assignment:
    """A version of a homework problem, under the name by which a submission is recognised.

    Attributes:
        token: Such as "rates-A-3f2a9c".
        version: The version.
    """

    token: str
    version: Version

    def marker(self) -> str:
        """Return the line of code by which a submission is recognised."""
        return f'ASSIGNMENT = "{self.token}"  # do not change this line'


def test_source(version: Version, part: Part) -> str:
    """Return the test of a part that everybody sees: one example."""
    given = zip(part.arguments, part.example, strict=True)
    names = [f"{name}={literal(value, _DIGITS)}" for name, value in given]
    expected = np.asarray(version.compiled(part)(*part.example))
    wanted = expected if part.canonical is None else part.canonical(expected)
    return (
        f"{test_heading(part)}\n"
        f"result = {part.function}({', '.join(names)})\n"
        f"assert np.allclose({part.brought('result')}, {literal(wanted, _DIGITS)}), result\n"
        f'print("The example of part {part.name} is right. More are tried when it is marked.")'
    )


def test_heading(part: Part) -> str:
    """Return the first line of the test of a part, by which it is recognised."""
    return f"# Test of part {part.name} (leave it as it is)"


def student(assignment: Assignment, limits: Limits | None = None) -> nbformat.NotebookNode:
    """Return the notebook for students: no solution, and one example for each part.

    Args:
        assignment: The assignment.
        limits: What a submission may use when it is marked; students are told.
    """
    limits = limits or Limits()
    version = assignment.version
    cells = [*_opening(assignment, limits)]
    for part in version.parts:
        cells.append(_text(_task(part)))
        cells.append(_code(part.stub().rstrip(), "answer", part.name))
        cells.append(_code(test_source(version, part), "test", part.name))
    cells += [_text(_HELP), _text(OPEN, "help")]
    cells += [_text(_COMPLETE), _code(complete_source(version, limits), "complete")]
    return _notebook(cells, assignment, "student")


def instructor(assignment: Assignment, cases: dict[str, list[Any]]) -> nbformat.NotebookNode:
    """Return the notebook for the instructor: solutions, hidden tests, typical wrong answers.

    Args:
        assignment: The assignment.
        cases: For each part the arguments of its hidden tests.
    """
    version = assignment.version
    warning = "**For the instructor only.** Solutions and hidden tests follow."
    cells = [_text(warning), *_opening(assignment, Limits())]
    for part in version.parts:
        cells.append(_text(_task(part)))
        cells.append(_code(part.source().rstrip(), "solution", part.name))
        cells.append(_code(test_source(version, part), "test", part.name))
        cells.append(_text(_hidden(version, part, cases[part.name])))
        cells.append(_text(_mistakes(part)))
    return _notebook(cells, assignment, "instructor")


def complete_source(version: Version, limits: Limits) -> str:
    """Return the cell with which students look whether their notebook is complete."""
    parts = {part.name: part.function for part in version.parts}
    return (
        f"{COMPLETE_HEADING}\nfrom nmcourse.exercises import complete\n\n"
        f"complete(ASSIGNMENT, {parts!r}, seconds={limits.cell_s:g})".replace("'", '"')
    )


def set_up() -> str:
    """Return the set-up cell of the course, as the chapters have it."""
    found = SET_UP.search((ROOT / CHAPTER_WITH_SET_UP).read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(f"{CHAPTER_WITH_SET_UP}: no set-up cell")
    return found[0]


def _opening(assignment: Assignment, limits: Limits) -> list[nbformat.NotebookNode]:
    version = assignment.version
    words = (
        f"# Homework: {version.title}\n\n{version.statement}\n\n"
        f"{len(version.parts)} parts, {version.points:g} points. Write each function where the "
        "notebook says *your code here*, and keep names and arguments. Cells of your own are "
        "welcome. Each part has a test with one example; more examples are tried when it is "
        "marked.\n\n"
        f"**How it is marked:** {_how(version, limits)}\n\n"
        "**To hand in:** restart the notebook and run all cells. A part without an answer, or with "
        "a wrong one, stops *Run all* at its test: run the cells below it one by one, and hand in "
        "all the same. The last cell says whether the notebook is complete. Then download the "
        "notebook as one file (in Colab: *File*, *Download*, *Download .ipynb*) and give it to "
        "your course where homework is collected. Its name does not matter; the line with "
        f"`{assignment.token}` does."
    )
    start = f"import numpy as np\n\n{assignment.marker()}"
    if version.common:
        start += f"\n\n\n{version.common.rstrip()}"
    return [_text(words), _code(set_up(), "set-up"), _code(start, "start")]


def _how(version: Version, limits: Limits) -> str:
    """What students are told of the machine that marks, and of the order in which it does so."""
    seconds = " or ".join(f"{one:g}" for one in sorted({part.seconds for part in version.parts}))
    packages = ", ".join(f"`{name}`" for name in PACKAGES)
    return (
        "each function is called alone, after those lines of the notebook that it needs and no "
        "others, so your other cells cost it nothing. A function that is defined several times "
        f"counts as it stands last. There are Python 3.11 or later and the packages {packages}, "
        "no other package, and no network. The lines of a cell that a function needs may compute "
        f"for {limits.cell_s:g} s, a call of it for {seconds} s, and all of that together for "
        f"{limits.cpu_s:g} s, within {limits.memory_mb} MB of memory."
    )


def _task(part: Part) -> str:
    points = "1 point" if part.points == 1 else f"{part.points:g} points"
    opening = f"{part.opening}\n\n" if part.opening else ""
    return f"{opening}## Part {part.name}: {part.title} ({points})\n\n{part.task}"


def _hidden(version: Version, part: Part, cases: list[Any]) -> str:
    rows = ["**Hidden tests**", "", f"| {' | '.join(part.arguments)} | expected |"]
    rows.append("|" + "---|" * (len(part.arguments) + 1))
    for case in cases:
        shown = [in_words(value) for value in (*case, version.compiled(part)(*case))]
        rows.append(f"| {' | '.join(shown)} |")
    return "\n".join(rows)


def _mistakes(part: Part) -> str:
    rows = ["**Typical wrong answers**", ""]
    rows += [f"- *{one.name}*: {one.hint} (Read again: {one.read})" for one in part.mistakes]
    return "\n".join(rows)


def _text(source: str, role: str = "") -> nbformat.NotebookNode:
    return new_markdown_cell(source, metadata={"nmcourse": {"role": role}} if role else {})


def _code(source: str, role: str, part: str = "") -> nbformat.NotebookNode:
    notes = {"role": role, "part": part} if part else {"role": role}
    return new_code_cell(source, metadata={"nmcourse": notes})


def _notebook(
    cells: list[nbformat.NotebookNode], assignment: Assignment, edition: str
) -> nbformat.NotebookNode:
    for number, cell in enumerate(cells):
        cell["id"] = f"{assignment.version.homework}-{number}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notes = {"assignment": assignment.token, "edition": edition}
    notebook = new_notebook(cells=cells, metadata={"kernelspec": kernel, "nmcourse": notes})
    nbformat.validate(notebook)
    return notebook
