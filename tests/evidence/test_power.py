"""Power against simulation and SciPy's own test, and what bad input is told."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from nmcourse.evidence.power import (
    fisher_power,
    majority_power,
    most,
    pairs_power,
    rank_sum_power,
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
        (lambda: majority_power(0, 1), "n must be a positive integer, got 0"),
        (lambda: majority_power(5, 4, 1.2), "share must be between 0 and 1, got 1.2"),
        (lambda: win_share(1.0, -1.0), "spread must be 0 or more and finite, got -1.0"),
        (lambda: pairs_power([1.0], [2.0], 1.0, 0.8), "1 pairs with numbers; give two or more"),
        (lambda: fisher_power(3, 0, 0.1, 0.2), "n_second must be a positive integer, got 0"),
        (lambda: fisher_power(3, 3, 0.1, -0.2), "second must be between 0 and 1, got -0.2"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    ("k", "n", "found"),
    [
        (8, 10, True),
        (7, 10, False),  # nine in ten bring at most seven in 7 % of the experiments
        (8, 9, True),
        (7, 9, None),  # in 23 %
        (6, 9, False),
        (4, 5, True),
        (3, 5, False),
        (4, 4, None),  # too few to say anything
        (0, 4, None),
    ],
)
def test_most_networks_or_too_few_to_tell(k, n, found):
    assert most([True] * k + [False] * (n - k)) is found


def test_a_resampled_power_grows_with_the_effect_and_the_seeds():
    one, shifted = np.arange(10.0), np.arange(10.0) + 2.0
    power = rank_sum_power(one, shifted)
    assert 0.2 < power < 0.8
    assert rank_sum_power(one, one) < 0.15  # the level of the test, and seeds that vary twice
    assert rank_sum_power(one, one + 20) == 1.0
    assert rank_sum_power(np.tile(one, 4), np.tile(shifted, 4)) > power
    assert rank_sum_power(one, [math.inf] * 10) == 1.0  # a diverged network is higher than any
    assert rank_sum_power(one, shifted) == power  # the same experiments are drawn again
    with pytest.raises(ValueError, match="lower must hold a number for each seed"):
        rank_sum_power([], one)
