"""Homework of *Learning to keep time*.

A ramp of another height and length, and what an error means for it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nmcourse.exercises.checking.record import Draw
from tools.teaching.homework._record import Homework, Mistake, Part, Version

_TASK = "A task made of silence"
_ERROR = "What an error means"
_PRODUCED = "The interval that was produced"


def _build(levels: tuple[float, float], share: float, pause: float) -> Version:
    low, high = levels
    height, k = repr(high - low), repr(share)
    return Version(
        homework="keep-time",
        chapter="book/neuromodulation/learning_to_keep_time",
        title="A ramp after a pause",
        statement=(
            "A task like Measure-Wait-Go asks for another ramp. An interval of $I$ ms was "
            r"measured. After *go*, at $t_{\text{go}}$, the target $y^*$ "
            f"rests for another {pause:g} ms at its low level {low:g}. Then it rises along a "
            rf"straight line to its high level {high:g}. The rise takes ${share:g}\,I$, and the "
            "target stays high.\n\n"
            f"The *height* of the ramp is the difference of its levels, {high - low:g}. All times "
            "are in ms. All arrays are NumPy arrays."
        ),
        common="",
        parts=(
            _target(repr(low), repr(high), height, k, repr(pause)),
            _error(height),
            _miss(height, k),
            _made(k),
        ),
    )


def _target(low: str, high: str, height: str, k: str, pause: str) -> Part:
    def ramp(progress: str, shape: str = f"{low} + {height} * np.clip(progress, 0, 1)") -> str:
        return f"progress = {progress}\nreturn {shape}"

    right = f"(t - go - {pause}) / ({k} * interval)"
    return Part(
        name="a",
        title="The target",
        points=3,
        task=(
            "`t` is an array of times, of shape (time,); `go` and `interval` are numbers. Return "
            "$y^*$ at these times, an array of the shape of `t`."
        ),
        function="target",
        arguments=("t", "go", "interval"),
        describes="Return the target at the times t, of shape (time,).",
        body=ramp(right),
        another=(
            f"start = go + {pause}\nend = start + {k} * interval\n"
            f"return np.interp(t, [start, end], [{low}, {high}])"
        ),
        mistakes=(
            Mistake(
                "a rise of the interval itself",
                ramp(f"(t - go - {pause}) / interval"),
                "This ramp does not take as long as what was measured. Read the task again.",
                _TASK,
            ),
            Mistake(
                "no pause",
                ramp(f"(t - go) / ({k} * interval)"),
                "At the go pulse the target of this task does not move yet.",
                _TASK,
            ),
            Mistake(
                "the pause at the cost of the ramp",
                ramp(f"(t - go - {pause}) / ({k} * interval - {pause})"),
                "The pause moves the whole ramp. It does not make it steeper.",
                _TASK,
            ),
            Mistake(
                "the levels of the chapter",
                ramp(right, "np.clip(progress, 0, 1) - 0.5"),
                "Where does this target rest, and where does it end?",
                _TASK,
            ),
            Mistake(
                "a ramp that does not end",
                ramp(right, f"{low} + {height} * np.maximum(progress, 0)"),
                "Your target goes on rising. What does the bracket of the chapter do?",
                _TASK,
            ),
        ),
        cases=_trials,
        example=(np.array([400.0, 500.0, 600.0, 900.0]), 400.0, 160.0),
    )


def _error(height: str) -> Part:
    square = "mask * (outputs - targets) ** 2"
    of_trials = f"each = ({square}).sum(axis=1) / mask.sum(axis=1)\n"
    return Part(
        name="b",
        title="Every trial counts alike",
        points=3,
        task=(
            "Only a window around the ramp counts here, and it is longer for a long interval. "
            "Take the mean squared error of *each trial* over the steps where its mask is 1. Then "
            "take the mean over the trials, and divide it by the square of the height of the "
            "ramp. `outputs`, `targets` and `mask` have the shape (trial, time); the mask holds 1 "
            "or 0, and each trial has a 1. Return a number."
        ),
        function="relative_error",
        arguments=("outputs", "targets", "mask"),
        describes="Return the error in which every trial counts alike, relative to the height.",
        body=of_trials + f"return each.mean() / {height}**2",
        another=(
            "errors = []\n"
            "for y, wanted, counts in zip(outputs, targets, mask, strict=True):\n"
            f"    missed = (y - wanted)[counts > 0] / {height}\n"
            "    errors.append(np.mean(missed**2))\n"
            "return np.mean(errors)"
        ),
        mistakes=(
            Mistake(
                "every step counts alike",
                f"return ({square}).sum() / mask.sum() / {height}**2",
                "With your error a trial with a longer window counts more than the others.",
                _ERROR,
            ),
            Mistake(
                "the mask in the sum only",
                f"return ({square}).mean() / {height}**2",
                "Add silent steps that do not count, and your error shrinks. It should not.",
                _ERROR,
            ),
            Mistake(
                "no mask",
                f"return ((outputs - targets) ** 2).mean() / {height}**2",
                "What happens outside the window should not matter. With yours it does.",
                _ERROR,
            ),
            Mistake(
                "the height forgotten",
                of_trials + "return each.mean()",
                "Make the ramp and all outputs twice as high. A relative error stays as it is.",
                _ERROR,
            ),
            Mistake(
                "the height not squared",
                of_trials + f"return each.mean() / {height}",
                "A squared error has a squared unit. What would divide it away?",
                _ERROR,
            ),
        ),
        cases=_windows,
        example=(
            np.array([[0.5, 0.0, 1.0], [2.0, 1.0, 0.0]]),
            np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0]]),
            np.array([[1.0, 1.0, 0.0], [1.0, 0.0, 0.0]]),
        ),
    )


def _miss(height: str, k: str) -> Part:
    miss = "(made - asked) ** 2"
    longer = "(3 * duration * max(asked, made))"
    return Part(
        name="c",
        title="From milliseconds to an error",
        points=2,
        task=(
            "A network is asked for an interval of `asked` ms and makes the ramp of an interval "
            "of `made` ms. Its ramp is straight and starts at the right moment. The trial lasts "
            "`duration` ms, in which both ramps end, and its mask is 1 everywhere. Return the "
            "error of part b for this one trial, in continuous time: a "
            "number, from a formula of three numbers."
        ),
        function="error_of",
        arguments=("asked", "made", "duration"),
        describes="Return the relative error of the ramp of another interval.",
        body=f"return {k} * {miss} / {longer}",
        another=(
            f"one, other = sorted(({k} * asked, {k} * made))\n"
            "both_rise = one**3 * (1 / one - 1 / other) ** 2 / 3\n"
            "one_has_ended = (other - one) ** 3 / (3 * other**2)\n"
            "return (both_rise + one_has_ended) / duration"
        ),
        mistakes=(
            Mistake(
                "the formula of the chapter",
                f"return {miss} / {longer}",
                "That holds where the rise takes as long as the interval. How long is it here?",
                _ERROR,
            ),
            Mistake(
                "the height counted",
                f"return {height}**2 * {k} * {miss} / {longer}",
                "A higher ramp has a larger squared error. But what is it divided by in part b?",
                _ERROR,
            ),
            Mistake(
                "the length of the rise in the numerator only",
                f"return {k}**2 * {miss} / {longer}",
                "The chapter's formula holds for the lengths of two rises. There are more of them "
                "in it than in your numerator.",
                _ERROR,
            ),
            Mistake(
                "divided by what was asked",
                f"return {k} * {miss} / (3 * duration * asked)",
                "Exchange the two ramps: their difference stays the same. Does your error?",
                _ERROR,
            ),
            Mistake(
                "the integral, not its mean",
                f"return {k} * {miss} / (3 * max(asked, made))",
                "A mean over the trial knows how long the trial is.",
                _ERROR,
            ),
        ),
        cases=_pairs,
        example=(100.0, 150.0, 1000.0),
    )


def _made(k: str) -> Part:
    def both(e: str, shorter: str, longer: str) -> str:
        return f"e = {e}\nreturn np.array([{shorter}, {longer}])"

    e = f"3 * duration * error / {k}"
    below = "asked - np.sqrt(e * asked)"
    above = "asked + e / 2 + np.sqrt(e * asked + e**2 / 4)"
    return Part(
        name="d",
        title="And back",
        points=2,
        task=(
            "Somebody reports the `error` of part c for an interval of `asked` ms. Which intervals "
            "may the network have made? There are two: return the shorter and the longer one, in "
            "this order, as an array of shape (2,), in ms. (The error is so small that both exist.)"
        ),
        function="made_intervals",
        arguments=("error", "asked", "duration"),
        describes="Return the shorter and the longer interval that have this error, (2,).",
        body=both(e, below, above),
        another=(
            f"a = {k} / (3 * duration)  # a (made - asked)^2 = error * longer one of the two\n"
            "longer = np.roots([a, -2 * a * asked - error, a * asked**2]).real.max()\n"
            "shorter = np.roots([a, -2 * a * asked, a * asked**2 - error * asked]).real.min()\n"
            "return shorter, longer"
        ),
        mistakes=(
            Mistake(
                "as far above as below",
                both(e, below, "asked + np.sqrt(e * asked)"),
                "Which of the two ramps is the longer one, if the interval came out too long?",
                _ERROR,
            ),
            Mistake(
                "the rise of the chapter",
                both("3 * duration * error", below, above),
                "Put your intervals into part c. Does the error come back?",
                _ERROR,
            ),
            Mistake(
                "the share on the wrong side",
                both(f"3 * duration * error * {k}", below, above),
                "Put your intervals into part c. Does the error come back?",
                _ERROR,
            ),
            Mistake(
                "the misses",
                both(e, "-np.sqrt(e * asked)", "e / 2 + np.sqrt(e * asked + e**2 / 4)"),
                "You say by how much the network missed. Asked for is what it made.",
                _PRODUCED,
            ),
            Mistake(
                "the longer one first",
                both(e, above, below),
                "Look at the order in which the two are asked for.",
                _PRODUCED,
            ),
        ),
        cases=_reports,
        example=(0.002, 100.0, 1000.0),
    )


def _trials(draw: Draw) -> list[tuple[Any, ...]]:
    times = np.arange(0.0, 1200.0, 10.0)
    return [(times, draw.uniform(200, 400), draw.uniform(120, 260)) for _ in range(4)]


def _windows(draw: Draw) -> list[tuple[Any, ...]]:
    found = []
    for _ in range(4):
        n, steps = draw.integer(3, 6), 30
        outputs, targets = (draw.normal(n, steps).numpy() for _ in range(2))
        lengths = np.arange(n) * 3 + draw.integer(2, 8)  # no two windows are equally long
        mask = (np.arange(steps) < lengths[:, None]).astype(float)
        found.append((outputs, targets, np.roll(mask, draw.integer(1, 5), axis=1)))
    return found


def _pairs(draw: Draw) -> list[tuple[float, float, float]]:
    found = []
    for factor in (0.6, 0.8, 0.95, 1.1, 1.3, 1.7):
        asked = draw.uniform(60, 250)
        found.append((asked, asked * factor * draw.uniform(0.97, 1.03), draw.uniform(1e3, 2e3)))
    return found


def _reports(draw: Draw) -> list[tuple[float, float, float]]:
    return [
        (10 ** draw.uniform(-4, -2.3), draw.uniform(80, 250), draw.uniform(1e3, 1.5e3))
        for _ in range(6)
    ]


HOMEWORK = Homework(
    name="keep-time",
    settings={
        "levels": ((0.0, 2.0), (-1.0, 0.5), (0.5, 1.25), (-1.0, 2.0)),
        "share": (0.8, 1.25, 1.75, 2.5),
        "pause": (40.0, 60.0, 80.0),
    },
    build=_build,
)
