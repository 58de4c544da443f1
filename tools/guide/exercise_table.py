"""The table of every exercise, generated from the exercises, the chapters and the tests."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path

from nmcourse.exercises import Exercise, exercises
from tools import pairs
from tools.guide.chapters import Chapter, course, in_table

TESTED_IN = ("tests/exercises", "tests/book/test_exercises.py")
HEAD = (
    "| Exercise | Kind | Difficulty | Minutes | Wrong answers | Hints | Tests |\n"
    "|---|---|---|---|---|---|---|"
)


@cache
def collected(root: Path = pairs.ROOT) -> tuple[str, ...]:
    """Return the parameters of every test of the exercises, as pytest collects them."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    found = subprocess.run(
        [*command, *TESTED_IN], cwd=root, capture_output=True, text=True, check=False
    )
    if found.returncode:
        raise RuntimeError(f"the tests of the exercises were not collected:\n{found.stdout[-800:]}")
    return tuple(re.findall(r"^\S+?::\w+\[(.+)\]$", found.stdout, re.MULTILINE))


def tests_of(ids: list[str], parameters: tuple[str, ...]) -> Counter[str]:
    """Count the tests of each exercise: those that have its id among their parameters."""
    names = "|".join(sorted(map(re.escape, ids), key=len, reverse=True))
    own = re.compile(rf"(?:^|-)({names})(?=$|[:-])")
    return Counter(found[1] for one in parameters if (found := own.search(one)))


def row(one: Exercise, chapter: Chapter, tests: int) -> str:
    """Return the line of one exercise."""
    wrong = str(len(one.wrong)) if one.checkable else "rubric"
    cells = [
        f"[{in_table(one.title)}](#{one.label}) (`{one.id}`)",
        one.kind,
        f"{one.difficulty} of 5",
        str(one.minutes),
        wrong,
        str(chapter.hints[one.label]),
        str(tests),
    ]
    return f"| {' | '.join(cells)} |"


def table(root: Path = pairs.ROOT) -> str:
    """Return the table of every exercise in Markdown, chapter by chapter."""
    listed = exercises()
    tests = tests_of([one.id for one in listed], collected(root))
    parts = []
    for chapter in course(root):
        own = [one for one in listed if one.chapter == chapter.page]
        if own:
            lines = [row(one, chapter, tests[one.id]) for one in own]
            parts.append("\n".join([f"## {chapter.name}\n", HEAD, *lines]))
    return "\n\n".join([summary(listed, tests), *parts])


def summary(listed: list[Exercise], tests: Counter[str]) -> str:
    """Return one paragraph with the sums."""
    checked = [one for one in listed if one.checkable]
    wrong = sum(len(one.wrong) for one in listed)
    return (
        f"There are **{len(listed)} exercises**. The package checks {len(checked)} of them and "
        f"knows {wrong} typical wrong answers by name. The other {len(listed) - len(checked)} are "
        f"marked with a rubric of four levels. {sum(tests.values())} tests prove the checks."
    )
