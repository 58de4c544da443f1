"""Exercises of *Seeing over time*."""

from __future__ import annotations

import math
from collections.abc import Callable

from nmcourse.exercises.checking.record import Exercise, Wrong
from nmcourse.exercises.vision.seeing_over_time_answers import (
    answer_time,
    answer_time_by_running,
    chains,
    equilibrium_slope,
    equilibrium_slope_by_difference,
    gate_time_constant,
    gate_time_constant_by_halving,
    gates,
    outputs,
    steps_until_answer,
    steps_until_answer_by_running,
    units,
)

_CHAPTER = "book/vision/seeing_over_time"
_STEPS = "No leak: a network in discrete time"
_GATES = "Gates in place of the leak"
_ROOT = "Standing still: the equilibrium network"
_READY = "When is an answer ready?"

EXERCISES = (
    Exercise(
        id="over-time-1",
        label="ex-time-steps",
        chapter=_CHAPTER,
        title="How many steps until an image is read out?",
        kind="code",
        difficulty=2,
        importance=4,
        minutes=15,
        function="steps_until_answer",
        arguments=("n_areas", "skips"),
        reference=steps_until_answer,
        cases=chains,
        example=(3, False),
        integer=True,
        wrong=(
            Wrong(
                "until the last area",
                lambda n_areas, skips: (n_areas + 1 + 1) // 2 if skips else n_areas,
                "How many areas does the readout see?",
                _STEPS,
            ),
            Wrong(
                "skips forgotten",
                lambda n_areas, skips: max(1, n_areas - 1) + 0 * skips,
                "A skip leads around an area. Who else sees the stem in the first step?",
                _STEPS,
            ),
            Wrong(
                "a step for the stem",
                lambda n_areas, skips: steps_until_answer(n_areas, skips) + 1,
                "The stem keeps nothing: it is computed within the step.",
                _STEPS,
            ),
            Wrong(
                "all areas within a step",
                lambda n_areas, skips: 1 + 0 * n_areas + 0 * skips,
                "That is so where areas are updated one after the other, from shallow to deep. "
                "Here all are updated at once.",
                _STEPS,
            ),
            Wrong(
                "counted from zero",
                lambda n_areas, skips: steps_until_answer(n_areas, skips) - 1,
                "One area alone: how many steps have been made when its rates depend on the image?",
                _STEPS,
            ),
            Wrong(
                "half the areas, always",
                lambda n_areas, skips: max(1, n_areas // 2) + 0 * skips,
                "Without skips a signal passes one area a step.",
                _STEPS,
            ),
        ),
        another=steps_until_answer_by_running,
    ),
    Exercise(
        id="over-time-2",
        label="ex-time-gate",
        chapter=_CHAPTER,
        title="The time constant of a gate",
        kind="code",
        difficulty=2,
        importance=4,
        minutes=10,
        function="gate_time_constant",
        arguments=("gate", "dt"),
        reference=gate_time_constant,
        cases=gates,
        example=(0.8, 2.0),
        wrong=(
            Wrong(
                "Euler's step",
                lambda gate, dt: dt / (1 - gate),
                "This is the τ that an Euler step of a leak would have. What is left of a "
                "difference after dt, exactly?",
                _GATES,
            ),
            Wrong(
                "the share that goes",
                lambda gate, dt: -dt / math.log(1 - gate),
                "A gate of 1 keeps everything. Which time constant belongs to that?",
                _GATES,
            ),
            Wrong(
                "a logarithm to base ten",
                lambda gate, dt: -dt / math.log10(gate),
                "After one time constant a share of 1/e is left, not a tenth.",
                _GATES,
            ),
            Wrong(
                "a half-life",
                lambda gate, dt: -dt * math.log(2) / math.log(gate),
                "After one time constant 1/e is left, not a half.",
                _GATES,
            ),
            Wrong(
                "in steps",
                lambda gate, dt: -1 / math.log(gate) + 0 * dt,
                "So many steps. How many milliseconds?",
                _GATES,
            ),
            Wrong(
                "in proportion to the gate",
                lambda gate, dt: dt * gate,
                "A gate near 1 remembers for very long.",
                _GATES,
            ),
        ),
        another=gate_time_constant_by_halving,
    ),
    Exercise(
        id="over-time-3",
        label="ex-time-root",
        chapter=_CHAPTER,
        title="The slope of a root",
        kind="code",
        difficulty=3,
        importance=4,
        minutes=20,
        function="equilibrium_slope",
        arguments=("w", "x"),
        reference=equilibrium_slope,
        cases=units,
        example=(0.5, 0.4),
        rtol=1e-4,
        wrong=(
            Wrong(
                "one step",
                lambda w, x: _steep(w, x) * _rate(w, x),
                "This is what one step does when the rate before it stays. But that rate changes "
                "as well.",
                _ROOT,
            ),
            Wrong(
                "the slope of φ forgotten",
                lambda w, x: _rate(w, x) / (1 - w),
                "The current changes so much. And the rate?",
                _ROOT,
            ),
            Wrong(
                "the wrong sign",
                lambda w, x: _rate(w, x) * _steep(w, x) / (1 + w * _steep(w, x)),
                "Excitation has to make the slope larger.",
                _ROOT,
            ),
            Wrong(
                "the slope in the input",
                lambda w, x: _steep(w, x) / (1 - w * _steep(w, x)),
                "This is dr*/dx. By what is a change of w multiplied?",
                _ROOT,
            ),
            Wrong(
                "the bare weight in the denominator",
                lambda w, x: _rate(w, x) * _steep(w, x) / (1 - w),
                "What comes back passes φ once more.",
                _ROOT,
            ),
            Wrong(
                "the slope at the input alone",
                lambda w, x: (
                    math.tanh(x) * (1 - math.tanh(x) ** 2) / (1 - w * (1 - math.tanh(x) ** 2))
                ),
                "The slope of φ is taken where the unit stands still, with its own rate as input.",
                _ROOT,
            ),
        ),
        another=equilibrium_slope_by_difference,
    ),
    Exercise(
        id="over-time-4",
        label="ex-time-last",
        chapter=_CHAPTER,
        title="Right at one step",
        kind="derivation",
        difficulty=3,
        importance=5,
        minutes=20,
        rubric=(
            "Nothing, or the statement that such a network is badly trained.",
            "A state that changes after the trained step, without a reason why the answer does.",
            "In addition two multipliers, the answer as the sign of a sum of both, and the step "
            "at which it changes.",
            "In addition why a loss at every step, or a longer trial, makes this less likely, and "
            "why a leak alone does not.",
        ),
    ),
    Exercise(
        id="over-time-5",
        label="ex-time-ready",
        chapter=_CHAPTER,
        title="How soon does a filter answer?",
        kind="code",
        difficulty=3,
        importance=5,
        minutes=15,
        function="answer_time",
        arguments=("before", "after", "tau"),
        reference=answer_time,
        cases=outputs,
        example=([1.0, 0.0], [0.0, 1.0], 10.0),
        wrong=(
            Wrong(
                "the first rival only",
                lambda before, after, tau: _overtakes(before, after, tau, min),
                "The answer is ready when the last of all rivals is overtaken.",
                _READY,
            ),
            Wrong(
                "the largest rival at the end",
                lambda before, after, tau: _overtakes_one(
                    before, after, tau, sorted(range(len(after)), key=lambda k: after[k])[-2]
                ),
                "Another class may have led by more before the image came.",
                _READY,
            ),
            Wrong(
                "the largest at the start",
                lambda before, after, tau: _overtakes_one(
                    before, after, tau, max(range(len(before)), key=lambda k: before[k])
                ),
                "The class that led at first may fall quickly; another one may be overtaken later.",
                _READY,
            ),
            Wrong(
                "a threshold",
                lambda before, after, tau: tau * math.log(2) + 0 * before[0] + 0 * after[0],
                "Half way is not where classes cross. Which difference changes its sign?",
                _READY,
            ),
            Wrong(
                "a margin upside down",
                lambda before, after, tau: -answer_time(before, after, tau),
                "A time after the image came is positive.",
                _READY,
            ),
            Wrong(
                "in time constants",
                lambda before, after, tau: answer_time(before, after, tau) / tau,
                "So many time constants. How many milliseconds?",
                _READY,
            ),
        ),
        another=answer_time_by_running,
    ),
    Exercise(
        id="over-time-6",
        label="ex-time-manner",
        chapter=_CHAPTER,
        title="Another manner of training",
        kind="experiment",
        difficulty=3,
        importance=4,
        minutes=40,
        rubric=(
            "No prediction and no measurement.",
            "One other manner, and whether it holds an image.",
            "In addition a prediction before the run, the second image, and how many networks "
            "learnt.",
            "In addition images seen and learning rates made equal, both starts, and how large a "
            "difference so few networks could have shown.",
        ),
    ),
)


def _rate(w: float, x: float) -> float:
    """The root of r = tanh(w r + x), by small steps."""
    r = 0.0
    for _ in range(4000):
        r += 0.05 * (math.tanh(w * r + x) - r)
    return r


def _steep(w: float, x: float) -> float:
    return 1 - _rate(w, x) ** 2


def _overtakes_one(before: list[float], after: list[float], tau: float, rival: int) -> float:
    best = max(range(len(after)), key=lambda k: after[k])
    start, end = before[best] - before[rival], after[best] - after[rival]
    return tau * math.log((end - start) / end) if start < 0 < end else 0.0


def _overtakes(
    before: list[float], after: list[float], tau: float, which: Callable[[list[float]], float]
) -> float:
    best = max(range(len(after)), key=lambda k: after[k])
    times = [_overtakes_one(before, after, tau, k) for k in range(len(after)) if k != best]
    return float(which(times))
