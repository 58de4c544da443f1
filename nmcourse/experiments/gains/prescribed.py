"""N1: does the gain set how fast a mode decays?

A linear NM-RNN with one orthonormal, symmetric rank-one term and no input has one mode, w = l^T x:

    tau w' = -(1 - s(t)) w          w(t) = w(0) exp(-int_0^t (1 - s) dt' / tau)

The network of the course runs under gain paths s(t) that are smooth and whose integral is known
exactly, and w(t) is compared with the closed form. Then the time step is halved again and again,
to see at which order the difference falls.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nmcourse.evidence import Experiment, Judgement, Results, Rule, format_number
from nmcourse.models import NMRNN, LowRankRNN, PrescribedGain, identity

LARGEST_ERROR = 0.05  # of w(0): half of one Euler step of the bare leak, dt / (2 tau)
ORDER_TOLERANCE = 0.1


@dataclass(frozen=True)
class GainPath:
    """Gain paths s(t) = 1/2 + sum of sines, inside (0, 1), with a known integral.

    Attributes:
        amplitudes: (path, wave); they add up to less than 1/2 for each path.
        frequencies: (path, wave), in cycles per ms.
        phases: (path, wave), in radians.
    """

    amplitudes: Tensor
    frequencies: Tensor
    phases: Tensor

    @classmethod
    def random(cls, n_paths: int, *, n_waves: int = 3, generator: torch.Generator) -> GainPath:
        """Draw paths whose periods lie between 50 and 500 ms."""

        def uniform(low: float, high: float) -> Tensor:
            draw = torch.rand(n_paths, n_waves, generator=generator, dtype=torch.float64)
            return low + (high - low) * draw

        share, depth = uniform(0.0, 1.0), uniform(0.2, 0.49)[:, :1]
        amplitudes = depth * share / share.sum(dim=1, keepdim=True)
        return cls(amplitudes, uniform(0.002, 0.02), uniform(0.0, 2 * math.pi))

    def value(self, t: Tensor) -> Tensor:
        """Gain s at the times ``t`` in ms, (time,): (path, time)."""
        angle = 2 * math.pi * self.frequencies[..., None] * t + self.phases[..., None]
        return 0.5 + (self.amplitudes[..., None] * angle.sin()).sum(dim=1)

    def integral(self, t: Tensor) -> Tensor:
        """Integral of s from 0 to the times ``t`` in ms, (time,): (path, time)."""
        speed = 2 * math.pi * self.frequencies[..., None]
        waves = (self.phases[..., None].cos() - (speed * t + self.phases[..., None]).cos()) / speed
        return 0.5 * t + (self.amplitudes[..., None] * waves).sum(dim=1)


def simulate(paths: GainPath, *, tau: float, dt: float, duration: float) -> tuple[Tensor, Tensor]:
    """Run the network under the gain paths.

    Args:
        paths: The gain paths.
        tau: Time constant of the network in ms.
        dt: Time step in ms.
        duration: Length of the simulation in ms.

    Returns:
        Mode activity w(t), (path, time), starting from w(0) = 1; and the times in ms, (time,).
    """
    n_steps = round(duration / dt)
    starts = dt * torch.arange(n_steps, dtype=torch.float64)
    gains = paths.value(starts)
    network = LowRankRNN(
        1,
        20,
        1,
        rank=1,
        symmetric=True,
        nonlinearity=identity,
        tau=tau,
        dt=dt,
        generator=torch.Generator().manual_seed(0),
    ).double()
    with torch.no_grad():
        mode = network.factors()[0][:, 0]
        network.x0.copy_(mode)
        model = NMRNN(network, PrescribedGain(gains[..., None], dt=dt))
        silence = torch.zeros(len(gains), n_steps, 1, dtype=torch.float64)
        states = model(silence).states
    return states @ mode, starts + dt


def closed_form(paths: GainPath, t: Tensor, *, tau: float) -> Tensor:
    """Return exp(-int (1 - s) dt / tau) at the times ``t`` in ms, (path, time)."""
    return torch.exp(-(t - paths.integral(t)) / tau)


def run(tier: str, run_dir: Path) -> dict[str, Any]:
    """Compare simulation and closed form; a few seconds, so nothing is kept in ``run_dir``."""
    smoke = tier == "smoke"
    n_paths, seed = (4 if smoke else 20), 0
    tau, duration = 10.0, 200.0
    time_steps = [1.0, 0.5, 0.25] if smoke else [1.0, 0.5, 0.25, 0.125]
    paths = GainPath.random(n_paths, generator=torch.Generator().manual_seed(seed))
    errors = []
    for dt in time_steps:
        activity, times = simulate(paths, tau=tau, dt=dt, duration=duration)
        errors.append((activity - closed_form(paths, times, tau=tau)).abs().amax(dim=1))
    by_step = torch.stack(errors)
    halvings = torch.arange(len(errors), dtype=torch.float64)
    config = {
        "n_paths": n_paths,
        "seed": seed,
        "tau_ms": tau,
        "duration_ms": duration,
        "time_steps_ms": time_steps,
    }
    metrics = {
        "largest_error": by_step[0],
        "largest_error_by_time_step": by_step,
        "order": -_slope(halvings, by_step.log2()),
    }
    return {"config": config, "metrics": metrics}


def _slope(x: Tensor, y: Tensor) -> Tensor:
    """Least-squares slope of each column of ``y``, (x, column), against ``x``."""
    centred = x - x.mean()
    return (centred[:, None] * y).sum(dim=0) / centred.square().sum()


def judge(results: Results) -> Judgement:
    """Reproduced if every path is close at 1 ms and every error falls at first order."""
    error, order = results.summary("largest_error"), results.summary("order")
    close = error.n_finite == error.n and error.maximum <= LARGEST_ERROR
    first_order = order.n_finite == order.n and all(
        abs(value - 1.0) <= ORDER_TOLERANCE for value in (order.minimum, order.maximum)
    )
    status = {2: "reproduced", 1: "partly", 0: "not reproduced"}[close + first_order]
    dt, tau = results.config["time_steps_ms"][0], results.config["tau_ms"]
    return Judgement(
        status=status,
        would_change=(
            "Nothing that chance brings: the closed form is exact, and the difference is "
            f"{format_number(LARGEST_ERROR / error.maximum)} times smaller than what is allowed"
        ),
        measured=(
            f"largest difference from the closed form {format_number(error.maximum)} of w(0) over "
            f"{error.n} gain paths (dt = {format_number(dt)} ms, τ = {format_number(tau)} ms); "
            f"it falls with dt at order {format_number(order.median, 3)}"
        ),
        spread=(
            f"largest difference by path {format_number(error.minimum)} to "
            f"{format_number(error.maximum)}, order {format_number(order.minimum, 3)} to "
            f"{format_number(order.maximum, 3)}"
        ),
        seeds=0,
        caveats=(
            "The difference is that of Euler's method, not of the equation: the closed form is "
            "exact for continuous time.",
            "It holds for a linear network; with tanh the gain sets the decay only near zero.",
        ),
    )


EXPERIMENTS = (
    Experiment(
        name="prescribed_gain",
        run=run,
        rules={
            "N1": Rule(
                judge=judge,
                tolerance=(
                    f"largest difference {LARGEST_ERROR:g} of w(0) at dt = 1 ms; "
                    f"order within {ORDER_TOLERANCE:g} of 1"
                ),
                rule=(
                    "reproduced if on every gain path the simulation stays within "
                    f"{LARGEST_ERROR:g} of w(0) of the closed form at dt = 1 ms, and the "
                    f"difference falls with dt at an order within {ORDER_TOLERANCE:g} of 1; "
                    "partly if only one of the two holds"
                ),
            ),
        },
    ),
)
