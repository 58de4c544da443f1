"""Power against simulation and SciPy's own test, and what bad input is told."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from nmcourse.evidence.power import (
    fisher_power,
    majority_power,
    pairs_power,
    win_share,
)


@pytest.mark.parametrize(("n", "needed", "share"), [(5, 4, 0.8), (10, 8, 0.9), (10, 1, 0.1)])
def test_a_majority_by_adding_up(n, needed, share):
    by_hand = sum(math.comb(n, k) * share**k * (1 - share) ** (n - k) for k in range(needed, n + 1))
    assert majority_power(n, needed, share) == pytest.approx(by_hand)


def test_the_least_number_is_rounded_up():
    assert majority_power(3, 0.8 * 3, 0.9) == pytest.approx(0.9**3)
    assert majority_power(5, 0.8 * 5, 0.9) == pytest.approx(0.9**5 + 5 * 0.9**4 * 0.1)
    assert majority_power(4, 0, 0.0) == majority_power(4, 4, 1.0) == 1.0


def test_fisher_against_simulated_experiments():
    random = np.random.default_rng(0)
    first, second = random.binomial(10, 0.2, 2000), random.binomial(12, 0.9, 2000)
    found = np.mean(
        [
            stats.fisher_exact([[a, 10 - a], [b, 12 - b]]).pvalue <= 0.05
            for a, b in zip(first, second, strict=True)
        ]
    )
    assert fisher_power(10, 12, 0.2, 0.9) == pytest.approx(found, abs=0.03)
    assert fisher_power(3, 3, 0.0, 1.0) == 0.0  # three against three reaches p = 0.1 at best
    assert fisher_power(4, 4, 0.0, 1.0) == pytest.approx(1.0)  # p = 0.029


def test_pairs_against_simulated_experiments():
    random = np.random.default_rng(1)
    first = random.normal(size=6)
    second = first - random.normal(size=6)
    spread = np.std(first - second, ddof=1)
    wins = (random.normal(1.5, spread, size=(20_000, 6)) > 0).sum(axis=1)
    assert pairs_power(first, second, 1.5, 0.8) == pytest.approx((wins >= 5).mean(), abs=0.02)


def test_pairs_without_a_number_are_left_out():
    whole = pairs_power([1.0, 2.0, 4.0], [1.0, 1.0, 1.0], 1.0, 0.8)
    lost = pairs_power([1.0, None, 2.0, 4.0, math.nan], [1.0, 7.0, 1.0, 1.0, 1.0], 1.0, 0.8)
    assert lost == whole
    assert pairs_power([2.0, 2.0], [1.0, 1.0], 0.1, 1.0) == 1.0  # no spread: surely ahead
    assert win_share(0.0, 0.0) == 0.0
    assert win_share(0.0, 1.0) == 0.5


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: majority_power(0, 1), "n must be 1 or more, got 0"),
        (lambda: majority_power(5, 4, 1.2), "share must be between 0 and 1, got 1.2"),
        (lambda: win_share(1.0, -1.0), "spread must be 0 or more and finite, got -1.0"),
        (lambda: pairs_power([1.0], [2.0], 1.0, 0.8), "1 pairs with numbers; give two or more"),
        (lambda: fisher_power(3, 0, 0.1, 0.2), "n_second must be 1 or more, got 0"),
        (lambda: fisher_power(3, 3, 0.1, -0.2), "second must be between 0 and 1, got -0.2"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
