"""What pairs say: the mean difference of two numbers of each seed, and its interval.

A sentence "the first is larger" holds if the interval lies above zero, fails if it lies below a
difference that would matter, and is open in between. So a rule of this kind never takes a wide
interval for a tie.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from scipy import stats


class Interval(NamedTuple):
    """A mean with its 95 % interval.

    Attributes:
        mean: the mean.
        low: lower end.
        high: upper end.
        n: of how many numbers.
    """

    mean: float
    low: float
    high: float
    n: int


def paired_interval(
    first: Iterable[float | None], second: Iterable[float | None]
) -> Interval | None:
    """Mean of first minus second over seeds, with its 95 % interval (Student's t).

    Args:
        first: one number per seed; a pair with a number that is missing or not finite is left out.
        second: its partners, in the same order.

    Returns:
        The interval; None for fewer than three pairs.

    Raises:
        ValueError: if lengths differ.
    """
    pairs = [(a, b) for a, b in zip(first, second, strict=True) if a is not None and b is not None]
    differences = np.array([a - b for a, b in pairs if math.isfinite(a) and math.isfinite(b)])
    n = len(differences)
    if n < 3:
        return None
    mean = float(differences.mean())
    reach = float(stats.t.ppf(0.975, n - 1) * differences.std(ddof=1) / math.sqrt(n))
    return Interval(mean, mean - reach, mean + reach, n)


def larger(interval: Interval | None, matters: float) -> bool | None:
    """Whether a difference is above zero.

    Args:
        interval: of the difference.
        matters: the least difference that would matter, positive.

    Returns:
        True if the interval lies above zero; False if it lies below ``matters``; else None.
    """
    if interval is None or interval.low > 0:
        return None if interval is None else True
    return False if interval.high < matters else None


def no_larger(interval: Interval | None, margin: float) -> bool | None:
    """Whether a difference is at most a margin.

    Returns:
        True if the interval lies below ``margin``; False if it lies above zero; else None.
    """
    if interval is None or interval.high < margin:
        return None if interval is None else True
    return False if interval.low > 0 else None
