"""Homework of *One network, many tasks*.

Figures that look the same after a part of a turn, and their score.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from nmcourse.exercises.checking.record import Draw
from tools.teaching.homework._record import Homework, Mistake, Part, Version

_TASKS = "One stimulus, four instructions"
_METRIC = "The metric that could not fail"
_FIGURES = {3: "triangle", 4: "square", 5: "pentagon", 6: "hexagon"}
_CHANNELS = {"sine": ("sine", "cosine"), "cosine": ("cosine", "sine")}


def _build(fold: int, first: str, share: int, grace: int) -> Version:
    one, other = _CHANNELS[first]
    return Version(
        homework="tasks",
        chapter="book/neuromodulation/one_network_many_tasks",
        title="A figure that was turned",
        statement=(
            f"The stimulus is a regular {_FIGURES[fold]}, turned by an angle. It looks the same "
            rf"after $1/{fold}$ of a turn. So its *orientation* $\theta$ is an angle from 0 up to "
            rf"$P = 2\pi/{fold}$, and two orientations that differ by $P$ are the same. The "
            "subject answers with an orientation, as it does with an angle in chapter 7. Its "
            "outputs have three channels:\n\n"
            "| channel | 0 | 1 | 2 |\n|---|---|---|---|\n"
            rf"| output | fixation | {one} of ${fold}\,\theta$ | {other} of ${fold}\,\theta$ |"
            "\n\nThe two channels of the answer may both be too large or too small by the same "
            "factor above 0. All angles are in rad. All arrays are NumPy arrays."
        ),
        common="",
        parts=(
            _answered(fold, first),
            _distance(fold),
            _score(fold, share, grace),
            _known(fold),
        ),
    )


def _answered(fold: int, first: str) -> Part:
    s, c = (1, 2) if first == "sine" else (2, 1)
    angle = f"np.arctan2(outputs[:, {s}], outputs[:, {c}])"
    period = f"2 * np.pi / {fold}"
    return Part(
        name="a",
        title="The answered orientation",
        points=3,
        task=(
            "`outputs` has the shape (trial, 3): the outputs at the last step. Return the answered "
            "orientations, from 0 up to $P$, an array of shape (trial,)."
        ),
        function="orientation",
        arguments=("outputs",),
        describes="Return the answered orientation of each trial, in [0, P), of shape (trial,).",
        body=f"return {angle} / {fold} % ({period})",
        another=(
            f"z = outputs[:, {c}] + 1j * outputs[:, {s}]\n"
            "turned = np.angle(z)\n"
            f"return np.where(turned < 0, turned + 2 * np.pi, turned) / {fold}"
        ),
        mistakes=(
            Mistake(
                "the fraction in an arctan",
                f"return np.arctan(outputs[:, {s}] / outputs[:, {c}]) / {fold} % ({period})",
                "What does your formula make of an answer and of its opposite, both signs changed?",
                _METRIC,
            ),
            Mistake(
                "the angle of the pair",
                f"return {angle} % (2 * np.pi)",
                "The channels do not hold the sine and cosine of the orientation itself.",
                _TASKS,
            ),
            Mistake(
                "the channels exchanged",
                f"return np.arctan2(outputs[:, {c}], outputs[:, {s}]) / {fold} % ({period})",
                "Which of the two channels is the sine? Look at the table.",
                _TASKS,
            ),
            Mistake(
                "negative orientations",
                f"return {angle} / {fold}",
                "In which range does arctan2 return an angle, and which range is asked for?",
                _METRIC,
            ),
            Mistake(
                "the period of the pair",
                f"return {angle} / {fold} % (2 * np.pi)",
                "Is each of your orientations in the range that is asked for?",
                _METRIC,
            ),
        ),
        cases=_answers,
        example=(np.array([[1.0, 1.0, 1.0], [0.0, -2.0, 1.0], [0.0, -0.5, -0.5]]),),
    )


def _distance(fold: int) -> Part:
    period = f"2 * np.pi / {fold}"
    folded = "apart = np.abs(one - other) % ({0})\nreturn np.minimum(apart, {0} - apart)"
    return Part(
        name="b",
        title="How far apart?",
        points=2,
        task=(
            "`one` and `other` are arrays of shape (trial,) with angles by which the figure was "
            "turned: *any* numbers, not only those from 0 to $P$. Return the smallest angle, from "
            "0 to $P/2$, by which the figure of the first array must be turned, this way or that, "
            "to look like that of the second. The result has the shape (trial,)."
        ),
        function="distance",
        arguments=("one", "other"),
        describes="Return the distance of the orientations of each trial, of shape (trial,).",
        body=folded.format(f"({period})"),
        another=(
            f"turned = np.exp(1j * {fold} * (np.asarray(one) - np.asarray(other)))\n"
            f"return np.abs(np.angle(turned)) / {fold}"
        ),
        mistakes=(
            Mistake(
                "the distance on a full circle",
                folded.format("(2 * np.pi)"),
                "A figure need not come all the way round to look the same.",
                _TASKS,
            ),
            Mistake(
                "one way only",
                f"return np.abs(one - other) % ({period})",
                "The figure may be turned in either direction. Which one is shorter?",
                _METRIC,
            ),
            Mistake(
                "angles up to one period",
                f"apart = np.abs(one - other)\nreturn np.minimum(apart, np.abs({period} - apart))",
                "The angles are any numbers. What if they differ by more than one period?",
                _METRIC,
            ),
            Mistake(
                "a distance with a sign",
                f"return (one - other + {period} / 2) % ({period}) - {period} / 2",
                "A distance is not negative.",
                _METRIC,
            ),
        ),
        cases=_turns,
        example=(np.array([0.1, 0.2, 3.0, -7.0]), np.array([0.3, 0.0, 0.1, 0.2])),
    )


def _score(fold: int, share: int, grace: int) -> Part:
    tolerance = f"(2 * np.pi / {fold} / {share})"
    trial = "steps = np.arange(fixation.shape[1])\n"
    counts = f"counts = (steps >= {grace}) & (steps < go[:, None])\n"
    held = "held = np.where(counts, fixation > 0.5, True).all(axis=1)\n"
    near = f"near = errors <= {tolerance}\n"
    result = "return 100 * np.mean(held & near)"

    def score(counts: str = counts, held: str = held, near: str = near, end: str = result) -> str:
        return trial + counts + held + near + end

    return Part(
        name="c",
        title="The score",
        points=3,
        task=(
            "When is a trial correct? Both must hold: the fixation output is above 0.5 at every "
            f"step before go, where the first {grace} steps of a trial do not count; and the error "
            f"of the answer is at most $P/{share}$. `fixation` has the shape (trial, time), the "
            f"first step is step 0. `go` holds the step of go of each trial, a whole "
            f"number above {grace}; "
            "the step of go itself is not before go. `errors` holds the distances of part b. Both "
            "have the shape (trial,). Return the share of correct trials in percent, a number."
        ),
        function="percent_correct",
        arguments=("fixation", "go", "errors"),
        describes="Return the percentage of correct trials.",
        body=score(),
        another=(
            "correct = 0\n"
            "for line, end, error in zip(fixation, go, errors, strict=True):\n"
            f"    correct += min(line[{grace}:end]) > 0.5 and {share * fold} * error <= 2 * np.pi\n"
            "return 100 * correct / len(errors)"
        ),
        mistakes=(
            Mistake(
                "the first steps counted",
                score(counts="counts = steps < go[:, None]\n"),
                "From which step on does fixation count in this task?",
                _METRIC,
            ),
            Mistake(
                "one step too few counted",
                score(counts=f"counts = (steps > {grace}) & (steps < go[:, None])\n"),
                "The first step is step 0. Which number has the first step that counts?",
                _METRIC,
            ),
            Mistake(
                "held at the border as well",
                score(held=held.replace(">", ">=")),
                "*Above* leaves the border itself out.",
                _METRIC,
            ),
            Mistake(
                "the step of go counted",
                score(counts=f"counts = (steps >= {grace}) & (steps <= go[:, None])\n"),
                "At the go signal the subject may let go. Does your subject?",
                _METRIC,
            ),
            Mistake(
                "fixation to the end",
                score(counts=f"counts = (steps >= {grace}) & (go[:, None] > 0)\n"),
                "A subject that lets go after the go signal has done nothing wrong.",
                _METRIC,
            ),
            Mistake(
                "fixation on average",
                score(held="held = (counts * fixation).sum(axis=1) > 0.5 * counts.sum(axis=1)\n"),
                "One step at which fixation is lost makes the whole trial wrong.",
                _METRIC,
            ),
            Mistake(
                "the answer alone",
                score(end="return 100 * np.mean(near)"),
                "Invent a subject that never fixates and always answers right. What is its score?",
                _METRIC,
            ),
            Mistake(
                "the tolerance of the chapter",
                score(near="near = errors <= np.pi / 10\n"),
                "The tolerance here is a part of the period of the figure.",
                _METRIC,
            ),
            Mistake(
                "fractions in place of percent",
                score(end="return np.mean(held & near)"),
                "A subject that is always right scores 100.",
                _METRIC,
            ),
        ),
        cases=partial(_sessions, tolerance=2 * math.pi / fold / share, grace=grace),
        example=(
            np.array([[0.0] * grace + [0.9, 0.9, 0.0], [1.0] * grace + [1.0, 0.2, 0.0]]),
            np.array([grace + 2, grace + 2]),
            np.array([0.01, 0.01]),
        ),
    )


def _known(fold: int) -> Part:
    chance = f"chance = {fold} * tolerance / np.pi\n"
    return Part(
        name="d",
        title="How many without guessing?",
        points=2,
        task=(
            "A subject holds fixation. In a share $p$ of the trials it knows the orientation and "
            "answers right; in the others it guesses, with an orientation that is uniform from 0 "
            "to $P$. An answer is right if its error is at most `tolerance`, which is below $P/2$. "
            "The subject has done very many trials, and its score is `score` percent. Return $p$, "
            "a number (0 for a subject that always guesses, 1 for one that always knows)."
        ),
        function="share_known",
        arguments=("score", "tolerance"),
        describes="Return the share of trials in which the subject knew the orientation.",
        body=f"{chance}return (score / 100 - chance) / (1 - chance)",
        another=(
            f"wrong_guess = 1 - 2 * tolerance / (2 * np.pi / {fold})\n"
            "return 1 - (100 - score) / (100 * wrong_guess)"
        ),
        mistakes=(
            Mistake(
                "guesses on a full circle",
                "chance = tolerance / np.pi\nreturn (score / 100 - chance) / (1 - chance)",
                "From which range does the subject draw when it guesses?",
                _METRIC,
            ),
            Mistake(
                "one side of the orientation",
                f"chance = {fold} * tolerance / (2 * np.pi)\n"
                "return (score / 100 - chance) / (1 - chance)",
                "An answer may miss on either side and still be right.",
                _METRIC,
            ),
            Mistake(
                "chance taken away",
                f"{chance}return score / 100 - chance",
                "Try a subject that always knows. It did not guess in any trial.",
                _METRIC,
            ),
            Mistake(
                "the score as it is",
                "return score / 100 + 0 * tolerance",
                "Try a subject that always guesses. What is its score?",
                _METRIC,
            ),
            Mistake(
                "a share in percent",
                f"{chance}return 100 * (score / 100 - chance) / (1 - chance)",
                "What should come out for a subject that always knows?",
                _METRIC,
            ),
        ),
        cases=partial(_scores, half=math.pi / fold),
        example=(60.0, math.pi / fold / 4),
    )


def _answers(draw: Draw) -> list[tuple[Any, ...]]:
    return [(draw.normal(n, 3).numpy(),) for n in (4, 7, 12)]


def _turns(draw: Draw) -> list[tuple[Any, ...]]:
    return [(3 * draw.normal(n).numpy(), 3 * draw.normal(n).numpy()) for n in (5, 9, 16)]


def _sessions(draw: Draw, tolerance: float, grace: int) -> list[tuple[Any, ...]]:
    """Sessions of 44 trials; for each wrong score there are trials that it gets wrong."""
    found = []
    for _ in range(4):
        n, steps = 44, 25
        fixation = 0.75 + 0.2 * np.tanh(draw.normal(n, steps).numpy())
        go = np.array([draw.integer(grace + 4, steps - 4) for _ in range(n)])
        errors = tolerance * np.array([draw.uniform(0.1, 0.9) for _ in range(n)])
        kinds = [draw.integer(3, 6) for _ in range(6)]
        early, at_go, late, lost, never, far = np.split(np.arange(n), np.cumsum(kinds))[:6]
        fixation[early, draw.integer(0, grace - 1)] = 0.1
        fixation[at_go, go[at_go]] = 0.3
        fixation[late, -1] = 0.0
        fixation[lost, go[lost] - 1] = 0.2
        fixation[never] *= 0.2
        for trial in (-4, -6):
            fixation[trial, go[trial] - 2] = 0.5  # at the border, which is not above it
        fixation[-5, grace] = 0.1  # at the first step that counts
        low, high = sorted((tolerance, math.pi / 10))
        errors[far] = [draw.uniform(low + 0.1 * (high - low), high) for _ in far]
        errors[-3:] = high * draw.uniform(1.1, 1.3)
        found.append((fixation, go, errors))
    return found


def _scores(draw: Draw, half: float) -> list[tuple[float, float]]:
    return [(draw.uniform(45, 98), half * draw.uniform(0.1, 0.4)) for _ in range(6)]


HOMEWORK = Homework(
    name="tasks",
    settings={
        "fold": tuple(_FIGURES),
        "first": tuple(_CHANNELS),
        "share": (6, 8, 12),
        "grace": (3, 5),
    },
    build=_build,
)
