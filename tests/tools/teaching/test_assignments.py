"""What is made for a class: notebooks that run, and secrets that stay where they are put."""

from __future__ import annotations

import json
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
import tomllib

from nmcourse.exercises import complete
from nmcourse.exercises.handing_in import COMPLETE_HEADING, PACKAGES, plain
from tools.teaching import assignments
from tools.teaching.homework import PROBLEMS
from tools.teaching.notebooks import ROOT
from tools.teaching.sandbox.limits import Limits
from tools.teaching.simulated import notebook, right


def cells(path: Path, kind: str = "code") -> list[str]:
    found = nbformat.read(path, as_version=4)
    nbformat.validate(found)
    return [cell.source for cell in found.cells if cell.cell_type == kind]


@pytest.fixture(scope="module", params=sorted(PROBLEMS))
def made(request, tmp_path_factory) -> tuple[assignments.Hidden, Path]:
    out = tmp_path_factory.mktemp("homework")
    hidden = assignments.make("2026", request.param, 2)
    assignments.write(hidden, out)
    return hidden, out


def test_the_student_notebook_runs_and_holds_no_solution(made):
    hidden, out = made
    for token, assignment in hidden.versions.items():
        sources = cells(out / "student" / f"{token}.ipynb")
        everything = "\n".join([*sources, *cells(out / "student" / f"{token}.ipynb", "markdown")])
        names: dict[str, object] = {}
        for source in sources:
            if not source.startswith("# Test of part"):
                exec(plain(source), names)
        for part in assignment.version.parts:
            assert part.body not in everything
            with pytest.raises(NotImplementedError):
                names[part.function](*part.example)


def test_the_student_notebook_says_how_to_hand_in(made):
    hidden, out = made
    for token in hidden.versions:
        opening = cells(out / "student" / f"{token}.ipynb", "markdown")[0]
        assert "**To hand in:**" in opening
        assert f"`{token}`" in opening


def test_students_are_told_how_it_is_marked_and_can_see_whether_it_is_complete(made, tmp_path):
    hidden, _ = made
    limits = Limits(cell_s=7, cpu_s=11, memory_mb=1234)
    assignments.write(hidden, tmp_path, limits)
    [(token, assignment), *_] = hidden.versions.items()
    path = tmp_path / "student" / f"{token}.ipynb"
    opening = cells(path, "markdown")[0]
    for word in (
        "no network",
        "for 7 s",
        "for 11 s",
        "1234 MB",
        *(f"`{name}`" for name in PACKAGES),
    ):
        assert word in opening
    last = cells(path)[-1]
    assert last.startswith(COMPLETE_HEADING)
    assert "seconds=7)" in last
    parts = {part.name: part.function for part in assignment.version.parts}
    filled = notebook(assignment, right(assignment, "".join(parts)))
    (tmp_path / "x.ipynb").write_text(json.dumps(filled))
    assert complete(token, parts, path=tmp_path / "x.ipynb")
    found = complete(token, parts, path=path)
    assert [line.split(": ")[1] for line in found.lines] == ["not answered yet."] * len(parts)


def test_the_packages_that_students_are_told_of_are_those_of_the_course():
    table = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    promised = {re.split("[>=<]", one)[0] for one in table["project"]["dependencies"]}
    names = {"sklearn": "scikit-learn"}
    assert {names.get(one, one) for one in PACKAGES} <= promised | {"nmcourse"}


def test_the_instructor_notebook_runs_with_all_its_tests(made):
    hidden, out = made
    for token, assignment in hidden.versions.items():
        names: dict[str, object] = {"print": lambda *_: None}
        for source in cells(out / "instructor" / f"{token}.ipynb"):
            exec(plain(source), names)
        text = "\n".join(cells(out / "instructor" / f"{token}.ipynb", "markdown"))
        for heading in ("**Hidden tests**", "**Typical wrong answers**"):
            assert text.count(heading) == len(assignment.version.parts)


def test_the_example_of_each_part_tells_the_typical_wrong_answers_apart(made):
    """Not all of them: an example may be simple. But the test is no empty gesture."""
    hidden, _ = made
    for assignment in hidden.versions.values():
        for part in assignment.version.parts:
            right = assignment.version.compiled(part)(*part.example)
            wrong = 0
            for mistake in part.mistakes:
                found = assignment.version.compiled(part, mistake.body)(*part.example)
                wrong += not (np.shape(found) == np.shape(right) and np.allclose(found, right))
            assert wrong >= 2, (part.name, wrong)


def test_the_file_that_marks_can_be_read_again_and_the_tests_stay_when_it_is_made_again(made):
    hidden, out = made
    path = out / f"{hidden.homework}.json"
    before, loaded = path.read_text(), assignments.load(path)
    assert loaded.versions.keys() == hidden.versions.keys()
    arguments = ["--seed", "2026", "--out", str(out), "--homework", hidden.homework]
    assert assignments.main([*arguments, "--versions", "2"]) == 0
    assert path.read_text() == before
    assert path.stat().st_mode & 0o077 == 0
    record = json.loads(before) | {"points": {"a": 99}}
    (out / "changed.json").write_text(json.dumps(record))
    with pytest.raises(ValueError, match="the problem has changed since"):
        assignments.load(out / "changed.json")
    (out / "changed.json").write_text("{}")
    with pytest.raises(ValueError, match="not a file that `make assignments` wrote"):
        assignments.load(out / "changed.json")


def test_a_seed_gives_the_versions_but_not_the_hidden_tests():
    one, other = assignments.make("1", "rates", 3), assignments.make("1", "rates", 3)
    assert list(one.versions) == list(other.versions)
    part = next(iter(one.versions.values())).version.parts[0]
    token = next(iter(one.versions))
    assert one.case_seed(token, part) != other.case_seed(token, part)
    assert list(assignments.make("2", "rates", 3).versions) != list(one.versions)


def test_nothing_is_written_into_the_tree(capsys):
    assert assignments.main(["--out", str(ROOT / "homework")]) == 2
    assert "outside the course's own tree" in capsys.readouterr().err
    assert not (ROOT / "homework").exists()
    assert assignments.main(["--out", "/tmp/x", "--versions", "99"]) == 2
    assert "versions must be 1 to 26, got 99" in capsys.readouterr().err
