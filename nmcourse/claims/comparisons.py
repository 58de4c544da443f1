"""Answers that compare two things, in one form: a ratio of medians over seeds, and its interval.

A table of answers is text, one row for each, with the places of both sides in the stored results:

    claim | what is compared: first / second | path of the first | path of the second

An empty second path says that the numbers of the first are ratios already; without both, nothing
was measured.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from nmcourse.claims.ledger import get, value
from nmcourse.evidence import ClaimError, ratio_of_medians

Seeds = Iterable[float | None]


@dataclass(frozen=True)
class Comparison:
    """One answer.

    Attributes:
        claim: the claim that it belongs to.
        text: what is compared.
        ratio: median of the first over that of the second; NaN where nothing was measured.
        low: lower end of its 95 % interval.
        high: upper end.
    """

    claim: str
    text: str
    ratio: float
    low: float
    high: float

    @property
    def interval(self) -> tuple[float, float, float]:
        """The ratio and both ends."""
        return self.ratio, self.low, self.high

    @property
    def status(self) -> str:
        """Status of the claim, as published."""
        return get(self.claim).status


def compared(
    claim: str, text: str, first: Seeds | None = None, second: Seeds | None = None
) -> Comparison:
    """Compare two groups of seeds; see ``nmcourse.evidence.ratio_of_medians``.

    Args:
        claim: the claim that the answer belongs to.
        text: what is compared.
        first: one number per seed; None where nothing was measured.
        second: the same for the other side; without it the first are ratios already.

    Raises:
        ClaimError: there is no such claim.
        ValueError: a side has no finite number.
    """
    get(claim)
    nothing = (math.nan, math.nan, math.nan)
    found = nothing if first is None else ratio_of_medians(first, second)
    return Comparison(claim, text, *found)


def comparisons(rows: str) -> list[Comparison]:
    """Read a table of answers; see the top of this file.

    Args:
        rows: the table, a line for each answer.

    Raises:
        ClaimError: a line has no four parts, or there is no such claim or path.
    """
    found = []
    for line in rows.strip().splitlines():
        parts = [part.strip() for part in line.split("|")]
        if len(parts) != 4:
            raise ClaimError(f"a row must be 'claim | text | first | second', got {line!r}")
        claim, text, first, second = parts
        sides = [value(claim, path) if path else None for path in (first, second)]
        found.append(compared(claim, text, *sides))
    return found
