"""Read the code of a notebook as data, whatever program saved it."""

from __future__ import annotations

import json
import re
from typing import Any

LARGEST_CODE = 20_000_000  # characters of a notebook without its outputs
MOST_CELLS = 1000
_BULK = ("outputs", "attachments", "widgets")  # what makes a notebook large, and is never read
_PIECE = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]', re.DOTALL)


class NotANotebook(ValueError):
    """The content is no notebook."""


class TooLarge(ValueError):
    """What is left without outputs is larger than any notebook."""


def looks_like_notebook(data: bytes) -> bool:
    """Return whether content is that of a notebook, whatever its file is called."""
    if data[:4096].lstrip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n")[:1] != b"{":
        return False
    try:
        code_cells(data)
    except TooLarge:
        return True
    except NotANotebook:
        return False
    return True


def code_cells(data: bytes) -> list[tuple[int, str]]:
    """Return number and source of each code cell.

    Args:
        data: The content of the file.

    Raises:
        NotANotebook: It is none.
        TooLarge: It is too large even without its outputs.
    """
    try:
        text = data.decode(json.detect_encoding(data))
        if len(text) > LARGEST_CODE:
            text = _without_bulk(text)
        if len(text) > LARGEST_CODE:
            raise TooLarge("file too large")
        return sources(json.loads(text))
    except TooLarge:
        raise
    except (ValueError, RecursionError) as error:
        raise NotANotebook("not a notebook") from error


def sources(notebook: Any) -> list[tuple[int, str]]:
    """Return number and source of each code cell of a notebook that is read already.

    Raises:
        NotANotebook: It is none.
    """
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if cells is None and isinstance(notebook, dict):
        cells = _old_cells(notebook.get("worksheets"))
    if not isinstance(cells, list) or len(cells) > MOST_CELLS:
        raise NotANotebook("not a notebook")
    found = []
    for number, cell in enumerate(cells, start=1):
        if isinstance(cell, dict) and cell.get("cell_type") == "code":
            found.append((number, _source(cell.get("source", cell.get("input")))))
    return found


def _old_cells(sheets: Any) -> list[Any] | None:
    """The cells of a notebook of format 3."""
    if not isinstance(sheets, list) or not all(isinstance(sheet, dict) for sheet in sheets):
        return None
    every = [sheet.get("cells") for sheet in sheets]
    return [cell for cells in every if isinstance(cells, list) for cell in cells]


def _source(value: Any) -> str:
    """The text of a cell: one string, or a list of lines."""
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        value = "".join(value)
    if not isinstance(value, str):
        raise NotANotebook("not a notebook")
    return value.encode(errors="replace").decode()  # lone halves of a character


def _without_bulk(text: str) -> str:
    """The text of a notebook with nothing in its outputs, without reading what is in them."""
    kept, start, key, depth = [], 0, None, 0
    for piece in _PIECE.finditer(text):
        found = piece[0]
        if found[0] == '"':
            key = piece
            continue
        if depth:  # inside what is left out
            depth += 1 if found in "[{" else -1
            if not depth:
                start = piece.start()
        elif key and _opens(key, piece, text) and key[0][1:-1] in _BULK:
            kept.append(text[start : piece.end()])
            depth = 1
        key = None
    return "".join([*kept, "" if depth else text[start:]])


def _opens(key: re.Match[str], piece: re.Match[str], text: str) -> bool:
    """Whether a bracket opens the value of a key."""
    return piece[0] in "[{" and text[key.end() : piece.start()].strip() == ":"
