r"""How much the loss of a trial still says about an early state: gradients through time.

    g_t = dL / d state_t          its norm, for every trial and time

The gradient of a step is the product of the Jacobians of all later steps with what the loss says
there. Where these Jacobians shrink vectors, g_t vanishes towards the start of the trial, and the
network cannot learn from what happened early. A leaky unit without recurrence is the extreme:
its gradient falls as (1 - dt / tau)^(T - t). A gain near one, or a forget gate near one, keeps it.

Reference:
    Hochreiter and Schmidhuber 1997; a question of the reviewers of Costacurta et al. 2024;
    "The reviewers ask".
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from nmcourse.analysis._checks import check_finite
from nmcourse.analysis.states import component_names, components, rebuild
from nmcourse.models import RecurrentModel
from nmcourse.tasks import Trials

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]


class GradientNorms(NamedTuple):
    """Norms of dL / d state_t; entry t belongs to the state after step t.

    Attributes:
        total: over the whole state, (trial, time).
        parts: the same for each component of the state by its name ("x" and "z" of an NM-RNN, "h"
            and "c" of an LSTM, "0" of a plain tensor).
    """

    total: Tensor
    parts: dict[str, Tensor]


@torch.enable_grad()
def gradient_norms(model: RecurrentModel, trials: Trials, loss: Loss) -> GradientNorms:
    """Norm of the gradient of the loss with respect to the state at every time.

    The network is run through ``step``, in float64 on a copy. A component counts with all that
    it does in later steps: the gradient of z includes what z does to the next x.

    Args:
        model: any model with ``step`` and ``readout``; not changed.
        trials: what it is asked.
        loss: ``loss(outputs, targets, mask)``, a number, e.g. ``masked_mse``.

    Returns:
        The norms, float64; those of one trial are not affected by the others, except that a mean
        over trials divides each by their number.

    Raises:
        ValueError: if the loss is not one finite number or does not depend on the states.
    """
    model = copy.deepcopy(model).double().requires_grad_(False)
    trials = trials.to(torch.float64)
    first = model.initial_state(len(trials))
    states: list[tuple[Tensor, ...]] = []
    outputs = []
    state = first
    for t in range(trials.inputs.shape[1]):
        now = None if trials.context is None else trials.context[:, t]
        # A copy of each component stands for it from here on: what h owes to c within one step
        # of an LSTM is not counted twice.
        state = model.step(state, trials.inputs[:, t], now)
        parts = tuple(part.clone().requires_grad_() for part in components(state))
        state = rebuild(first, parts)
        states.append(parts)
        outputs.append(model.readout(state))
    value = loss(torch.stack(outputs, dim=1), trials.targets, trials.mask)
    if value.ndim:
        raise ValueError(f"loss must return one number, got shape {tuple(value.shape)}")
    check_finite("loss", value)
    if not value.requires_grad:
        raise ValueError("loss must depend on the outputs, got one that has no gradient")
    everything = [part for moment in states for part in moment]
    found = torch.autograd.grad(value, everything, allow_unused=True)
    norms = [
        torch.zeros(len(trials), dtype=torch.float64) if grad is None else grad.norm(dim=-1)
        for grad in found
    ]
    names = component_names(first)
    by_name = {
        name: torch.stack(norms[place :: len(names)], dim=1) for place, name in enumerate(names)
    }
    total = torch.stack(list(by_name.values())).square().sum(dim=0).sqrt()
    return GradientNorms(total, by_name)


def masked_sum(outputs: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    """Sum of the outputs where the mask is 1: what is sent back in the place of a loss.

    A trained network has next to no loss, and so next to no gradient of it.
    """
    return (outputs * mask).sum()


def kept_from_go(norms: Tensor, trials: Trials, *, dt: float = 10.0, per: float = 100.0) -> Tensor:
    """Factor by which gradients change on the way back from go to the measure pulse.

    Args:
        norms: of the gradient, (trial, time), entry t after step t; see ``gradient_norms``.
        trials: of Measure-Wait-Go.
        dt: time step in ms.
        per: stretch of time that the factor belongs to, ms.

    Returns:
        Geometric mean of the factor over ``per`` ms, from the state before go to that after the
        measure pulse, (trial,).
    """
    rows = torch.arange(len(norms))
    go, measure = (
        (trials.conditions[f"{cue}_time"] / dt).long() + shift
        for cue, shift in (("go", -1), ("measure", 0))
    )
    back = dt * (go - measure)
    return (norms[rows, measure] / norms[rows, go]) ** (per / back)
