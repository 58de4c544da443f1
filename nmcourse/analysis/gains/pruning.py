r"""Which gain components does a trained NM-RNN need?

A gain that is never far from one value can be replaced by that value, and its rank-one term
becomes a fixed part of the network. Pruning does this to some components: each is held at its mean
over trials and times. What is lost is what the component *did*, not what it was on average.

    prune              hold chosen components at given values
    pruning_order      greedy: hold one more each time, always the one that costs least
    smallest_sufficient_set   exact: try every set of components, small ones first

Both searches take ``error``, any function from a model to a number that should stay small.

Reference:
    A question of the reviewers of Costacurta et al. 2024 (are silent gains a sign of too many
    parameters?); "The reviewers ask".
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from nmcourse._inputs import one_or_several
from nmcourse.analysis._checks import check_finite, check_nm_rnn
from nmcourse.analysis.gains.modulation import ablate_gains
from nmcourse.models import NMRNN

MOST_SETS = 4096


@torch.no_grad()
def mean_gains(model: NMRNN, inputs: Tensor, context: Tensor | None = None) -> Tensor:
    """Mean of each gain over the trials and times of a simulation, (K,).

    Args:
        model: an NM-RNN.
        inputs: (trial, time, P).
        context: (trial, time, n_context), or None.

    Raises:
        ValueError: if ``model`` has no gains.
    """
    check_nm_rnn(model)
    gains = model(inputs, context).gains
    return gains.mean(dim=(-3, -2))


def prune(model: NMRNN, components: Iterable[int], values: Tensor) -> NMRNN:
    """Hold gain components at given values; the others stay free.

    Args:
        model: an NM-RNN; not changed.
        components: which gains to hold; none gives a copy.
        values: value of every gain, (K,), e.g. of :func:`mean_gains`.

    Returns:
        The pruned model.

    Raises:
        ValueError: for an unknown component, or values that do not fit or are not finite.
    """
    check_nm_rnn(model)
    n_gains = model.modulator.n_gains
    check_finite("values", values)
    if values.shape != (n_gains,):
        raise ValueError(f"values must have shape ({n_gains},), got {tuple(values.shape)}")
    for k in one_or_several("components", components, 0, n_gains - 1):
        model = ablate_gains(model, k, float(values[k]))
    return model


@dataclass(frozen=True)
class Pruning:
    """Components held one after the other, the cheapest first.

    Attributes:
        order: components in the order in which they were held, K of them.
        errors: error with 0, 1, .., K components held, K + 1 numbers.
    """

    order: tuple[int, ...]
    errors: tuple[float, ...]

    def n_needed(self, largest_error: float) -> int:
        """Number of components left free when no further one can be held within this error.

        Raises:
            ValueError: if the intact model is above ``largest_error`` already.
        """
        _check_allowed(largest_error, self.errors[0])
        held = max(n for n, error in enumerate(self.errors) if error <= largest_error)
        return len(self.order) - held


def pruning_order(model: NMRNN, values: Tensor, error: Callable[[NMRNN], float]) -> Pruning:
    """Hold all components one after the other, each time the one that raises the error least.

    Args:
        model: an NM-RNN; not changed.
        values: value at which each gain is held, (K,).
        error: what should stay small, e.g. the loss on test trials.

    Returns:
        The order and the errors; K (K + 1) / 2 + 1 models are tried.

    Raises:
        ValueError: for a model without gains, or values that do not fit.
    """
    check_nm_rnn(model)
    n_gains = model.modulator.n_gains
    held: list[int] = []
    errors = [_error_of(error, prune(model, (), values))]
    while len(held) < n_gains:
        costs = {
            k: _error_of(error, prune(model, [*held, k], values))
            for k in range(n_gains)
            if k not in held
        }
        cheapest = min(costs, key=lambda k: costs[k])
        held.append(cheapest)
        errors.append(costs[cheapest])
    return Pruning(tuple(held), tuple(errors))


@dataclass(frozen=True)
class SufficientSet:
    """The fewest free components that are enough.

    Attributes:
        components: which gains stay free, in increasing order.
        error: error with only those free.
    """

    components: tuple[int, ...]
    error: float


def smallest_sufficient_set(
    model: NMRNN, values: Tensor, error: Callable[[NMRNN], float], *, largest_error: float
) -> SufficientSet:
    """Search every set of free components, small sets first.

    Greedy pruning can go wrong where two components can stand in for each other; this cannot,
    and costs up to 2^K models.

    Args:
        model: an NM-RNN of rank at most 12; not changed.
        values: value at which the other gains are held, (K,).
        error: what should stay small.
        largest_error: what still counts as enough.

    Returns:
        Of the smallest sets that are enough, the one with the lowest error.

    Raises:
        ValueError: for more than 12 gains, or if even the intact model is above
            ``largest_error``.
    """
    check_nm_rnn(model)
    n_gains = model.modulator.n_gains
    if 2**n_gains > MOST_SETS:
        raise ValueError(
            f"model must have at most {int(math.log2(MOST_SETS))} gains for this search, "
            f"got {n_gains}; use pruning_order"
        )
    everything = range(n_gains)
    _check_allowed(largest_error, _error_of(error, prune(model, (), values)))
    for size in range(n_gains):
        found = [
            SufficientSet(free, _error_of(error, prune(model, set(everything) - set(free), values)))
            for free in itertools.combinations(everything, size)
        ]
        best = min(found, key=lambda one: one.error)
        if best.error <= largest_error:
            return best
    return SufficientSet(tuple(everything), _error_of(error, prune(model, (), values)))


@torch.no_grad()
def _error_of(error: Callable[[NMRNN], float], model: NMRNN) -> float:
    """The error as a number; NaN, an error that cannot be compared, counts as infinite."""
    value = float(error(model))
    return math.inf if math.isnan(value) else value


def _check_allowed(largest_error: float, intact: float) -> None:
    if not intact <= largest_error:
        raise ValueError(
            f"largest_error must be at least {intact:.4g}, the error of the intact model, "
            f"got {largest_error!r}"
        )
