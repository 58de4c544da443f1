"""Exercises of *Low-rank networks*."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from scipy.integrate import quad
from scipy.optimize import brentq

from nmcourse.exercises.checking.record import Draw, Exercise, Wrong

_CHAPTER = "book/dynamics/low_rank_networks"


def _overlap_for(tau_eff: float, tau: float) -> float:
    return 1 - tau / tau_eff


def _time_constants(draw: Draw) -> list[tuple[float, float]]:
    taus = [draw.uniform(5, 200) for _ in range(5)]
    faster = [(tau * draw.uniform(0.3, 0.8), tau) for tau in taus[:1]]  # a negative overlap
    return faster + [(tau * draw.uniform(1.5, 40), tau) for tau in taus[1:]]


def _mean_slope(variance: float) -> float:
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    return float(weights @ np.cosh(math.sqrt(variance) * nodes) ** -2.0) / math.sqrt(2 * math.pi)


def _clock_overlap(period: float, radius: float, tau: float) -> torch.Tensor:
    beta = 1 / _mean_slope(radius**2)
    omega = 2 * math.pi * tau * beta / period
    return torch.tensor([[beta, -omega], [omega, beta]], dtype=torch.float64)


def _clocks(draw: Draw) -> list[tuple[float, float, float]]:
    return [
        (tau * draw.uniform(3, 15), draw.uniform(*radius), tau)
        for tau, radius in ((100.0, (0.2, 0.6)), (20.0, (0.7, 0.9)), (150.0, (1.1, 1.4)))
    ]


def _turning(beta: float, omega: float) -> torch.Tensor:
    return torch.tensor([[beta, -omega], [omega, beta]], dtype=torch.float64)


def _one_direction(overlap: np.ndarray) -> np.ndarray:
    """Turn clocks that run backwards round: both directions have the same period."""
    return overlap.T if overlap.shape == (2, 2) and overlap[1, 0] < 0 else overlap


def _clock_by_integral(period: float, radius: float, tau: float) -> np.ndarray:
    def weighted(current: float) -> float:
        bell = math.exp(-(current**2) / (2 * radius**2)) / math.sqrt(2 * math.pi * radius**2)
        return bell / math.cosh(current) ** 2

    slope = quad(weighted, -12 * radius, 12 * radius)[0]
    turn = np.array([[0.0, 1.0], [-1.0, 0.0]])  # the other way round
    return (np.eye(2) + 2 * np.pi * tau / period * turn) / slope


def _break_even(n_units: int) -> float:
    return n_units / 2


def _with(beta: Any, omega: Any) -> Any:
    """A clock whose growth and rotation are given by two functions of (period, radius, tau)."""
    return lambda *case: _turning(beta(*case), omega(*case))


def _growth(period: float, radius: float, tau: float) -> float:
    return 1 / _mean_slope(radius**2)


def _rotation(period: float, radius: float, tau: float) -> float:
    return 2 * math.pi * tau * _growth(period, radius, tau) / period


_FLOW = "Rank two: which connectivity makes which flow"
_RING = 2.0  # the overlap of the ring: Ω is this number times the identity


def _ring_radius() -> float:
    """Radius of the ring of the mean field, in units of √N: where the overlap times G is 1."""
    return float(brentq(lambda radius: _RING * _mean_slope(radius**2) - 1, 1e-6, 20.0))


def _ring_flow(L: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The flow on the ring along its tangent and outwards, times τ, at 180 angles."""
    angles = 2 * math.pi * torch.arange(180, dtype=torch.float64) / 180
    outward = torch.stack([angles.cos(), angles.sin()], dim=-1)
    along = torch.stack([-angles.sin(), angles.cos()], dim=-1)
    rows = math.sqrt(len(L)) * torch.as_tensor(L, dtype=torch.float64)
    place = _ring_radius() * outward
    flow = -place + _RING * torch.tanh(place @ rows.T) @ rows / len(rows)
    return (flow * along).sum(dim=-1), (flow * outward).sum(dim=-1)


def _ring_drift(L: torch.Tensor) -> float:
    radius = _ring_radius()
    rows = math.sqrt(len(L)) * torch.as_tensor(L, dtype=torch.float64)
    drifts = []
    for k in range(180):  # the leak points inwards, so it is no part of the drift
        angle = math.radians(2 * k)
        rates = torch.tanh(radius * (math.cos(angle) * rows[:, 0] + math.sin(angle) * rows[:, 1]))
        along = math.cos(angle) * rows[:, 1] - math.sin(angle) * rows[:, 0]
        drifts.append(abs(float(_RING * (rates @ along) / len(L) / radius)))
    return max(drifts)


def _ring_drift_by_complex_numbers(L: Any) -> float:
    """The same in the plane of complex numbers: a drift is the imaginary part of flow / place."""
    rows = np.asarray(L) @ np.array([1, 1j])
    place = _ring_radius() * np.exp(2j * np.pi * np.arange(180) / 180)
    heard = math.sqrt(len(rows)) * (place[:, None] * rows.conj()).real
    flow = -place + _RING * (np.tanh(heard) * rows).sum(axis=1) / math.sqrt(len(rows))
    return float(abs((flow / place).imag).max())


def _rings(draw: Draw) -> list[tuple[torch.Tensor]]:
    cases = []
    for n in (50, draw.integer(100, 200), 400):
        L = torch.linalg.qr(draw.normal(n, 2))[0]
        cases += [(L,), (L * torch.tensor([1.0, -1.0]),)]  # the mirror image drifts the other way
    return cases


EXERCISES = (
    Exercise(
        id="low-rank-1",
        label="ex-other-factors",
        chapter=_CHAPTER,
        title="The same network in other factors",
        kind="derivation",
        difficulty=2,
        importance=3,
        minutes=10,
        rubric=(
            "Nothing, or only that W stays the same.",
            "The new latent variables or the new overlap matrix are right, without a derivation.",
            "Both are derived, and the eigenvalues are seen to stay.",
            "In addition, the rank-one case is drawn from it: one overlap cannot be changed by "
            "moving a factor from one vector to the other, so it belongs to the network.",
        ),
    ),
    Exercise(
        id="low-rank-2",
        label="ex-overlap-tuning",
        chapter=_CHAPTER,
        title="How finely must a memory be tuned?",
        kind="code",
        difficulty=2,
        importance=5,
        minutes=15,
        function="overlap_for",
        arguments=("tau_eff", "tau"),
        reference=_overlap_for,
        cases=_time_constants,
        example=(500.0, 100.0),
        wrong=(
            Wrong(
                "the leak that is left",
                lambda tau_eff, tau: tau / tau_eff,
                "A long memory needs an overlap near 1. Yours comes near 0 for a long memory.",
                "Rank one: forgetting and remembering",
            ),
            Wrong(
                "the ratio upside down",
                lambda tau_eff, tau: 1 - tau_eff / tau,
                "Your overlap is very negative for a long memory. Solve the equation once more.",
                "Rank one: forgetting and remembering",
            ),
            Wrong(
                "recurrence added to the leak",
                lambda tau_eff, tau: 1 + tau / tau_eff,
                "Above an overlap of 1 weak activity grows. Which sign has the recurrence?",
                "Rank one: forgetting and remembering",
            ),
            Wrong(
                "never below zero",
                lambda tau_eff, tau: max(0.0, 1 - tau / tau_eff),
                "A memory can also fade faster than the leak. Which overlap does that?",
                "Rank one: forgetting and remembering",
            ),
            Wrong(
                "an exponential",
                lambda tau_eff, tau: math.exp(-tau / tau_eff),
                "That is what is left of the memory after one τ. The overlap is part of a rate.",
                "Rank one: forgetting and remembering",
            ),
        ),
        another=lambda tau_eff, tau: np.divide(tau_eff - tau, tau_eff),
    ),
    Exercise(
        id="low-rank-3",
        label="ex-low-rank-clock",
        chapter=_CHAPTER,
        title="Build a clock",
        kind="code",
        difficulty=3,
        importance=4,
        minutes=15,
        function="clock_overlap",
        arguments=("period", "radius", "tau"),
        reference=_clock_overlap,
        cases=_clocks,
        example=(600.0, 1.0, 100.0),
        wrong=(
            Wrong(
                "the radius in place of the variance",
                _with(
                    lambda p, r, tau: 1 / _mean_slope(r),
                    lambda p, r, tau: 2 * math.pi * tau / _mean_slope(r) / p,
                ),
                "G takes a variance. The radius is the standard deviation of the currents.",
                "Rank two: which connectivity makes which flow",
            ),
            Wrong(
                "the slope in place of its inverse",
                _with(
                    lambda p, r, tau: _mean_slope(r**2),
                    lambda p, r, tau: 2 * math.pi * tau * _mean_slope(r**2) / p,
                ),
                "Your growth is below 1, so all activity fades. What must balance on the cycle?",
                "Rank two: which connectivity makes which flow",
            ),
            Wrong(
                "rotation without the brake",
                _with(_growth, lambda p, r, tau: 2 * math.pi * tau / p),
                "On the cycle, saturation slows the rotation down as it does the growth.",
                "Rank two: which connectivity makes which flow",
            ),
            Wrong(
                "turns in place of radians",
                _with(_growth, lambda *case: _rotation(*case) / (2 * math.pi)),
                "One period is one turn. How many radians is that?",
                "Rank two: which connectivity makes which flow",
            ),
            Wrong(
                "a rotation per ms",
                _with(_growth, lambda p, r, tau: _rotation(p, r, tau) / tau),
                "Overlaps have no unit: the flow is multiplied by τ.",
                "Rank two: which connectivity makes which flow",
            ),
            Wrong(
                "a symmetric matrix",
                lambda *case: _clock_overlap(*case).abs(),
                "A symmetric matrix has real eigenvalues, and nothing turns.",
                "Rank two: which connectivity makes which flow",
            ),
            Wrong(
                "growth of exactly one",
                _with(lambda *case: 1.0, lambda p, r, tau: 2 * math.pi * tau / p),
                "With a growth of 1 saturation wins everywhere, and the cycle shrinks to a point.",
                "Rank two: which connectivity makes which flow",
            ),
        ),
        another=_clock_by_integral,
        canonical=_one_direction,
        rtol=1e-4,
    ),
    Exercise(
        id="low-rank-4",
        label="ex-ring-drift",
        chapter=_CHAPTER,
        title="How good is the ring?",
        kind="experiment",
        difficulty=4,
        importance=4,
        minutes=25,
        function="ring_drift",
        arguments=("L",),
        reference=_ring_drift,
        cases=_rings,
        wrong=(
            Wrong(
                "the flow outwards",
                lambda L: float(_ring_flow(L)[1].abs().max()) / _ring_radius(),
                "This flow leads to the ring or away from it. A drift leads along it.",
                _FLOW,
            ),
            Wrong(
                "the length of the flow",
                lambda L: float(torch.stack(_ring_flow(L)).norm(dim=0).max()) / _ring_radius(),
                "A part of the flow leads back to the ring. Count what leads along it only.",
                _FLOW,
            ),
            Wrong(
                "a path in place of an angle",
                lambda L: float(_ring_flow(L)[0].abs().max()),
                "This is a path along the ring. How many radians is it, on a ring of this radius?",
                _FLOW,
            ),
            Wrong(
                "one direction only",
                lambda L: float(_ring_flow(L)[0].max()) / _ring_radius(),
                "Activity may drift either way round. The fastest drift can be a negative one.",
                _FLOW,
            ),
            Wrong(
                "the mean drift",
                lambda L: float(_ring_flow(L)[0].abs().mean()) / _ring_radius(),
                "Asked for is the fastest drift of all angles.",
                _FLOW,
            ),
            Wrong(
                "per ms",
                lambda L: _ring_drift(L) / 100,
                "Asked for is a drift per τ. `plane_flow` is multiplied by τ already.",
                _FLOW,
            ),
            Wrong(
                "a number of units too many",
                lambda L: _ring_drift(L) / math.sqrt(len(L)),
                "`plane_flow` takes places and gives flows in units of √N already.",
                _FLOW,
            ),
        ),
        another=_ring_drift_by_complex_numbers,
        rtol=0.006,  # other 180 angles find a maximum that is up to 0.4 % larger or smaller
        rubric=(
            "No measurement, or the drift of one network.",
            "Drifts for several sizes, but from one network each, or no power of N.",
            "Medians over several networks for four sizes, a fitted power, and a number of units.",
            "In addition: relates the power to the error of a sum over N random rows, and says "
            "why the fastest drift is a cautious measure.",
        ),
    ),
    Exercise(
        id="low-rank-5",
        label="ex-break-even",
        chapter=_CHAPTER,
        title="When is low rank no longer cheap?",
        kind="code",
        difficulty=1,
        importance=3,
        minutes=5,
        function="break_even",
        arguments=("n_units",),
        reference=_break_even,
        cases=lambda draw: [(2 * draw.integer(4, 500) + odd,) for odd in (0, 1, 0, 1)],
        wrong=(
            Wrong(
                "listens, but does not speak",
                lambda n_units: float(n_units),
                "There are two sums in each step: one over the units, and one back to the units.",
                "What it costs",
            ),
            Wrong(
                "solved the wrong way round",
                lambda n_units: 2.0 * n_units,
                "A network of a higher rank than N has more multiply-adds than a full one.",
                "What it costs",
            ),
            Wrong(
                "rounded down",
                lambda n_units: float(n_units // 2),
                "Asked for is where the two counts are equal, for an odd number of units as well.",
                "What it costs",
            ),
            Wrong(
                "the root",
                lambda n_units: math.sqrt(n_units),
                "Put your rank into 2NK and compare the result with N².",
                "What it costs",
            ),
        ),
        another=lambda n_units: np.float32(n_units**2 / (2 * n_units)),
        example=(100,),
        rtol=1e-4,
    ),
)
