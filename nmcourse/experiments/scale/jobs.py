"""Many jobs through submitit: all are tried, and those that fail are named.

submitit starts everything that it is given at once where there is no SLURM, so jobs are handed over
a few at a time. A job that fails, or is killed, stops no other.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from nmcourse.experiments.scale.configuration import Configuration, read
from nmcourse.experiments.scale.engines import executor

T = TypeVar("T")
JOBS = (
    "NMCOURSE_JOBS"  # where the configuration lies whose launcher takes the jobs of an experiment
)
AT_ONCE = 64  # jobs that a queue is given at a time, where nothing is said
_PAUSE = 0.2  # seconds between two looks at the jobs


class Outcomes(NamedTuple):
    """What came of jobs.

    Attributes:
        done: name -> what the job gave.
        failed: name -> why it gave nothing, in one line.
    """

    done: dict[str, Any]
    failed: dict[str, str]


class JobsFailed(RuntimeError):
    """Some jobs failed; the message names them, and the others have finished.

    Attributes:
        outcomes: of all jobs.
    """

    def __init__(self, outcomes: Outcomes) -> None:
        total = len(outcomes.done) + len(outcomes.failed)
        reasons = "; ".join(f"{name}: {why}" for name, why in outcomes.failed.items())
        super().__init__(
            f"{len(outcomes.failed)} of {total} failed, the others have finished: {reasons}"
        )
        self.outcomes = outcomes


def submitted(
    jobs: Mapping[str, Callable[[], Any]],
    configuration: Configuration,
    *,
    at_once: int | None = None,
    on_end: Callable[[str, str], None] | None = None,
) -> Outcomes:
    """Run jobs through the launcher of a configuration, and wait for all of them.

    Args:
        jobs: functions that can be pickled, by name.
        configuration: its ``launcher``, ``slurm``, ``devices`` and ``folder``.
        at_once: jobs that are handed over at a time; None for ``devices`` of this machine, or 64
            of a queue.
        on_end: called with the name of a job that has ended and with why it failed, or "".
    """
    if at_once is None:
        at_once = AT_ONCE if configuration.launcher == "slurm" else configuration.devices
    queue, outcomes = list(jobs), Outcomes({}, {})
    running: dict[str, Any] = {}
    starter = executor(configuration)
    while queue or running:
        while queue and len(running) < at_once:
            name = queue.pop(0)
            running[name] = starter.submit(jobs[name])
        for name in [name for name, job in running.items() if job.done()]:
            job = running.pop(name)
            error = job.exception()
            if error is None:
                outcomes.done[name] = job.result()
            else:
                outcomes.failed[name] = one_line(error)
            if on_end is not None:
                on_end(name, outcomes.failed.get(name, ""))
        time.sleep(_PAUSE if running else 0)
    return outcomes


def launcher_of_jobs() -> Configuration | None:
    """The configuration whose launcher takes the jobs of an experiment; None for this machine."""
    named = os.environ.get(JOBS)
    return read(Path(named)) if named else None


def run_command(command: Sequence[str], log: str, environment: Mapping[str, str]) -> None:
    """Run a command with its output in a file.

    Raises:
        RuntimeError: it failed; with its last line.
    """
    path = Path(log)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as stream:
        ended = subprocess.run(
            list(command), stdout=stream, stderr=subprocess.STDOUT, env=dict(environment)
        )
    if ended.returncode:
        lines = [line for line in path.read_text(errors="replace").splitlines() if line.strip()]
        last = lines[-1].strip() if lines else "no output"
        how = f"exit status {ended.returncode}"
        if ended.returncode < 0:
            how = f"killed by signal {-ended.returncode}"
        raise RuntimeError(f"{how}: {last} ({log})")


def one_line(error: BaseException) -> str:
    """The reason in what submitit makes of a job's error: the last line of the job's traceback."""
    blocks = re.split(r"^-{5,}$", str(error), flags=re.MULTILINE)
    lines = [line.strip() for line in blocks[1 if len(blocks) > 1 else 0].splitlines()]
    found = [line for line in lines if line]
    return found[-1] if found else str(error).partition("\n")[0] or type(error).__name__
