r"""What a memory becomes when it is held longer than it was ever asked to be.

At the end of the trained delay states may lie on a ring or a line because they have not yet had the
time to leave it. Three questions tell an attractor from a slow walk:

    gap     after a long wait, is the ring still filled, or are there only a few places left?
    change  how far has each place moved?
    rates   at a state on the manifold, how fast does a push along it decay, and one across it?

The rates are eigenvalues of the step's Jacobian, written as time constants: a step multiplies a
push by lambda, so it falls to 37 % in -dt / log|lambda|. On a ring or a line one of them is far
longer than all others, and its eigenvector lies along the curve.

Reference: Soo et al. 2024, Fig. S3 (shapes, seen); Sussillo and Barak 2013 (slow points); chapter
*Attractors and ambiguity*.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from nmcourse._inputs import count, number
from nmcourse.analysis._checks import check_finite
from nmcourse.analysis.attractors import run_on
from nmcourse.analysis.autonomous import AutonomousSystem
from nmcourse.models import RecurrentModel
from nmcourse.tasks import MemoryGuided, Trials


@torch.no_grad()
def held_states(
    model: RecurrentModel, task: MemoryGuided, trials: Trials, n_delays: float = 10.0
) -> Tensor:
    """States from the end of the delay on, while the go signal does not come.

    Args:
        model: a network for the task, whose state is a tensor.
        task: the task.
        trials: trials of it that share one delay.
        n_delays: how long to hold, in longest delays of the task.

    Returns:
        (trial, time, unit), float64, one entry a step; the first is the last state of the delay.

    Raises:
        ValueError: for delays that differ, or a time that is not positive.
    """
    go = trials.conditions["go_time"].unique()
    if len(go) > 1:
        raise ValueError(f"trials must share one delay, got go signals at {go.tolist()} ms")
    duration = number("n_delays", n_delays, "positive", above=0) * task.longest_delay
    end = round(float(go[0]) / task.dt) - 1
    dtype = next(model.parameters()).dtype
    states = model(trials.inputs.to(dtype)).states
    if states is None:
        raise ValueError(f"model must keep its states, but a {type(model).__name__} does not")
    fixation = torch.zeros(task.n_inputs)
    fixation[0] = 1.0
    return run_on(model, states[:, end], round(duration / task.dt), input=fixation)


def largest_gap(places: Tensor, period: float | None = None) -> float:
    """Largest gap between neighbouring places, as a share of the whole.

    Args:
        places: (trial,), two or more.
        period: what the whole measures on a circle; None on a line, where it is the distance of
            the ends.

    Returns:
        1 / n for n places at equal distances on a circle, 1 / (n - 1) on a line; 1 if there is one
        place only.

    Raises:
        ValueError: for fewer than two places, or values that are not finite.
    """
    check_finite("places", places)
    if places.ndim != 1 or len(places) < 2:
        raise ValueError(f"places must be two or more, (trial,), got {tuple(places.shape)}")
    if period is not None:
        whole = number("period", period, "positive", above=0)
        ordered = torch.remainder(places.double(), whole).sort().values
        ordered = torch.cat([ordered, ordered[:1] + whole])
        return float(ordered.diff().max()) / whole
    ordered = places.double().sort().values
    length = float(ordered[-1] - ordered[0])
    return float(ordered.diff().max()) / length if length > 0 else 1.0


class Rates(NamedTuple):
    """How fast small pushes decay at some states.

    Attributes:
        slowest: longest time constant in ms, (state,); infinite where a push grows.
        second: the next one, (state,).
        alignment: size of the cosine of the slowest direction with the curve, (state,); NaN without
            a curve.
    """

    slowest: Tensor
    second: Tensor
    alignment: Tensor


def decay_rates(
    model: RecurrentModel,
    states: Tensor,
    input: Tensor,
    *,
    tangents: Tensor | None = None,
) -> Rates:
    """The two slowest time constants of the step at given states.

    A complex pair of eigenvalues counts as two; its direction is the plane of the pair.

    Args:
        model: a network whose state is a tensor.
        states: (state, unit).
        input: constant input (P,).
        tangents: directions of the curve at the states, (state, unit), or None.

    Raises:
        ValueError: for shapes that do not fit, or values that are not finite.
    """
    check_finite("states", states)
    if tangents is not None and tangents.shape != states.shape:
        raise ValueError(
            f"tangents must have shape {tuple(states.shape)} as the states do, got "
            f"{tuple(tangents.shape)}"
        )
    system = AutonomousSystem(model, input)
    values, vectors = torch.linalg.eig(system.jacobian(states.double(), "step"))
    order = values.abs().argsort(dim=-1, descending=True)
    sizes = values.abs().gather(-1, order[:, :2])
    alignment = torch.full((len(states),), math.nan, dtype=torch.float64)
    if tangents is not None:
        for k, tangent in enumerate(tangents.double()):
            first = vectors[k, :, order[k, 0]]
            plane = torch.stack([first.real, first.imag], dim=-1)
            if float(values[k, order[k, 0]].imag.abs()) < 1e-12:
                plane = plane[:, :1]
            basis = torch.linalg.qr(plane)[0]
            alignment[k] = (tangent @ basis).norm() / tangent.norm()
    constants = torch.where(sizes < 1, -system.dt / sizes.log(), torch.inf)
    return Rates(constants[:, 0], constants[:, 1], alignment)


def tangents_of(states: Tensor, *, closed: bool) -> Tensor:
    """Directions of a curve through states in order, (state, unit).

    Each points from the neighbour before to the neighbour after.

    Args:
        states: (state, unit), three or more, in the order of the curve.
        closed: whether the last one is next to the first.

    Raises:
        ValueError: for fewer than three states, or values that are not finite.
    """
    check_finite("states", states)
    if states.ndim != 2 or count("the number of states", len(states)) < 3:
        raise ValueError(f"states must be (state, unit), three or more, got {tuple(states.shape)}")
    if closed:
        return states.roll(-1, dims=0) - states.roll(1, dims=0)
    inner = states[2:] - states[:-2]
    return torch.cat([states[1:2] - states[:1], inner, states[-1:] - states[-2:-1]])
