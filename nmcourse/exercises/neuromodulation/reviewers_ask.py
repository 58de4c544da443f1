"""Exercises of *The reviewers ask*."""

from __future__ import annotations

import math

import torch

from nmcourse.exercises.checking.record import Exercise, Wrong
from nmcourse.exercises.neuromodulation import reviewers_ask_answers as functions
from nmcourse.exercises.neuromodulation.reviewers_ask_dopamine import ABOUT_DOPAMINE

_CHAPTER = "book/neuromodulation/reviewers_ask"
_VANISH = "Does the gradient vanish less? (R13)"
_STRUCTURE = 'What is "structured" about the flexibility? (R15)'
_COST = "Operations and seconds (R5)"


EXERCISES = (
    Exercise(
        id="ask-1",
        label="ex-ask-mode-gradient",
        chapter=_CHAPTER,
        title="How far back does a mode remember?",
        kind="derivation",
        difficulty=2,
        importance=4,
        minutes=10,
        function="mode_keeps",
        arguments=("gain", "tau", "dt"),
        reference=functions.mode_keeps,
        cases=functions.modes,
        example=(0.0, 100.0, 10.0),
        wrong=(
            Wrong(
                "one step",
                lambda gain, tau, dt: 1 - dt / tau * (1 - gain),
                "This is the factor of a single step. How many steps are 100 ms?",
                _VANISH,
            ),
            Wrong(
                "always ten steps",
                lambda gain, tau, dt: (1 - dt / tau * (1 - gain)) ** 10,
                "100 ms are ten steps for a time step of 10 ms only.",
                _VANISH,
            ),
            Wrong(
                "continuous time",
                lambda gain, tau, dt: math.exp(-100 / tau * (1 - gain)) + 0 * dt,
                "The network takes Euler steps. This is what the equation would leave.",
                _VANISH,
            ),
            Wrong(
                "the leak alone",
                lambda gain, tau, dt: (1 - dt / tau) ** (100 / dt) + 0 * gain,
                "That is the mode under a gain of 0. Recurrence pays a part of the leak back.",
                _VANISH,
            ),
            Wrong(
                "the leak forgotten",
                lambda gain, tau, dt: (1 + dt / tau * gain) ** (100 / dt),
                "Under a gain of 1 nothing changes. By your formula the gradient grows.",
                _VANISH,
            ),
            Wrong(
                "the gain of every step",
                lambda gain, tau, dt: gain ** (100 / dt) + 0 * tau,
                "That is right where the time step is the time constant. A slow mode keeps more.",
                _VANISH,
            ),
            Wrong(
                "time constants in place of steps",
                lambda gain, tau, dt: (1 - dt / tau * (1 - gain)) ** (100 / tau),
                "You have counted time constants. Each power is one step of the length Δt.",
                _VANISH,
            ),
            Wrong(
                "gain and leak exchanged",
                lambda gain, tau, dt: (1 - dt / tau * gain) ** (100 / dt),
                "By your formula a gain of 1 loses as much as the bare leak does.",
                _VANISH,
            ),
        ),
        another=functions.step_by_step,
        rubric=(
            "Nothing, or the leak without a gain.",
            "The factor of one step.",
            "κ as a function of the gain, with the 0.35 of the leak as a check.",
            "In addition the gain that keeps 0.9, and what it means for gains that start near one "
            "half.",
        ),
    ),
    Exercise(
        id="ask-2",
        label="ex-ask-chance-share",
        chapter=_CHAPTER,
        title="What would chance give?",
        kind="experiment",
        difficulty=3,
        importance=5,
        minutes=15,
        function="chance_share",
        arguments=("n", "n_gains"),
        reference=functions.chance_share,
        cases=functions.sizes,
        wrong=(
            Wrong(
                "the smallest share that is possible",
                lambda n, n_gains: 1 / n_gains + 0 * n,
                "This is the share of a direction that was chosen before the draw. The best one is "
                "chosen after it.",
                _STRUCTURE,
            ),
            Wrong(
                "the best of the three axes",
                functions.share_of(functions.along_axis),
                "You compare the gains one by one. The best direction may lie between them.",
                _STRUCTURE,
            ),
            Wrong(
                "lengths in place of their squares",
                functions.share_of(lambda vectors: functions.along_best(vectors, power=1)),
                "Squared lengths along directions at right angles add up. Lengths do not.",
                _STRUCTURE,
            ),
            Wrong(
                "the mean taken off first",
                functions.share_of(
                    lambda vectors: functions.along_best(vectors - vectors.mean(1, keepdim=True))
                ),
                "Principal components look at differences from the mean. Here a control that is "
                "the same at all times counts in full.",
                _STRUCTURE,
            ),
            Wrong(
                "entries that are all positive",
                functions.share_of(functions.along_best, noise=torch.rand),
                "Numbers from 0 to 1 have a common direction before anything is measured. Normal "
                "entries have none.",
                _STRUCTURE,
            ),
            Wrong(
                "the luckiest draw",
                functions.share_of(functions.along_best, average=torch.amax),
                "Asked for is what chance gives on average, not at best.",
                _STRUCTURE,
            ),
        ),
        another=functions.share_of(functions.along_best, seed=1),
        rtol=0.05,  # a mean of 200 draws is a random number
        seconds=10.0,
        rubric=(
            "No measurement.",
            "The share for several numbers of vectors.",
            "In addition why it falls from 1 towards one third, and why nobody knows how many "
            "independent gradients there are.",
            "In addition what the untrained networks share with the trained ones, and why no "
            "formula replaces that.",
        ),
    ),
    *ABOUT_DOPAMINE,
    Exercise(
        id="ask-5",
        label="ex-ask-count",
        chapter=_CHAPTER,
        title="Count the operations of a step",
        kind="code",
        difficulty=2,
        importance=3,
        minutes=10,
        function="nm_rnn_step",
        arguments=("n", "m", "k", "p", "o"),
        reference=functions.nm_rnn_step,
        cases=functions.shapes,
        example=(10, 4, 2, 3, 1),
        wrong=(
            Wrong(
                "the full matrix",
                lambda n, m, k, p, o: n * n + n * p + o * n + m * m + m * p + k * m,
                "Nobody has to build the N × N matrix: multiply by one factor after the other.",
                _COST,
            ),
            Wrong(
                "one factor only",
                lambda n, m, k, p, o: n * k + n * p + o * n + m * m + m * p + k * m,
                "The state goes down to K numbers and up again. You have counted one way.",
                _COST,
            ),
            Wrong(
                "the modulator forgotten",
                lambda n, m, k, p, o: 2 * n * k + n * p + o * n + 0 * m,
                "These are the products of the output network. Who makes the gains?",
                _COST,
            ),
            Wrong(
                "the gain weights forgotten",
                lambda n, m, k, p, o: 2 * n * k + n * p + o * n + m * m + m * p,
                "The modulator has three matrices. One leads from its state to the gains.",
                _COST,
            ),
            Wrong(
                "the modulator is deaf",
                lambda n, m, k, p, o: 2 * n * k + n * p + o * n + m * m + k * m,
                "The modulator hears the inputs, too.",
                _COST,
            ),
            Wrong(
                "the readout forgotten",
                lambda n, m, k, p, o: 2 * n * k + n * p + m * m + m * p + k * m + 0 * o,
                "The step is not over before the outputs are read.",
                _COST,
            ),
            Wrong(
                "products and sums counted apart",
                lambda n, m, k, p, o: 2 * functions.nm_rnn_step(n, m, k, p, o),
                "A multiply-add is a product and a sum in one.",
                _COST,
            ),
            Wrong(
                "the gain itself counted",
                lambda n, m, k, p, o: functions.nm_rnn_step(n, m, k, p, o) + k,
                "Multiplying by the gain sums nothing up. It is no multiply-add.",
                _COST,
            ),
            Wrong(
                "biases counted",
                lambda n, m, k, p, o: functions.nm_rnn_step(n, m, k, p, o) + o + k,
                "A bias is a parameter, but it is only added. It takes no product.",
                _COST,
            ),
        ),
        another=functions.counted,
        rtol=1e-9,
    ),
)
