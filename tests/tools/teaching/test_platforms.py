"""Marks as learning platforms read them, and a table that Excel reads."""

from __future__ import annotations

import csv
import json
import stat
from pathlib import Path

import pytest

from tools.teaching.marking import Mark, PartMark
from tools.teaching.platforms import write_platforms
from tools.teaching.results import Counted, close, write_marks
from tools.teaching.settings import Late

MARK = Mark(
    "marked",
    "rates-A-000000",
    (
        PartMark("a", 3.0, 3.0, "right", lines=("Right.",)),
        PartMark("b", 0.0, 4.0, "wrong", "a slip", lines=("Think again.",)),
    ),
    private=("part b in a hidden test: it raised KeyError",),
)
FOUND = Counted(MARK, None, Late())
MARKS = {
    "doejane_12345": FOUND,
    "José": FOUND,
    "Dora Maar_77_assignsubmission_file": FOUND,
    "o'neil@example.org": FOUND,
    "Müller, Eve": None,
}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "marks"
    close(folder)
    write_marks(folder / "marks.csv", MARKS, ["a", "b"])
    write_platforms(folder, "A title", "Homework 1 (4711)", 7.0, MARKS)
    return folder


def rows(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.reader(file))


def test_canvas_finds_its_columns_the_points_and_the_students(out: Path):
    """What its importer looks for: the first two headings, the one before the marks, the points."""
    assert not (out / "platforms" / "canvas.csv").read_bytes().startswith(b"\xef")
    head, points, *students = rows(out / "platforms" / "canvas.csv")
    assert head == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Homework 1 (4711)"]
    assert "Points Possible" in points[0]
    assert points[-1] == "7"
    found = {row[0]: (row[1], row[3], row[5]) for row in students}
    assert found["doejane"] == ("12345", "", "3")
    assert found["o'neil@example.org"] == ("", "o'neil@example.org", "3")
    assert found["Müller, Eve"] == ("", "", "")


def test_moodle_finds_its_columns_and_the_students(out: Path):
    head, *students = rows(out / "platforms" / "moodle.csv")
    assert {"Identifier", "Grade", "Last modified (grade)"} <= set(head)
    found = {row[1]: dict(zip(head, row, strict=True)) for row in students}
    dora = found["Dora Maar"]
    assert (dora["Identifier"], dora["Grade"], dora["Maximum Grade"]) == (
        "Participant 77",
        "3",
        "7",
    )
    assert "Think again." in dora["Feedback comments"]
    assert "KeyError" not in dora["Feedback comments"]
    assert found["Müller, Eve"]["Grade"] == ""


def test_gradescope_gets_what_its_autograder_writes(out: Path):
    text = (out / "platforms" / "gradescope" / "José.json").read_text(encoding="utf-8")
    found = json.loads(text)
    assert found["score"] == 3
    assert [(one["name"], one["score"], one["max_score"]) for one in found["tests"]] == [
        ("Part a", 3, 3),
        ("Part b", 0, 4),
    ]
    assert "KeyError" not in text
    table = {row[0]: row[3:] for row in rows(out / "platforms" / "gradescope.csv")}
    assert table["Müller, Eve"] == ["", "7", "Ungraded"]
    assert table["José"] == ["3", "7", "Graded"]


def test_excel_reads_the_names_and_nobody_else_reads_the_marks(out: Path):
    data = (out / "marks.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    assert "José" in data.decode("utf-8-sig")
    assert "KeyError" in data.decode("utf-8-sig")  # the instructor is told
    for path in (out, *out.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_a_folder_that_was_there_is_closed_if_it_is_empty_or_holds_marks(tmp_path: Path):
    for name, held in (("empty", ()), ("marks", ("results/x",)), ("home", ("other",))):
        folder = tmp_path / name
        for path in held:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text("")
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)
        close(folder)
        closed = stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert closed is (name != "home")
        assert stat.S_IMODE((folder / "results").stat().st_mode) == 0o700
