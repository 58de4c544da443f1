"""Read a submission as data: which assignment it is, and the code of its cells. Nothing runs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from nmcourse.exercises.handing_in import (
    COMPLETE_HEADING,
    NotANotebook,
    TooLarge,
    code_cells,
    plain,
)
from tools.teaching import handed_in
from tools.teaching.handed_in import Found, plain_file
from tools.teaching.notebooks import Assignment, test_heading, test_source

_TOKEN = re.compile(r"^ASSIGNMENT *= *[\"']([a-z-]+-[A-Z]-[0-9a-f]{6})[\"']", re.MULTILINE)
_TEST = re.compile(r"# Test of part \w+ \(leave it as it is\)")


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
        if submission.problem:
            bad.append(submission)
        elif submission not in good:  # the same notebook twice is one
            good.append(submission)
    if len(good) > 1:
        one = Submission(problem="several notebooks")
    else:
        one = next(iter([*good, *bad]), Submission(problem="no notebook"))
    return replace(one, notes=(*found.notes, *one.notes))


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
    """Number and plain Python of each code cell, whatever program saved the notebook."""
    if not plain_file(path):
        raise _Unreadable("not a file")
    if path.stat().st_size > handed_in.LARGEST_FILE:
        raise _Unreadable("file too large")
    try:
        cells = code_cells(path.read_bytes())
    except (NotANotebook, TooLarge, OSError) as error:
        raise _Unreadable(
            str(error) if isinstance(error, TooLarge) else "not a notebook"
        ) from error
    return [(number, plain(source)) for number, source in cells]


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
        if heading == COMPLETE_HEADING:
            continue
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
