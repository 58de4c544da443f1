"""From statements that hold, do not hold, or could not be decided, to one verdict on a claim."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def combined(holds: Sequence[bool | None]) -> str:
    """Verdict on a claim in parts: True holds, False does not, None could not be decided.

    Returns:
        "reproduced" if all hold, "partly" if some do, "not reproduced" if none does; "not decided"
        if an open part would change which of these it is.
    """
    closed = [part for part in holds if part is not None]
    if len(closed) < len(holds):
        return "partly" if any(closed) and not all(closed) else "not decided"
    return "reproduced" if all(closed) else "partly" if any(closed) else "not reproduced"


def every(holds: Iterable[bool | None]) -> bool | None:
    """Whether one statement with several conditions holds; None where an open one decides it."""
    parts = list(holds)
    if any(part is False for part in parts):
        return False
    return None if any(part is None for part in parts) else True


def as_one(holds: bool | None) -> str:
    """Verdict on a claim that holds or does not, as a whole."""
    return {True: "reproduced", False: "not reproduced", None: "not decided"}[holds]


def expected(verdict: str) -> str:
    """Say what came of a sentence of this course, where nothing was published to compare with.

    Args:
        verdict: What ``combined`` or ``as_one`` gives.
    """
    words = {
        "reproduced": "holds",
        "partly": "holds in part",
        "not reproduced": "does not hold",
        "not decided": "could not be decided",
    }
    return f"The sentence of this course {words[verdict]}"
