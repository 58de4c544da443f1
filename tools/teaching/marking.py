"""Mark one submission: its code runs in a sandbox, the judging happens here.

A submission only ever sees the arguments of a call. Expected results, points and marks stay in this
process; what comes back is compared by the engine that also checks the exercises of the book.
"""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nmcourse.exercises.checking.compare import NUMBERS_DIFFER
from nmcourse.exercises.checking.engine import run
from nmcourse.exercises.handing_in import does_more, needed, plain
from tools.teaching.assignments import Hidden
from tools.teaching.homework import Part
from tools.teaching.notebooks import set_up
from tools.teaching.sandbox.codec import Other
from tools.teaching.sandbox.limits import Limits
from tools.teaching.sandbox.methods import Method
from tools.teaching.sandbox.session import REASONS, Reply, Session, Stopped
from tools.teaching.settings import Settings
from tools.teaching.submission import Submission

_NO_PACKAGE = "which is not there when it is marked"
_ONLY_HIDDEN = (
    "It gives a result for the example, and none in a hidden test. Try it with arguments of your "
    "own: more entries, other shapes, zeros, negative numbers."
)
_START = "import numpy"  # the start of Python is not counted against a cell


class NotMarked(RuntimeError):
    """The submission could not be tried, through no fault of its own."""


class _Failed(Exception):
    """A call of the student's function gave no result."""


@dataclass(frozen=True)
class PartMark:
    """What a part earned.

    Attributes:
        name: "a", "b", ...
        points: What it earned.
        most: What it is worth.
        status: "right", "wrong", "not answered", "missing" or "failed".
        misconception: Name of the typical wrong answer that it agrees with; empty if none does.
        lines: Sentences for the student; none of them holds a hidden test.
    """

    name: str
    points: float
    most: float
    status: str
    misconception: str = ""
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mark:
    """What a submission earned.

    Attributes:
        status: "marked", or why it could not be, such as "not a notebook".
        token: The assignment.
        parts: The marks of its parts.
        notes: What a person should know about it.
        stopped: Why its processes were ended, if they were: keys of ``REASONS``.
        seconds: How long it took.
        private: What only the instructor may know: it depends on the hidden tests.
    """

    status: str
    token: str = ""
    parts: tuple[PartMark, ...] = ()
    notes: tuple[str, ...] = ()
    stopped: tuple[str, ...] = ()
    seconds: float = 0.0
    private: tuple[str, ...] = ()

    @property
    def total(self) -> float:
        """All points together, before any loss for being late."""
        return sum(part.points for part in self.parts)


@dataclass
class _Program:
    """Statements of a submission in a sandbox, started again where one of them ends it.

    Attributes:
        chosen: The statements that run, by cell; None: all of them.
    """

    method: Method
    limits: Limits
    cells: Sequence[tuple[int, str]]
    chosen: Mapping[int, Sequence[int]] | None
    slot: int
    restarts: int
    session: Session | None = None
    notes: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    left_out: set[int] = field(default_factory=set)
    began: float = field(default_factory=time.monotonic)

    def ready(self) -> bool:
        """Start it if it does not run; return whether it runs."""
        while self.session is None and len(self.stopped) <= self.restarts:
            left = self.limits.wall_s - (time.monotonic() - self.began)
            if left <= 0:
                self.stopped.append("time")
                return False
            limits = dataclasses.replace(self.limits, wall_s=left)
            self.session = Session(self.method, limits, self.slot)
            self._run_cells(self.session)
        return self.session is not None

    def _run_cells(self, session: Session) -> None:
        try:
            session.cell(0, _START, self.limits.cell_s)
        except Stopped as stopped:
            self.end()
            if stopped.reason == "time" and self.stopped:
                self.stopped.append("time")
                return
            why = session.said().strip() or str(stopped)
            raise NotMarked(f"the sandbox did not start: {why}") from stopped
        for number, code in self.cells:
            if number in self.left_out or (self.chosen is not None and number not in self.chosen):
                continue
            statements = None if self.chosen is None else self.chosen[number]
            try:
                self._note(number, session.cell(number, code, self.limits.cell_s, statements))
            except Stopped as stopped:
                self.fell(stopped.reason)
                self.left_out.add(number)
                self.notes.append(f"cell {number} was left out: {REASONS[stopped.reason]}")
                return

    def _note(self, number: int, reply: Reply) -> None:
        if reply.late:
            note = f"cell {number} was interrupted: it took longer than its time limit"
        elif reply.package:
            note = f"cell {number} needs the package {reply.package}, {_NO_PACKAGE}"
        elif reply.error and reply.error != "NotImplementedError":
            note = f"cell {number} raised {reply.error}"
        else:
            return
        if note not in self.notes:
            self.notes.append(note)

    def call(self, part: Part, arguments: tuple[Any, ...]) -> Reply:
        """Call the function of a part.

        Raises:
            Stopped: The processes were ended, or could not be started.
        """
        if not self.ready() or self.session is None:
            raise Stopped(self.stopped[-1])
        try:
            return self.session.call(part.function, arguments, part.seconds)
        except Stopped as stopped:
            self.fell(stopped.reason)
            raise

    def fell(self, reason: str) -> None:
        """Remember why its processes were ended."""
        self.stopped.append(reason)
        self.end()

    def end(self) -> None:
        """End what runs."""
        if self.session is not None:
            self.session.close()
        self.session = None


class _Remote:
    """A function of the submission, as the engine calls it."""

    def __init__(self, program: _Program, part: Part) -> None:
        self._program, self._part = program, part
        self.failed = ""  # why it gave no result, for the instructor

    def __call__(self, *arguments: Any) -> Any:
        if self.failed:
            raise _Failed
        try:
            reply = self._program.call(self._part, arguments)
        except Stopped as stopped:
            self.failed = str(stopped)
            raise _Failed from None
        self.failed = _no_result(reply, self._part)
        if self.failed:
            raise _Failed
        return reply.value


def mark(
    submission: Submission, hidden: Hidden, settings: Settings, method: Method, slot: int = 0
) -> Mark:
    """Mark a submission.

    Each part is tried alone: after the statements that its function needs, and before all others.
    What is not right then is tried once more, after the whole notebook. The better of the two
    counts.

    Args:
        submission: What was read.
        hidden: The assignment with its hidden tests.
        settings: Limits; points are those of the problem.
        method: How the submission is closed in.
        slot: 0, 1, ...: differs between submissions that run at the same time.

    Raises:
        NotMarked: The sandbox did not start.
    """
    if submission.problem:
        parts = next(iter(hidden.versions.values())).version.parts
        nothing = tuple(PartMark(p.name, 0.0, float(p.points), "missing") for p in parts)
        return Mark(submission.problem, notes=submission.notes, parts=nothing)
    began = time.monotonic()
    parts = hidden.versions[submission.token].version.parts
    tried = _Tried(submission, hidden, settings, method, slot)
    own = [(number, code) for number, code in submission.cells if code.split() != _given().split()]
    marks: dict[str, PartMark] = {}
    left = []
    for part in parts:
        chosen = needed(submission.cells, part.function)
        marks |= tried.run(chosen, [part]) if chosen else {}
        final = part.name in marks and marks[part.name].status in ("right", "not answered")
        if not final and (not chosen or does_more(own, chosen)):
            left.append(part)
    for name, one in (tried.run(None, left) if left else {}).items():
        if one.status == "right" or name not in marks:
            marks[name] = one
    answered = any(one.status not in ("not answered", "missing") for one in marks.values())
    return Mark(
        "marked" if answered or tried.stopped else "not answered",
        submission.token,
        tuple(marks[part.name] for part in parts),
        tuple(dict.fromkeys((*submission.notes, *tried.notes))),
        tuple(dict.fromkeys(tried.stopped)),
        round(time.monotonic() - began, 2),
        tuple(dict.fromkeys(tried.private)),
    )


@functools.cache
def _given() -> str:
    """The set-up cell, which changes nothing that an answer does not name."""
    return plain(set_up())


@dataclass
class _Tried:
    """What came of the runs of a submission.

    Attributes:
        notes: What a person should know.
        stopped: Why its processes were ended.
        private: What only the instructor may know, because it depends on the hidden tests.
    """

    submission: Submission
    hidden: Hidden
    settings: Settings
    method: Method
    slot: int
    notes: list[str] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    private: list[str] = field(default_factory=list)

    def run(
        self, chosen: Mapping[int, Sequence[int]] | None, parts: Sequence[Part]
    ) -> dict[str, PartMark]:
        """Try some parts after some statements, or after all of them (None)."""
        settings, cells = self.settings, self.submission.cells
        program = _Program(
            self.method, settings.limits, cells, chosen, self.slot, settings.restarts
        )
        # Every example comes before any hidden test: what is said of an example then tells nothing
        # of the arguments of a hidden test that the same process has seen.
        try:
            marks = {part.name: _example(program, part) for part in parts}
            for part in parts:
                if marks[part.name] is None:
                    marks[part.name] = self._hidden(program, part)
        finally:
            program.end()
        self.notes += program.notes
        self.stopped += program.stopped
        return {name: found for name, found in marks.items() if found is not None}

    def _hidden(self, program: _Program, part: Part) -> PartMark:
        """The mark of a part by its hidden tests; why it failed depends on them, and stays here."""
        token, most = self.submission.token, float(part.points)
        remote = _Remote(program, part)
        exercise = self.hidden.versions[token].version.exercise(part)
        seconds = program.limits.wall_s + 60
        result = run(exercise, remote, self.hidden.case_seed(token, part), seconds)
        if result.passed:
            return PartMark(part.name, most, most, "right", lines=("Right.",))
        if remote.failed:
            self.private.append(f"part {part.name} in a hidden test: {remote.failed}")
            return PartMark(part.name, 0.0, most, "failed", lines=(_ONLY_HIDDEN,))
        said = dict(result.lines)
        if result.misconception:
            lines = (said["Think of"], f"Read again: {said['Read again']}.")
            return PartMark(part.name, 0.0, most, "wrong", result.misconception, lines)
        return PartMark(part.name, 0.0, most, "wrong", lines=(_harmless(said.get("Why", "")),))


def _example(program: _Program, part: Part) -> PartMark | None:
    """The mark of a part that gives no result even for the example that everybody sees."""
    most = float(part.points)
    try:
        reply = program.call(part, part.example)
    except Stopped as stopped:
        line = f"It could not be tried with the example: {stopped}."
        return PartMark(part.name, 0.0, most, "failed", lines=(line,))
    if reply.error == "NotImplementedError":
        return PartMark(part.name, 0.0, most, "not answered", lines=("Not answered.",))
    line = _no_result(reply, part)
    status = "missing" if reply.missing else "failed"
    return PartMark(part.name, 0.0, most, status, lines=(line,)) if line else None


def _no_result(reply: Reply, part: Part) -> str:
    """Why a call gave nothing that can be compared; empty if it gave something."""
    if reply.missing:
        return f"There is no function {part.function}."
    if reply.late:
        return f"It had not come back after {part.seconds:g} s. Is there a loop that never ends?"
    where = f" in cell {reply.place[0]}, line {reply.place[1]}" if reply.place else ""
    if reply.package:
        return f"It needs the package {reply.package}{where}, {_NO_PACKAGE}."
    if reply.error:
        return f"It raised {reply.error}{where}."
    if isinstance(reply.value, Other | str):
        return "It returned something that holds no numbers."
    return ""


def _harmless(reason: str) -> str:
    """A reason without any number of a hidden test."""
    if "shape" in reason:
        return "The result has another shape than expected."
    if reason.startswith("Right in"):
        return "It is right in some of the tests and wrong in others. Which case is a special one?"
    if " times the expected" in reason:
        return "It is the expected result times a number that should not be there."
    if " off by " in reason:
        return "It is the expected result plus a number that should not be there."
    if not reason or any(character.isdigit() for character in reason) or reason == NUMBERS_DIFFER:
        return "The numbers differ from the expected ones, and in no simple way."
    return reason
