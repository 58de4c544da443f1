"""Exercises of *What the loss is for*."""

from __future__ import annotations

import math

from nmcourse.exercises.checking.record import Exercise, Wrong
from nmcourse.exercises.vision.what_the_loss_is_for_answers import (
    MONOSTABLE,
    MULTISTABLE,
    UNSTABLE,
    kind_of_pair,
    kind_of_pair_by_running,
    largest_recurrence,
    largest_recurrence_by_halving,
    largest_share,
    largest_share_by_halving,
    pairs,
    returns,
    samples,
    share_of_last,
    share_of_last_closed,
    windows,
)

_CHAPTER = "book/vision/what_the_loss_is_for"
_LOSS = "The loss, part by part"
_UNIT = "One unit: return or run away"
_PAIR = "Two units: a state that stays"
_COUNTS = "What ten networks can tell"

EXERCISES = (
    Exercise(
        id="loss-1",
        label="ex-loss-share",
        chapter=_CHAPTER,
        title="Who has the weight?",
        kind="code",
        difficulty=2,
        importance=3,
        minutes=10,
        function="share_of_last",
        arguments=("n_last", "n_steps", "decades"),
        reference=share_of_last,
        cases=windows,
        example=(5, 30, 3.0),
        wrong=(
            Wrong(
                "equal weights",
                lambda n_last, n_steps, decades: n_last / n_steps + 0 * decades,
                "This counts steps. How much more does the last step count than the first?",
                _LOSS,
            ),
            Wrong(
                "one step too many between the ends",
                lambda n_last, n_steps, decades: share_of_last_closed(
                    n_last, n_steps, decades * (n_steps - 1) / n_steps
                ),
                "The first weight is 10⁻ˢ and the last is 1. How many steps lie between them?",
                _LOSS,
            ),
            Wrong(
                "a power of e",
                lambda n_last, n_steps, decades: share_of_last_closed(
                    n_last, n_steps, decades / math.log(10)
                ),
                "A decade is a factor of ten.",
                _LOSS,
            ),
            Wrong(
                "the first steps",
                lambda n_last, n_steps, decades: share_of_last_closed(n_last, n_steps, -decades),
                "Which end of the window is heavy?",
                _LOSS,
            ),
            Wrong(
                "not a share",
                lambda n_last, n_steps, decades: (
                    sum(
                        10 ** (-decades + decades * k / (n_steps - 1))
                        for k in range(n_steps - n_last, n_steps)
                    )
                    / n_steps
                ),
                "This is what the last steps add to the loss. What do all steps add?",
                _LOSS,
            ),
            Wrong(
                "a straight ramp",
                lambda n_last, n_steps, decades: (
                    sum(range(n_steps - n_last + 1, n_steps + 1)) / sum(range(1, n_steps + 1))
                    + 0 * decades
                ),
                "From step to step the weight grows by the same factor, not by the same number.",
                _LOSS,
            ),
        ),
        another=share_of_last_closed,
    ),
    Exercise(
        id="loss-2",
        label="ex-loss-return",
        chapter=_CHAPTER,
        title="Back in time",
        kind="code",
        difficulty=2,
        importance=4,
        minutes=10,
        function="largest_recurrence",
        arguments=("share", "duration", "tau"),
        reference=largest_recurrence,
        cases=returns,
        example=(0.1, 100.0, 10.0),
        wrong=(
            Wrong(
                "a logarithm to base ten",
                lambda share, duration, tau: 1 - tau * math.log10(1 / share) / duration,
                "The distance falls as a power of e.",
                _UNIT,
            ),
            Wrong(
                "never below zero",
                lambda share, duration, tau: max(0.0, largest_recurrence(share, duration, tau)),
                "A unit that inhibits itself returns faster than the bare leak.",
                _UNIT,
            ),
            Wrong(
                "the square of the distance",
                lambda share, duration, tau: 1 - tau * math.log(1 / share) / duration / 2,
                "It is the distance that falls to this share, not its square.",
                _UNIT,
            ),
            Wrong(
                "what leaks in place of what is fed back",
                lambda share, duration, tau: tau * math.log(1 / share) / duration,
                "So much of the leak must be left. Which recurrence leaves it?",
                _UNIT,
            ),
            Wrong(
                "a straight line",
                lambda share, duration, tau: 1 - tau * (1 - share) / duration,
                "The distance would have to fall with its first speed all the time. It falls ever "
                "more slowly.",
                _UNIT,
            ),
            Wrong(
                "an excitation that grows",
                lambda share, duration, tau: 1 + tau * math.log(1 / share) / duration,
                "Such a unit runs away. On which side of 1 does a unit return?",
                _UNIT,
            ),
            Wrong(
                "what has gone in place of what is left",
                lambda share, duration, tau: 1 - tau * math.log(1 / (1 - share)) / duration,
                "The share is what is left of the distance at the end, not what has gone.",
                _UNIT,
            ),
        ),
        another=largest_recurrence_by_halving,
    ),
    Exercise(
        id="loss-3",
        label="ex-loss-pair",
        chapter=_CHAPTER,
        title="Three kinds of pairs",
        kind="code",
        difficulty=3,
        importance=5,
        minutes=20,
        function="kind_of_pair",
        arguments=("excitation", "inhibition"),
        reference=kind_of_pair,
        cases=pairs,
        example=(0.5, 0.2),
        wrong=(
            Wrong(
                "each weight by itself",
                lambda excitation, inhibition: UNSTABLE if excitation > 1 else MONOSTABLE,
                "No weight has to pass 1 for a state to stay. What do two weights do together to "
                "the difference of the two rates?",
                _PAIR,
            ),
            Wrong(
                "inhibition that only calms",
                lambda excitation, inhibition: (
                    UNSTABLE if excitation - inhibition > 1 else MONOSTABLE
                ),
                "This is the sum of the two rates. It has a partner, the difference.",
                _PAIR,
            ),
            Wrong(
                "a difference that grows for ever",
                lambda excitation, inhibition: (
                    UNSTABLE if excitation + inhibition > 1 else MONOSTABLE
                ),
                "The difference grows until one of the units is silent. And then?",
                _PAIR,
            ),
            Wrong(
                "a silent unit that still inhibits",
                lambda excitation, inhibition: (
                    UNSTABLE
                    if excitation - inhibition > 1
                    else (MULTISTABLE if excitation + inhibition > 1 else MONOSTABLE)
                ),
                "Once a unit is silent it cannot hold the other one back.",
                _PAIR,
            ),
            Wrong(
                "strong inhibition that saves",
                lambda excitation, inhibition: (
                    UNSTABLE
                    if excitation > max(1, inhibition)
                    else (MULTISTABLE if excitation + inhibition > 1 else MONOSTABLE)
                ),
                "How much does a unit with the rate 0 inhibit, however large the weight?",
                _PAIR,
            ),
            Wrong(
                "inhibition by itself",
                lambda excitation, inhibition: (
                    UNSTABLE if excitation > 1 else (MULTISTABLE if inhibition > 1 else MONOSTABLE)
                ),
                "The difference is driven by excitation, too. What does a add to c?",
                _PAIR,
            ),
        ),
        another=kind_of_pair_by_running,
        rtol=1e-9,
    ),
    Exercise(
        id="loss-4",
        label="ex-loss-push",
        chapter=_CHAPTER,
        title="Which weights does it push?",
        kind="derivation",
        difficulty=3,
        importance=4,
        minutes=20,
        rubric=(
            "Nothing, or that both make weights smaller.",
            "The derivative of the penalty along one mode.",
            "In addition its size for a fast, a slow and a growing mode, against weight decay, "
            "which does not know about modes.",
            "In addition what either does to a unit that is silent in every trial, or to the "
            "direction of normalised weights.",
        ),
    ),
    Exercise(
        id="loss-5",
        label="ex-loss-slow",
        chapter=_CHAPTER,
        title="Another definition of rest",
        kind="experiment",
        difficulty=3,
        importance=3,
        minutes=30,
        rubric=(
            "No prediction and no measurement.",
            "One other blank or threshold, and how many networks are back by it.",
            "In addition several of both for both groups, a prediction, and the trial without an "
            "image as a reference.",
            "In addition a reason for each network that changes sides, and what all this means "
            "for the counts of the claim.",
        ),
    ),
    Exercise(
        id="loss-6",
        label="ex-loss-counts",
        chapter=_CHAPTER,
        title="None of ten",
        kind="code",
        difficulty=2,
        importance=4,
        minutes=10,
        function="largest_share",
        arguments=("n_networks", "doubt"),
        reference=largest_share,
        cases=samples,
        example=(2, 0.25),
        wrong=(
            Wrong(
                "the rule for many",
                lambda n_networks, doubt: -math.log(doubt) / n_networks,
                "A good rule for hundreds of networks. Write down the probability that none of a "
                "few is of this kind, without an approximation.",
                _COUNTS,
            ),
            Wrong(
                "none seen, none there",
                lambda n_networks, doubt: 0.0 * doubt,
                "A coin that fell on heads three times may still have tails.",
                _COUNTS,
            ),
            Wrong(
                "confidence in place of doubt",
                lambda n_networks, doubt: 1 - (1 - doubt) ** (1 / n_networks),
                "A small doubt must give a large share: we exclude less.",
                _COUNTS,
            ),
            Wrong(
                "one network only",
                lambda n_networks, doubt: 1 - doubt + 0 * n_networks,
                "So much could be said after a single network. All of them must be of the other "
                "kind, one after the other.",
                _COUNTS,
            ),
            Wrong(
                "a root without brackets",
                lambda n_networks, doubt: 1 - doubt / n_networks,
                "`doubt ** 1 / n` divides after the power. Put the exponent in brackets.",
                _COUNTS,
            ),
            Wrong(
                "the power in place of the root",
                lambda n_networks, doubt: 1 - doubt**n_networks,
                "More networks without one of the kind must exclude more, not less.",
                _COUNTS,
            ),
            Wrong(
                "the share of the others",
                lambda n_networks, doubt: doubt ** (1 / n_networks),
                "So many are at least of the other kind. How many are then of this one?",
                _COUNTS,
            ),
        ),
        another=largest_share_by_halving,
    ),
)
