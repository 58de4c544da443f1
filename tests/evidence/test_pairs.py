"""Intervals of pairs, and sentences that hold, fail or stay open by them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from nmcourse.evidence import Interval, larger, no_larger, paired_interval


def test_the_interval_is_that_of_a_paired_t_test():
    random = np.random.default_rng(0)
    first, second = random.normal(size=(2, 12))
    found = paired_interval(first, second)
    assert found is not None
    wanted = stats.ttest_rel(first, second).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high))
    assert found.mean == pytest.approx(float((first - second).mean()))
    assert found.n == 12


def test_pairs_without_a_number_are_left_out():
    whole = paired_interval([1.0, 2.0, 4.0], [0.0, 0.5, 1.0])
    some = paired_interval([1.0, None, 2.0, 7.0, 4.0], [0.0, 3.0, 0.5, float("inf"), 1.0])
    assert some == whole
    assert paired_interval([1.0, 2.0, None], [0.0, 0.0, 0.0]) is None


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="longer"):
        paired_interval([1.0], [1.0, 2.0])


@pytest.mark.parametrize(
    ("low", "high", "is_larger", "is_no_larger"),
    [
        (0.1, 0.4, True, False),
        (0.6, 0.9, True, False),
        (0.1, 0.2, True, True),
        (-0.3, 0.2, False, True),
        (-0.3, 0.7, None, None),
        (-0.9, -0.5, False, True),
    ],
)
def test_three_answers(low: float, high: float, is_larger: object, is_no_larger: object):
    interval = Interval((low + high) / 2, low, high, 5)
    assert larger(interval, 0.3) is is_larger
    assert no_larger(interval, 0.3) is is_no_larger


def test_without_an_interval_nothing_is_said():
    assert larger(None, 0.1) is None
    assert no_larger(None, 0.1) is None
