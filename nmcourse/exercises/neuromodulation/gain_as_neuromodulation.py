"""Exercises of *Gain as neuromodulation*."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from nmcourse.exercises.checking.record import Also, Draw, Exercise, Wrong
from nmcourse.exercises.neuromodulation import gain_as_neuromodulation_answers as functions
from nmcourse.models import identity

_CHAPTER = "book/neuromodulation/gain_as_neuromodulation"


def _simulated_tau(tau: float, gain: float, dt: float) -> float:
    kept = 1 - dt / tau * (1 - gain)
    return -dt / math.log(kept)


def _modes(draw: Draw) -> list[tuple[float, float, float]]:
    taus = [draw.uniform(8, 120) for _ in range(5)]
    return [(tau, draw.uniform(0.1, 0.95), tau * draw.uniform(0.02, 0.6)) for tau in taus]


def _what_is_left() -> float:
    shut = 40 / 2  # ms: the integral of 1 - s
    return math.exp(-shut / 10)


def _gain_for(t: torch.Tensor, tau: float) -> torch.Tensor:
    return 1 + tau * (-1 / 100) / (1 - t / 100)


def _moments(draw: Draw) -> list[tuple[torch.Tensor, float]]:
    def times(n: int) -> torch.Tensor:
        return torch.tensor([draw.uniform(0, 60) for _ in range(n)], dtype=torch.float64)

    return [(times(n), draw.uniform(4, 30)) for n in (1, 3, draw.integer(10, 60))]


def _predicted_period(gains: torch.Tensor, overlap: torch.Tensor, tau: float) -> float:
    pair = torch.linalg.eigvals(torch.diag(gains) @ overlap)
    return 2 * math.pi * tau * float(pair.real.max() / pair.imag.max())


def _by_trace(gains: Any, overlap: Any, tau: float) -> float:
    scaled = np.asarray(overlap) * np.asarray(gains)[:, None]
    half = scaled.trace() / 2
    determinant = scaled[0, 0] * scaled[1, 1] - scaled[0, 1] * scaled[1, 0]
    return 2 * np.pi * tau * half / np.sqrt(determinant - half**2)


def _rotors(draw: Draw) -> list[tuple[torch.Tensor, torch.Tensor, float]]:
    cases = []
    for tau in (100.0, 20.0, 60.0, 250.0):
        turn = draw.uniform(1.2, 2.0)
        overlap = [[draw.uniform(1.6, 1.9), -turn], [turn * draw.uniform(0.8, 1.2), 1.7]]
        gains = [draw.uniform(0.75, 0.9), draw.uniform(0.93, 1.0)]
        tensors = (torch.tensor(values, dtype=torch.float64) for values in (gains, overlap))
        cases.append((*tensors, tau))
    return cases  # type: ignore[return-value]


def _eigenvalue(matrix: torch.Tensor) -> tuple[float, float]:
    pair = torch.linalg.eigvals(matrix)
    return float(pair.real.max()), float(pair.imag.max())


def _period(formula: Any, matrix: Any = lambda gains, overlap: torch.diag(gains) @ overlap) -> Any:
    def period(gains: torch.Tensor, overlap: torch.Tensor, tau: float) -> float:
        return float(formula(*_eigenvalue(matrix(gains, overlap)), tau))

    return period


_TWO_PI = 2 * math.pi
_CLOCK, _MOVING, _SPECTRUM = "Gain sets the clock", "A gain that moves", "Two gains, one spectrum"

EXERCISES = (
    Exercise(
        id="gain-1",
        label="ex-euler-tau",
        chapter=_CHAPTER,
        title="Euler's own time constant",
        kind="code",
        difficulty=2,
        importance=4,
        minutes=10,
        function="simulated_tau",
        arguments=("tau", "gain", "dt"),
        reference=_simulated_tau,
        cases=_modes,
        example=(10.0, 0.2, 1.0),
        wrong=(
            Wrong(
                "the time constant of the equation",
                lambda tau, gain, dt: tau / (1 - gain),
                "This does not know the time step. What does one step leave of the mode?",
                _CLOCK,
            ),
            Wrong(
                "a forgotten gain",
                lambda tau, gain, dt: -dt / math.log(1 - dt / tau),
                "This is right for the bare leak. With a gain, less leaks in each step.",
                _CLOCK,
            ),
            Wrong(
                "the gain in place of the leak",
                lambda tau, gain, dt: -dt / math.log(1 - dt / tau * gain),
                "With a gain of 1 the mode should never forget, and with 0 it leaks fully.",
                _CLOCK,
            ),
            Wrong(
                "the first order only",
                lambda tau, gain, dt: tau / (1 - gain) - dt / 2,
                "This is close for small steps. Asked for is the exact value.",
                _CLOCK,
            ),
            Wrong(
                "a negative time constant",
                lambda tau, gain, dt: dt / math.log(1 - dt / tau * (1 - gain)),
                "What is left of the mode is below 1, so its logarithm is negative.",
                _CLOCK,
            ),
            Wrong(
                "a logarithm of base ten",
                lambda tau, gain, dt: -dt / math.log10(1 - dt / tau * (1 - gain)),
                "A time constant is the time to fall to 1/e, not to a tenth.",
                _CLOCK,
            ),
        ),
        another=lambda tau, gain, dt: float(-dt / np.log1p(dt * (gain - 1) / tau)),
    ),
    Exercise(
        id="gain-2",
        label="ex-gain-left",
        chapter=_CHAPTER,
        title="How much is left?",
        kind="number",
        function="left",
        difficulty=1,
        importance=4,
        minutes=5,
        reference=_what_is_left,
        cases=lambda draw: [()],
        wrong=(
            Wrong(
                "as if the gain were shut all the time",
                math.exp(-4),
                "The gain starts at 1, and then the mode loses nothing. It loses more and more.",
                _MOVING,
            ),
            Wrong(
                "as if the gain stayed open",
                1.0,
                "That is the mode under a gain of 1. This gain falls.",
                _MOVING,
            ),
            Wrong(
                "what is lost",
                1 - math.exp(-2),
                "Asked for is what the mode still has.",
                _MOVING,
            ),
            Wrong(
                "the mean gain",
                0.5,
                "The mean gain says how fast the mode leaks on average, not how much is left.",
                _MOVING,
            ),
            Wrong(
                "the time constant forgotten",
                math.exp(-20),
                "The exponent has no unit: the integral is divided by τ.",
                _MOVING,
            ),
            Wrong(
                "percent",
                100 * math.exp(-2),
                "The mode starts at 1, not at 100: what is left of it is a number below 1.",
                _MOVING,
            ),
            Wrong(
                "growth",
                math.exp(2),
                "A gain below 1 cannot make this mode grow. Look at the sign.",
                _MOVING,
            ),
        ),
        another=lambda: np.prod(1 - 0.001 * np.arange(0, 40, 0.01) / 40),  # 4,000 short steps
        also=(
            Also(0.14, "Two digits are enough. It is 0.135 to three."),
            Also(0.13, "Cut off after two digits. It is 0.135 to three, so 0.14 is nearer."),
        ),
        rtol=0.01,
    ),
    Exercise(
        id="gain-3",
        label="ex-gain-for-a-ramp",
        chapter=_CHAPTER,
        title="Which gain draws a straight line?",
        kind="code",
        difficulty=3,
        importance=5,
        minutes=15,
        function="gain_for",
        arguments=("t", "tau"),
        reference=_gain_for,
        cases=_moments,
        example=(torch.tensor([0.0, 30.0, 60.0], dtype=torch.float64), 10.0),
        wrong=(
            Wrong(
                "the slope with the wrong sign",
                lambda t, tau: 1 + tau / 100 / (1 - t / 100),
                "Your gain is above 1: the mode rises. The line falls.",
                _MOVING,
            ),
            Wrong(
                "one gain for the whole line",
                lambda t, tau: 1 - tau / 100 + 0 * t,
                "A constant gain gives an exponential. What leaks is in proportion to w.",
                _MOVING,
            ),
            Wrong(
                "the leak forgotten",
                lambda t, tau: -tau / 100 / (1 - t / 100),
                "The gain must also replace what leaks. With yours the mode loses more.",
                _MOVING,
            ),
            Wrong(
                "the line itself",
                lambda t, tau: 1 - t / 100 + 0 * tau,
                "This is what w should be. The gain says how w changes.",
                _MOVING,
            ),
            Wrong(
                "the time constant forgotten",
                lambda t, tau: 1 - 1 / 100 / (1 - t / 100) + 0 * tau,
                "A slower unit leaks less, and so needs another gain.",
                _MOVING,
            ),
        ),
        another=lambda t, tau: np.array([(100 - s - tau) / (100 - s) for s in np.asarray(t)]),
    ),
    Exercise(
        id="gain-4",
        label="ex-gain-flicker",
        chapter=_CHAPTER,
        title="A gain that flickers",
        kind="experiment",
        difficulty=2,
        importance=3,
        minutes=20,
        function="left_under",
        arguments=("gain", "nonlinearity"),
        reference=functions.left_under,
        cases=functions.flickers,
        wrong=(
            Wrong(
                "not a fraction",
                lambda gain, phi: functions.left_in_a_network(gain, phi, divide_by=1.0),
                "Asked for is which part of the start is left. The mode starts at 25.",
                _MOVING,
            ),
            Wrong(
                "as if tanh did not bend",
                lambda gain, phi: functions.left_under(gain, identity),
                "Does your network use the nonlinearity that it is given? And does it start at 25 "
                "times ℓ? Weak activity does not feel the bending.",
                _MOVING,
            ),
            Wrong(
                "steps of a whole ms",
                lambda gain, phi: functions.left_in_a_network(gain, phi, dt=1.0),
                "Your 120 steps take 120 ms. The trial has 60 ms, in steps of 0.5 ms.",
                _MOVING,
            ),
            Wrong(
                "the mean gain in place of the gain",
                lambda gain, phi: functions.left_under(gain.mean() + 0 * gain, phi),
                "In a tanh network it matters when the gain is open. Use it step by step.",
                _MOVING,
            ),
            Wrong(
                "a step too many",
                lambda gain, phi: functions.left_under(torch.cat([gain, gain[-1:]]), phi),
                "60 ms are 120 steps of 0.5 ms. How many does your network take?",
                _MOVING,
            ),
            Wrong(
                "a step too few",
                lambda gain, phi: functions.left_under(gain[:-1], phi),
                "60 ms are 120 steps of 0.5 ms. Which state do you read: that after the last one?",
                _MOVING,
            ),
            Wrong(
                "the closed form",
                functions.left_by_closed_form,
                "Asked for is what the simulated network keeps, in steps of 0.5 ms. And the closed "
                "form knows no tanh.",
                _MOVING,
            ),
            Wrong(
                "what is lost",
                lambda gain, phi: 1 - functions.left_under(gain, phi),
                "Asked for is the part that is left.",
                _MOVING,
            ),
        ),
        another=functions.left_in_a_network,
        rtol=1e-3,
        rtol_in=functions.tolerance,
        seconds=20.0,
        rubric=(
            "No prediction and no measurement.",
            "A measurement for one period, or without the constant gain to compare with.",
            "Several periods in the linear network, and the reason from the closed form.",
            "In addition the tanh network with large activity, and why the closed form says "
            "nothing there; the time step is named as a limit.",
        ),
    ),
    Exercise(
        id="gain-5",
        label="ex-gain-rows-or-columns",
        chapter=_CHAPTER,
        title="Does it matter where the knob is?",
        kind="derivation",
        difficulty=3,
        importance=3,
        minutes=15,
        rubric=(
            "Nothing, or an example with numbers.",
            "The two matrices are written down: gains on the rows, gains on the columns.",
            "A proof that both have the same eigenvalues, and what that means near rest.",
            "In addition: what differs between the two (the eigenvectors, the size of the latent "
            "variables), and what happens to the proof when a gain is zero.",
        ),
    ),
    Exercise(
        id="gain-6",
        label="ex-gain-tempo",
        chapter=_CHAPTER,
        title="Set the tempo",
        kind="code",
        difficulty=3,
        importance=4,
        minutes=15,
        function="predicted_period",
        arguments=("gains", "overlap", "tau"),
        reference=_predicted_period,
        cases=_rotors,
        example=(
            torch.tensor([1.0, 0.5], dtype=torch.float64),
            torch.tensor([[1.5, -1.5], [1.5, 1.5]], dtype=torch.float64),
            100.0,
        ),
        wrong=(
            Wrong(
                "a forgotten gain",
                _period(lambda a, w, tau: _TWO_PI * tau * a / w, lambda gains, overlap: overlap),
                "With yours the gains drop out of the ratio. Each stands on one row of Ω only.",
                _SPECTRUM,
            ),
            Wrong(
                "the gain counted twice",
                _period(
                    lambda a, w, tau: _TWO_PI * tau * a / w,
                    lambda gains, overlap: torch.diag(gains) @ overlap @ torch.diag(gains),
                ),
                "There is one gain on each rank-one term: rows or columns of Ω, not both.",
                _SPECTRUM,
            ),
            Wrong(
                "a linear rhythm",
                _period(lambda a, w, tau: _TWO_PI * tau / w),
                "That is how fast small activity turns. On the cycle the bending of tanh slows it.",
                _SPECTRUM,
            ),
            Wrong(
                "the ratio upside down",
                _period(lambda a, w, tau: _TWO_PI * tau * w / a),
                "A faster rotation must give a shorter period.",
                _SPECTRUM,
            ),
            Wrong(
                "turns in place of radians",
                _period(lambda a, w, tau: tau * a / w),
                "One period is one turn. How many radians is that?",
                _SPECTRUM,
            ),
            Wrong(
                "the time constant forgotten",
                _period(lambda a, w, tau: _TWO_PI * a / w),
                "Your period is in units of τ. Asked for is one in ms.",
                _SPECTRUM,
            ),
        ),
        another=_by_trace,
    ),
)
