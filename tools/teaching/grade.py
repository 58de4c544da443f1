"""Mark a folder of submissions: `make grade HOMEWORK=... SUBMISSIONS=... OUT=...`.

    python -m tools.teaching.grade --homework ../homework/rates.json --submissions ../handed_in
        --out ../marks [--settings class.toml] [--times times.csv]

OUT/marks.csv holds the marks, OUT/feedback a page for each student, OUT/results what was found. A
run that was stopped goes on where it was; what is finished is marked again only if the submission,
the homework or the limits have changed. Points, late rule and regrade rule are applied anew by each
run. Submissions run closed in: without network, in a file system of their own, within limits. Where
that is not possible, nothing runs.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import multiprocessing
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from datetime import datetime
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path

from nmcourse._files import user_path, write_text
from tools.teaching.assignments import Hidden, load, refuse_tree
from tools.teaching.handed_in import Found, HandedIn, collect
from tools.teaching.marking import NotMarked, mark
from tools.teaching.platforms import write_platforms
from tools.teaching.results import (
    CLOSED,
    Counted,
    close,
    counted,
    feedback,
    load_result,
    note_time,
    save_result,
    write_marks,
)
from tools.teaching.sandbox import kernel
from tools.teaching.sandbox.choice import NoSandbox, choose
from tools.teaching.sandbox.methods import Method, exposed
from tools.teaching.settings import Settings, read_settings, read_times
from tools.teaching.submission import read

Say = Callable[[str], None]
_SLOT = 0


@dataclass(frozen=True)
class Job:
    """All that a process needs to mark submissions of a class."""

    hidden: Hidden
    settings: Settings
    method: Method
    out: Path

    times: Mapping[str, datetime] = field(default_factory=dict)

    def key(self, found: Found) -> dict[str, str]:
        """Return hashes of the submission, of the homework, and of the rules of marking.

        Points, the late rule and the regrade rule are none of these: they are applied to what was
        found whenever the table is written.
        """
        versions = [a.version for a in self.hidden.versions.values()]
        texts = [(v.statement, v.common, [(p.body, p.points) for p in v.parts]) for v in versions]
        homework = [self.hidden.key, list(self.hidden.versions), texts]
        kept = dataclasses.asdict(self.settings)
        rules = [kept["limits"], kept["restarts"]]
        return {"submission": found.digest(), "homework": _hash(homework), "rules": _hash(rules)}


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def todo(job: Job, everybody: Sequence[Found]) -> list[Found]:
    """Return the submissions that are not marked yet, or have changed since."""
    left = []
    for found in everybody:
        record, key = load_result(job.out, found.student), job.key(found)
        if record is None or record["key"]["homework"] != key["homework"]:
            left.append(found)
            continue
        unchanged = record["key"]["submission"] == key["submission"]
        same = unchanged and record["key"]["rules"] == key["rules"]
        if not same and (unchanged or job.settings.regrade != "first"):
            left.append(found)
    return left


def mark_all(job: Job, left: Sequence[Found], say: Say) -> None:
    """Mark submissions, several at a time, each result written when it is there."""
    waiting = list(left)
    try:
        with _pool(job.settings.workers) as pool:
            futures = {pool.submit(_mark_one, job, found): found for found in left}
            for future in as_completed(futures):
                say(future.result())
                waiting.remove(futures[future])
    except BrokenProcessPool:  # a process of the grader itself died: one by one, to see with which
        for found in [one for one in waiting if one in todo(job, waiting)]:
            try:
                with _pool(1) as pool:
                    say(pool.submit(_mark_one, job, found).result())
            except BrokenProcessPool:
                say(f"{found.student}: NOT MARKED, the process that marked it died")


def _pool(workers: int) -> ProcessPoolExecutor:
    context = multiprocessing.get_context("spawn")
    slots = context.Value("i", 0)
    return ProcessPoolExecutor(workers, context, initializer=_begin, initargs=(slots,))


def _begin(slots: Synchronized[int]) -> None:
    """Take a number of one's own, and end with the process that started this one."""
    global _SLOT
    with slots.get_lock():
        _SLOT = slots.value
        slots.value += 1
    if sys.platform == "linux":
        kernel.control(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)


def _mark_one(job: Job, found: Found) -> str:
    """Mark a submission and keep the result; return what to say of it."""
    key = job.key(found)
    began = time.monotonic()
    try:
        result = mark(read(found, job.hidden.versions), job.hidden, job.settings, job.method, _SLOT)
    except NotMarked as error:
        return f"{found.student}: NOT MARKED, {error}"
    except Exception as error:  # a fault of the grader: the others must be marked all the same
        return f"{found.student}: NOT MARKED, {type(error).__name__} in the grader: {error}"
    result = dataclasses.replace(result, seconds=round(time.monotonic() - began, 2))
    save_result(job.out, found.student, result, key, job.times.get(found.student))
    stopped = f" (stopped: {', '.join(result.stopped)})" if result.stopped else ""
    right = sum(part.status == "right" for part in result.parts)
    of = f"{right} of {len(result.parts)} parts right"
    return f"{found.student}: {result.status}, {of}{stopped}"


def report(job: Job, everybody: Sequence[Found]) -> dict[str, Counted | None]:
    """Write the table of marks and the feedback; return the marks that count."""
    version = next(iter(job.hidden.versions.values())).version
    marks: dict[str, Counted | None] = dict.fromkeys(found.student for found in everybody)
    for found in everybody:
        record = load_result(job.out, found.student)
        if record is None:
            continue
        if job.times and record["key"]["submission"] == found.digest():  # the time is of this one
            record = note_time(job.out, record, job.times.get(found.student))
        marks[found.student] = mark = counted(record, job.settings)
        text = feedback(found.student, version.title, mark)
        write_text(job.out / "feedback" / f"{found.student}.md", text, mode=CLOSED)
    write_marks(job.out / "marks.csv", marks, [part.name for part in version.parts])
    most = sum(float(job.settings.points.get(p.name, p.points)) for p in version.parts)
    write_platforms(job.out, version.title, job.settings.assignment, most, marks)
    return marks


def prepare(
    homework: Path,
    submissions: Path,
    out: Path,
    settings: Settings,
    times: Path | None = None,
    unprotected: str = "",
) -> tuple[Job, HandedIn]:
    """Read what is to be marked, and find a way to run it.

    Raises:
        ValueError: A file or folder is not what it should be.
        NoSandbox: Submissions cannot be closed in here.
    """
    hidden = load(homework)
    known = {part.name for a in hidden.versions.values() for part in a.version.parts}
    if unknown := sorted(settings.points.keys() - known):
        raise ValueError(f"points: no part {unknown[0]!r}; there are {', '.join(sorted(known))}")
    refuse_tree(out)
    if out.resolve().is_relative_to(submissions.resolve()):
        raise ValueError(f"OUT must not lie in SUBMISSIONS, got {out}")
    for name, path in (("HOMEWORK", homework), ("SUBMISSIONS", submissions), ("OUT", out)):
        if folder := exposed(path):
            raise ValueError(f"{name} must not lie in {folder}, which submissions can read: {path}")
    handed_in = collect(submissions)
    moments = read_times(times) if times else {}
    method = choose(settings.image, unprotected, settings.sandbox)
    return Job(hidden, settings, method, out, moments), handed_in


def main(arguments: list[str]) -> int:
    """Mark a folder of submissions; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.teaching.grade")
    parser.add_argument(
        "--homework", type=user_path, required=True, help="NAME.json of the assignment"
    )
    parser.add_argument(
        "--submissions", type=user_path, required=True, help="STUDENT.ipynb, or folders"
    )
    parser.add_argument("--out", type=user_path, required=True, help="where the marks go")
    parser.add_argument("--settings", type=user_path, help="a TOML file")
    parser.add_argument("--times", type=user_path, help="lines of student,time")
    parser.add_argument("--unprotected", default="", help="run without protection, in words")
    options = parser.parse_args(arguments)
    try:
        settings = read_settings(options.settings)
        places = (options.homework, options.submissions, options.out)
        job, handed_in = prepare(*places, settings, options.times, options.unprotected)
        everybody = handed_in.everybody
        close(job.out)
        left = todo(job, everybody)
        how = job.method.name if job.method.protected else "UNPROTECTED"
        print(f"{len(everybody)} submissions, {len(left)} to mark; sandbox: {how}", flush=True)
        began = time.monotonic()
        mark_all(job, left, lambda text: print(text, flush=True))
        marks = report(job, everybody)
    except (ValueError, NoSandbox, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    if left:
        print(f"{(time.monotonic() - began) / len(left):.2f} s per submission")
    for name in sorted(job.times.keys() - marks.keys()):
        print(f"TIMES: {name!r} handed nothing in")
    for message in handed_in.beside:
        print(f"not read: {message}")
    for message in handed_in.left_out:
        print(f"LEFT OUT: {message}")
    print(options.out / "marks.csv")
    return 1 if None in marks.values() or handed_in.left_out else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
