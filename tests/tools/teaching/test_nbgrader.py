"""The course for nbgrader, without nbgrader: `make nbgrader-check` puts it through nbgrader."""

from __future__ import annotations

import copy
import re
from pathlib import Path

import nbformat
import pytest

from nmcourse.exercises.handing_in import plain
from tools.teaching import assignments, nbgrader_course
from tools.teaching.handed_in import collect
from tools.teaching.homework import PROBLEMS
from tools.teaching.homework._record import STUB
from tools.teaching.notebooks import OPEN, student
from tools.teaching.submission import read

HIDDEN = re.compile(r"### BEGIN HIDDEN TESTS\n.*?### END HIDDEN TESTS", re.DOTALL)
SOLUTION = re.compile(r"### BEGIN SOLUTION\n.*?### END SOLUTION", re.DOTALL)


@pytest.fixture(scope="module", params=sorted(PROBLEMS))
def course(request, tmp_path_factory):
    out = tmp_path_factory.mktemp("homework")
    hidden = assignments.make("2026", request.param)
    assignments.write(hidden, out)
    [(token, assignment)] = hidden.versions.items()
    path = out / "nbgrader" / "source" / token / f"{token}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return assignment, notebook, out


def kinds(notebook) -> list[dict[str, object]]:
    return [c.metadata.nbgrader | {"is": c.cell_type} for c in notebook.cells if graded(c)]


def graded(cell) -> bool:
    return "nbgrader" in cell.metadata


def test_the_metadata_are_what_nbgrader_asks_for(course):
    assignment, notebook, _ = course
    found = kinds(notebook)
    names = [one["grade_id"] for one in found]
    assert len(set(names)) == len(names)
    for one in found:
        flags = [one[name] for name in ("grade", "solution", "locked", "task")]
        assert all(isinstance(flag, bool) for flag in flags)
        assert one["schema_version"] == 3
        assert ("points" in one) == one["grade"]
        if one["is"] == "markdown":
            assert (one["grade"], one["solution"]) == (True, True)  # marked by a person
    points = {one["grade_id"]: one["points"] for one in found if one["grade"]}
    parts = assignment.version.parts
    assert points == {f"points-{part.name}": part.points for part in parts} | {"help": 0}


def test_what_nbgrader_cuts_leaves_the_student_notebook(course):
    assignment, notebook, _ = course
    released = []
    for cell in notebook.cells:
        source = SOLUTION.sub(STUB, HIDDEN.sub("", cell.source))
        if cell.metadata.get("nmcourse", {}).get("role") == "points":
            assert len(source.splitlines()) == 1
            assert source.startswith("#")
        else:
            released.append(source)
    assert released == [cell.source for cell in student(assignment).cells]


def test_nothing_for_students_holds_hidden_tests(course):
    _, notebook, out = course
    hidden = [HIDDEN.search(c.source)[0] for c in notebook.cells if HIDDEN.search(c.source)]
    numbers = {n for text in hidden for n in re.findall(r"\d\.\d{12,}", text)}
    assert len(numbers) > 20
    for path in (out / "student").iterdir():
        text = path.read_text()
        assert "HIDDEN" not in text
        assert not [n for n in numbers if n in text]


def points(notebook, bodies: dict[str, str], parts) -> dict[str, float]:
    """Run the notebook with other solutions; return the points of each part."""
    names: dict[str, object] = {"print": lambda *_: None}
    found = {}
    for cell in notebook.cells:
        role, name = (cell.metadata.get("nmcourse", {}).get(key, "") for key in ("role", "part"))
        if cell.cell_type != "code" or role == "test":
            continue
        source = cell.source
        if role == "answer" and name in bodies:
            source = next(part for part in parts if part.name == name).source(bodies[name])
        exec(plain(source), names)
        if role == "points":
            found[name] = names["points_of_the_part"]()
    return found


def test_points_are_given_for_right_answers_and_for_no_others(course):
    assignment, notebook, _ = course
    parts = assignment.version.parts
    full = {part.name: part.points for part in parts}
    assert points(notebook, {}, parts) == full
    assert points(notebook, {part.name: part.another for part in parts}, parts) == full
    for body in (STUB, "return None", "raise SystemExit", "return 'text'", "return [[1], [1, 2]]"):
        assert not any(points(notebook, dict.fromkeys(full, body), parts).values()), body
    for number in range(3):
        wrong = {part.name: part.mistakes[number].body for part in parts}
        assert not any(points(notebook, wrong, parts).values()), number


def test_what_was_handed_in_to_nbgrader_can_be_marked_closed_in(course, tmp_path: Path):
    assignment, notebook, _ = course
    handed = copy.deepcopy(notebook)
    for cell in handed.cells:
        cell.source = HIDDEN.sub("", cell.source)
    path = tmp_path / "ada" / assignment.token / f"{assignment.token}.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(handed, path)
    [ada] = collect(tmp_path).everybody
    submission = read(ada, {assignment.token: assignment})
    assert (ada.student, submission.token) == ("ada", assignment.token)
    assert (submission.problem, submission.notes) == ("", ())


def test_settings_that_an_instructor_changed_stay(course):
    assignment, _, out = course
    config = out / "nbgrader" / "nbgrader_config.py"
    assert f'{{"python": "{STUB}"}}' in config.read_text()
    assert f'text_stub = "{OPEN}"' in config.read_text()
    compile(config.read_text(), "config", "exec")
    config.write_text("# mine")
    cases = {part.name: [part.example] for part in assignment.version.parts}
    assert nbgrader_course.write(assignment, cases, out)[0].is_relative_to(out)
    assert config.read_text() == "# mine"


def test_the_pins_agree_with_those_of_the_course():
    root = Path(assignments.__file__).parents[2]
    pins = [
        dict(re.findall(r"^([\w.-]+)==(\S+)$", (root / name).read_text(), re.MULTILINE))
        for name in ("requirements.txt", "requirements-teaching.txt")
    ]
    assert "nbgrader" in pins[1]
    assert {n: pins[0].get(n, v) for n, v in pins[1].items()} == pins[1]
