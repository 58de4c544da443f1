r"""Choices and their times, as they are measured in behaviour: curves with their uncertainty.

Psychometric curve: how often the right-hand choice is made, against the signed strength s,

    p(s) = lambda + (1 - 2 lambda) / (1 + exp(-(s - mu) / w))

    mu      bias: the strength at which both choices are as frequent
    w       width: the smaller, the finer the discrimination
    lambda  lapses: the share of errors that no strength takes away, on either side

Chronometric curve: the time from onset until the output passes a bound, against |s|.

Reference: Wichmann and Hill 2001 (lapses, the parametric bootstrap). The fit is SciPy's.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from scipy.optimize import minimize
from scipy.special import expit
from torch import Tensor

from nmcourse._inputs import check_tensor, count, whole
from nmcourse.analysis._checks import check_finite, check_positive
from nmcourse.tasks import whole_steps

_MOST_LAPSES = 0.2
_LEVELS = 3  # a curve with three numbers needs as many places


class Reactions(NamedTuple):
    """Choices and reaction times.

    Attributes:
        choices: (.., trial), 1 or -1; where the bound is never passed, the sign of the last output,
            which is 0 for an output of 0.
        times: (.., trial), from onset until the bound is passed, in ms; NaN where it never is.
    """

    choices: Tensor
    times: Tensor


class PsychometricCurve(NamedTuple):
    """A fitted psychometric curve; each interval holds the middle 95 % of the bootstrap.

    Attributes:
        bias: mu.
        width: w.
        lapses: lambda.
        bias_interval: (low, high).
        width_interval: (low, high).
        lapse_interval: (low, high).
    """

    bias: float
    width: float
    lapses: float
    bias_interval: tuple[float, float]
    width_interval: tuple[float, float]
    lapse_interval: tuple[float, float]

    def at(self, strengths: Tensor) -> Tensor:
        """p(s), the share of choices of 1, for strengths of any shape."""
        found = _share((self.bias, self.width, self.lapses), strengths.double().numpy())
        return torch.from_numpy(np.asarray(found))


class ChronometricCurve(NamedTuple):
    """Reaction times against the size of the strength.

    Attributes:
        sizes: sizes of strengths, in order, (level,).
        medians: of the times in ms, (level,); NaN where no trial passed the bound.
        quartiles: lower and upper, (level, 2).
        answered: share of trials that passed the bound, (level,).
    """

    sizes: Tensor
    medians: Tensor
    quartiles: Tensor
    answered: Tensor


def reaction_times(outputs: Tensor, *, bound: float, dt: float, onset: float = 0.0) -> Reactions:
    """When and on which side an output passes a bound for the first time.

    Args:
        outputs: (.., trial, time, 1), entry t after step t.
        bound: that the size of the output has to reach.
        dt: time step in ms.
        onset: of the stimulus, in ms; what happens before does not count.

    Raises:
        ValueError: for outputs of another shape or that are not finite, a bound or a dt that is not
            positive, or an onset outside the trial or between two steps.
    """
    check_tensor("outputs", outputs)
    if outputs.ndim < 3 or outputs.shape[-1] != 1:
        raise ValueError(
            f"outputs must have shape (.., trial, time, 1), got {tuple(outputs.shape)}"
        )
    check_finite("outputs", outputs)
    check_positive(bound=bound, dt=dt)
    duration = dt * outputs.shape[-2]
    first = whole_steps("onset", onset, dt)
    if first >= outputs.shape[-2]:
        raise ValueError(f"onset must be within the trial of {duration:g} ms, got {onset} ms")
    y = outputs[..., first:, 0]
    passed = y.abs() >= bound
    ever = passed.any(dim=-1)
    step = passed.to(torch.uint8).argmax(dim=-1)  # of the first True
    at = torch.where(ever, step, y.shape[-1] - 1)
    choices = torch.gather(y, -1, at[..., None])[..., 0].sign()
    times = torch.where(ever, dt * (step + 1).to(y.dtype), torch.nan)
    return Reactions(choices, times)


def psychometric_curve(
    strengths: Tensor, choices: Tensor, *, n_draws: int = 200, seed: int = 0
) -> PsychometricCurve:
    """Fit bias, width and lapses by maximum likelihood, with intervals by the bootstrap.

    The bootstrap is parametric: choices are drawn from the fitted curve and fitted again.

    Args:
        strengths: signed, (trial,).
        choices: 1 or -1, (trial,); 0 counts as half of each.
        n_draws: of the bootstrap.
        seed: of the bootstrap.

    Raises:
        ValueError: for shapes that differ, choices of other values, strengths that are not finite,
            fewer than three different ones, choices that are all the same, a seed below zero, or so
            sharp a border between both that these strengths cannot tell the width.
    """
    s, share = _checked(strengths, choices)
    n_draws, seed = count("n_draws", n_draws), whole("seed", seed, 0)
    levels, where = np.unique(s, return_inverse=True)
    if len(levels) < _LEVELS:
        raise ValueError(
            f"strengths must have at least {_LEVELS} different values for a curve, got "
            f"{len(levels)}"
        )
    n = np.bincount(where).astype(float)
    k = np.bincount(where, weights=share)
    if len(set(share.tolist())) < 2:
        raise ValueError("choices must be of both sides for a curve, got one and the same")
    _check_border(levels, k, n)
    best = _fit(levels, k, n, None)
    random = np.random.default_rng(seed)
    drawn = random.binomial(n.astype(int), _share(best, levels), size=(n_draws, len(levels)))
    again = np.array([_fit(levels, one.astype(float), n, best) for one in drawn])
    low, high = np.quantile(again, [0.025, 0.975], axis=0)
    pairs = [(float(a), float(b)) for a, b in zip(low, high, strict=True)]
    mu, width, lapses = (float(value) for value in best)
    return PsychometricCurve(mu, width, lapses, *pairs)


def chronometric_curve(strengths: Tensor, times: Tensor) -> ChronometricCurve:
    """Median and quartiles of reaction times for each size of the strength.

    Right and wrong choices are counted together; give the times of some trials to tell them apart.

    Args:
        strengths: signed, (trial,).
        times: in ms, (trial,); NaN where there was no reaction.

    Raises:
        ValueError: for shapes that differ, strengths that are not finite, or times that are
            negative or infinite.
    """
    for name, values in (("strengths", strengths), ("times", times)):
        check_tensor(name, values)
    if strengths.ndim != 1 or strengths.shape != times.shape or not len(times):
        raise ValueError(
            "strengths and times must both be (trial,), got "
            f"{tuple(strengths.shape)} and {tuple(times.shape)}"
        )
    check_finite("strengths", strengths)
    known = times[~times.isnan()]
    if len(known) and not (bool(known.isfinite().all()) and bool((known >= 0).all())):
        wrong = next(t for t in known.tolist() if not 0 <= t < float("inf"))
        raise ValueError(f"times must be zero or positive and finite, or NaN for none, got {wrong}")
    sizes = strengths.abs().unique()
    rows, answered = [], []
    for size in sizes:
        those = times[strengths.abs() == size].double()
        quantiles = torch.tensor([0.5, 0.25, 0.75], dtype=torch.double)
        rows.append(torch.nanquantile(those, quantiles))
        answered.append((~those.isnan()).double().mean())
    table = torch.stack(rows)
    return ChronometricCurve(sizes, table[:, 0], table[:, 1:], torch.stack(answered))


def _checked(strengths: Tensor, choices: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Strengths, and choices as 0, 1/2 or 1, as arrays."""
    for name, values in (("strengths", strengths), ("choices", choices)):
        check_tensor(name, values)
    if strengths.ndim != 1 or strengths.shape != choices.shape:
        raise ValueError(
            "strengths and choices must both be (trial,), got "
            f"{tuple(strengths.shape)} and {tuple(choices.shape)}"
        )
    check_finite("strengths", strengths)
    other = set(choices.tolist()) - {-1, 0, 1}
    if other:
        raise ValueError(f"choices must be 1, -1 or 0, got {sorted(other)[:3]}")
    return strengths.double().numpy(), (choices.double().numpy() + 1) / 2


def _check_border(levels: np.ndarray, k: np.ndarray, n: np.ndarray) -> None:
    """Raise ``ValueError`` where the likelihood has no best width: the smaller, the better.

    That is so if at all strengths but one, at most, only one side was chosen, in this order. A fit
    would return the smallest width that it may, and its bootstrap an interval of length zero.
    """
    last_none = int((k == 0).cumprod().sum())  # levels from the left without a choice of 1
    first_all = int((k == n)[::-1].cumprod().sum())
    if last_none + first_all >= len(levels) - 1:
        low, high = levels[max(last_none - 1, 0)], levels[min(len(n) - first_all, len(n) - 1)]
        raise ValueError(
            "choices must be of both sides at two strengths at least for a curve, got a border "
            f"between {low:g} and {high:g}: ask at more strengths in between"
        )


def _share(curve: tuple[float, ...] | np.ndarray, s: np.ndarray) -> np.ndarray:
    mu, w, lapses = curve
    return np.asarray(lapses + (1 - 2 * lapses) * expit((s - mu) / w))


def _fit(levels: np.ndarray, k: np.ndarray, n: np.ndarray, start: np.ndarray | None) -> np.ndarray:
    """(mu, w, lambda) of the largest likelihood of k choices of 1 among n at each level."""
    reach = float(levels.max() - levels.min())

    def misfit(curve: np.ndarray) -> tuple[float, np.ndarray]:
        """Minus the logarithm of the likelihood, and its gradient."""
        mu, w, lapses = curve
        p = _share(curve, levels).clip(1e-9, 1 - 1e-9)
        seen = expit((levels - mu) / w)
        slope = -(1 - 2 * lapses) * seen * (1 - seen) / w  # of p with mu
        by_p = (n - k) / (1 - p) - k / p
        gradient = (by_p * slope, by_p * slope * (levels - mu) / w, by_p * (1 - 2 * seen))
        value = -(k * np.log(p) + (n - k) * np.log1p(-p)).sum()
        return float(value), np.array([part.sum() for part in gradient])

    bounds = [
        (levels.min(), levels.max()),
        (reach / 1000, 10 * reach),
        (0.0, _MOST_LAPSES),
    ]
    starts = (
        [
            np.array([0.0, width * reach, lapses])
            for width in (0.02, 0.1, 0.5)
            for lapses in (0.0, 0.05)
        ]
        if start is None
        else [start]
    )
    found = [minimize(misfit, one, jac=True, bounds=bounds, method="L-BFGS-B") for one in starts]
    return np.asarray(min(found, key=lambda one: one.fun).x)
