"""Read a submission as data: which assignment it is, and the code of its cells. Nothing runs."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.teaching.notebooks import Assignment, test_heading, test_source

LARGEST_FILE = 20_000_000  # bytes
MOST_CELLS = 1000
CHECKPOINTS = ".ipynb_checkpoints"
STUDENT_ID = re.compile(r"\w(?:[\w .@'()+-]{0,98}[\w)@+-])?")  # no formula, path or comma
_TOKEN = re.compile(r"^ASSIGNMENT *= *[\"']([a-z-]+-[A-Z]-[0-9a-f]{6})[\"']", re.MULTILINE)
_TEST = re.compile(r"# Test of part \w+ \(leave it as it is\)")


@dataclass(frozen=True)
class Found:
    """A file that somebody handed in.

    Attributes:
        student: Who, from the name of the file or of its folder.
        paths: The notebooks; more than one if the folder holds several.
    """

    student: str
    paths: tuple[Path, ...]

    def digest(self) -> str:
        """Return a hash of names and contents, to see whether they have changed."""
        found = hashlib.sha256()
        for path in self.paths:
            found.update(path.name.encode(errors="replace") + b"\0")
            if _plain_file(path) and path.stat().st_size <= LARGEST_FILE:
                found.update(hashlib.sha256(path.read_bytes()).digest())
        return found.hexdigest()


@dataclass(frozen=True)
class Submission:
    """What a submission holds.

    Attributes:
        problem: Why it cannot be marked; empty if it can.
        token: The assignment that it is.
        cells: Number and code of each cell to run.
        notes: What a person should know: tests that were changed or are missing.
    """

    problem: str = ""
    token: str = ""
    cells: tuple[tuple[int, str], ...] = ()
    notes: tuple[str, ...] = ()


class _Unreadable(Exception):
    """Why a file cannot be read."""


def collect(folder: Path) -> list[Found]:
    """Return what was handed in: FOLDER/STUDENT.ipynb or FOLDER/STUDENT/.../ANY.ipynb.

    Raises:
        ValueError: It is no folder, holds nothing, or a name can be no student's.
    """
    if not folder.is_dir():
        raise ValueError(f"SUBMISSIONS must be a folder, got {folder}")
    files: dict[str, list[Path]] = {}
    for entry in sorted(folder.iterdir()):
        if entry.suffix == ".ipynb":
            files.setdefault(entry.stem, []).append(entry)
        elif entry.is_dir() and not entry.is_symlink() and not entry.name.startswith("."):
            inside = [path for path in entry.rglob("*.ipynb") if path.parent.name != CHECKPOINTS]
            files.setdefault(entry.name, []).extend(sorted(inside))
    if not files:
        raise ValueError(f"SUBMISSIONS: no notebook in {folder}")
    odd = [name for name in files if not STUDENT_ID.fullmatch(name)]
    if odd:
        raise ValueError(
            "SUBMISSIONS: a student's name begins with a letter or digit and may have letters, "
            f"digits, spaces and . _ - + @ ' ( ), got {odd[:5]!r}"
        )
    lower = [name.lower() for name in files]
    if twice := sorted({name for name in lower if lower.count(name) > 1}):
        raise ValueError(f"SUBMISSIONS: names differ in capitals only: {twice[:5]!r}")
    return [Found(student, tuple(paths)) for student, paths in files.items()]


def read(found: Found, versions: Mapping[str, Assignment]) -> Submission:
    """Read a submission.

    Args:
        found: The file or files.
        versions: The assignments that it may be, by token.
    """
    good: list[Submission] = []
    bad: list[Submission] = []
    for path in found.paths:
        try:
            submission = _read(path, versions)
        except _Unreadable as error:
            submission = Submission(problem=str(error))
        (bad if submission.problem else good).append(submission)
    if len(good) == 1:
        return good[0]
    if good:
        return Submission(problem="several notebooks")
    return bad[0] if bad else Submission(problem="no notebook")


def _read(path: Path, versions: Mapping[str, Assignment]) -> Submission:
    sources = _code_cells(path)
    tokens = {token for _, source in sources for token in _TOKEN.findall(source)}
    known = tokens & versions.keys()
    notes = []
    if tokens and not known:
        return Submission(problem="wrong assignment")
    if len(known) > 1:
        return Submission(problem="several assignments")
    if known:
        token = known.pop()
    elif token := _by_functions(sources, versions):
        notes.append("the line that names the assignment is missing")
    else:
        blank = not any(source.strip() for _, source in sources)
        return Submission(problem="empty" if blank else "wrong assignment")
    cells, test_notes = _without_tests(sources, versions[token])
    return Submission("", token, tuple(cells), (*notes, *test_notes))


def _code_cells(path: Path) -> list[tuple[int, str]]:
    """Number and source of each code cell of a notebook, whatever program saved it."""
    if not _plain_file(path):
        raise _Unreadable("not a file")
    if path.stat().st_size > LARGEST_FILE:
        raise _Unreadable("file too large")
    try:
        notebook = json.loads(path.read_bytes())
    except (ValueError, RecursionError, OSError) as error:
        raise _Unreadable("not a notebook") from error
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list) or len(cells) > MOST_CELLS:
        raise _Unreadable("not a notebook")
    found = []
    for number, cell in enumerate(cells, start=1):
        if not isinstance(cell, dict) or cell.get("cell_type") != "code":
            continue
        found.append((number, _source(cell.get("source"))))
    return found


def _plain_file(path: Path) -> bool:
    """Whether a path is a file, and neither a link nor a pipe that would be waited for."""
    return path.is_file() and not path.is_symlink()


def _source(value: Any) -> str:
    """The text of a cell: one string, or a list of lines."""
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        value = "".join(value)
    if not isinstance(value, str):
        raise _Unreadable("not a notebook")
    return value.encode(errors="replace").decode()  # lone halves of a character


def _by_functions(sources: list[tuple[int, str]], versions: Mapping[str, Assignment]) -> str:
    """The assignment whose functions are all there; empty if there is not exactly one."""
    defined = set()
    for _, source in sources:
        defined |= set(re.findall(r"^def +(\w+) *\(", source, re.MULTILINE))
    if len(versions) != 1:
        return ""
    [(token, assignment)] = versions.items()
    wanted = {part.function for part in assignment.version.parts}
    return token if wanted <= defined else ""


def _without_tests(
    sources: list[tuple[int, str]], assignment: Assignment
) -> tuple[list[tuple[int, str]], list[str]]:
    """The cells to run, and notes about tests that were changed or are missing."""
    version = assignment.version
    wanted = {test_heading(part): (part, test_source(version, part)) for part in version.parts}
    seen: set[str] = set()
    cells, notes = [], []
    for number, source in sources:
        heading = source.lstrip().split("\n", 1)[0].rstrip()
        if not _TEST.fullmatch(heading):
            cells.append((number, source))
            continue
        seen.add(heading)
        if heading in wanted and source.split() != wanted[heading][1].split():
            notes.append(f"the test of part {wanted[heading][0].name} was changed; it is not used")
    for heading, (part, _) in wanted.items():
        if heading not in seen:
            notes.append(f"the test of part {part.name} is missing; it is not needed")
    return cells, notes
