"""Could the experiment have shown it? The power of a rule.

A rule that asks for a majority of few networks may miss an effect that is there. Its *power* is the
probability of finding an effect of a stated size. A part of a claim that a rule of less than
``ENOUGH`` power does not find stays open. Networks count as independent; the sums are exact, pairs
of numbers are taken to differ normally, and two groups are drawn again from their own numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
from scipy import stats

from nmcourse._inputs import count, counts

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
    n = count("n", n)
    return float(stats.binom.sf(math.ceil(needed - 1e-9) - 1, n, share))


def most(true: Sequence[bool], *, needed: float = 0.8, least: int = 5) -> bool | None:
    """Whether something is true of most networks; None where these networks cannot tell.

    True from a share of ``needed`` on. False if nine in ten (``MOST``) would bring so few in less
    than one of five experiments (1 - ``ENOUGH``).

    Args:
        true: One entry for each network.
        needed: Least share, between 0 and 1.
        least: With fewer networks than that nothing is said.
    """
    _check_share("needed", needed)
    n, k = len(true), sum(true)
    if n < least:
        return None
    if k >= needed * n - 1e-9:
        return True
    return False if stats.binom.cdf(k, n, MOST) <= 1 - ENOUGH else None


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


def rank_sum_power(
    lower: Iterable[float], higher: Iterable[float], *, level: float = 0.05, draws: int = 1000
) -> float:
    """Probability that seeds like these tell two groups apart.

    A fresh experiment is drawn from the numbers of this one, with replacement; the groups are told
    apart if the one-sided rank-sum test (Mann and Whitney) gives less than ``level`` and the
    medians stand in the same order. To ask about an effect, give one group twice, changed by it.

    Args:
        lower: One number per seed; infinity for a network that diverged.
        higher: The same for the other group.
        level: Level of the test.
        draws: How many experiments are drawn; always the same ones.

    Raises:
        ValueError: If a group is empty, or the level not between 0 and 1.
    """
    _check_share("level", level)
    groups = [np.array(list(group), dtype=float) for group in (lower, higher)]
    for name, group in zip(("lower", "higher"), groups, strict=True):
        if not group.size:
            raise ValueError(f"{name} must hold a number for each seed, got none")
    generator = np.random.default_rng(0)
    first, second = (generator.choice(group, (draws, group.size)) for group in groups)
    p = stats.mannwhitneyu(first, second, alternative="less", axis=1).pvalue
    below = np.median(first, axis=1) < np.median(second, axis=1)
    return float(np.mean(below & (p < level)))


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
    n_first, n_second = counts(n_first=n_first, n_second=n_second)
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
