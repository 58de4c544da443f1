"""Exercises of *What the loss is for*."""

from __future__ import annotations

import math

from nmcourse.exercises.checking.record import Draw, Exercise, Wrong

_CHAPTER = "book/vision/what_the_loss_is_for"
_LOSS = "The loss, part by part"
_UNIT = "One unit: return or run away"
_PAIR = "Two units: a state that stays"
_COUNTS = "What ten networks can tell"


def _share_of_last(n_last: int, n_steps: int, decades: float) -> float:
    weights = [10 ** (decades * k / (n_steps - 1)) for k in range(n_steps)]
    return sum(weights[-n_last:]) / sum(weights)


def _share_of_last_closed(n_last: int, n_steps: int, decades: float) -> float:
    """Two geometric series."""
    ratio = 10 ** (-decades / (n_steps - 1))
    return (1 - ratio**n_last) / (1 - ratio**n_steps)


def _windows(draw: Draw) -> list[tuple[int, int, float]]:
    return [
        (draw.integer(2, 6), draw.integer(9, 40), draw.uniform(1.0, 4.0)),
        *(
            (draw.integer(2, 6), draw.integer(9, 20), draw.uniform(0.8, 2.0) * (-1) ** k)
            for k in range(5)
        ),
    ]


def _largest_recurrence(share: float, duration: float, tau: float) -> float:
    return 1 - tau * math.log(1 / share) / duration


def _largest_recurrence_by_halving(share: float, duration: float, tau: float) -> float:
    """Bisect: more recurrence leaves more of the distance."""
    low, high = -1000.0, 1.0
    for _ in range(100):
        middle = (low + high) / 2
        returned = math.exp(-(1 - middle) * duration / tau) < share
        low, high = (middle, high) if returned else (low, middle)
    return low


def _returns(draw: Draw) -> list[tuple[float, float, float]]:
    return [
        (draw.uniform(0.01, 0.5), draw.uniform(100, 600), draw.uniform(5, 20)) for _ in range(6)
    ]


MONOSTABLE, MULTISTABLE, UNSTABLE = range(3)


def _kind_of_pair(excitation: float, inhibition: float) -> int:
    if excitation > 1:
        return UNSTABLE
    return MULTISTABLE if excitation + inhibition > 1 else MONOSTABLE


def _kind_of_pair_by_running(excitation: float, inhibition: float) -> int:
    """Start with a difference, and see what is left of it after three hundred time constants."""
    first, second = 1.0, 0.5
    for _ in range(3000):
        currents = (
            excitation * first - inhibition * second + 0.2,
            excitation * second - inhibition * first + 0.2,
        )
        first += 0.1 * (max(currents[0], 0.0) - first)
        second += 0.1 * (max(currents[1], 0.0) - second)
    if max(first, second) > 1e3:
        return UNSTABLE
    return MULTISTABLE if first - second > 1e-3 else MONOSTABLE


def _pairs(draw: Draw) -> list[tuple[float, float]]:
    near = [(0.5, 0.2), (0.5, 0.8), (1.3, 0.1), (1.2, 0.6), (0.2, 1.4), (0.1, 0.3), (1.6, 0.2)]
    near += [(1.2, 1.5)]  # strong inhibition does not save a unit that grows alone
    near += [(0.75, 0.14), (0.88, 0.24)]  # the sum decides, no weight by itself and no product
    return [(a + draw.uniform(-0.05, 0.05), c + draw.uniform(-0.05, 0.05)) for a, c in near]


def _largest_share(n_networks: int, doubt: float) -> float:
    return 1 - doubt ** (1 / n_networks)


def _largest_share_by_halving(n_networks: int, doubt: float) -> float:
    """Bisect: the larger the share, the less probable is a sample without any."""
    low, high = 0.0, 1.0
    for _ in range(100):
        middle = (low + high) / 2
        none_seen = math.prod([1 - middle] * n_networks)
        low, high = (middle, high) if none_seen > doubt else (low, middle)
    return low


def _samples(draw: Draw) -> list[tuple[int, float]]:
    return [(draw.integer(3, 20), draw.uniform(0.02, 0.3)) for _ in range(6)]


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
        reference=_share_of_last,
        cases=_windows,
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
                lambda n_last, n_steps, decades: _share_of_last_closed(
                    n_last, n_steps, decades * (n_steps - 1) / n_steps
                ),
                "The first weight is 10⁻ˢ and the last is 1. How many steps lie between them?",
                _LOSS,
            ),
            Wrong(
                "a power of e",
                lambda n_last, n_steps, decades: _share_of_last_closed(
                    n_last, n_steps, decades / math.log(10)
                ),
                "A decade is a factor of ten.",
                _LOSS,
            ),
            Wrong(
                "the first steps",
                lambda n_last, n_steps, decades: _share_of_last_closed(n_last, n_steps, -decades),
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
        another=_share_of_last_closed,
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
        reference=_largest_recurrence,
        cases=_returns,
        example=(0.1, 100.0, 10.0),
        wrong=(
            Wrong(
                "a logarithm to base ten",
                lambda share, duration, tau: 1 - tau * math.log10(1 / share) / duration,
                "The distance falls as a power of e.",
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
        another=_largest_recurrence_by_halving,
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
        reference=_kind_of_pair,
        cases=_pairs,
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
        another=_kind_of_pair_by_running,
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
        reference=_largest_share,
        cases=_samples,
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
        another=_largest_share_by_halving,
    ),
)
