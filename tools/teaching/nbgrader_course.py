"""Write an assignment as a course of nbgrader: its source notebooks, and the settings it needs.

nbgrader runs submissions as the user who calls it, with the hidden tests in the same process. It
suits a class that one trusts; `make grade` marks the same notebooks closed in.
"""

from __future__ import annotations

import inspect
import textwrap
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell

from nmcourse._files import write_text
from nmcourse.exercises.checking.compare import ACROSS, LOOSE, SMALL, equal, scale_of
from tools.teaching.homework import Part, Version
from tools.teaching.homework._record import STUB
from tools.teaching.literals import literal
from tools.teaching.notebooks import OPEN, Assignment, student
from tools.teaching.sandbox.limits import Limits

FOLDER = "nbgrader"
_LOCKED = ("set-up", "start", "test", "complete")
_CONFIG = f'''"""Settings of nbgrader for this homework; what is not here is as nbgrader has it."""

from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
from nbgrader.preprocessors import ClearHiddenTests, GetGrades

c = get_config()  # noqa: F821 - nbgrader gives it

c.CourseDirectory.course_id = "nmcourse"
c.ClearSolutions.code_stub = {{"python": "{STUB}"}}
c.ClearSolutions.text_stub = "{OPEN}"
c.Execute.timeout = 60  # seconds for one cell
c.Execute.interrupt_on_timeout = True
c.Execute.iopub_timeout = 60  # a busy machine is no fault of the submission
# The pages that students get do not show the hidden tests.
c.GenerateFeedback.preprocessors = [GetGrades, ClearHiddenTests, CSSHTMLHeaderPreprocessor]
'''

# It needs NumPy only: to import torch in every notebook takes longer than all the rest. How two
# arrays are compared is the text of the function that checks the exercises of the book.
_TESTS = """\
### BEGIN HIDDEN TESTS
def points_of_the_part():
    import warnings

    import numpy as np

    SMALL, ACROSS = {small!r}, {across!r}

{equal}

    tests = [
{tests}
    ]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for given, wanted in tests:
                found = {function}(*given)
                found = np.asarray(found.detach() if hasattr(found, "detach") else found)
                rtol = {loose!r}.get(found.dtype.name, 1e-5)
                found, wanted = np.squeeze({found}), np.squeeze(np.asarray(wanted))
                if found.dtype.kind not in "biufc" or not equal(found, wanted, rtol, {scale!r}):
                    return 0.0
    except BaseException:
        return 0.0
    return {points!r}


points_of_the_part()
### END HIDDEN TESTS"""


def write(
    assignment: Assignment,
    cases: dict[str, list[Any]],
    out: Path,
    limits: Limits | None = None,
) -> list[Path]:
    """Add an assignment to the nbgrader course in OUT/nbgrader; return the paths written.

    The settings are written once: an instructor may have changed them.
    """
    course = out / FOLDER
    path = course / "source" / assignment.token / f"{assignment.token}.ipynb"
    write_text(path, nbformat.writes(source(assignment, cases, limits)) + "\n")
    config = course / "nbgrader_config.py"
    if not config.exists():
        write_text(config, _CONFIG)
    return [path]


def source(
    assignment: Assignment, cases: dict[str, list[Any]], limits: Limits | None = None
) -> nbformat.NotebookNode:
    """Return the instructor's notebook of nbgrader, from which it makes that of the students.

    Args:
        assignment: The assignment.
        cases: For each part the arguments of its hidden tests.
        limits: Those of `make grade`, of which the notebook tells.
    """
    parts = {part.name: part for part in assignment.version.parts}
    notebook = student(assignment, limits)
    cells = []
    for cell in notebook.cells:
        cells.append(cell)
        notes = cell.metadata.get("nmcourse", {})
        role, name = notes.get("role", ""), notes.get("part", "")
        if role in _LOCKED:
            cell.metadata["nbgrader"] = _kind("-".join(filter(None, (role, name))), locked=True)
        elif role == "help":
            cell.metadata["nbgrader"] = _kind("help", solution=True, grade=True, points=0)
        elif role == "answer":
            cell.source = _solution(parts[name])
            cell.metadata["nbgrader"] = _kind(f"answer-{name}", solution=True)
        if role == "test":
            cells.append(_hidden(assignment.version, parts[name], cases[name]))
    notebook.cells = cells
    notebook.metadata["nmcourse"]["edition"] = "nbgrader"
    nbformat.validate(notebook)
    return notebook


def hidden_source(version: Version, part: Part, cases: list[Any]) -> str:
    """Return the cell that marks a part; its value is the points, and it raises nothing.

    nbgrader takes the value of a cell for its points. An error would show the lines around it, and
    with them hidden tests, on the page that the student gets.
    """
    function = version.compiled(part)
    rows, results = [], []
    for case in cases:
        wanted = function(*case)
        wanted = wanted if part.canonical is None else part.canonical(wanted)
        rows.append(f"({literal(tuple(case))}, {literal(wanted)}),")
        results.append(wanted)
    points = "1 point" if part.points == 1 else f"{part.points:g} points"
    body = _TESTS.format(
        tests=textwrap.indent("\n".join(rows), 8 * " "),
        function=part.function,
        found=part.brought("found"),
        points=float(part.points),
        small=SMALL,
        across=ACROSS,
        scale=scale_of(results),
        loose=LOOSE,
        equal=textwrap.indent(inspect.getsource(equal).rstrip(), 4 * " "),
    )
    return f"# Part {part.name}: {points}. The tests of this cell run when it is marked.\n{body}"


def _hidden(version: Version, part: Part, cases: list[Any]) -> nbformat.NotebookNode:
    name = f"points-{part.name}"
    notes = {"role": "points", "part": part.name}
    kind = _kind(name, grade=True, locked=True, points=part.points)
    cell = new_code_cell(hidden_source(version, part, cases))
    cell["id"] = f"{version.homework}-{name}"
    cell.metadata.update(nmcourse=notes, nbgrader=kind)
    return cell


def _solution(part: Part) -> str:
    """The function with its solution between the marks at which nbgrader cuts."""
    return part.source(f"### BEGIN SOLUTION\n{part.body}\n### END SOLUTION").rstrip()


def _kind(
    name: str,
    *,
    grade: bool = False,
    solution: bool = False,
    locked: bool = False,
    points: float | None = None,
) -> dict[str, Any]:
    """The metadata by which nbgrader knows a cell."""
    found: dict[str, Any] = {
        "schema_version": 3,
        "grade_id": name,
        "grade": grade,
        "solution": solution,
        "locked": locked,
        "task": False,
    }
    return found if points is None else found | {"points": points}
