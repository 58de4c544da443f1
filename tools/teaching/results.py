"""Results on disk: one file per student, the table of marks, and feedback."""

from __future__ import annotations

import csv
import dataclasses
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from tools.teaching.marking import Mark, PartMark
from tools.teaching.settings import Late, Settings, now

_HEADINGS = {
    "right": "right",
    "wrong": "not right",
    "not answered": "not answered",
    "missing": "missing",
    "failed": "no result",
}
_LAST_COLUMNS = ("before_late", "late_days", "status", "assignment", "remarks")
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


def write_text(path: Path, text: str) -> None:
    """Write a file in one step: it is there whole, or as it was before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with draft.open("w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def result_path(out: Path, student: str) -> Path:
    """Return where the result of a student is kept."""
    return out / "results" / f"{student}.json"


def load_result(out: Path, student: str) -> dict[str, Any] | None:
    """Return the result of a student; None if there is none, or none that can be read."""
    try:
        record = json.loads(result_path(out, student).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) and "mark" in record else None


def save_result(
    out: Path, student: str, found: Mark, key: Mapping[str, str], settings: Settings
) -> None:
    """Keep a mark; which one counts after a second submission, the regrade rule says.

    Args:
        out: The folder of results.
        student: Who.
        found: The new mark.
        key: "submission" and "rules": hashes of what was marked and by which rules.
        settings: Holds the regrade rule.
    """
    mark = dataclasses.asdict(found) | {"total": found.total}
    record: dict[str, Any] = {
        "student": student,
        "key": dict(key),
        "mark": mark,
        "marked": now().isoformat(),
    }
    earlier: list[Any] = []
    before = load_result(out, student)
    if before is not None and before["key"]["rules"] == key["rules"]:
        earlier = before.get("earlier", [])
        if before["key"]["submission"] != key["submission"]:
            earlier = [*earlier, {k: before[k] for k in ("key", "mark", "marked")}]
    counts = mark
    if settings.regrade == "best":
        counts = max([mark, *(one["mark"] for one in earlier)], key=lambda one: one["total"])
    record |= {"earlier": earlier, "counts": counts}
    write_text(result_path(out, student), json.dumps(record, indent=1) + "\n")


def counted(record: Mapping[str, Any]) -> Mark:
    """Return the mark of a result that counts."""
    table = {k: v for k, v in record["counts"].items() if k != "total"}
    table["parts"] = tuple(
        PartMark(**{**one, "lines": tuple(one["lines"])}) for one in table["parts"]
    )
    return Mark(**table | {name: tuple(table[name]) for name in ("notes", "stopped")})


def write_marks(
    path: Path,
    marks: Mapping[str, Mark | None],
    parts: Sequence[str],
    late: Late,
    times: Mapping[str, datetime],
) -> None:
    """Write the table of marks for a learning platform.

    Args:
        path: Where.
        marks: The mark of each student; None where there is none yet.
        parts: Names of the parts.
        late: The late rule.
        times: When each student handed in.
    """
    rows: list[list[Any]] = [
        ["student", "total", *(f"part_{name}" for name in parts), *_LAST_COLUMNS]
    ]
    for student, mark in sorted(marks.items()):
        if mark is None:
            rows.append([student, "", *("" for _ in parts), "", "", "not marked", "", ""])
            continue
        submitted = times.get(student)
        points = {part.name: part.points for part in mark.parts}
        days: Any = late.late_days(submitted)
        if late.deadline is not None and submitted is None:
            days = "unknown"
        remarks = "; ".join([*(f"stopped: {reason}" for reason in mark.stopped), *mark.notes])
        rows.append(
            [student, _number(mark.total * late.factor(submitted))]
            + [_number(points.get(name, 0.0)) for name in parts]
            + [_number(mark.total), days, mark.status, mark.token, remarks]
        )
    lines: list[str] = []
    writer = csv.writer(_Lines(lines), lineterminator="\n")
    writer.writerows(rows)
    write_text(path, "".join(lines))


class _Lines:
    def __init__(self, lines: list[str]) -> None:
        self._lines = lines

    def write(self, text: str) -> int:
        """Keep a line."""
        self._lines.append(text)
        return len(text)


def feedback(student: str, title: str, mark: Mark, late: Late, submitted: datetime | None) -> str:
    """Return what a student is told, in Markdown: never a hidden test, nor an expected result."""
    most = sum(part.most for part in mark.parts)
    rows = [f"# {title}", "", f"Student: {student}  "]
    if mark.token:
        rows.append(f"Assignment: {mark.token}  ")
    rows.append(f"Points: {_number(mark.total)} of {_number(most)}")
    if days := late.late_days(submitted):
        rest = _number(mark.total * late.factor(submitted))
        rows.append(f"\n{days} day{'s' * (days > 1)} late: {rest} points count.")
    if mark.status in _PROBLEMS:
        return "\n".join([*rows, "", _PROBLEMS[mark.status], ""])
    for part in mark.parts:
        said = f"{_HEADINGS[part.status]}, {_number(part.points)} of {_number(part.most)} points"
        rows += ["", f"## Part {part.name}: {said}", ""]
        if part.misconception:
            rows += [f"This looks like *{part.misconception}*.", ""]
        rows += [" ".join(part.lines)]
    if mark.notes:
        rows += ["", "## Notes", "", *(f"- {note}." for note in mark.notes)]
    return "\n".join([*rows, ""])


def _number(value: float) -> str:
    return f"{round(value, 2):g}"
