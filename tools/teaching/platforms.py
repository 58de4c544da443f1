"""Marks as files that Canvas, Moodle and Gradescope read."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nmcourse._files import write_text
from tools.teaching.results import CLOSED, CLOSED_FOLDER, Counted, feedback, number, write_table

FOLDER = "platforms"
_CANVAS = re.compile(r"(?P<name>.+)_(?P<id>\d{2,})")
_MOODLE = re.compile(r"(?P<name>.+?)_(?P<id>\d+)_assignsubmission_file_?")
_MOODLE_COLUMNS = (
    "Identifier",
    "Full name",
    "Email address",
    "Grade",
    "Maximum Grade",
    "Last modified (grade)",
    "Feedback comments",
)
Marks = Mapping[str, Counted | None]


def write_platforms(out: Path, title: str, assignment: str, most: float, marks: Marks) -> None:
    """Write the marks for each platform into OUT/platforms.

    A student without a mark has an empty cell, which leaves what the platform has.

    Args:
        out: The folder of marks.
        title: Title of the homework.
        assignment: What the platform calls it; empty: the title.
        most: All points together.
        marks: What counts for each student.
    """
    folder = out / FOLDER
    for place in (folder, folder / "gradescope"):
        place.mkdir(mode=CLOSED_FOLDER, parents=True, exist_ok=True)
    write_table(folder / "canvas.csv", canvas(assignment or title, most, marks))
    write_table(folder / "moodle.csv", moodle(title, most, marks), mark="\ufeff")
    write_table(folder / "gradescope.csv", gradescope(most, marks))
    for student, found in marks.items():
        if found is not None:
            text = json.dumps(results_json(student, title, found), indent=1, ensure_ascii=False)
            write_text(folder / "gradescope" / f"{student}.json", text + "\n", mode=CLOSED)


def canvas(assignment: str, most: float, marks: Marks) -> list[list[Any]]:
    """Return the table that *Import* in the gradebook of Canvas reads.

    Canvas knows a student by the number that it writes into the names of downloaded files, else by
    the login, else by the name. It knows the assignment by its title, or by `title (number)`.
    """
    rows: list[list[Any]] = [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", assignment],
        ["    Points Possible", "", "", "", "", number(most)],
    ]
    for student, found in sorted(marks.items()):
        known = _CANVAS.fullmatch(student)
        name, own = (known["name"], known["id"]) if known else (student, "")
        login = "" if known or " " in student else student
        rows.append([name, own, "", login, "", _total(found)])
    return rows


def moodle(title: str, most: float, marks: Marks) -> list[list[Any]]:
    """Return the table that *Upload grading worksheet* of an assignment in Moodle reads.

    Moodle knows a student by the number that it writes into the names of downloaded folders. The
    hyphen says that no mark was there; one that was entered by hand stays, unless the upload is
    told to replace it.
    """
    rows: list[list[Any]] = [list(_MOODLE_COLUMNS)]
    for student, found in sorted(marks.items()):
        known = _MOODLE.fullmatch(student)
        name, own = (known["name"], f"Participant {known['id']}") if known else (student, "")
        words = feedback(name, title, found) if found else ""
        rows.append([own, name, _email(student), _total(found), number(most), "-", words])
    return rows


def gradescope(most: float, marks: Marks) -> list[list[Any]]:
    """Return the marks in the columns in which Gradescope itself exports them."""
    rows: list[list[Any]] = [["Name", "SID", "Email", "Total Score", "Max Points", "Status"]]
    for student, found in sorted(marks.items()):
        status = "Graded" if found else "Ungraded"
        rows.append([student, "", _email(student), _total(found), number(most), status])
    return rows


def results_json(student: str, title: str, found: Counted) -> dict[str, Any]:
    """Return what an autograder of Gradescope writes to ``results.json`` for a submission."""
    tests = [
        {
            "name": f"Part {part.name}",
            "score": round(part.points, 2),
            "max_score": part.most,
            "status": "passed" if part.status == "right" else "failed",
            "output": " ".join(part.lines),
            "visibility": "visible",
        }
        for part in found.mark.parts
    ]
    return {
        "score": round(found.total, 2),
        "output": feedback(student, title, found),
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": tests,
    }


def _total(found: Counted | None) -> str:
    return "" if found is None else number(found.total)


def _email(student: str) -> str:
    return student if re.fullmatch(r"[^@\s]+@[^@\s]+", student) else ""
