"""A Sphinx extension: replaces lines such as ``<!-- generated: exercises -->`` in the pages.

The text comes from the exercises, the chapters and the plans at each build, so that it cannot
differ from them. ``python -m tools.guide.pages`` prints every generated part.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tools import pairs
from tools.guide import errata, exercise_table, inventory, plans, syllabus, symbols
from tools.web import status

PLACE = re.compile(r"^<!-- generated: (\w+)((?: (?!-->)\S+)*) -->$", re.MULTILINE)
Part = Callable[..., str]
PARTS: dict[str, Part] = {
    "errata": errata.text,
    "executions": status.executions,
    "exercises": exercise_table.table,
    "inventory": inventory.text,
    "machines": status.machines,
    "plans": plans.text,
    "syllabi": syllabus.text,
    "symbols": symbols.text,
}


def fill(text: str, root: Path = pairs.ROOT) -> str:
    """Return the text of a page with its generated parts in place.

    Raises:
        KeyError: If a place asks for a part that nobody makes.
    """

    def part(place: re.Match[str]) -> str:
        name, words = place[1], place[2].split()
        if name not in PARTS:
            raise KeyError(f"generated part must be one of {sorted(PARTS)}, got {name!r}")
        return PARTS[name](root, *words)

    return PLACE.sub(part, text)


def _source_read(app: Any, docname: str, content: list[str]) -> None:
    if PLACE.search(content[0]):
        content[0] = fill(content[0], Path(app.srcdir))


def setup(app: Any) -> dict[str, bool]:
    """Tell Sphinx when to ask."""
    app.connect("source-read", _source_read)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


if __name__ == "__main__":
    for page in sorted((pairs.ROOT / "book" / "teaching").glob("*.md")):
        print(fill(page.read_text(encoding="utf-8")))
