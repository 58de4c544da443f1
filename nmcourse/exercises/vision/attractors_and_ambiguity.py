"""Exercises of *Attractors and ambiguity*."""

from __future__ import annotations

import math

import torch

from nmcourse.exercises.checking.record import Exercise, Wrong
from nmcourse.exercises.vision.attractors_and_ambiguity_answers import (
    eigenvalues,
    likeness,
    likeness_by_turning,
    places,
    ring_order,
    ring_order_by_complex_numbers,
    shapes,
    time_constant,
    time_constant_by_halving,
)

_CHAPTER = "book/vision/attractors_and_ambiguity"
_SHAPE = "The shape of a memory"
_HELD = "Left alone"
_ALIKE = "The same computation?"


def _unit(x: torch.Tensor) -> torch.Tensor:
    x = x - x.mean(dim=0)
    return x / x.norm()


EXERCISES = (
    Exercise(
        id="attractors-1",
        label="ex-attractors-order",
        chapter=_CHAPTER,
        title="In the order of the stimuli",
        kind="code",
        difficulty=2,
        importance=4,
        minutes=10,
        function="ring_order",
        arguments=("place", "angle"),
        reference=ring_order,
        cases=places,
        example=(torch.tensor([0.0, -2.0, -4.0]), torch.tensor([0.0, 2.0, 4.0])),
        wrong=(
            Wrong(
                "one direction",
                lambda place, angle: float(
                    torch.hypot((place - angle).cos().mean(), (place - angle).sin().mean())
                ),
                "A ring may be passed through the other way round: principal components have no "
                "sign.",
                _SHAPE,
            ),
            Wrong(
                "the cosine alone",
                lambda place, angle: max(
                    float((place - turn * angle).cos().mean()) for turn in (1, -1)
                ),
                "Add 1 to every place. Is the ring out of order now?",
                _SHAPE,
            ),
            Wrong(
                "a sum in place of a mean",
                lambda place, angle: len(place) * ring_order(place, angle),
                "A perfect ring has order 1, whatever the number of stimuli.",
                _SHAPE,
            ),
            Wrong(
                "the mean of the lengths",
                lambda place, angle: float(
                    torch.hypot((place - angle).cos(), (place - angle).sin()).mean()
                ),
                "Each arrow has length 1. The order is the length of their mean.",
                _SHAPE,
            ),
            Wrong(
                "the square",
                lambda place, angle: ring_order(place, angle) ** 2,
                "This is the square of the length of the mean arrow. Did you leave out the root?",
                _SHAPE,
            ),
        ),
        another=ring_order_by_complex_numbers,
    ),
    Exercise(
        id="attractors-2",
        label="ex-attractors-time",
        chapter=_CHAPTER,
        title="How long a push is felt",
        kind="code",
        difficulty=2,
        importance=5,
        minutes=10,
        function="time_constant",
        arguments=("eigenvalue", "dt"),
        reference=time_constant,
        cases=eigenvalues,
        example=(0.5 + 0.5j, 20.0),
        wrong=(
            Wrong(
                "the real part",
                lambda eigenvalue, dt: -dt / math.log(eigenvalue.real),
                "A complex eigenvalue turns a push while it shrinks it. What does the shrinking?",
                _HELD,
            ),
            Wrong(
                "the time constant of the equation",
                lambda eigenvalue, dt: dt / (1 - abs(eigenvalue)),
                "This holds for small steps. Here the push is multiplied once for each step.",
                _HELD,
            ),
            Wrong(
                "steps in place of milliseconds",
                lambda eigenvalue, dt: -1 / math.log(abs(eigenvalue)) + 0 * dt,
                "This counts steps. How long is one?",
                _HELD,
            ),
            Wrong(
                "a negative time",
                lambda eigenvalue, dt: dt / math.log(abs(eigenvalue)),
                "The logarithm of a number below one is negative.",
                _HELD,
            ),
            Wrong(
                "to one tenth",
                lambda eigenvalue, dt: -dt / math.log10(abs(eigenvalue)),
                "In this time a push falls to a tenth. A time constant leaves 37 %, one over e.",
                _HELD,
            ),
        ),
        another=time_constant_by_halving,
    ),
    Exercise(
        id="attractors-3",
        label="ex-attractors-likeness",
        chapter=_CHAPTER,
        title="Up to a rotation",
        kind="code",
        difficulty=3,
        importance=5,
        minutes=15,
        function="likeness",
        arguments=("x", "y"),
        reference=likeness,
        cases=shapes,
        example=(
            torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]]),
            torch.tensor([[0.0, 0.0], [0.0, 1.0], [3.0, 0.0]]),
        ),
        wrong=(
            Wrong(
                "not turned",
                lambda x, y: float((_unit(x) * _unit(y)).sum()),
                "Unit 3 of one network is not unit 3 of the other. Which rotation is best?",
                _ALIKE,
            ),
            Wrong(
                "not centred",
                lambda x, y: float(torch.linalg.svdvals((x / x.norm()).mT @ (y / y.norm())).sum()),
                "Both means are part of this. Where a shape lies should not count.",
                _ALIKE,
            ),
            Wrong(
                "not scaled",
                lambda x, y: float(
                    torch.linalg.svdvals((x - x.mean(dim=0)).mT @ (y - y.mean(dim=0))).sum()
                ),
                "Twice as much activity gives twice this number. A shape has no size.",
                _ALIKE,
            ),
            Wrong(
                "the largest alone",
                lambda x, y: float(torch.linalg.svdvals(_unit(x).mT @ _unit(y)).max()),
                "This fits one direction of each. All directions are turned together.",
                _ALIKE,
            ),
            Wrong(
                "the squares",
                lambda x, y: float((_unit(x).mT @ _unit(y)).square().sum()),
                "This sums the squares of the singular values. Try it on a shape and itself: is "
                "it 1?",
                _ALIKE,
            ),
        ),
        another=likeness_by_turning,
    ),
    Exercise(
        id="attractors-4",
        label="ex-attractors-triangle",
        chapter=_CHAPTER,
        title="Two near neighbours, far apart",
        kind="derivation",
        difficulty=3,
        importance=4,
        minutes=15,
        rubric=(
            "Nothing, or three networks without distances.",
            "The disparity as the square of the sine of the angle.",
            "In addition three shapes in one plane for which the way by the middle is shorter.",
            "In addition why angles cannot do this, and what it spoils in a mean of distances.",
        ),
    ),
    Exercise(
        id="attractors-5",
        label="ex-attractors-longer",
        chapter=_CHAPTER,
        title="A memory that lasts",
        kind="experiment",
        difficulty=3,
        importance=4,
        minutes=40,
        rubric=(
            "No prediction and no measurement.",
            "One network trained on longer delays or with more noise, with its change when held.",
            "In addition several seeds, a prediction made before, and the slowest time constants.",
            "In addition what the longer delay costs: steps to learn, right answers, and the gap.",
        ),
    ),
)
