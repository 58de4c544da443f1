"""Exercises of *Remembering one of many*."""

from __future__ import annotations

import numpy as np
import torch

from nmcourse.exercises.checking.record import Draw, Exercise, Wrong

_CHAPTER = "book/neuromodulation/remembering_one_of_many"
_GUESS = "What does a guess cost?"
_HAND = "By hand: three terms and their gates"
_LATE = "The element that comes too late"
_LOOK = "Attention"


def _parrot(a: float, length: int, chance: float) -> float:
    return ((1 - a) ** 2 / length + (1 - 1 / length) * (1 + a**2)) * chance


def _parrots(draw: Draw) -> list[tuple[float, int, float]]:
    return [(draw.uniform(-1.5, 1.5), draw.integer(2, 40), draw.uniform(0.2, 60)) for _ in range(6)]


def _floor(length: int, chance: float) -> float:
    return (1 - 1 / length) / length * chance


def _lists(draw: Draw) -> list[tuple[int, float]]:
    return [(draw.integer(3, 60), draw.uniform(0.2, 60)) for _ in range(5)]


def _floor_on_a_grid(length: int, chance: float) -> float:
    beta = np.linspace(0, 1, 400_001)
    return float(((1 - 1 / length) * beta**2 + (1 - beta) ** 2 / length).min() * chance)


def _gain(kept: float, n_steps: int) -> float:
    return 1 - 2 * (1 - kept ** (1 / n_steps))


def _memories(draw: Draw) -> list[tuple[float, int]]:
    return [(draw.uniform(0.5, 0.99), draw.integer(2, 60)) for _ in range(6)]


def _keys(n_places: int) -> torch.Tensor:
    place = torch.arange(float(n_places))
    return torch.stack([2 * place, -place.square()], dim=1)


EXERCISES = (
    Exercise(
        id="remember-1",
        label="ex-element-parrot",
        chapter=_CHAPTER,
        title="How loud should the parrot be?",
        kind="code",
        difficulty=2,
        importance=3,
        minutes=10,
        function="parrot_error",
        arguments=("a", "length", "chance"),
        reference=_parrot,
        cases=_parrots,
        example=(1.0, 25, 110 / 3),
        wrong=(
            Wrong(
                "every trial alike",
                lambda a, length, chance: (1 + a**2) * chance + 0 * length,
                "In one trial of T the last element is the right answer.",
                _GUESS,
            ),
            Wrong(
                "the lucky trials forgotten",
                lambda a, length, chance: (1 - 1 / length) * (1 + a**2) * chance,
                "For a that is not 1, the lucky trials have an error as well.",
                _GUESS,
            ),
            Wrong(
                "variances that subtract",
                lambda a, length, chance: (
                    ((1 - a) ** 2 / length + (1 - 1 / length) * abs(1 - a**2)) * chance
                ),
                "The variance of a difference of independent numbers is the sum of the two.",
                _GUESS,
            ),
            Wrong(
                "a in place of its square",
                lambda a, length, chance: (
                    ((1 - a) ** 2 / length + (1 - 1 / length) * (1 + a)) * chance
                ),
                "What is the mean square of a times e?",
                _GUESS,
            ),
            Wrong(
                "the two kinds exchanged",
                lambda a, length, chance: (
                    ((1 - a) ** 2 * (1 - 1 / length) + (1 + a**2) / length) * chance
                ),
                "How often is the last element asked for: in one trial of T, or in all but one?",
                _GUESS,
            ),
            Wrong(
                "a product of independent numbers",
                lambda a, length, chance: (
                    ((1 - a) ** 2 / length + (1 - 1 / length) * (1 + a) ** 2) * chance
                ),
                "Multiply the square out. What is the mean product of two different elements?",
                _GUESS,
            ),
            Wrong(
                "nothing was asked for",
                lambda a, length, chance: (
                    ((1 - a) ** 2 / length + (1 - 1 / length) * a**2) * chance
                ),
                "In the other trials an answer is asked for as well, which the parrot misses.",
                _GUESS,
            ),
        ),
        another=lambda a, length, chance: chance * (1 + a**2 - 2 * a / length),
    ),
    Exercise(
        id="remember-2",
        label="ex-element-last",
        chapter=_CHAPTER,
        title="The price of the last element",
        kind="code",
        difficulty=3,
        importance=4,
        minutes=15,
        function="floor",
        arguments=("length", "chance"),
        reference=_floor,
        cases=_lists,
        example=(25, 110 / 3),
        wrong=(
            Wrong(
                "nothing of the last element",
                lambda length, chance: chance / length,
                "That is the error for β = 0. A little of the last element does better.",
                _LATE,
            ),
            Wrong(
                "all of the last element",
                lambda length, chance: (1 - 1 / length) * chance,
                "That is the error for β = 1: the lucky trials are right, and the others pay.",
                _LATE,
            ),
            Wrong(
                "the best part, not its error",
                lambda length, chance: 1 / length + 0 * chance,
                "This is the best β. Asked for is the error that it leaves.",
                _LATE,
            ),
            Wrong(
                "the trials of one kind only",
                lambda length, chance: (1 - 1 / length) ** 2 / length * chance,
                "The other trials hear a little of the last element, too, and pay for it.",
                _LATE,
            ),
            Wrong(
                "the parrot's error",
                lambda length, chance: (1 - 1 / length**2) * chance,
                "That is what the best parrot pays. This network answers the other queries.",
                _LATE,
            ),
            Wrong(
                "the last query free of charge",
                lambda length, chance: (1 - 1 / length) / length**2 * chance,
                "With q = T - 1 most of the last element is missing. What does that cost?",
                _LATE,
            ),
        ),
        another=_floor_on_a_grid,
    ),
    Exercise(
        id="remember-3",
        label="ex-element-hold",
        chapter=_CHAPTER,
        title="How far must the hold gate open?",
        kind="code",
        difficulty=2,
        importance=4,
        minutes=10,
        function="gain_needed",
        arguments=("kept", "n_steps"),
        reference=_gain,
        cases=_memories,
        example=(0.9, 24),
        wrong=(
            Wrong(
                "the fraction itself",
                lambda kept, n_steps: kept + 0 * n_steps,
                "A gain of 0.9 loses a twentieth in every step. What is left after 24?",
                _HAND,
            ),
            Wrong(
                "what one step leaves",
                lambda kept, n_steps: kept ** (1 / n_steps),
                "That is the fraction which one step must leave. The gain is not that fraction.",
                _HAND,
            ),
            Wrong(
                "a loss that adds up",
                lambda kept, n_steps: 1 - 2 * (1 - kept) / n_steps,
                "Losses multiply: every step takes its part of what is left.",
                _HAND,
            ),
            Wrong(
                "one step only",
                lambda kept, n_steps: 1 - 2 * (1 - kept) + 0 * n_steps,
                "This keeps the fraction over a single step.",
                _HAND,
            ),
            Wrong(
                "continuous time",
                lambda kept, n_steps: 1 + 2 * float(np.log(kept)) / n_steps,
                "The network takes Euler steps of half its time constant.",
                _HAND,
            ),
            Wrong(
                "a root without brackets",
                lambda kept, n_steps: 2 * kept / n_steps - 1,
                "`kept ** 1 / n_steps` divides after the power. Put the exponent in brackets.",
                _HAND,
            ),
            Wrong(
                "half in place of double",
                lambda kept, n_steps: 1 - (1 - kept ** (1 / n_steps)) / 2,
                "A step loses half of 1 - s. So is 1 - s half of that loss, or twice as much?",
                _HAND,
            ),
        ),
        another=lambda kept, n_steps: 2 * float(np.exp(np.log(kept) / n_steps)) - 1,
    ),
    Exercise(
        id="remember-4",
        label="ex-element-detour",
        chapter=_CHAPTER,
        title="Round the rule",
        kind="derivation",
        difficulty=3,
        importance=4,
        minutes=20,
        rubric=(
            "Nothing, or the values after one step only.",
            "Both units after j steps, without a readout that is right at every step.",
            "Both units, and the readout of their sum with the reason why it is exact.",
            "In addition what follows: the rule forbids no solution, it makes one harder to find.",
        ),
    ),
    Exercise(
        id="remember-5",
        label="ex-element-keys",
        chapter=_CHAPTER,
        title="Where should it look?",
        kind="code",
        difficulty=3,
        importance=2,
        minutes=15,
        function="keys",
        arguments=("n_places",),
        reference=_keys,
        cases=lambda draw: [(n,) for n in (3, 26, draw.integer(4, 60))],
        example=(26,),
        wrong=(
            Wrong(
                "places in a row",
                lambda n_places: torch.stack(
                    [torch.arange(float(n_places)), torch.zeros(n_places)], dim=1
                ),
                "Then the score grows with i for ever. A hill must come down again.",
                _LOOK,
            ),
            Wrong(
                "a hill with its top elsewhere",
                lambda n_places: torch.stack(
                    [torch.arange(float(n_places)), -torch.arange(float(n_places)).square()], dim=1
                ),
                "This hill has its top at (q + 1) / 2.",
                _LOOK,
            ),
            Wrong(
                "a valley",
                lambda n_places: -_keys(n_places),
                "The score of the right place is now the smallest.",
                _LOOK,
            ),
            Wrong(
                "a square with the wrong sign",
                lambda n_places: _keys(n_places) * torch.tensor([1.0, -1.0]),
                "Multiply the square out with its minus in front. What becomes of the square of i?",
                _LOOK,
            ),
        ),
        another=lambda n_places: (
            np.stack([2.0 * np.arange(n_places), -1.0 * np.arange(n_places) ** 2]).T
        ),
        rtol=1e-7,
    ),
    Exercise(
        id="remember-6",
        label="ex-element-short",
        chapter=_CHAPTER,
        title="Who learns short lists?",
        kind="experiment",
        difficulty=3,
        importance=3,
        minutes=20,
        rubric=(
            "No prediction, or no training.",
            "Both networks trained on the same task with the same settings, and their errors.",
            "In addition the prediction beside the result, and the errors beside the floor of a "
            "network that cannot reach the last element.",
            "In addition more seeds, and what two seeds cannot tell.",
        ),
    ),
)
