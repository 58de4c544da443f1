"""Homework of *Before you start*: a leaky unit with another leak and another resting level."""

from __future__ import annotations

from typing import Any

import numpy as np

from nmcourse.exercises.checking.record import Draw
from tools.teaching.homework._record import Homework, Mistake, Part, Version

_BROADCAST = "1. Broadcasting"
_EQUATION = "4. A differential equation"
_EULER = "5. Taylor and one Euler step"
_CHAIN = "6. The chain rule"
_STEPS = "How a page works"


def _build(leak: float, rest: float) -> Version:
    a, c = repr(leak), repr(rest)
    return Version(
        homework="start",
        chapter="book/start/before_you_start",
        title="A unit that comes to rest elsewhere",
        statement=(
            "The activity $x$ of a unit obeys\n\n"
            rf"$$ \tau\, \dot x = -{leak:g}\,(x - c), \qquad c = {rest:g} . $$"
            "\n\nThis is the leaky unit of chapter 0 with two changes. The leak has a factor, and "
            "the unit comes to rest at $c$ in place of 0. (Which equation does the distance "
            r"$x - c$ obey?) $\tau$ is the time constant, $\Delta t$ the time step of Euler's "
            r"method (in the code `tau` and `dt`); all times are in ms. "
            "All arrays are NumPy arrays."
        ),
        common="",
        parts=(_decays(a, c), _steps(a, c), _slope(a, c)),
    )


def _decays(a: str, c: str) -> Part:
    def solution(level: str, exponent: str, tail: str = "") -> str:
        return f"kept = np.exp({exponent})\nreturn {level} * kept{tail}"

    exact = f"-{a} * times[:, None] / tau"
    return Part(
        name="a",
        title="Many trials, many units",
        points=3,
        task=(
            "`start`, of shape (trial,), holds $x$ at time 0 for each trial. `tau`, of shape "
            "(unit,), holds the time constant of each unit. `times`, of shape (time,), "
            "holds the times at which $x$ is wanted. In a "
            "trial all units begin at the same $x$. Return the exact solution of the equation "
            "(no Euler steps) as an array of shape (trial, time, unit)."
        ),
        function="decays",
        arguments=("start", "tau", "times"),
        describes="Return the solution x, of shape (trial, time, unit).",
        body=solution(f"{c} + (start[:, None, None] - {c})", exact),
        another=(
            "found = np.zeros((len(start), len(times), len(tau)))\n"
            "for unit, own in enumerate(tau):\n"
            f"    found[:, :, unit] = {c} + np.outer(start - {c}, np.exp(-{a} * times / own))\n"
            "return found"
        ),
        mistakes=(
            Mistake(
                "the leak of the chapter",
                solution(f"{c} + (start[:, None, None] - {c})", "-times[:, None] / tau"),
                "Read the equation once more: is its leak the one that you know?",
                _EQUATION,
            ),
            Mistake(
                "at rest at zero",
                solution("start[:, None, None]", exact),
                "Where is a unit of this equation after a very long time? Where is yours?",
                _EQUATION,
            ),
            Mistake(
                "all of the start decays",
                solution(f"{c} + start[:, None, None]", exact),
                "Put in the time 0. Is your unit where it should begin?",
                _EQUATION,
            ),
            Mistake(
                "a slower leak",
                solution(f"{c} + (start[:, None, None] - {c})", f"-times[:, None] / ({a} * tau)"),
                "Does the factor of the leak stretch the time axis, or shorten it?",
                _EQUATION,
            ),
            Mistake(
                "the order of the axes",
                f"kept = np.exp(-{a} * times / tau[:, None])\n"
                f"return {c} + (start[:, None, None] - {c}) * kept",
                "Which axis comes last in your result, and which one was asked for?",
                _BROADCAST,
            ),
        ),
        cases=_trials,
        example=(np.array([1.0, 2.0]), np.array([50.0, 100.0]), np.array([0.0, 50.0, 100.0])),
    )


def _steps(a: str, c: str) -> Part:
    def after(n: str, leak: str = a) -> str:
        return f"n = {n}\nreturn {c} + (start - {c}) * (1 - {leak} * dt / tau) ** n"

    return Part(
        name="b",
        title="As many steps as fit",
        points=3,
        task=(
            "Now with Euler's method, in steps of `dt` ms that together last `duration` ms. "
            "`start` is a number, `tau` has the shape (unit,). Return $x$ of every unit at the "
            "end, of shape (unit,). The steps fit into the duration, but mind that `0.3 / 0.1` "
            "is not quite 3 in a computer."
        ),
        function="after_steps",
        arguments=("start", "tau", "dt", "duration"),
        describes="Return x of every unit after Euler steps of dt ms, of shape (unit,).",
        body=after("round(duration / dt)"),
        another=(
            "x = np.full(len(tau), float(start))\n"
            "for _ in range(int(duration / dt + 0.5)):\n"
            f"    x = x + dt * (-{a} * (x - {c}) / tau)\n"
            "return x"
        ),
        mistakes=(
            Mistake(
                "cut off instead of rounded",
                after("int(duration / dt)"),
                "A quotient that should be a whole number can come out a little below it.",
                _STEPS,
            ),
            Mistake(
                "rounded up",
                after("int(np.ceil(duration / dt))"),
                "A quotient can also come out a little above the whole number that it should be.",
                _STEPS,
            ),
            Mistake(
                "points instead of steps",
                after("round(duration / dt) + 1"),
                "You counted the ends of the steps, and the start. Two steps have three of these.",
                _STEPS,
            ),
            Mistake(
                "the exact solution",
                f"return {c} + (start - {c}) * np.exp(-{a} * round(duration / dt) * dt / tau)",
                "This solves the equation. Euler's method makes an error, and it is asked for.",
                _EULER,
            ),
            Mistake(
                "the leak of the chapter",
                after("round(duration / dt)", leak="1"),
                "Read the equation once more: is its leak the one that you know?",
                _EQUATION,
            ),
            Mistake(
                "at rest at zero",
                f"return start * (1 - {a} * dt / tau) ** round(duration / dt)",
                "Where is a unit of this equation after a very long time? Where is yours?",
                _EQUATION,
            ),
            Mistake(
                "one long step",
                f"return {c} + (start - {c}) * (1 - {a} * duration / tau)",
                "Each step leaks from what the last one left, not from the first value.",
                _EULER,
            ),
        ),
        cases=_durations,
        example=(2.0, np.array([1.0, 2.0]), 0.1, 0.3),
    )


def _slope(a: str, c: str) -> Part:
    def chain(product: str) -> str:
        return (
            f"kept = 1 - {a} * dt / tau\n"
            f"end = {c} + (start - {c}) * kept**n_steps\n"
            f"return {product}"
        )

    inner = f"(start - {c}) * n_steps * kept ** (n_steps - 1)"
    of_tau = f"{a} * dt / tau**2"
    return Part(
        name="c",
        title="The slope of an error",
        points=4,
        task=(
            r"One unit, and $x_n$ is its activity after $n$ = `n_steps` Euler steps. The error is "
            r"$E = (x_n - \text{target})^2$. Return $\mathrm dE/\mathrm d\tau$, per ms, with the "
            "chain rule and without autograd. All arguments are numbers, and so is the result."
        ),
        function="slope",
        arguments=("start", "tau", "dt", "n_steps", "target"),
        describes="Return the derivative of the squared error with respect to tau.",
        body=chain(f"2 * (end - target) * {inner} * {of_tau}"),
        another=(
            "x, dx = start, 0.0  # dx is the derivative of x\n"
            "for _ in range(n_steps):\n"
            f"    dx = dx - {a} * dt * (dx / tau - (x - {c}) / tau**2)\n"
            f"    x = x - {a} * dt * (x - {c}) / tau\n"
            "return 2 * (x - target) * dx"
        ),
        mistakes=(
            Mistake(
                "the two of the square",
                chain(f"(end - target) * {inner} * {of_tau}"),
                "What is the derivative of a square?",
                _CHAIN,
            ),
            Mistake(
                "the slope with respect to the activity",
                chain("2 * (end - target)"),
                "This is how the error depends on the activity. How does the activity depend on "
                "the time constant?",
                _CHAIN,
            ),
            Mistake(
                "the slope with respect to the rate",
                chain(f"2 * (end - target) * {inner} * (-{a} * dt)"),
                "Your derivative is with respect to one over the time constant. A factor of the "
                "chain is missing.",
                _CHAIN,
            ),
            Mistake(
                "the wrong sign",
                chain(f"-2 * (end - target) * {inner} * {of_tau}"),
                "Make the unit slower. Is more left of the start then, or less?",
                _CHAIN,
            ),
            Mistake(
                "the last step alone",
                chain(f"2 * (end - target) * (start - {c}) * kept ** (n_steps - 1) * {of_tau}"),
                "The time constant acts in every step, not in one of them only.",
                _CHAIN,
            ),
            Mistake(
                "the slope of the exact solution",
                f"time = {a} * n_steps * dt / tau\n"
                f"gone = (start - {c}) * np.exp(-time)\n"
                f"return 2 * ({c} + gone - target) * gone * time / tau",
                "This is right for the solution of the equation. Asked for are Euler's steps.",
                _EULER,
            ),
        ),
        cases=_errors,
        example=(2.0, 50.0, 10.0, 3, 0.0),
    )


def _trials(draw: Draw) -> list[tuple[Any, ...]]:
    found = []
    for n_trials, n_units, n_times in ((3, 4, 5), (1, 2, 3), (5, 3, 2), (2, 6, 9)):
        start = 1.5 + draw.normal(n_trials).numpy()
        tau = np.array([draw.uniform(20, 200) for _ in range(n_units)])
        found.append((start, tau, np.cumsum([draw.uniform(5, 40) for _ in range(n_times)])))
    return found


def _durations(draw: Draw) -> list[tuple[Any, ...]]:
    found = []
    for dt, n_steps in ((0.1, 7), (0.15, 29), (10.0, draw.integer(4, 20)), (0.3, 7), (0.1, 3)):
        tau = np.array([dt * draw.uniform(8, 40) for _ in range(draw.integer(2, 5))])
        found.append((draw.uniform(1, 3), tau, dt, round(n_steps * dt, 10)))
    return found


def _errors(draw: Draw) -> list[tuple[Any, ...]]:
    return [
        (
            draw.uniform(1, 3),
            draw.uniform(40, 120),
            draw.uniform(2, 10),
            draw.integer(2, 12),
            draw.uniform(-2, -0.7),
        )
        for _ in range(5)
    ]


HOMEWORK = Homework(
    name="start",
    settings={
        "leak": (0.5, 1.5, 2.0, 2.5, 3.0),
        "rest": (-0.75, -0.5, -0.25, 0.25, 0.5, 0.75),
    },
    build=_build,
)
