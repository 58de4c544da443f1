"""Put homework through nbgrader itself, from its validation to the marks: `make nbgrader-check`.

    python -m tools.teaching.nbgrader_check --nbgrader .venv-teaching/bin/nbgrader

Makes the assignments in a folder of its own, validates and releases them, hands in submissions
whose marks are known, and compares what nbgrader exports and tells the students. nbgrader lives in
an environment of its own; the code of the notebooks runs in this one.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nmcourse._files import user_path
from tools.teaching import assignments
from tools.teaching.assignments import Hidden
from tools.teaching.homework import PROBLEMS
from tools.teaching.nbgrader_course import FOLDER
from tools.teaching.notebooks import Assignment

SECONDS_A_CELL = 40
_SECRET = "points_of_the_part"  # stands in every hidden test
Notebook = dict[str, Any]


class Course:
    """A course folder of nbgrader.

    Args:
        folder: The folder.
        program: nbgrader's own program.
    """

    def __init__(self, folder: Path, program: Path) -> None:
        self.folder = folder
        kernel = folder / "jupyter" / "kernels" / "python3"
        kernel.mkdir(parents=True)
        line = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        spec = {"argv": line, "display_name": "Python 3", "language": "python"}
        (kernel / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")
        self._program = program.absolute()
        self._environment = os.environ | {
            "JUPYTER_PATH": str(folder / "jupyter"),
            "PATH": f"{self._program.parent}{os.pathsep}{os.environ['PATH']}",  # it calls alembic
            "HOME": str(folder),  # no settings of whoever runs this
            "PYTHONPATH": str(Path(assignments.__file__).parents[2]),
        }

    def call(self, *words: str) -> str:
        """Run a command of nbgrader; return what it printed.

        Raises:
            RuntimeError: It failed.
        """
        done = subprocess.run(
            [str(self._program), *words],
            cwd=self.folder,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"nbgrader {' '.join(words)}:\n{done.stdout}")
        return done.stdout

    def path(self, kind: str, *more: str) -> Path:
        """Return a path in the course, such as that of a notebook that was handed in."""
        return self.folder.joinpath(kind, *more)


def filled(released: Notebook, assignment: Assignment, bodies: dict[str, str]) -> Notebook:
    """Return the notebook that students get with answers to some parts."""
    found: Notebook = json.loads(json.dumps(released))
    parts = {part.name: part for part in assignment.version.parts}
    for cell in found["cells"]:
        name = cell["metadata"].get("nmcourse", {}).get("part", "")
        if _role(cell) == "answer" and name in bodies:
            cell["source"] = parts[name].source(bodies[name])
    return found


def submissions(released: Notebook, one: Assignment) -> dict[str, tuple[Notebook, float]]:
    """Return submissions by student, each with the points that it earns."""
    parts = one.version.parts
    right = {part.name: part.body for part in parts}
    first, rest = parts[0], one.version.points - parts[0].points

    def make(bodies: dict[str, str]) -> Notebook:
        return filled(released, one, bodies)

    altered = make({})
    for cell in altered["cells"]:
        if _role(cell) in ("points", "test"):
            cell["source"] = "99.0"
    helped = make(right)
    for cell in helped["cells"]:
        if _role(cell) == "help":
            cell["source"] = "My neighbour, with part a."
    return {
        "right": (make(right), one.version.points),
        "stub": (released, 0.0),
        "first_only": (make({first.name: first.body}), first.points),
        "first_wrong": (make(right | {first.name: first.mistakes[0].body}), rest),
        "another_way": (make({part.name: part.another for part in parts}), one.version.points),
        "raises": (make(right | {first.name: "raise ValueError('no')"}), rest),
        "endless": (make(right | {first.name: "while True:\n    pass"}), rest),
        "tests_altered": (altered, 0.0),
        "says_who_helped": (helped, one.version.points),
    }


def check(name: str, base: Path, program: Path, say: Callable[[str], None]) -> list[str]:
    """Put one problem through nbgrader; return what went wrong."""
    hidden = assignments.make("for nbgrader", name)
    assignments.write(hidden, base)
    [token] = hidden.versions
    course = Course(base / FOLDER, program)
    say(course.call("validate", str(course.path("source", token, f"{token}.ipynb"))).strip())
    course.call("generate_assignment", token)
    path = course.path("release", token, f"{token}.ipynb")
    released = json.loads(path.read_text(encoding="utf-8"))
    problems = compare_release(released, base, hidden)
    handed = submissions(released, hidden.versions[token])
    for student, (notebook, _) in handed.items():
        place = course.path("submitted", student, token, f"{token}.ipynb")
        place.parent.mkdir(parents=True)
        place.write_text(json.dumps(notebook), encoding="utf-8")
    course.call("autograde", token, f"--Execute.timeout={SECONDS_A_CELL}")
    course.call("generate_feedback", token)
    course.call("export")
    with course.path("grades.csv").open(newline="", encoding="utf-8") as file:
        marks = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    for student, (_, earned) in handed.items():
        page = course.path("feedback", student, token, f"{token}.html").read_text(encoding="utf-8")
        if marks.get(student) != earned:
            problems.append(f"{student}: {marks.get(student)} points, should be {earned}")
        if _SECRET in page:
            problems.append(f"{student}: the feedback shows hidden tests")
        say(f"{name}, {student}: {marks.get(student)} of {hidden.versions[token].version.points}")
    return problems


def compare_release(released: Notebook, base: Path, hidden: Hidden) -> list[str]:
    """Return how the students' notebook of nbgrader differs from the course's own."""
    [token] = hidden.versions
    path = base / "student" / f"{token}.ipynb"
    own = json.loads(path.read_text(encoding="utf-8"))
    cells = [
        c for c in released["cells"] if c["metadata"].get("nmcourse", {}).get("role") != "points"
    ]
    found = []
    if [_text(cell) for cell in cells] != [_text(cell) for cell in own["cells"]]:
        found.append("the released notebook is not the student notebook of the course")
    if _SECRET in json.dumps(released):
        found.append("the released notebook holds hidden tests")
    return found


def _role(cell: dict[str, Any]) -> str:
    return str(cell["metadata"].get("nmcourse", {}).get("role", ""))


def _text(cell: dict[str, Any]) -> str:
    return cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])


def main(arguments: list[str]) -> int:
    """Check; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.teaching.nbgrader_check")
    parser.add_argument("--nbgrader", type=user_path, required=True, help="nbgrader's program")
    parser.add_argument("--homework", nargs="*", default=list(PROBLEMS)[:1], help="problems")
    options = parser.parse_args(arguments)
    problems = []
    for name in options.homework:
        base = Path(tempfile.mkdtemp(prefix="nmcourse-nbgrader-"))
        try:
            problems += check(name, base / "homework", options.nbgrader, print)
        finally:
            shutil.rmtree(base, ignore_errors=True)
    for problem in problems:
        print(problem)
    print(f"{len(problems)} problems with nbgrader")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
