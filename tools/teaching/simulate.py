"""Mark a simulated class and compare each mark with what it should be: `make simulate-class`.

    python -m tools.teaching.simulate --size 200
    python -m tools.teaching.simulate --size 60 --homework low-rank --out ../simulated

Half-way the run is killed and started again. The last lines say what was found: marks that are not
exact, results that were lost or touched, and the time per submission.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nmcourse._files import user_path
from tools.teaching import assignments
from tools.teaching.notebooks import ROOT
from tools.teaching.results import counted, load_result
from tools.teaching.sandbox.choice import choose
from tools.teaching.settings import Settings
from tools.teaching.simulated import Handed, Targets, a_class

SETTINGS = """workers = {workers}
[limits]
wall_s = 240
cpu_s = 10
memory_mb = 600
processes = 16
output_kb = 300
home_mb = 20
cell_s = 2
"""


def hand_in(folder: Path, handed: Mapping[str, Handed]) -> None:
    """Write the files of a class; every third student has a folder of their own."""
    for number, (name, one) in enumerate(handed.items()):
        path = folder / name / "my homework.ipynb" if number % 3 == 0 else folder / f"{name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(one.content)


def compare(out: Path, handed: Mapping[str, Handed]) -> list[str]:
    """Return one message for each mark that is not what it should be."""
    wrong = []
    for student, one in handed.items():
        record = load_result(out, student)
        if record is None:
            wrong.append(f"{student}: no result")
            continue
        mark = counted(record, Settings()).mark
        earned = {part.name: part.points for part in mark.parts if part.points}
        named = {part.name: part.misconception for part in mark.parts if part.misconception}
        if earned != one.points or mark.status != one.status:
            wrong.append(
                f"{student}: {mark.status} {earned}, should be {one.status} {one.points}; "
                f"{'; '.join([*mark.notes, *(line for p in mark.parts for line in p.lines)])}"
            )
        if one.misconceptions is not None and named != one.misconceptions:
            wrong.append(f"{student}: named {named}, should be {one.misconceptions}")
    return wrong


def grade(places: Mapping[str, Path], kill_after: int = 0) -> bool:
    """Run the grader; return whether it came to its end.

    Args:
        places: Values of its options.
        kill_after: Kill it when so many results are there; 0: do not.
    """
    line = [sys.executable, "-m", "tools.teaching.grade"]
    for option, path in places.items():
        line += [f"--{option}", str(path)]
    process = subprocess.Popen(line, cwd=ROOT, start_new_session=True)
    results = places["out"] / "results"
    while kill_after and process.poll() is None:
        if results.is_dir() and len(list(results.glob("*.json"))) >= kill_after:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return False
        time.sleep(0.1)
    return process.wait() == 0


@dataclass(frozen=True)
class Outcome:
    """What came of a simulated class.

    Attributes:
        problems: What went wrong, a sentence each.
        seconds: Seconds per submission, all workers together.
        finished: How many results there were when the run was killed.
        kinds: For each kind of submission how many there were, whether it was hostile, how many
            got their exact mark, and the longest seconds of one.
    """

    problems: list[str]
    seconds: float
    finished: int
    kinds: dict[str, dict[str, Any]]


def simulate(
    size: int, homework: str, base: Path, workers: int = 2, only: tuple[str, ...] = ()
) -> Outcome:
    """Mark a class, killed once half-way; return what came of it."""
    hidden = assignments.make("a simulated class", homework, versions=3)
    private, submissions, out = base / "private", base / "submissions", base / "marks"
    assignments.write(hidden, private)
    (base / "class.toml").write_text(SETTINGS.format(workers=workers), encoding="utf-8")
    places = {
        "homework": private / f"{homework}.json",
        "submissions": submissions,
        "out": out,
        "settings": base / "class.toml",
    }
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        aims = Targets(private, out, server.getsockname()[1])
        handed = a_class(hidden, aims, size, only=only)
        hand_in(submissions, handed)
        began = time.monotonic()
        problems = []
        if grade(places, kill_after=size // 2):
            problems.append("the run ended before it could be killed")
        finished = _modified(out)
        if not grade(places):
            problems.append("the run that was started again did not come to its end")
        seconds = (time.monotonic() - began) / size
        with contextlib.suppress(BlockingIOError):
            server.accept()
            problems.append("a submission opened a socket")
    for name, moment in finished.items():
        if _modified(out).get(name) != moment:
            problems.append(f"{name}: finished before the run was killed, and touched after")
    problems += compare(out, handed)
    return Outcome(problems, seconds, len(finished), _kinds(out, handed))


def _kinds(out: Path, handed: Mapping[str, Handed]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for student, one in handed.items():
        row = found.setdefault(
            student.split("_", 1)[1], {"count": 0, "hostile": one.hostile, "exact": 0, "longest": 0}
        )
        record = load_result(out, student)
        row["count"] += 1
        row["exact"] += not compare(out, {student: one})
        row["longest"] = max(row["longest"], round(record["mark"]["seconds"], 1) if record else 0)
    return dict(sorted(found.items()))


def _modified(out: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in (out / "results").glob("*.json")}


def main(arguments: list[str]) -> int:
    """Simulate a class; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.teaching.simulate")
    parser.add_argument("--size", type=int, default=200, help="students")
    parser.add_argument("--homework", default="rates", help="the problem")
    parser.add_argument("--workers", type=int, default=2, help="marked at the same time")
    parser.add_argument("--out", type=user_path, help="keep the files here")
    parser.add_argument("--report", type=user_path, help="write what came of it to this file")
    options = parser.parse_args(arguments)
    base = options.out or Path(tempfile.mkdtemp(prefix="nmcourse-class-"))
    try:
        found = simulate(options.size, options.homework, base, options.workers)
    finally:
        if options.out is None:
            shutil.rmtree(base, ignore_errors=True)
    for problem in found.problems:
        print(problem)
    if options.report:
        options.report.write_text(report(found, options.homework, options.workers), "utf-8")
    count = f"{options.size} submissions, {len(found.problems)} problems"
    print(f"{count}, {found.seconds:.2f} s per submission")
    return 1 if found.problems else 0


def report(found: Outcome, homework: str, workers: int) -> str:
    """Return what came of a class as JSON, with the command that makes it again."""
    groups = {}
    for name, hostile in (("honest", False), ("hostile", True)):
        rows = [row for row in found.kinds.values() if row["hostile"] is hostile]
        groups[name] = {key: sum(row[key] for row in rows) for key in ("count", "exact")}
        groups[name]["longest_seconds"] = max((row["longest"] for row in rows), default=0)
    size = sum(row["count"] for row in found.kinds.values())
    command = f"make simulate-class SIZE={size} REPORT=benchmarks/results/class.json"
    table = {
        "command": command,
        "homework": homework,
        "workers": workers,
        "sandbox": choose().name,
        "cores": os.cpu_count(),
        "load_average": round(os.getloadavg()[2], 1),  # of the last 15 minutes
        "submissions": size,
        "killed_after": found.finished,
        "seconds_per_submission": round(found.seconds, 2),
        "problems": found.problems,
        **groups,
        "kinds": found.kinds,
    }
    return json.dumps(table, indent=1) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
