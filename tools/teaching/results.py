"""Results on disk: one file per student, the table of marks, and feedback."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from nmcourse._files import write_text
from tools.teaching.marking import Mark, PartMark
from tools.teaching.settings import Late, Settings, now

CLOSED, CLOSED_FOLDER = 0o600, 0o700  # permissions: marks are nobody else's business
_HEADINGS = {
    "right": "right",
    "wrong": "not right",
    "not answered": "not answered",
    "missing": "missing",
    "failed": "no result",
}
_KEYS = {"submission", "homework", "rules"}
_KEPT = ("key", "mark", "marked", "submitted")
_LAST_COLUMNS = ("before_late", "late_days", "submission", "status", "assignment", "remarks")
_PROBLEMS = {
    "empty": "The notebook holds no code.",
    "wrong assignment": "This is the notebook of another assignment.",
    "several assignments": "The notebook names several assignments.",
    "several notebooks": "Several notebooks were handed in, and it is not clear which one counts.",
    "no notebook": "No notebook was handed in.",
    "not a notebook": "The file cannot be read as a notebook. Save it again and hand it in again.",
    "not a file": "The file cannot be read.",
    "file too large": "The file is too large. Clear its outputs and hand it in again.",
    "not marked": "It could not be marked yet. This is no fault of yours.",
}


def result_path(out: Path, student: str) -> Path:
    """Return where the result of a student is kept."""
    return out / "results" / f"{student}.json"


def close(out: Path) -> None:
    """Make the folder of marks, and let nobody in but its owner.

    A folder that was there and holds other things keeps its permissions; what is written into it
    is closed all the same.
    """
    own = not out.exists() or not any(out.iterdir()) or (out / "results").is_dir()
    for folder in (out, out / "results", out / "feedback"):
        folder.mkdir(mode=CLOSED_FOLDER, parents=True, exist_ok=True)
        if folder != out or own:
            folder.chmod(CLOSED_FOLDER)


def load_result(out: Path, student: str) -> dict[str, Any] | None:
    """Return the result of a student; None if there is none, or none that can be read."""
    try:
        record = json.loads(result_path(out, student).read_text(encoding="utf-8"))
        whole = {name: dict(record[name]) for name in ("key", "mark")}
        for one in (*record["earlier"], record):  # what `counted` will need
            _mark(one["mark"], Settings())
            _moment(one["submitted"])
    except (OSError, ValueError, TypeError, LookupError, ArithmeticError, RecursionError):
        return None
    # A file that names somebody else was renamed or altered; it decides no path and no mark.
    own = record.get("student") == student and "marked" in record
    return record if own and whole["key"].keys() >= _KEYS else None


def save_result(
    out: Path, student: str, found: Mark, key: Mapping[str, str], submitted: datetime | None = None
) -> None:
    """Keep a mark, and those of earlier submissions of the student to the same homework.

    Args:
        out: The folder of results.
        student: Who.
        found: The new mark.
        key: "submission", "homework" and "rules": hashes of what was marked, and by what.
        submitted: When it was handed in, if that is known.
    """
    earlier: list[Any] = []
    before = load_result(out, student)
    if before is not None and before["key"]["homework"] == key["homework"]:
        earlier = before["earlier"]
        if before["key"]["submission"] != key["submission"]:
            earlier = [*earlier, {name: before[name] for name in _KEPT}]
    record: dict[str, Any] = {
        "student": student,
        "key": dict(key),
        "mark": dataclasses.asdict(found) | {"total": found.total},
        "marked": now().isoformat(),
        "submitted": submitted.isoformat() if submitted else None,
        "earlier": earlier,
    }
    write_text(result_path(out, student), json.dumps(record, indent=1) + "\n", mode=CLOSED)


def note_time(out: Path, record: dict[str, Any], submitted: datetime | None) -> dict[str, Any]:
    """Return a result with the time at which its latest submission was handed in, kept on disk."""
    text = submitted.isoformat() if submitted else None
    if record["submitted"] == text:
        return record
    record = record | {"submitted": text}
    write_text(
        result_path(out, record["student"]), json.dumps(record, indent=1) + "\n", mode=CLOSED
    )
    return record


@dataclass(frozen=True)
class Counted:
    """The mark of a student that counts, by the rules of the class.

    Attributes:
        mark: The mark, with the points of the class for each part.
        submitted: When that submission was handed in, if that is known.
        late: The late rule.
        number: Which submission of the student it is, 1 for the first that was marked.
        of: How many were marked.
        rule: The regrade rule.
    """

    mark: Mark
    submitted: datetime | None
    late: Late
    number: int = 1
    of: int = 1
    rule: str = "latest"

    @property
    def total(self) -> float:
        """All points together, less what is lost for being late."""
        return self.mark.total * self.late.factor(self.submitted)


def counted(record: Mapping[str, Any], settings: Settings) -> Counted:
    """Return the mark of a result that counts, with the points and rules of the settings."""
    every = (*record["earlier"], record)
    found = [
        Counted(
            _mark(one["mark"], settings),
            _moment(one["submitted"]),
            settings.late,
            number,
            len(every),
            settings.regrade,
        )
        for number, one in enumerate(every, start=1)
    ]
    if settings.regrade == "best":
        return max(reversed(found), key=lambda one: one.total)  # of equals the latest
    return found[0 if settings.regrade == "first" else -1]


def _mark(table: Mapping[str, Any], settings: Settings) -> Mark:
    parts = []
    for one in table["parts"]:
        most = float(settings.points.get(one["name"], one["most"]))
        points = most * one["points"] / one["most"]
        values = one | {"points": points, "most": most, "lines": tuple(one["lines"])}
        parts.append(PartMark(**values))
    rest = {name: value for name, value in table.items() if name != "total"}
    rest |= {name: tuple(table[name]) for name in ("notes", "stopped", "private")}
    return Mark(**rest | {"parts": tuple(parts)})


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def write_marks(path: Path, marks: Mapping[str, Counted | None], parts: Sequence[str]) -> None:
    """Write the table of marks for a learning platform.

    Args:
        path: Where.
        marks: What counts for each student; None where there is no mark yet.
        parts: Names of the parts.
    """
    rows: list[list[Any]] = [
        ["student", "total", *(f"part_{name}" for name in parts), *_LAST_COLUMNS]
    ]
    for student, found in sorted(marks.items()):
        if found is None:
            rows.append([student, "", *("" for _ in parts), "", "", "", "not marked", "", ""])
            continue
        mark, late = found.mark, found.late
        points = {part.name: part.points for part in mark.parts}
        days: Any = late.late_days(found.submitted)
        if late.deadline is not None and found.submitted is None:
            days = "unknown"
        remarks = "; ".join(
            [*(f"stopped: {reason}" for reason in mark.stopped), *mark.notes, *mark.private]
        )
        rows.append(
            [student, number(found.total)]
            + [number(points.get(name, 0.0)) for name in parts]
            + [number(mark.total), days, f"{found.number} of {found.of}", mark.status]
            + [mark.token, remarks]
        )
    write_table(path, rows, mark="\ufeff")  # without this mark Excel reads José as JosÃ©


def write_table(path: Path, rows: Sequence[Sequence[Any]], mark: str = "") -> None:
    """Write a table with commas, closed to others; no cell of it is taken for a formula.

    Args:
        path: Where.
        rows: The rows.
        mark: What stands before the first cell.
    """
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([_harmless(c) for c in row] for row in rows)
    write_text(path, mark + text.getvalue(), mode=CLOSED)


def _harmless(cell: Any) -> Any:
    formula = isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@") and cell != "-"
    return f"'{cell}" if formula else cell


def feedback(student: str, title: str, found: Counted) -> str:
    """Return what a student is told, in Markdown: never a hidden test, nor an expected result."""
    mark = found.mark
    most = sum(part.most for part in mark.parts)
    rows = [f"# {title}", "", f"Student: {student}  "]
    if mark.token:
        rows.append(f"Assignment: {mark.token}  ")
    rows.append(f"Points: {number(mark.total)} of {number(most)}")
    if days := found.late.late_days(found.submitted):
        rows.append(f"\n{days} day{'s' * (days > 1)} late: {number(found.total)} points count.")
    if found.of > 1:
        rows.append(
            f"\n{found.of} submissions were marked. The {found.rule} of them counts, and this page "
            f"is about it: number {found.number}."
        )
    if mark.status in _PROBLEMS:
        return "\n".join([*rows, "", _PROBLEMS[mark.status], ""])
    for part in mark.parts:
        said = f"{_HEADINGS[part.status]}, {number(part.points)} of {number(part.most)} points"
        rows += ["", f"## Part {part.name}: {said}", ""]
        if part.misconception:
            rows += [f"This looks like *{part.misconception}*.", ""]
        rows += [" ".join(part.lines)]
    if mark.notes:
        rows += ["", "## Notes", "", *(f"- {note}." for note in mark.notes)]
    return "\n".join([*rows, ""])


def number(value: float) -> str:
    """Return a number of points as it is written: two digits at most."""
    return f"{round(value, 2):g}"
