"""Answers to the exercises of the chapter "Seeing over time", and examples to try them on."""

from __future__ import annotations

import math
from collections.abc import Sequence

from nmcourse.exercises.checking.record import Draw


def steps_until_answer(n_areas: int, skips: bool) -> int:
    """The first area sees the stem after one step, each other one step after those below it."""
    first = [1] * min(2 if skips else 1, n_areas)
    while len(first) < n_areas:
        first.append(1 + min(first[-2:] if skips else first[-1:]))
    return min(first[-2:])


def steps_until_answer_by_running(n_areas: int, skips: bool) -> int:
    """Pass a mark from area to area, all at once, until one that is read out has it."""
    marked = [False] * n_areas
    for step in range(1, n_areas + 1):
        before = [True, *marked]  # the stem has the image from the start
        marked = [
            before[area] or (skips and area > 0 and before[area - 1]) for area in range(n_areas)
        ]
        if any(marked[-2:]):
            return step
    raise AssertionError("the mark passes one area a step")


def chains(draw: Draw) -> list[tuple[int, bool]]:
    return [
        (1, False), (2, False), (3, False), (2, True), (3, True), (draw.integer(4, 6), False),
        (2 * draw.integer(2, 3), True), (2 * draw.integer(2, 4) + 1, True),
        (draw.integer(7, 9), False),
    ]  # fmt: skip


def gate_time_constant(gate: float, dt: float) -> float:
    return -dt / math.log(gate)


def gate_time_constant_by_halving(gate: float, dt: float) -> float:
    """Bisect: the longer the time constant, the more is left after a step."""
    low, high = 1e-6, 1e9
    for _ in range(200):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if math.exp(-dt / middle) < gate else (low, middle)
    return low


def gates(draw: Draw) -> list[tuple[float, float]]:
    return [(0.5, 10.0), *((draw.uniform(0.1, 0.97), draw.uniform(2.0, 20.0)) for _ in range(5))]


def equilibrium_slope(w: float, x: float) -> float:
    rate = _root(w, x)
    steep = 1 - rate**2
    return rate * steep / (1 - w * steep)


def equilibrium_slope_by_difference(w: float, x: float) -> float:
    """Solve twice, with weights that differ a little."""
    step = 1e-5
    return (_root(w + step, x) - _root(w - step, x)) / (2 * step)


def _root(w: float, x: float) -> float:
    """R = tanh(w r + x) for w < 1, where there is one root: by bisection."""
    low, high = -1.0, 1.0
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if math.tanh(w * middle + x) > middle else (low, middle)
    return (low + high) / 2


def units(draw: Draw) -> list[tuple[float, float]]:
    return [
        (0.5, 0.4),
        (-2.0, 0.8),
        *((draw.uniform(-3, 0.8), draw.uniform(0.2, 1.2)) for _ in range(5)),
    ]


def answer_time(before: Sequence[float], after: Sequence[float], tau: float) -> float:
    best = max(range(len(after)), key=lambda k: after[k])
    times = [0.0]
    for k in range(len(after)):
        if k != best:
            start, end = before[best] - before[k], after[best] - after[k]
            if start < 0:
                times.append(tau * math.log((end - start) / end))
    return max(times)


def answer_time_by_running(before: Sequence[float], after: Sequence[float], tau: float) -> float:
    """Bisect the time from which the final answer leads."""
    best = max(range(len(after)), key=lambda k: after[k])

    def leads(t: float) -> bool:
        left = math.exp(-t / tau)
        y = [b * left + a * (1 - left) for b, a in zip(before, after, strict=True)]
        return all(y[best] >= other for other in y)

    if leads(0.0):
        return 0.0
    low, high = 0.0, 60.0 * tau
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (low, middle) if leads(middle) else (middle, high)
    return high


def outputs(draw: Draw) -> list[tuple[list[float], list[float], float]]:
    near = draw.uniform(-0.05, 0.05)
    cases = [
        ([1.0, 0.0], [0.0, 1.0], 10.0),
        ([0.0, 1.0], [0.5, 2.0], 10.0),
        ([1.0, 0.5], [0.9, 0.6], 10.0),  # the other class comes closer and never leads
        ([-1.0, 1.0, -0.9], [1.0 + near, 0.5, 0.6], 10.0),  # the first rival is the last to fall
        ([-1.0, 1.0, 0.0], [1.0 + near, 0.0, 0.9], 10.0),  # and here the second
    ]
    for _ in range(5):
        n, tau = draw.integer(3, 5), draw.uniform(5, 20)
        before = [draw.uniform(-1, 1) for _ in range(n)]
        after = [draw.uniform(-1, 1) for _ in range(n)]
        after[draw.integer(0, n - 1)] = 1.5
        before[after.index(1.5)] = -1.5  # so that every other class leads at first
        cases.append((before, after, tau))
    return cases
