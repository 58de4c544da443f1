"""Make plain Python of a notebook's cell: leave its commands out."""

from __future__ import annotations

import ast
import re

_MAGIC = re.compile(r"^(?P<indent>[ \t]*)(?:[%!?].*|.*[^\s#'\"]\?{1,2}[ \t]*)$")
_SHELL = re.compile(r"^(?P<indent>[ \t]*)[\w, ]+= *[%!].*$")
_HARMLESS = ("%%time", "%%capture")


def plain(source: str) -> str:
    """Return the code of a cell without what only a notebook understands.

    Lines that begin with % or ! or ask for help become ``pass``; a cell in another language becomes
    empty. What is still no Python is returned as it is.
    """
    lines = source.splitlines()
    head = next((number for number, line in enumerate(lines) if line.strip()), None)
    if head is not None and lines[head].lstrip().startswith("%%"):
        if not lines[head].lstrip().startswith(_HARMLESS):
            return ""
        lines[head] = ""
    if _parses("\n".join(lines)):
        return "\n".join(lines)
    for number, line in enumerate(lines):
        found = _MAGIC.match(line) or _SHELL.match(line)
        if found:
            lines[number] = f"{found['indent']}pass"
    return "\n".join(lines)


def _parses(code: str) -> bool:
    try:
        ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
