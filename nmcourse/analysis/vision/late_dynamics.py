r"""How a CordsNet under a held image comes to its fixed point at last, and under which gains.

Near a fixed point r* the units with phi(..) > 0 are *active*, and the network is linear there:

    r_i(t + dt) - r_i* = M_i (r_i(t) - r_i*) + (from other areas)       M_i = 1 - a + a D_i g_i W_i

with a = dt / tau, D_i one for active units and zero for others, and g_i the gain of the recurrent
drive. Areas are connected in one direction, so the eigenvalues of the whole are those of the M_i.
Where the largest in modulus is mu, the distance falls by |mu| a step at last:

    tau_late = -dt / ln |mu|,        which for a small dt is tau / (1 - lambda)

with lambda the eigenvalue of D g W. A rate above zero is not enough to be active: the rate of a
unit whose drive is below its threshold decays for ever and never reaches zero.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from nmcourse._inputs import check_tensor, number
from nmcourse.models import AreaGains, CordsNet, convolve

WITHIN = (1e-6, 1e-10)  # of the first distance: where the slowest mode is alone, in float64
LEAST = 10  # steps that a line is fitted through


@torch.no_grad()
def active_units(
    model: CordsNet,
    state: Sequence[Tensor],
    images: Tensor,
    *,
    gains: Sequence[AreaGains | None] | None = None,
) -> list[Tensor]:
    """Which units have a drive above zero, one (batch, channel, height, width) for each area.

    Args:
        model: a CordsNet with a ReLU (slope 0).
        state: rates, one map for each area.
        images: (batch, channel, height, width).
        gains: as in ``CordsNet.step``.

    Raises:
        ValueError: for a network whose nonlinearity is no ReLU.
    """
    if model.slope:
        raise ValueError(f"model must have a ReLU, slope 0, got slope {model.slope}")
    velocity = model.velocity(tuple(state), images, gains=gains)
    found = []
    for r, v in zip(state, velocity, strict=True):
        kinds = torch.finfo(r.dtype)  # below that is what rounding leaves of r - r
        found.append(r + model.tau * v > 16 * kinds.eps * r.abs() + kinds.tiny)
    return found


@torch.no_grad()
def late_recurrence(
    model: CordsNet,
    active: Sequence[Tensor],
    *,
    gains: Sequence[AreaGains | None] | None = None,
) -> Tensor:
    """Lambda of the slowest mode: that eigenvalue of D g W whose 1 - a + a lambda is largest.

    Args:
        model: a CordsNet.
        active: units that are, one (batch, channel, height, width) for each area.
        gains: constant gains of the recurrent drives, (channel,) each.

    Returns:
        Complex, (batch,).

    Reference:
        Chapter *A modulated eye*.
    """
    alpha = model.dt / model.tau
    found = []
    for image in range(len(active[0])):
        values = [torch.zeros(1, dtype=torch.complex128)]  # units that are not active
        for area, units in enumerate(active):
            here = units[image].flatten()
            if not here.any():
                continue
            weights = model.recurrent[area].weights().double()  # type: ignore[operator]
            gain = None if gains is None or gains[area] is None else gains[area].recurrent  # type: ignore[union-attr]
            if gain is not None:
                weights = weights * gain.double()[:, None, None, None]
            pushes = torch.eye(len(here), dtype=torch.float64)[here].unflatten(1, units.shape[1:])
            sent = convolve(pushes, weights).flatten(1)[:, here]  # row: from, column: to
            values.append(torch.linalg.eigvals(sent.mT))
        every = torch.cat(values)
        found.append(every[(1.0 - alpha + alpha * every).abs().argmax()])
    return torch.stack(found)


def expected_time_constant(
    eigenvalue: Tensor, tau: float = 10.0, dt: float | None = None
) -> Tensor:
    """Late time constant in ms that an eigenvalue of the active units implies.

    Args:
        eigenvalue: lambda, real or complex.
        tau: in ms.
        dt: step in ms, for the time constant of the simulated network; None for that of the
            equation, tau / (1 - Re lambda).

    Returns:
        In ms; negative or infinite where nothing decays.
    """
    tau = number("tau", tau, "positive", above=0)
    if dt is None:
        return tau / (1.0 - torch.as_tensor(eigenvalue).real)
    dt = number("dt", dt, "positive", above=0)
    factor = 1.0 - dt / tau + dt / tau * torch.as_tensor(eigenvalue)
    return -dt / factor.abs().log()


def late_time_constant(
    distance: Tensor, dt: float, *, within: tuple[float, float] = WITHIN
) -> Tensor:
    """Time constant of the last approach: a line through the logarithm of the distance.

    Args:
        distance: from the fixed point, (.., time), after every step; the first entry is the scale.
        dt: step in ms.
        within: shares of the first distance between which the line is fitted, from the step where
            the distance was last above the first of them to the step where it comes below the
            second.

    Returns:
        (..), in ms; NaN where the distance does not get that far, or in fewer than 10 steps.

    Raises:
        ValueError: for shares that are not in order, or distances of no axis.
    """
    check_tensor("distance", distance)
    dt = number("dt", dt, "positive", above=0)
    if not 1 >= within[0] > within[1] > 0:
        raise ValueError(f"within must be two falling shares of the distance, got {within!r}")
    share = (distance / distance[..., :1]).double()
    n_steps, found = share.shape[-1], []
    for row in share.reshape(-1, n_steps):
        start = int((row > within[0]).nonzero().max()) + 1
        below = (row[start:] < within[1]).nonzero()
        stop = start + int(below[0]) if len(below) else n_steps
        if not len(below) or stop - start < LEAST:
            found.append(torch.tensor(torch.nan, dtype=torch.float64))
            continue
        found.append(-dt / _slope(row[start:stop].log()))
    return torch.stack(found).reshape(share.shape[:-1])


def _slope(values: Tensor) -> Tensor:
    """Slope of the line through values at steps 0, 1, .., by least squares."""
    steps = torch.arange(len(values), dtype=values.dtype)
    steps = steps - steps.mean()
    return (steps * values).sum() / steps.square().sum()
