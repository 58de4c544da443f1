"""Could the experiment have shown it? The power of a rule.

A rule that asks for a majority of few networks may miss an effect that is there. Its *power* is the
probability of finding an effect of a stated size. A part of a claim that a rule of less than
``ENOUGH`` power does not find stays open. Networks count as independent; the sums are exact, and
pairs of numbers are taken to differ normally.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from scipy import stats

ENOUGH = 0.8
MOST = 0.9  # an effect that matters: nine networks in ten have it


def majority_power(n: int, needed: float, share: float = MOST) -> float:
    """Probability that at least ``needed`` of n networks have what a share of all networks has.

    Args:
        n: Number of networks.
        needed: Least number that the rule asks for; it is rounded up.
        share: True share, between 0 and 1.

    Raises:
        ValueError: If n is not positive or the share is not between 0 and 1.
    """
    _check_share("share", share)
    _check_count("n", n)
    return float(stats.binom.sf(math.ceil(needed - 1e-9) - 1, n, share))


def win_share(effect: float, spread: float) -> float:
    """Probability that one of a pair is ahead, for normal differences.

    Args:
        effect: Mean difference of the pairs.
        spread: Standard deviation of the differences; 0 if they are all alike.

    Raises:
        ValueError: If the spread is negative or not finite.
    """
    if not (math.isfinite(spread) and spread >= 0):
        raise ValueError(f"spread must be 0 or more and finite, got {spread}")
    if spread == 0:
        return float(effect > 0)
    return float(stats.norm.cdf(effect / spread))


def pairs_power(
    first: Iterable[float | None], second: Iterable[float | None], effect: float, needed: float
) -> float:
    """Probability that ``needed`` pairs would win, if the true difference were ``effect``.

    Args:
        first: One number per seed; a seed without a number is left out with its partner.
        second: Its partners, in the same order.
        effect: The true mean difference to suppose, in the unit of the numbers.
        needed: Share of the pairs that the rule asks for, between 0 and 1.

    Raises:
        ValueError: If fewer than two pairs have numbers, or lengths differ.
    """
    _check_share("needed", needed)
    pairs = [
        (a, b)
        for a, b in zip(first, second, strict=True)
        if a is not None and b is not None and math.isfinite(a) and math.isfinite(b)
    ]
    if len(pairs) < 2:
        raise ValueError(f"first, second: {len(pairs)} pairs with numbers; give two or more")
    differences = np.subtract(*np.array(pairs).T)
    share = win_share(effect, float(differences.std(ddof=1)))
    return majority_power(len(pairs), needed * len(pairs), share)


def fisher_power(
    n_first: int, n_second: int, first: float, second: float, *, level: float = 0.05
) -> float:
    """Probability that Fisher's exact test (two-sided) tells two groups of networks apart.

    Args:
        n_first: Networks in the first group.
        n_second: Networks in the second.
        first: True share in the first group that has what is counted.
        second: The same for the second.
        level: Level of the test.

    Raises:
        ValueError: If a count is not positive, or a share or the level not between 0 and 1.
    """
    for name, count in (("n_first", n_first), ("n_second", n_second)):
        _check_count(name, count)
    for name, share in (("first", first), ("second", second), ("level", level)):
        _check_share(name, share)
    total = 0.0
    for a in range(n_first + 1):
        for b in range(n_second + 1):
            table = [[a, n_first - a], [b, n_second - b]]
            if stats.fisher_exact(table).pvalue <= level:
                total += float(
                    stats.binom.pmf(a, n_first, first) * stats.binom.pmf(b, n_second, second)
                )
    return total


def _check_share(name: str, share: float) -> None:
    if not 0 <= share <= 1:
        raise ValueError(f"{name} must be between 0 and 1, got {share}")


def _check_count(name: str, count: int) -> None:
    if count < 1:
        raise ValueError(f"{name} must be 1 or more, got {count}")
