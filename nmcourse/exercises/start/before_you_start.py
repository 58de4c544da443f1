"""Exercises of "Before you start"."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from nmcourse.exercises.checking.record import Draw, Exercise, Wrong

_CHAPTER = "book/start/before_you_start"


def _n_steps(duration: float, dt: float) -> int:
    return round(duration / dt)


def _durations(draw: Draw) -> list[tuple[float, float]]:
    # Quotients that come out whole, a little below and a little above a whole number.
    cases = [(1100.0, 10.0), (4.35, 0.15), (0.7, 0.1), (2.1, 0.3)]
    return cases + [(draw.integer(2, 400) * dt, dt) for dt in (0.1, 0.3, 2.5, 20.0) for _ in "ab"]


def _simulate(tau: float) -> torch.Tensor:
    return (1 - 10.0 / tau) ** torch.arange(1, 51, dtype=torch.float64)


def _find_tau(record: torch.Tensor) -> float:
    return 10.0 / (1 - float(record[0]))


def _by_least_squares(record: Any) -> float:
    logs = torch.as_tensor(record).log()
    steps = torch.arange(1, len(logs) + 1, dtype=logs.dtype)
    kept = math.exp(float((steps * logs).sum() / (steps**2).sum()))  # of each step
    return 10.0 / (1 - kept)


def _stopped_early(cases: Sequence[tuple[Any, ...]], results: Sequence[np.ndarray]) -> str:
    """What is said where every result has left the guess and not arrived."""
    for (record,), found in zip(cases, results, strict=True):
        if found.size != 1 or not 0.02 < (found.item() - 100) / (_find_tau(record) - 100) < 1:
            return ""
    return (
        "All your results lie between the guess of 100 ms and the time constant of the record: the "
        "loop ends before the two agree. Let it make more steps, or longer ones."
    )


EXERCISES = (
    Exercise(
        id="start-1",
        label="ex-steps-of-a-trial",
        chapter=_CHAPTER,
        title="How many steps is a trial?",
        kind="code",
        difficulty=1,
        importance=2,
        minutes=5,
        function="n_steps",
        arguments=("duration", "dt"),
        reference=_n_steps,
        cases=_durations,
        example=(0.3, 0.1),
        wrong=(
            Wrong(
                "not rounded",
                lambda duration, dt: duration / dt,
                "This is a quotient. A loop can be repeated a whole number of times only.",
                "How a page works",
            ),
            Wrong(
                "a number with a decimal point",
                lambda duration, dt: float(round(duration / dt)),
                "The value is right, and its type is not: `range` takes 3 and refuses 3.0.",
                "How a page works",
            ),
            Wrong(
                "cut off instead of rounded",
                lambda duration, dt: int(duration / dt),
                "A quotient that should be 3 can be 2.9999999999999996 in a computer.",
                "How a page works",
            ),
            Wrong(
                "a floor division",
                lambda duration, dt: int(duration // dt),
                "`//` cuts off as well, and looks at rounding errors in `dt`: try `1.0 // 0.1`.",
                "How a page works",
            ),
            Wrong(
                "rounded up",
                lambda duration, dt: math.ceil(duration / dt),
                "A quotient can also come out a little above the whole number that it should be.",
                "How a page works",
            ),
            Wrong(
                "points instead of steps",
                lambda duration, dt: round(duration / dt) + 1,
                "You counted the ends of the steps, and the start. Two steps have three of these.",
                "How a page works",
            ),
            Wrong(
                "divided the wrong way round",
                lambda duration, dt: round(dt / duration),
                "A shorter time step must give more steps, not fewer.",
                "How a page works",
            ),
        ),
        another=lambda duration, dt: np.int64(duration / dt + 0.5),
        rtol=0.0,
        integer=True,
    ),
    Exercise(
        id="start-2",
        label="ex-find-the-leak",
        chapter=_CHAPTER,
        title="Find the leak",
        kind="code",
        difficulty=2,
        importance=4,
        minutes=25,
        function="find_tau",
        arguments=("record",),
        reference=_find_tau,
        cases=lambda draw: [(_simulate(draw.uniform(*ends)),) for ends in ((50, 90), (110, 160))],
        example=(_simulate(80.0),),
        wrong=(
            Wrong(
                "the guess, never moved",
                lambda record: 100.0,
                "This is the guess that you began with. Does the loop reach the optimiser's step?",
                "One exercise that needs it all",
            ),
            Wrong(
                "the logarithm of the time constant",
                lambda record: math.log(_find_tau(record)),
                "Your parameter is a logarithm. What was asked for is in ms.",
                "One exercise that needs it all",
            ),
            Wrong(
                "an exponential in place of Euler's steps",
                lambda record: -10.0 / math.log(float(record[0])),
                "The record was made in steps of 10 ms. Compare it with steps of the same length.",
                "One exercise that needs it all",
            ),
            Wrong(
                "a rate instead of a time constant",
                lambda record: 1 / _find_tau(record),
                "Your result is per ms. A time constant is in ms.",
                "One exercise that needs it all",
            ),
        ),
        another=_by_least_squares,
        remark=_stopped_early,
        rtol=2e-3,
        seconds=20.0,
    ),
)
