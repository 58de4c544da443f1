"""Exercises of *Why gain gates*."""

from __future__ import annotations

import numpy as np

from nmcourse.exercises.checking.record import Draw, Exercise, Wrong

_CHAPTER = "book/neuromodulation/why_gain_gates"
_LEAK = "From a leak to a gate"
_MISSING = "The gates that are missing"
_OUTPUT = "Which gain makes this output?"


def _forget_gate(gain: float, tau: float, dt: float) -> float:
    return 1 - dt / tau * (1 - gain)


def _modes(draw: Draw) -> list[tuple[float, float, float]]:
    taus = [draw.uniform(20, 150) for _ in range(5)]
    return [(draw.uniform(0.05, 0.9), tau, tau * draw.uniform(0.1, 0.6)) for tau in taus]


def _error(gain: float, input_gate: float) -> float:
    return input_gate**2 / (gain**2 + input_gate**2)


def _gates(draw: Draw) -> list[tuple[float, float]]:
    return [(draw.uniform(0.2, 0.9), draw.uniform(0.15, 0.85)) for _ in range(6)]


def _error_by_normal_equation(gain: float, input_gate: float) -> float:
    readout = gain / (gain**2 + input_gate**2)
    return float((1 - readout * gain) ** 2 + (readout * input_gate) ** 2)


def _shortest(overlap: float, d: float, tau: float) -> float:
    return tau / ((overlap - 1) * (-0.5 - d))


def _loops(draw: Draw) -> list[tuple[float, float, float]]:
    return [(draw.uniform(1.5, 8), draw.uniform(-3, -0.9), draw.uniform(20, 150)) for _ in range(6)]


EXERCISES = (
    Exercise(
        id="gates-1",
        label="ex-gates-range",
        chapter=_CHAPTER,
        title="The range of a gate",
        kind="code",
        difficulty=2,
        importance=4,
        minutes=10,
        function="forget_gate",
        arguments=("gain", "tau", "dt"),
        reference=_forget_gate,
        cases=_modes,
        example=(0.5, 100.0, 10.0),
        wrong=(
            Wrong(
                "the gain itself",
                lambda gain, tau, dt: gain + 0 * tau * dt,
                "That is right where the time step is the time constant. A slow unit keeps more.",
                _LEAK,
            ),
            Wrong(
                "the gain times the share",
                lambda gain, tau, dt: dt / tau * gain,
                "With a gain of 1 nothing leaks, whatever the time step.",
                _LEAK,
            ),
            Wrong(
                "the bare leak",
                lambda gain, tau, dt: 1 - dt / tau + 0 * gain,
                "That is the gate for a gain of 0. Recurrence pays a part of the leak back.",
                _LEAK,
            ),
            Wrong(
                "what is lost",
                lambda gain, tau, dt: dt / tau * (1 - gain),
                "A forget gate says what survives, not what is lost.",
                _LEAK,
            ),
            Wrong(
                "continuous time",
                lambda gain, tau, dt: float(np.exp(-dt / tau * (1 - gain))),
                "The network takes an Euler step. This is what the equation would leave.",
                _LEAK,
            ),
        ),
        another=lambda gain, tau, dt: (tau - dt + dt * gain) / tau,
    ),
    Exercise(
        id="gates-2",
        label="ex-gates-epsilon",
        chapter=_CHAPTER,
        title="How small is too small?",
        kind="experiment",
        difficulty=3,
        importance=3,
        minutes=20,
        rubric=(
            "No prediction and no measurement.",
            "The difference is measured with noise for several ε, without an explanation.",
            "In addition the reason why rounding does no harm, and the 1/ε of the noise.",
            "In addition the best ε from the two parts, compared with the measured one.",
        ),
    ),
    Exercise(
        id="gates-3",
        label="ex-gates-error",
        chapter=_CHAPTER,
        title="One formula for two gates",
        kind="code",
        difficulty=2,
        importance=3,
        minutes=10,
        function="error",
        arguments=("gain", "input_gate"),
        reference=_error,
        cases=_gates,
        example=(1.0, 1.0),
        wrong=(
            Wrong(
                "a readout that is not fitted",
                lambda gain, input_gate: (1 - gain) ** 2 + input_gate**2,
                "This reads w as it is. The best readout multiplies it by a number.",
                _MISSING,
            ),
            Wrong(
                "what is known of the item",
                lambda gain, input_gate: gain**2 / (gain**2 + input_gate**2),
                "That is the part of the variance that the readout gets right.",
                _MISSING,
            ),
            Wrong(
                "amplitudes in place of variances",
                lambda gain, input_gate: input_gate / (gain + input_gate),
                "Independent parts add in their variances, not in their sizes.",
                _MISSING,
            ),
            Wrong(
                "the distractor after a readout by 1/s",
                lambda gain, input_gate: input_gate**2 / gain**2,
                "Dividing by the gain makes the item right and the distractor too large.",
                _MISSING,
            ),
        ),
        another=_error_by_normal_equation,
    ),
    Exercise(
        id="gates-4",
        label="ex-gates-borrow",
        chapter=_CHAPTER,
        title="Borrow a gate",
        kind="derivation",
        difficulty=3,
        importance=4,
        minutes=15,
        rubric=(
            "Nothing, or one gain path that depends on the item or on the distractors.",
            "The idea that the second mode should hold the distractors alone.",
            "Both gain paths, the readout, and a proof that it gives the item at every step.",
            "In addition what it costs: sums that grow, noise that adds, units that saturate.",
        ),
    ),
    Exercise(
        id="gates-5",
        label="ex-gates-shortest",
        chapter=_CHAPTER,
        title="The shortest ramp",
        kind="code",
        difficulty=3,
        importance=4,
        minutes=15,
        function="shortest_interval",
        arguments=("overlap", "d", "tau"),
        reference=_shortest,
        cases=_loops,
        example=(6.0, -2.0, 100.0),
        wrong=(
            Wrong(
                "the end of the ramp",
                lambda overlap, d, tau: tau / ((overlap - 1) * (0.5 - d)),
                "At its end the ramp is furthest from d. Where is the gain largest?",
                _OUTPUT,
            ),
            Wrong(
                "the middle of the ramp",
                lambda overlap, d, tau: tau / ((overlap - 1) * (0.0 - d)),
                "The gain must stay below 1 during the whole ramp, not in the middle only.",
                _OUTPUT,
            ),
            Wrong(
                "the leak forgotten",
                lambda overlap, d, tau: tau / (overlap * (-0.5 - d)),
                "A part of the recurrence is spent on what leaks.",
                _OUTPUT,
            ),
            Wrong(
                "the distance from zero",
                lambda overlap, d, tau: tau / ((overlap - 1) * 0.5) + 0 * d,
                "What the loop multiplies is the output without its offset, f − d.",
                _OUTPUT,
            ),
            Wrong(
                "the slope in place of the interval",
                lambda overlap, d, tau: (overlap - 1) * (-0.5 - d) / tau,
                "This is the steepest slope, per ms. Asked for is an interval.",
                _OUTPUT,
            ),
        ),
        another=lambda overlap, d, tau: -tau / (overlap - 1) / (d + 0.5),
    ),
)
