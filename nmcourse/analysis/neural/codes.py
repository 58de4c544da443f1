r"""How a code changes over time: decode one moment with what was learnt at another.

The *code* of a moment is the pattern over units and conditions (an object, an image), with the mean
of each unit over conditions taken out. Two questions:

    temporal generalisation   classes are learnt at one time and told apart at another
    pattern correlation       C(t, t') = corr(code of half the trials at t, of the rest at t'),
                              over the root of C(t, t) C(t', t'): 1 if only its size changes

Reference: Meyers et al. 2008; King, Dehaene 2014.
"""

from __future__ import annotations

import torch
from torch import Tensor

from nmcourse._inputs import check_generator, count
from nmcourse.analysis._checks import check_finite


def temporal_generalisation(trials: Tensor) -> Tensor:
    """Share of trials that the nearest class mean names, (time learnt, time tested).

    Each trial is left out of the mean of its class. At each time learnt every unit is scaled to a
    standard deviation of 1 over trials; one that never changes there is not used.

    Args:
        trials: (class, trial, time, unit), at least two classes and two trials of each.

    Raises:
        ValueError: for another shape.
    """
    check_finite("trials", trials)
    if trials.ndim != 4 or trials.shape[0] < 2 or trials.shape[1] < 2:
        raise ValueError(
            "trials must have shape (class, trial, time, unit) with two classes and two trials or "
            f"more, got {tuple(trials.shape)}"
        )
    values = trials.double()
    n_classes, n_trials, n_times, _ = values.shape
    right = torch.zeros(n_times, n_times, dtype=torch.float64)
    own = torch.arange(n_classes)
    for learnt in range(n_times):
        at = values[:, :, learnt]
        spread = at.flatten(0, 1).std(dim=0)
        weights = torch.where(spread > 0, 1 / spread.clamp(min=1e-12), 0.0)
        sums = (at * weights).sum(dim=1)  # (class, unit)
        for trial in range(n_trials):
            tested = values[:, trial] * weights  # (class, time, unit)
            centres = (sums / n_trials).expand(n_classes, -1, -1).clone()
            centres[own, own] = (sums - at[:, trial] * weights) / (n_trials - 1)
            distance = torch.cdist(tested, centres)  # (class, time, class of the centre)
            right[learnt] += (distance.argmin(dim=-1) == own[:, None]).double().mean(dim=0)
    return right / n_trials


def decode_over_time(trials: Tensor) -> Tensor:
    """Share of trials that the nearest class mean of the same time names, (time,)."""
    return temporal_generalisation(trials).diagonal()


def pattern_correlation(
    trials: Tensor, *, n_splits: int = 20, generator: torch.Generator | None = None
) -> Tensor:
    """Correlation of codes between times, over what their reliability allows, (time, time).

    Args:
        trials: (repeat, time, condition, unit), at least four repeats.
        n_splits: how often the repeats are split into halves.
        generator: source of the splits.

    Returns:
        1 on the diagonal by construction; NaN where a code is not reliable.

    Raises:
        ValueError: for another shape.
    """
    raw = split_correlation(trials, n_splits=n_splits, generator=generator)
    own = raw.diagonal()
    root = torch.where(own > 0, own, torch.nan).sqrt()
    return raw / (root[:, None] * root)


def split_correlation(
    trials: Tensor, *, n_splits: int = 20, generator: torch.Generator | None = None
) -> Tensor:
    """The same without the division: on the diagonal the reliability of half the repeats."""
    check_finite("trials", trials)
    check_generator(generator)
    if trials.ndim != 4 or len(trials) < 4 or trials.shape[2] < 2:
        raise ValueError(
            "trials must have shape (repeat, time, condition, unit) with four repeats and two "
            f"conditions or more, got {tuple(trials.shape)}"
        )
    n, n_times = len(trials) // 2, trials.shape[1]
    total = torch.zeros(n_times, n_times, dtype=torch.float64)
    n_splits = count("n_splits", n_splits)
    for _ in range(n_splits):
        order = torch.randperm(len(trials), generator=generator)
        first, second = (
            _codes(trials[some].double().mean(dim=0)) for some in (order[:n], order[n : 2 * n])
        )
        between = first @ second.mT
        total += (between + between.mT) / (2 * n_splits)
    return total


def exchange_times(trials: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
    """Trials (repeat, time, ..) with the bins of each repeat in random order: a stationary control.

    Every bin then has the same expected code, and each trial keeps its spikes.
    """
    check_generator(generator)
    orders = [torch.randperm(trials.shape[1], generator=generator) for _ in range(len(trials))]
    return torch.stack([trial[order] for trial, order in zip(trials, orders, strict=True)])


def by_lag(correlation: Tensor, times: Tensor) -> tuple[Tensor, Tensor]:
    """Lags in ms (above zero) and the mean correlation (time, time) at each of them."""
    if correlation.shape != (len(times), len(times)):
        raise ValueError(
            f"correlation must have shape ({len(times)}, {len(times)}), as times has, "
            f"got {tuple(correlation.shape)}"
        )
    apart = (times[None, :] - times[:, None]).double()
    lags = apart[apart > 1e-9].unique()
    means = [correlation[(apart - lag).abs() < 1e-6].nanmean() for lag in lags]
    return lags, torch.stack(means)


def _codes(means: Tensor) -> Tensor:
    """Unit vectors (time, condition x unit) of (time, condition, unit)."""
    codes = (means - means.mean(dim=1, keepdim=True)).flatten(1)
    codes = codes - codes.mean(dim=1, keepdim=True)
    return codes / codes.norm(dim=1, keepdim=True).clamp(min=1e-300)
