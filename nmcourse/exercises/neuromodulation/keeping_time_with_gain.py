"""Exercises of *Keeping time with gain*."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from scipy.special import ndtri

from nmcourse.exercises.checking.record import Also, Draw, Exercise, Wrong
from nmcourse.exercises.neuromodulation import keeping_time_with_gain_answers as functions

_CHAPTER = "book/neuromodulation/keeping_time_with_gain"


def _steps_needed(ell: torch.Tensor, g: float, learning_rate: float) -> float:
    return float(1 / (g * learning_rate * ell.abs().sum()))


def _directions(draw: Draw) -> list[tuple[torch.Tensor, float, float]]:
    cases = []
    for n in (4, 20, 106, draw.integer(30, 300)):
        ell = draw.normal(n)
        ell[0], ell[1] = -abs(ell[0]) - 0.5, abs(ell[1])  # both signs occur
        cases.append((ell / ell.norm(), draw.uniform(0.005, 1), draw.uniform(0.002, 0.05)))
    return cases


def _ratio_interval(theirs: np.ndarray, ours: np.ndarray, n_draws: int = 4000) -> np.ndarray:
    source = np.random.default_rng(0)
    medians = []
    for values in (theirs, ours):
        seeds = source.integers(0, len(values), size=(n_draws, len(values)))
        medians.append(np.median(values[seeds], axis=1))
    return np.quantile(medians[0] / medians[1], [0.025, 0.975])


def _bootstrap(
    measure: Any = np.median,
    ends: tuple[float, float] = (0.025, 0.975),
    paired: bool = False,
    replace: bool = True,
    upside_down: bool = False,
) -> Any:
    """The bootstrap of the exercise with one part of it changed."""

    def interval(theirs: np.ndarray, ours: np.ndarray, n_draws: int = 4000) -> np.ndarray:
        source, measured = np.random.default_rng(1), []
        seeds = np.zeros(0, dtype=int)
        for values in (theirs, ours):
            if not (paired and len(seeds)):
                size = (n_draws, len(values))
                seeds = source.integers(0, len(values), size=size)
                seeds = seeds if replace else np.argsort(source.random(size), axis=1)
            measured.append(measure(np.asarray(values)[seeds], axis=1))
        first, second = measured[::-1] if upside_down else measured
        return np.quantile(first / second, ends)

    return interval


def _median_of_ratios(theirs: np.ndarray, ours: np.ndarray, n_draws: int = 4000) -> np.ndarray:
    source = np.random.default_rng(1)
    drawn = [source.choice(values, (n_draws, len(values))) for values in (theirs, ours)]
    return np.quantile(np.median(drawn[0] / drawn[1], axis=1), [0.025, 0.975])


def _draw_by_draw(theirs: Any, ours: Any, n_draws: int = 4000) -> list[float]:
    source = torch.Generator().manual_seed(5)

    def median(values: torch.Tensor) -> torch.Tensor:
        seeds = torch.randint(len(values), (n_draws, len(values)), generator=source)
        return values[seeds].quantile(0.5, dim=1)

    ratios = median(torch.as_tensor(theirs)) / median(torch.as_tensor(ours))
    return [float(ratios.quantile(end)) for end in (0.025, 0.975)]


def _errors(draw: Draw) -> list[tuple[np.ndarray, np.ndarray, int]]:
    cases = []
    # Even spacing, nearly: then the quantiles hardly depend on the draws. The second sample has
    # many values near its median and a few far away: there the median of ratios is another one.
    for n, power in ((12, 1), (20, 2)):
        normal = ndtri((np.arange(n) + 0.5) / n)
        normal = np.sign(normal) * np.abs(normal) ** power
        theirs, ours = (normal + 0.05 * draw.normal(n).numpy() for _ in "ab")
        scale = draw.uniform(3, 5)
        cases.append((2 * scale * np.exp(1.7 * theirs), scale * np.exp(1.3 * ours), 50_000))
    theirs, ours, _ = cases[0]
    return [(theirs, ours, 1), *cases]


def _first_step(gradient: float, learning_rate: float) -> float:
    return -learning_rate * gradient / (abs(gradient) + 1e-8)


def _gradients(draw: Draw) -> list[tuple[float, float]]:
    sizes = [draw.uniform(0.1, 5), -draw.uniform(0.1, 5), 1e-6, -1e-8, 3e-9]
    return [(size, draw.uniform(1e-4, 0.1)) for size in sizes]


def _all_of_adam(gradient: float, learning_rate: float) -> torch.Tensor:
    first, second = 0.1 * gradient, 0.001 * gradient**2  # of the averages that began at zero
    first, second = first / (1 - 0.9), second / (1 - 0.999)
    return torch.tensor(-learning_rate * first / (math.sqrt(second) + 1e-8), dtype=torch.float64)


_BUDGET, _LEFT, _ADAM = "Same scaling", "What remains", "An optimiser that starts anew"
_HARM = "What each gain is for"

EXERCISES = (
    Exercise(
        id="time-1",
        label="ex-time-correlation-size",
        chapter=_CHAPTER,
        title="What a correlation leaves out",
        kind="derivation",
        difficulty=1,
        importance=4,
        minutes=10,
        rubric=(
            "Nothing, or an example with numbers.",
            "Shows that a factor, or an offset, leaves the correlation as it is; not both.",
            "Shows both, and what a negative factor does.",
            "In addition: says what follows for a gain that moves in the fourth decimal only, and "
            "that the span does not know the order of the trials.",
        ),
    ),
    Exercise(
        id="time-2",
        label="ex-time-hold-mean",
        chapter=_CHAPTER,
        title="Level or movement?",
        kind="experiment",
        difficulty=2,
        importance=5,
        minutes=15,
        function="held_at_mean",
        arguments=("network", "inputs", "k"),
        reference=functions.held_at_mean,
        cases=functions.modulated,
        read=functions.outputs_of,
        wrong=(
            Wrong(
                "silenced",
                functions.under(lambda gains, k: functions.put(gains, k, 0.0)),
                "That is *zero*. The mean of a gain is the level that it usually has.",
                _HARM,
            ),
            Wrong(
                "held where it starts",
                functions.under(lambda gains, k: functions.put(gains, k, gains[0, 0, k])),
                "The first step is one level of many. Take the mean over all steps.",
                _HARM,
            ),
            Wrong(
                "all gains held",
                functions.under(lambda gains, k: gains.mean(dim=(0, 1)).expand_as(gains)),
                "Only gain k is held. The others move as before.",
                _HARM,
            ),
            Wrong(
                "the mean of all gains",
                functions.under(lambda gains, k: functions.put(gains, k, gains.mean())),
                "Each gain has a mean of its own. Choose the component before you average.",
                _HARM,
            ),
            Wrong(
                "the mean over trials only",
                functions.under(
                    lambda gains, k: functions.put(gains, k, gains[..., k].mean(0).expand(4, 30))
                ),
                "Yours still moves in time, in every trial alike. It should have one level.",
                _HARM,
            ),
            Wrong(
                "the mean over time only",
                functions.under(
                    lambda gains, k: functions.put(gains, k, gains[..., k].mean(1, keepdim=True))
                ),
                "Yours still differs from trial to trial. It should have one level.",
                _HARM,
            ),
            Wrong(
                "another component",
                lambda network, inputs, k: functions.held_at_mean(network, inputs, (k - 1) % 3),
                "Python counts from 0: component k is `gains[..., k]`.",
                _HARM,
            ),
            Wrong(
                "nothing held",
                lambda network, inputs, k: network,
                "These are the outputs of the intact network.",
                _HARM,
            ),
        ),
        another=functions.under(lambda gains, k: functions.put(gains, k, gains[..., k].mean())),
        rtol=1e-4,
        rubric=(
            "No measurement.",
            "The error under mean ablation, for one network or one component.",
            "All thirty components under the three ablations, compared by their medians.",
            "In addition: says which part of the harm is due to the level and which to the "
            "movement, and what the control of the slope adds to that.",
        ),
    ),
    Exercise(
        id="time-3",
        label="ex-time-overlap-steps",
        chapter=_CHAPTER,
        title="How long does it take to grow a recurrence?",
        kind="code",
        difficulty=3,
        importance=5,
        minutes=15,
        function="steps_needed",
        arguments=("ell", "g", "learning_rate"),
        reference=_steps_needed,
        cases=_directions,
        example=(torch.tensor([0.6, -0.8], dtype=torch.float64), 0.5, 0.01),
        wrong=(
            Wrong(
                "a step of fixed length",
                lambda ell, g, rate: float(1 / (g * rate * ell.norm())),
                "AdamW limits each weight by itself, not the length of the whole step.",
                _BUDGET,
            ),
            Wrong(
                "signs forgotten",
                lambda ell, g, rate: float(1 / (g * rate * ell.sum())),
                "Each weight may move up or down. Which direction raises the overlap?",
                _BUDGET,
            ),
            Wrong(
                "one weight only",
                lambda ell, g, rate: float(1 / (g * rate * ell.abs().max())),
                "All entries of the vector move in each step, not only one.",
                _BUDGET,
            ),
            Wrong(
                "the scaling forgotten",
                lambda ell, g, rate: float(1 / (rate * ell.abs().sum())),
                "The factor g stands in front of the overlap, so it also shrinks each gain of it.",
                _BUDGET,
            ),
            Wrong(
                "the gain of one step",
                lambda ell, g, rate: float(g * rate * ell.abs().sum()),
                "That is how much the overlap grows in one step. How many does it take?",
                _BUDGET,
            ),
        ),
        another=lambda ell, g, rate: 1 / np.dot(g * rate * np.sign(ell), np.asarray(ell)),
        also=(
            Also(
                lambda ell, g, rate: math.ceil(_steps_needed(ell, g, rate)),
                "You have rounded up to whole steps. The number of the course is not rounded.",
            ),
        ),
    ),
    Exercise(
        id="time-4",
        label="ex-time-ten-seeds",
        chapter=_CHAPTER,
        title="How sure can ten seeds be?",
        kind="code",
        difficulty=3,
        importance=5,
        minutes=20,
        function="ratio_interval",
        arguments=("theirs", "ours", "n_draws"),
        reference=_ratio_interval,
        cases=_errors,
        wrong=(
            Wrong(
                "drawn without replacement",
                _bootstrap(replace=False),
                "Ten seeds out of ten, each once: every draw is the same set. Put them back.",
                _LEFT,
            ),
            Wrong(
                "one draw for both models",
                _bootstrap(paired=True),
                "Seed 3 of one model has nothing to do with seed 3 of the other. Draw twice.",
                _LEFT,
            ),
            Wrong(
                "means in place of medians",
                _bootstrap(measure=np.mean),
                "One seed that failed moves a mean. The chapter compares medians.",
                _LEFT,
            ),
            Wrong(
                "the ratio upside down",
                _bootstrap(upside_down=True),
                "Above 1 should mean that the other model has the larger error.",
                _LEFT,
            ),
            Wrong(
                "the quartiles",
                _bootstrap(ends=(0.25, 0.75)),
                "Between the quartiles lies one half of the draws. Asked for is 95 % of them.",
                _LEFT,
            ),
            Wrong(
                "five per cent at each end",
                _bootstrap(ends=(0.05, 0.95)),
                "Five per cent at each end leaves 90 % between them.",
                _LEFT,
            ),
            Wrong(
                "the median of ratios",
                _median_of_ratios,
                "No seed of one model belongs to a seed of the other. Take the two medians first.",
                _LEFT,
            ),
        ),
        another=_draw_by_draw,
        read=functions.ends,
        remark=functions.another_number,
        rtol=0.06,
        seconds=20.0,
    ),
    Exercise(
        id="time-5",
        label="ex-time-adam-first-step",
        chapter=_CHAPTER,
        title="The first step of Adam",
        kind="code",
        difficulty=2,
        importance=4,
        minutes=10,
        function="first_step",
        arguments=("gradient", "learning_rate"),
        reference=_first_step,
        cases=_gradients,
        example=(1e-6, 0.01),
        wrong=(
            Wrong(
                "always the learning rate",
                lambda gradient, rate: rate,
                "A weight moves against its gradient, and a gradient has a sign. And how far does "
                "it move for a gradient of 1e-8?",
                _ADAM,
            ),
            Wrong(
                "plain gradient descent",
                lambda gradient, rate: -rate * gradient,
                "Adam divides by the root of the mean square. What is it after one step?",
                _ADAM,
            ),
            Wrong(
                "up the gradient",
                lambda gradient, rate: rate * gradient / (abs(gradient) + 1e-8),
                "The step should make the loss smaller.",
                _ADAM,
            ),
            Wrong(
                "no bias correction",
                lambda gradient, rate: -rate * 0.1 * gradient / (0.001**0.5 * abs(gradient) + 1e-8),
                "The averages begin at zero. The factors with β and t make up for that.",
                _ADAM,
            ),
            Wrong(
                "the small constant forgotten",
                lambda gradient, rate: -rate * math.copysign(1.0, gradient),
                "For large gradients this is right. Try a gradient of 1e-8.",
                _ADAM,
            ),
            Wrong(
                "the small constant under the root",
                lambda gradient, rate: -rate * gradient / math.sqrt(gradient**2 + 1e-8),
                "In the equations ε is added after the root is taken.",
                _ADAM,
            ),
        ),
        another=_all_of_adam,
        also=(
            Also(
                lambda gradient, rate: abs(_first_step(gradient, rate)),
                "This is how far the weight moves. The step itself goes against the gradient.",
            ),
        ),
    ),
)
