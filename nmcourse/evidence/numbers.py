"""How numbers of the ledger are summarised and written, the same on every page."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def format_number(value: float | None, digits: int = 2) -> str:
    """Write a number for a reader: two significant digits, a power of ten where it is small.

    Args:
        value: The number; None stands for one that was not obtained.
        digits: Significant digits. Digits before the decimal point are never dropped.

    Returns:
        Text such as "0.25", "140" or "5.8×10⁻³"; "none" for None and NaN.
    """
    if value is None or math.isnan(value):
        return "none"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0 or (value == int(value) and abs(value) < 1e4):
        return str(int(value)).replace("-", "−")
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    power = int(exponent)
    if power < -2 or power >= 4:
        text = f"{mantissa}×10{str(power).translate(_SUPERSCRIPTS)}"
    else:
        text = f"{value:.{max(0, digits - 1 - power)}f}"
    return text.replace("-", "−")


@dataclass(frozen=True)
class Summary:
    """Median and spread over seeds. All values are of the finite numbers.

    Attributes:
        median: Middle value; NaN if no number is finite.
        lower_quartile: A quarter of the numbers lies below it.
        upper_quartile: A quarter of the numbers lies above it.
        minimum: Smallest number.
        maximum: Largest number.
        mean: Arithmetic mean.
        n: How many numbers there are, those that are not finite included.
        n_finite: How many are finite. A seed that diverged has no finite number.
        outliers: (place, number) of each finite number more than 1.5 interquartile ranges
            outside the quartiles.
    """

    median: float
    lower_quartile: float
    upper_quartile: float
    minimum: float
    maximum: float
    mean: float
    n: int
    n_finite: int
    outliers: tuple[tuple[int, float], ...]

    @property
    def quartiles(self) -> str:
        """Both quartiles as text."""
        return f"{format_number(self.lower_quartile)} to {format_number(self.upper_quartile)}"

    def __str__(self) -> str:
        """Median and quartiles, and how many seeds gave no number."""
        lost = self.n - self.n_finite
        remark = f", {lost} of {self.n} without a number" if lost else ""
        return f"{format_number(self.median)} (quartiles {self.quartiles}{remark})"


def summarise(values: Iterable[float | None]) -> Summary:
    """Summarise one number per seed.

    Args:
        values: The numbers; None, NaN and infinity stand for seeds that gave none.

    Returns:
        Median, quartiles (linear interpolation), range, mean, counts and outliers.
    """
    numbers = np.array([math.nan if value is None else float(value) for value in values])
    finite = numbers[np.isfinite(numbers)]
    if not finite.size:
        nan = math.nan
        return Summary(nan, nan, nan, nan, nan, nan, len(numbers), 0, ())
    lower, median, upper = (float(q) for q in np.quantile(finite, [0.25, 0.5, 0.75]))
    reach = 1.5 * (upper - lower)
    outliers = tuple(
        (place, float(number))
        for place, number in enumerate(numbers)
        if np.isfinite(number) and not lower - reach <= number <= upper + reach
    )
    return Summary(
        median=median,
        lower_quartile=lower,
        upper_quartile=upper,
        minimum=float(finite.min()),
        maximum=float(finite.max()),
        mean=float(finite.mean()),
        n=len(numbers),
        n_finite=len(finite),
        outliers=outliers,
    )


def ratio_of_medians(
    first: Iterable[float | None],
    second: Iterable[float | None] | None = None,
    *,
    n_draws: int = 2000,
) -> tuple[float, float, float]:
    """How many times as large one group of seeds is as another, with its bootstrap interval.

    The median of the first group over that of the second. Seeds are drawn anew, with replacement,
    from each group on its own; the draws are the same at every call.

    Args:
        first: One number per seed; what is not finite is left out.
        second: The same for the other group. Without it the numbers of the first are ratios
            already (of pairs), and their median is taken.
        n_draws: How often the seeds are drawn.

    Returns:
        The ratio, and the 2.5 % and 97.5 % quantiles of the ratios that were drawn.

    Raises:
        ValueError: If a group has no finite number.
    """
    groups = [("first", first)] + ([] if second is None else [("second", second)])
    random = np.random.default_rng(0)
    medians, drawn = [], []
    for name, group in groups:
        numbers = np.array([math.nan if value is None else float(value) for value in group])
        numbers = numbers[np.isfinite(numbers)]
        if not numbers.size:
            raise ValueError(f"{name}: no finite number")
        seeds = random.integers(0, len(numbers), size=(n_draws, len(numbers)))
        medians.append(float(np.median(numbers)))
        drawn.append(np.median(numbers[seeds], axis=1))
    ratio = medians[0] / medians[1] if second is not None else medians[0]
    ratios = drawn[0] / drawn[1] if second is not None else drawn[0]
    low, high = (float(end) for end in np.quantile(ratios, [0.025, 0.975]))
    return ratio, low, high
