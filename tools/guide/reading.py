"""How long a student reads a chapter: computed from its source, and compared with what it states.

    python -m tools.guide.reading          one line per chapter
    python -m tools.guide.reading write    put the computed minutes into the chapters

The estimate is for a first reading with a pen in hand: 150 words of prose a minute, three lines of
open code in ten seconds, one minute for each figure and each question. What is folded is left out,
and so are exercises, which state their own minutes. It is rounded to five minutes.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from tools import pairs
from tools.guide.chapters import course

WORDS_PER_MINUTE = 150
LINES_PER_MINUTE = 18

FRONT_MATTER = re.compile(r"\A---\n.*?^---\n", re.DOTALL | re.MULTILINE)
CELL = re.compile(r"^```\{code-cell\}[^\n]*\n(.*?)^```[ \t]*$", re.DOTALL | re.MULTILINE)
EXERCISE = re.compile(r"^:::\{exercise\}.*?^:::$", re.DOTALL | re.MULTILINE)
FOLDED = re.compile(r"<details>.*?</details>", re.DOTALL)
LOOKED_AT = re.compile(r"^# @title (Figure|Plot|Predict|Circuit|Table)", re.MULTILINE)
HIDDEN = re.compile(r"hide-input|hide-cell|remove-input|remove-cell")
EXERCISE_MINUTES = re.compile(r"importance \d/5 · (\d+) minutes")
STATED = re.compile(
    r"(\*\*Time:\*\* about )(\d+)( minutes to read, )(\d+)( more for the \w+ exercises)"
)


def visible_words(source: str) -> int:
    """Return the words of prose that a reader meets without opening anything, formulas included."""
    for left_out in (FRONT_MATTER, CELL, EXERCISE, FOLDED):
        source = left_out.sub("", source)
    return len(re.findall(r"\S*\w\S*", source))


def reading_minutes(source: str) -> int:
    """Return how long a student reads a chapter, without its exercises, to five minutes."""
    cells = CELL.findall(FRONT_MATTER.sub("", source))
    lines = sum(
        sum(bool(line.strip()) and not line.startswith((":", "---")) for line in cell.splitlines())
        for cell in cells
        if not HIDDEN.search(cell)
    )
    looked_at = sum(bool(LOOKED_AT.search(cell)) for cell in cells)
    minutes = visible_words(source) / WORDS_PER_MINUTE + lines / LINES_PER_MINUTE + looked_at
    return 5 * round(minutes / 5)


def exercise_minutes(source: str) -> int:
    """Return the sum of the minutes that the exercises of a chapter state."""
    return sum(map(int, EXERCISE_MINUTES.findall(source)))


def stated(source: str) -> tuple[int, int] | None:
    """Return the minutes of reading and of exercises that a chapter states; None if it has none."""
    found = STATED.search(source)
    return (int(found[2]), int(found[4])) if found else None


def corrected(source: str) -> str:
    """Return the source with the computed minutes; other parts of a chapter stay as they are."""
    reading, exercises = reading_minutes(source), exercise_minutes(source)
    return STATED.sub(rf"\g<1>{reading}\g<3>{exercises}\g<5>", source)


def main(arguments: list[str], root: Path = pairs.ROOT) -> int:
    """Print what each chapter takes, or write it into the chapters."""
    for chapter in course(root):
        path = root / f"{chapter.page}.md"
        source = path.read_text(encoding="utf-8")
        if arguments == ["write"]:
            path.write_text(corrected(source), encoding="utf-8")
        print(
            f"{chapter.page:45} {visible_words(source):5} words, {reading_minutes(source):3} + "
            f"{exercise_minutes(source):3} minutes, states {stated(source)}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
