r"""Which gain makes a rank-one linear NM-RNN follow a target?

    tau x' = -x + s(t) l r^T x          y = c^T x + d          no input

Split the state into a part along l and the rest, x = a l + w. Recurrence writes along l alone, so
w decays by itself, w(t) = w(0) exp(-t / tau). Ask for y = f(t) and solve for s:

    s = (f + tau f' - d) / [(l^T r)(f - c^T w - d) + (c^T l)(r^T w)]                    (Eq. 7)

If nothing lies beside l, w(0) = 0, the rest drops out:

    s = (1 + tau f' / (f - d)) / (l^T r)                                                (Eq. 8)

A simulation in steps of dt is another system. There w shrinks by 1 - dt / tau a step, and the
gain of a step needs the difference quotient (f(t + dt) - f(t)) / dt in the place of f'. With these
two changes Eq. 7 is exact for the Euler steps; without them it is exact for continuous time.

Reference:
    Costacurta et al. 2024, Eqs. 7 and 8, Fig. 3B; chapter *Why gain gates*.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from nmcourse.analysis._checks import check_choice, check_finite
from nmcourse.models import NMRNN, LowRankRNN

FORMS = ("exact", "approximate")
CLOCKS = ("steps", "continuous")


@dataclass(frozen=True)
class OptimalGain:
    """The gain that a target asks for.

    Attributes:
        gain: s, (.., time); entry t belongs to the step from target entry t to entry t + 1.
        times: start of each step, ms, (time,).
        feasible: where 0 < s < 1, so that a sigmoid can give it, (.., time).
        needed_overlap: what l^T r must exceed for s < 1 (Eq. 8): 1 + tau f' / (f - d), (.., time).
        overlap: l^T r of the network, its recurrent scaling included.
        start_error: output of the start state minus the first entry of the target, (..,). Eqs. 7
            and 8 take it to be zero.
    """

    gain: Tensor
    times: Tensor
    feasible: Tensor
    needed_overlap: Tensor
    overlap: float
    start_error: Tensor

    def report(self) -> str:
        """One sentence on where the gain lies inside (0, 1), and where not."""
        low, high = self.gain.min().item(), self.gain.max().item()
        bad = ~self.feasible
        if not bad.any():
            return f"feasible: the gain stays between {low:.3g} and {high:.3g}"
        when = self.times.expand_as(self.gain)[bad]
        return (
            f"infeasible in {int(bad.sum())} of {bad.numel()} steps, between "
            f"{when.min().item():g} and {when.max().item():g} ms: the gain would run from "
            f"{low:.3g} to {high:.3g}, a sigmoid stays inside (0, 1). "
            f"Overlap l^T r = {self.overlap:.3g}, needed: f - d of one sign, and more than "
            f"{self.needed_overlap.max().item():.3g}"
        )


def optimal_gain(
    network: LowRankRNN | NMRNN,
    target: Tensor,
    *,
    x0: Tensor | None = None,
    form: str = "exact",
    clock: str = "steps",
    slope: Tensor | None = None,
) -> OptimalGain:
    """Gain s(t) under which a rank-one linear network without input follows a target.

    Args:
        network: a linear ``LowRankRNN`` of rank 1 with one output, or an ``NMRNN`` with such an
            output network (its modulator is not looked at).
        target: f at times 0, dt, 2 dt, ..., (.., time + 1).
        x0: state at time 0, (N,) or (.., N); by default the one that trials start from. Eq. 7
            needs only its part beside l; the part along l is taken to give f(0).
        form: ``"exact"`` (Eq. 7) or ``"approximate"`` (Eq. 8, nothing beside l).
        clock: ``"steps"`` for the gain that makes the simulation exact, ``"continuous"`` for the
            equation as it stands, read at the start of each step.
        slope: f' per ms at the start of each step, (.., time), for ``clock="continuous"``; the
            difference quotient of the target unless given.

    Returns:
        The gain, where a sigmoid can give it, and what it would take; see ``OptimalGain``. Where
        the network cannot be steered at all (l^T r = 0, f = d, ...) the gain is not finite.

    Raises:
        ValueError: for a network that is not linear, of rank 1 and with one output, shapes that
            do not fit, values that are not finite, or an unknown form or clock.

    Reference:
        Costacurta et al. 2024, Eqs. 7 and 8; chapter *Why gain gates*.
    """
    check_choice("form", form, FORMS)
    check_choice("clock", clock, CLOCKS)
    net = _rank_one(network)
    state = net.x0.detach() if x0 is None else x0
    _check_target(target, state, net.n_units)
    f = target.detach().double()
    step = (f[..., 1:] - f[..., :-1]) / net.dt
    if slope is not None:
        if clock == "steps":
            raise ValueError("slope is for clock='continuous'; clock='steps' has its quotient")
        if slope.shape != step.shape:
            raise ValueError(f"slope must be {tuple(step.shape)}, got {tuple(slope.shape)}")
        check_finite("slope", slope)
        step = slope.detach().double()

    with torch.no_grad():
        left, right = (factor[:, 0].double() for factor in net.factors())
        right = net.scale * right
        c = net.output.weights[0].double()
        d = 0.0 if net.output.bias is None else net.output.bias.double()[0]
    x = state.detach().double()
    beside = x - (x @ left)[..., None] / left.square().sum() * left
    n = torch.arange(f.shape[-1] - 1, dtype=torch.float64)
    kept = 1 - net.dt / net.tau if clock == "steps" else math.exp(-net.dt / net.tau)
    decay = kept**n if form == "exact" else torch.zeros_like(n)
    c_beside, r_beside = ((beside @ v)[..., None] * decay for v in (c, right))

    f = f[..., :-1]
    overlap = left @ right
    asked = f + net.tau * step - d
    gain = asked / (overlap * (f - c_beside - d) + (c @ left) * r_beside)
    return OptimalGain(
        gain=gain,
        times=net.dt * n,
        feasible=(gain > 0) & (gain < 1),
        needed_overlap=asked / (f - d),
        overlap=overlap.item(),
        start_error=x @ c + d - f[..., 0],
    )


def _rank_one(network: LowRankRNN | NMRNN) -> LowRankRNN:
    """The output network, if Eq. 7 speaks of it."""
    net = network.output_network if isinstance(network, NMRNN) else network
    if not isinstance(net, LowRankRNN):
        raise ValueError(f"network must be a LowRankRNN or an NMRNN, got {type(net).__name__}")
    for name, value in (("rank", net.rank), ("n_outputs", net.n_outputs)):
        if value != 1:
            raise ValueError(f"network.{name} must be 1, got {value}")
    if not is_linear(net):
        raise ValueError("network.nonlinearity must be the identity: Eq. 7 is of a linear network")
    return net


def is_linear(network: LowRankRNN) -> bool:
    """Whether phi(x) = x, tried on numbers between -3 and 3."""
    probe = torch.linspace(-3, 3, 61, dtype=torch.float64)
    return torch.equal(network.nonlinearity(probe), probe)


def _check_target(target: Tensor, x0: Tensor, n_units: int) -> None:
    if target.ndim < 1 or target.shape[-1] < 2:
        raise ValueError(
            f"target must have shape (.., time + 1) with two times or more, got {target.shape}"
        )
    if x0.ndim < 1 or x0.shape[-1] != n_units:
        raise ValueError(f"x0 must have shape (.., {n_units}), got {tuple(x0.shape)}")
    if x0.shape[:-1] not in ((), target.shape[:-1]):
        raise ValueError(
            f"x0 must be one state or one per target {tuple(target.shape[:-1])}, "
            f"got {tuple(x0.shape)}"
        )
    check_finite("target", target)
    check_finite("x0", x0)
