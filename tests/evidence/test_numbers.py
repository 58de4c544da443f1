"""Numbers are summarised correctly and written in one way."""

import math

import numpy as np
import pytest

from nmcourse.evidence.numbers import format_number, ratio_of_medians, summarise


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.00583, "5.8×10⁻³"),
        (0.0099999, "0.010"),
        (2.0e-4, "2.0×10⁻⁴"),
        (-1.23e-11, "−1.2×10⁻¹¹"),
        (0.01234, "0.012"),
        (0.25, "0.25"),
        (1.0149, "1.0"),
        (9.49, "9.5"),
        (15.3, "15"),
        (143.6, "144"),
        (12.0, "12"),
        (-0.5, "−0.50"),
        (-3, "−3"),
        (0.0, "0"),
        (120000.0, "1.2×10⁵"),
        (math.nan, "none"),
        (None, "none"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
    ],
)
def test_format(value, text):
    assert format_number(value) == text


def test_more_digits():
    assert format_number(1.0149, 3) == "1.01"
    assert format_number(0.00583, 3) == "5.83×10⁻³"


def test_summary_equals_numpy():
    values = np.random.default_rng(0).normal(size=10)
    summary = summarise(values)
    quartiles = np.percentile(values, [25, 50, 75])
    found = [summary.lower_quartile, summary.median, summary.upper_quartile]
    np.testing.assert_allclose(found, quartiles)
    assert (summary.minimum, summary.maximum) == (values.min(), values.max())
    assert summary.mean == pytest.approx(values.mean())
    assert summary.n == summary.n_finite == 10


def test_lost_seeds_are_counted_and_named():
    summary = summarise([1.0, None, 3.0, math.nan, math.inf])
    assert (summary.n, summary.n_finite) == (5, 2)
    assert summary.median == 2.0
    assert "3 of 5 without a number" in str(summary)


def test_no_number_at_all():
    summary = summarise([None, math.nan])
    assert math.isnan(summary.median)
    assert (summary.n, summary.n_finite) == (2, 0)


def test_outliers_keep_the_place_of_their_seed():
    assert summarise([1.0, 1.1, None, 0.9, 1.0, 9.0, 1.05]).outliers == ((5, 9.0),)
    assert summarise([1.0, 2.0, 3.0]).outliers == ()


def test_summary_as_text():
    assert str(summarise([1e-3, 2e-3, 3e-3])) == "2.0×10⁻³ (quartiles 1.5×10⁻³ to 2.5×10⁻³)"


def test_the_ratio_of_medians_has_an_interval_that_holds_the_truth():
    random = np.random.default_rng(1)
    held = 0
    for _ in range(100):
        first, second = 2 * random.normal(10, 1, 25), random.normal(10, 1, 25)
        ratio, low, high = ratio_of_medians(first, second, n_draws=400)
        assert low <= ratio <= high
        held += low < 2 < high
    assert 88 <= held <= 100  # 95 are expected


def test_the_ratio_of_medians_leaves_out_seeds_without_a_number():
    assert ratio_of_medians([2.0, 2.0, None, math.inf], [4.0, math.nan]) == (0.5, 0.5, 0.5)
    ratio, low, high = ratio_of_medians([1.0, 2.0, 9.0])  # ratios of pairs
    assert (ratio, low, high) == (2.0, 1.0, 9.0)
    assert ratio_of_medians([1.0, 2.0, 9.0]) == (ratio, low, high)  # the same draws
    with pytest.raises(ValueError, match="second: no finite number"):
        ratio_of_medians([1.0], [None])
