"""Mark one submission: its code runs in a sandbox, the judging happens here.

A submission only ever sees the arguments of a call. Expected results, points and marks stay in this
process; what comes back is compared by the engine that also checks the exercises of the book.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from nmcourse.exercises.checking.compare import NUMBERS_DIFFER
from nmcourse.exercises.checking.engine import run
from tools.teaching.assignments import Hidden
from tools.teaching.homework import Part
from tools.teaching.sandbox.codec import Other
from tools.teaching.sandbox.limits import Limits
from tools.teaching.sandbox.methods import Method
from tools.teaching.sandbox.session import REASONS, Reply, Session, Stopped
from tools.teaching.settings import Settings
from tools.teaching.submission import Submission

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
    """

    status: str
    token: str = ""
    parts: tuple[PartMark, ...] = ()
    notes: tuple[str, ...] = ()
    stopped: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def total(self) -> float:
        """All points together, before any loss for being late."""
        return sum(part.points for part in self.parts)


@dataclass
class _Program:
    """The cells of a submission in a sandbox, started again where one of them ends it."""

    method: Method
    limits: Limits
    cells: Sequence[tuple[int, str]]
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
            if number in self.left_out:
                continue
            try:
                self._note(number, session.cell(number, code, self.limits.cell_s))
            except Stopped as stopped:
                self.fell(stopped.reason)
                self.left_out.add(number)
                self.notes.append(f"cell {number} was left out: {REASONS[stopped.reason]}")
                return

    def _note(self, number: int, reply: Reply) -> None:
        if reply.late:
            note = f"cell {number} was interrupted: it took longer than its time limit"
        elif reply.error and reply.error != "NotImplementedError":
            note = f"cell {number} raised {reply.error}"
        else:
            return
        if note not in self.notes:
            self.notes.append(note)

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

    def __init__(self, session: Session, part: Part) -> None:
        self._session, self._part = session, part
        self.reply: Reply | None = None  # the one that was no result
        self.stopped = ""

    def __call__(self, *arguments: Any) -> Any:
        if self.stopped or self.reply is not None:
            raise _Failed
        try:
            reply = self._session.call(self._part.function, arguments, self._part.seconds)
        except Stopped as stopped:
            self.stopped = stopped.reason
            raise _Failed from None
        value = reply.value
        if reply.error or reply.late or reply.missing or isinstance(value, Other | str | bool):
            self.reply = reply
            raise NotImplementedError if reply.error == "NotImplementedError" else _Failed
        return value


def mark(
    submission: Submission, hidden: Hidden, settings: Settings, method: Method, slot: int = 0
) -> Mark:
    """Mark a submission.

    Args:
        submission: What was read.
        hidden: The assignment with its hidden tests.
        settings: Limits; points are those of the problem.
        method: How its code is closed in.
        slot: 0, 1, ...: differs between submissions that are marked at the same time.

    Raises:
        NotMarked: The sandbox did not start.
    """
    if submission.problem:
        parts = next(iter(hidden.versions.values())).version.parts
        nothing = tuple(PartMark(p.name, 0.0, float(p.points), "missing") for p in parts)
        return Mark(submission.problem, parts=nothing)
    version = hidden.versions[submission.token].version
    program = _Program(method, settings.limits, submission.cells, slot, settings.restarts)
    try:
        marks = [
            _mark_part(program, part, hidden, submission.token, float(part.points))
            for part in version.parts
        ]
    finally:
        program.end()
    answered = any(one.status not in ("not answered", "missing") for one in marks)
    status = "marked" if answered or program.stopped else "not answered"
    notes = (*submission.notes, *program.notes)
    stopped = tuple(dict.fromkeys(program.stopped))
    seconds = round(time.monotonic() - program.began, 2)
    return Mark(status, submission.token, tuple(marks), notes, stopped, seconds)


def _mark_part(program: _Program, part: Part, hidden: Hidden, token: str, most: float) -> PartMark:
    if not program.ready():
        reason = REASONS[program.stopped[-1]]
        return PartMark(
            part.name, 0.0, most, "failed", lines=(f"It could not be tried: {reason}.",)
        )
    assert program.session is not None
    remote = _Remote(program.session, part)
    exercise = hidden.versions[token].version.exercise(part)
    result = run(exercise, remote, hidden.case_seed(token, part), program.limits.wall_s + 60)
    if remote.stopped:
        program.fell(remote.stopped)
        why = f"It was ended when it was called: {REASONS[remote.stopped]}."
        return PartMark(part.name, 0.0, most, "failed", lines=(why,))
    if result.passed:
        return PartMark(part.name, most, most, "right", lines=("Right.",))
    if remote.reply is not None:
        return _without_result(part, most, remote.reply)
    if result.misconception:
        said = dict(result.lines)
        lines = (said["Think of"], f"Read again: {said['Read again']}.")
        return PartMark(part.name, 0.0, most, "wrong", result.misconception, lines)
    why = _harmless(dict(result.lines).get("Why", ""))
    return PartMark(part.name, 0.0, most, "wrong", lines=(why,))


def _without_result(part: Part, most: float, reply: Reply) -> PartMark:
    """The mark of a part whose function gave nothing that can be compared."""
    if reply.error == "NotImplementedError":
        return PartMark(part.name, 0.0, most, "not answered", lines=("Not answered.",))
    if reply.missing:
        line = f"There is no function {part.function}."
        return PartMark(part.name, 0.0, most, "missing", lines=(line,))
    if reply.late:
        line = f"It had not come back after {part.seconds:g} s. Is there a loop that never ends?"
    elif reply.error:
        where = f" in cell {reply.place[0]}, line {reply.place[1]}" if reply.place else ""
        line = f"It raised {reply.error}{where}."
    else:
        line = "It returned something that holds no numbers."
    return PartMark(part.name, 0.0, most, "failed", lines=(line,))


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
