"""The symbols of every chapter on one page, from the table at the end of each chapter."""

from __future__ import annotations

import re
from pathlib import Path

from tools import pairs
from tools.guide.chapters import Chapter, course

TABLE = re.compile(r"^\|\s*symbol\s*\|.*\n\|[-:| ]+\|\n((?:\|.*\n)+)", re.MULTILINE)


def rows(text: str) -> list[tuple[str, str]]:
    """Return symbol and meaning of each row in the tables of symbols of a chapter."""
    found = []
    for table in TABLE.finditer(text):
        names = [name.strip() for name in table[0].splitlines()[0].strip("|").split("|")]
        for line in table[1].splitlines():
            cells = dict(zip(names, re.split(r"(?<!\\)\|", line.strip().strip("|")), strict=False))
            found.append((cells["symbol"].strip(), cells["meaning"].strip()))
    return found


def _heading(chapter: Chapter) -> str:
    number = f"{chapter.number}. " if chapter.number is not None else ""
    return f"### {number}[{chapter.title}]({chapter.page.removeprefix('book/')}.md)"


def text(root: Path = pairs.ROOT) -> str:
    """Return a table for each chapter that has one."""
    parts = []
    for chapter in course(root):
        found = rows((root / f"{chapter.page}.md").read_text(encoding="utf-8"))
        if found:
            lines = [f"| {symbol} | {meaning} |" for symbol, meaning in found]
            head = "| symbol | meaning |\n|---|---|"
            parts.append("\n".join([f"{_heading(chapter)}\n", head, *lines, ""]))
    return "\n".join(parts)
