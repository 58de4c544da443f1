"""Exercises of *Seeing through noise*."""

from __future__ import annotations

import math
import statistics

import torch

from nmcourse.exercises.checking.record import Also, Exercise, Wrong
from nmcourse.exercises.vision.seeing_through_noise_answers import (
    frames_averaged,
    frames_averaged_by_weights,
    margin_in_noise,
    margin_in_noise_by_hand,
    margin_of_all_trials,
    margin_to_second,
    of_difference,
    ratios,
    recurrences,
    steps,
    trials,
    variance_of_unit,
    variance_of_unit_by_steps,
)

_CHAPTER = "book/vision/seeing_through_noise"
_LEAK = "The leak alone"
_TIME = "Per step or per millisecond, new or staying"
_MODES = "Recurrence reshapes it"
_SIGNAL = "Accuracy, maps, outputs"

EXERCISES = (
    Exercise(
        id="noise-1",
        label="ex-noise-ms",
        chapter=_CHAPTER,
        title="Noise in milliseconds",
        kind="code",
        difficulty=2,
        importance=4,
        minutes=10,
        function="variance_of_unit",
        arguments=("strength", "dt", "tau"),
        reference=variance_of_unit,
        cases=steps,
        example=(0.5, 2.0, 10.0),
        wrong=(
            Wrong(
                "fixed per step",
                lambda strength, dt, tau: strength**2 * dt / (2 * tau - dt),
                "A step of another length needs noise of another size. Which one?",
                _TIME,
            ),
            Wrong(
                "more noise in a longer step",
                lambda strength, dt, tau: strength**2 * dt**2 / (2 * tau - dt),
                "A long step averages over more milliseconds. Is its noise larger or smaller?",
                _TIME,
            ),
            Wrong(
                "a step of no length",
                lambda strength, dt, tau: strength**2 / (2 * tau) + 0 * dt,
                "This is right for very short steps. What does the step itself add?",
                _LEAK,
            ),
            Wrong(
                "a standard deviation",
                lambda strength, dt, tau: strength / math.sqrt(2 * tau - dt),
                "This is a standard deviation. The question is for its square.",
                _LEAK,
            ),
            Wrong(
                "noise that passes no leak",
                lambda strength, dt, tau: strength**2 / dt / (1 - (1 - dt / tau) ** 2),
                "The noise is part of the drive. Which share of the drive does a step take?",
                _LEAK,
            ),
            Wrong(
                "divided by dt, not by its root",
                lambda strength, dt, tau: strength**2 / dt / (2 * tau - dt),
                "Over which power of dt does the variance of a mean fall?",
                _TIME,
            ),
            Wrong(
                "the noise of the last step only",
                lambda strength, dt, tau: strength**2 * dt / tau**2,
                "This is what one step adds. What is left of the steps before it?",
                _LEAK,
            ),
        ),
        another=variance_of_unit_by_steps,
    ),
    Exercise(
        id="noise-2",
        label="ex-noise-frames",
        chapter=_CHAPTER,
        title="How many frames?",
        kind="code",
        difficulty=3,
        importance=5,
        minutes=15,
        function="frames_averaged",
        arguments=("recurrence", "alpha"),
        reference=frames_averaged,
        cases=recurrences,
        example=(0.0, 0.2),
        wrong=(
            Wrong(
                "the leak alone",
                lambda recurrence, alpha: (2 - alpha) / alpha + 0 * recurrence,
                "This holds without recurrence. What does the rate send back to itself?",
                _MODES,
            ),
            Wrong(
                "a time constant in steps",
                lambda recurrence, alpha: 1 / (alpha * (1 - recurrence)),
                "After so many steps a frame counts e times less. But frames before that count, "
                "too, and each by another weight.",
                _MODES,
            ),
            Wrong(
                "a step of no length",
                lambda recurrence, alpha: 2 / (alpha * (1 - recurrence)),
                "With alpha = 1 and no recurrence a unit sees one frame only. What do you get?",
                _MODES,
            ),
            Wrong(
                "noise alone",
                lambda recurrence, alpha: (1 - recurrence) * (2 - alpha * (1 - recurrence)) / alpha,
                "Self-excitation makes noise larger, and the image, too. Compare the two.",
                _MODES,
            ),
            Wrong(
                "a sign of the recurrence",
                lambda recurrence, alpha: frames_averaged(-recurrence, alpha),
                "Which unit remembers for longer, one that excites itself or one that inhibits "
                "itself?",
                _MODES,
            ),
            Wrong(
                "recurrence in one place of two",
                lambda recurrence, alpha: (2 - alpha) / (alpha * (1 - recurrence)),
                "The effective leak stands in two places of the variance.",
                _MODES,
            ),
            Wrong(
                "a ratio of standard deviations",
                lambda recurrence, alpha: math.sqrt(frames_averaged(recurrence, alpha)),
                "A mean of N frames has 1/N of the variance. Did you compare variances?",
                _LEAK,
            ),
        ),
        another=frames_averaged_by_weights,
    ),
    Exercise(
        id="noise-3",
        label="ex-noise-steps",
        chapter=_CHAPTER,
        title="When longer steps cost more",
        kind="derivation",
        difficulty=3,
        importance=3,
        minutes=20,
        rubric=(
            "No ratio of variances.",
            "The ratio of the variances of one mode with two steps, for the leak alone.",
            "In addition the ratio for a mode with recurrence, and whether it is larger or smaller "
            "than nine for either sign.",
            "In addition the place where it grows without bounds, and which modes suffer most once "
            "the signal is counted.",
        ),
    ),
    Exercise(
        id="noise-4",
        label="ex-noise-average",
        chapter=_CHAPTER,
        title="What should be averaged?",
        kind="experiment",
        difficulty=2,
        importance=4,
        minutes=25,
        rubric=(
            "No prediction and no measurement.",
            "The CNN that averages frames against one other way, at one level.",
            "In addition frames, outputs and votes at several levels, with more than one network, "
            "and a prediction.",
            "In addition a reason for the order, and what it means for a network that averages in "
            "its areas.",
        ),
    ),
    Exercise(
        id="noise-5",
        label="ex-noise-margin",
        chapter=_CHAPTER,
        title="Only a difference decides",
        kind="code",
        difficulty=3,
        importance=4,
        minutes=15,
        function="margin_in_noise",
        arguments=("outputs", "label"),
        reference=margin_in_noise,
        cases=trials,
        example=(torch.tensor([[3.0, 0.0], [5.0, 1.0], [4.0, 2.0]], dtype=torch.float64), 0),
        wrong=(
            Wrong(
                "the noise of one output",
                lambda outputs, label: min(ratios(outputs, label, lambda right, _: right.std())),
                "Noise that both outputs share moves no answer. Of what do you need the spread?",
                _SIGNAL,
            ),
            Wrong(
                "noises as if independent",
                lambda outputs, label: min(
                    ratios(outputs, label, lambda right, other: (right.var() + other.var()).sqrt())
                ),
                "Variances add where noises are independent. Here the outputs read the same areas.",
                _SIGNAL,
            ),
            Wrong(
                "a variance",
                lambda outputs, label: min(
                    ratios(outputs, label, lambda right, other: (right - other).var())
                ),
                "Double all outputs: no answer changes. Does your number?",
                _SIGNAL,
            ),
            Wrong(
                "the second best on average",
                margin_to_second,
                "The class that is second on average need not be the one that wins most often by "
                "noise.",
                _SIGNAL,
            ),
            Wrong(
                "a mean over rivals",
                lambda outputs, label: statistics.fmean(ratios(outputs, label, of_difference)),
                "One class that wins is enough for a wrong answer.",
                _SIGNAL,
            ),
            Wrong(
                "a distance without a sign",
                lambda outputs, label: min(map(abs, ratios(outputs, label, of_difference))),
                "What should you get where the right class is behind?",
                _SIGNAL,
            ),
        ),
        another=margin_in_noise_by_hand,
        also=(
            Also(
                margin_of_all_trials,
                "You divide the sum of squares by n; the solution divides by n - 1.",
            ),
        ),
    ),
    Exercise(
        id="noise-6",
        label="ex-noise-chosen",
        chapter=_CHAPTER,
        title="Project: noise that is chosen",
        kind="experiment",
        difficulty=4,
        importance=3,
        minutes=60,
        rubric=(
            "No attack beyond the one of the page.",
            "The accuracy of both networks under an attack at several strengths.",
            "In addition a control (random noise of the same size, an attack made for the other "
            "network), several seeds, and a rule that was written before.",
            "In addition an attack through the whole trial and one of several steps, and what may "
            "be concluded if gradients vanish.",
        ),
    ),
)
