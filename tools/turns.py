"""Programs that are measured in turns, so that a busy machine slows them all alike.

Each program prints a line when it is ready. Then it answers every line on its standard input with
one line of numbers: seconds of processor time, seconds, memory in MB.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple


class Measured(NamedTuple):
    """One answer of a program: seconds of processor time, seconds, and MB."""

    processor: float
    seconds: float
    memory: float


class Program(NamedTuple):
    """What is run: its command line, its environment, and the folder it runs in."""

    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path


class ProgramFailed(RuntimeError):
    """A program ended before it answered."""


def take_turns(programs: Iterable[Program], rounds: int) -> list[list[Measured]]:
    """Measure programs in turns; every second round in the opposite order.

    Args:
        programs: what to run; all of them live until the end.
        rounds: answers of each.

    Returns:
        For each program, its answers; entry i of all belongs to the same round.

    Raises:
        ProgramFailed: one of them ended too early; what it said on its standard error is shown.
    """
    with ExitStack() as running:
        started = []
        for program in programs:
            process = subprocess.Popen(
                list(program.command),
                cwd=program.folder,
                env=dict(program.environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            running.enter_context(process)
            running.callback(process.kill)
            started.append(process)
        for process in started:
            _line(process)
        answers: list[list[Measured]] = [[] for _ in started]
        for number in range(rounds):
            order = range(len(started))
            for which in order if number % 2 == 0 else reversed(order):
                answers[which].append(_ask(started[which]))
        return answers


def _ask(process: subprocess.Popen[str]) -> Measured:
    assert process.stdin is not None
    try:
        # Not through the buffer: what is left in it fails a second time, when the pipe is closed.
        os.write(process.stdin.fileno(), b"again\n")
    except BrokenPipeError:
        raise ProgramFailed(f"{_name(process)} has ended") from None
    return Measured(*map(float, _line(process).split()))


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        raise ProgramFailed(f"{_name(process)} ended with status {process.wait()}")
    return line


def _name(process: subprocess.Popen[str]) -> str:
    return " ".join(map(str, process.args)) if isinstance(process.args, list) else str(process.args)
