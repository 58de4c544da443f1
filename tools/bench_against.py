"""Is this checkout slower than another one, or larger?

    python -m tools.bench_against BASE [--rounds 15] [NAME ...]

BASE is a tag or a commit; it is checked out to a temporary folder. For each training of
``benchmarks/peers/nmcourse_steps.py`` two programs take turns, one with the package of BASE, one
with that of this checkout. A training that takes over 10 % more processor time, with p < 0.05 of a
one-sided Wilcoxon test over the pairs, is a failure. So is one that takes over 10 % more memory:
at its peak, above what the process holds once it has imported and compiled everything. A library
that is new, such as a compiler, does not count as memory of a training.
What BASE cannot run is named, and is no failure.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import stats

from tools import pairs
from tools.turns import Measured, Program, ProgramFailed, take_turns

PROGRAM = Path("benchmarks/peers/nmcourse_steps.py")
NAMES = ("nm_rnn", "ten_nm_rnns", "feedback_nm_rnn", "low_rank_rnn", "vanilla_rnn", "lstm", "gru")
ALLOWED = 1.10  # this checkout over BASE
LEVEL = 0.05


@dataclass(frozen=True)
class Verdict:
    """How this checkout compares with BASE.

    Attributes:
        time: median over the pairs of processor time here over that of BASE.
        p: of no slow-down, against one.
        memory: memory that training takes here over that of BASE.
    """

    time: float
    p: float
    memory: float

    @property
    def failures(self) -> list[str]:
        """What is worse than allowed, in words."""
        found = []
        if self.time > ALLOWED and self.p < LEVEL:
            found.append(f"{self.time:.2f} times the processor time (p = {self.p:.2g})")
        if self.memory > ALLOWED:
            found.append(f"{self.memory:.2f} times the memory")
        return found


def judge(base: Sequence[Measured], here: Sequence[Measured]) -> Verdict:
    """Compare answers of both, pair by pair."""
    logs = np.log([b.processor / a.processor for a, b in zip(base, here, strict=True)])
    p = float(stats.wilcoxon(logs, alternative="greater").pvalue) if np.any(logs) else 1.0
    return Verdict(
        time=float(np.exp(statistics.median(logs))),
        p=p,
        memory=max(one.memory for one in here) / max(one.memory for one in base),
    )


@contextmanager
def checked_out(base: str, root: Path = pairs.ROOT) -> Iterator[Path]:
    """Yield a temporary folder that holds the files of a tag or commit.

    Raises:
        ValueError: there is no such tag or commit.
    """

    def git(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["git", "-C", str(root), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "base"
        done = git("worktree", "add", "--detach", str(folder), f"{base}^{{commit}}")
        if done.returncode:
            raise ValueError(f"BASE must be a tag or a commit, got {base!r}: {done.stderr.strip()}")
        try:
            yield folder
        finally:
            git("worktree", "remove", "--force", str(folder))


def compare(name: str, base: Path, here: Path, rounds: int, program: Path = PROGRAM) -> Verdict:
    """Measure one training with the package of two folders.

    Raises:
        ProgramFailed: one of them cannot run it.
    """
    both = [
        Program(
            [sys.executable, "-P", str(here / program), name],  # -P: PYTHONPATH says whose package
            os.environ | {"PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"},
            folder,
        )
        for folder in (base, here)
    ]
    return judge(*take_turns(both, rounds))


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare everything; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("base", help="a tag or a commit")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of {', '.join(NAMES)}")
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in NAMES]
    if unknown or options.rounds < 6:  # with five pairs or fewer, p is never below 0.05 by far
        parser.error(
            f"NAME must be of {NAMES}, got {unknown}" if unknown else "--rounds: 6 or more"
        )
    failed = False
    try:
        with checked_out(options.base) as base:
            for name in options.names or NAMES:
                try:
                    verdict = compare(name, base, pairs.ROOT, options.rounds)
                except ProgramFailed as error:
                    print(f"{name:16s} not compared: {error}")
                    continue
                failed = failed or bool(verdict.failures)
                note = "; ".join(verdict.failures)
                print(
                    f"{name:16s} time {verdict.time:5.2f}  p {verdict.p:.3f}  "
                    f"memory {verdict.memory:5.2f}{'   FAILED: ' + note if note else ''}",
                    flush=True,
                )
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
