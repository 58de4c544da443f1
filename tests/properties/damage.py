"""Ways to damage a file, and what may come of it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import strategies as st


@contextmanager
def folder() -> Iterator[Path]:
    """A new folder for each example."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@contextmanager
def unless_refused(kind: type[Exception], *words: str) -> Iterator[None]:
    """What the block asserts is true, or it is refused by an error with one of these words."""
    try:
        yield
    except kind as error:
        if not any(word in str(error) for word in words):
            raise AssertionError(f"the error names none of {words}: {error}") from error


@st.composite
def damages(draw) -> tuple[str, float, int]:
    """A way to damage a file: cut it, flip a bit of it, or add to it."""
    kind = draw(st.sampled_from(("cut", "flip", "flip", "add")))
    return kind, draw(st.floats(0, 1, exclude_max=True)), draw(st.integers(0, 7))


def damaged(content: bytes, damage: tuple[str, float, int], first: int | None = None) -> bytes:
    """Content after a damage, within its ``first`` bytes where it was only flipped."""
    kind, where, bit = damage
    if kind == "add":
        return content + bytes([bit])
    place = int(where * len(content))
    if kind == "cut":
        return content[:place]
    place = int(where * len(content[:first]))
    return content[:place] + bytes([content[place] ^ 1 << bit]) + content[place + 1 :]
