"""What the results of ``crossing`` say: C7. Written before they were measured."""

from __future__ import annotations

import math
from statistics import NormalDist

from nmcourse.evidence import ENOUGH, Judgement, Results, Rule

HELD = (2, 5, 20)  # how many times as long as trained the image stays
LEARNT = 0.6  # accuracy in time below which a network has not learnt, and is not counted
KEPT = 0.8  # of the accuracy in time: with less of it left, the answer is lost
EFFECT = 0.3  # difference of shares of networks that would matter
MIDDLE = 0.5  # the share around which two groups are hardest to tell apart
LEVEL = 1.96  # standard errors that a difference has to exceed: 5 %, two-sided
CORDSNET = (0.2, "window", "long", "whole")
CORNET_RT = (1.0, "last", "short", "bare")
COUNTINGS, LENGTHS, TRIALS = ("window", "last", "every"), ("short", "long"), ("whole", "bare")


def cell_name(alpha: float, counting: str, length: str, trial: str) -> str:
    """A combination as the results call it."""
    return f"alpha_{alpha:g}_{counting}_{length}_{trial}".replace(".", "_")


def keeping(results: Results, cell: str, what: str) -> tuple[int, int]:
    """How many networks of a cell keep ``"held_5"``, ``"second"`` or both, and how many learnt."""
    columns = ("accuracy", "held_5", "second")
    rows = list(zip(*(results.value(f"{cell}.{column}") for column in columns), strict=True))
    learnt = [row for row in rows if row[0] is not None and row[0] >= LEARNT]
    asked = {"held_5": (1,), "second": (2,), "both": (1, 2)}[what]
    kept = [row for row in learnt if all(row[place] >= KEPT * row[0] for place in asked)]
    return len(kept), len(learnt)


def shares(results: Results, which: int, value: object, what: str) -> tuple[int, int]:
    """The same over all cells that have a value of one ingredient (0 step .. 3 trial)."""
    alphas = results.config["alphas"]
    found = [
        keeping(results, cell_name(*cell), what)
        for cell in (
            (a, c, n, t) for a in alphas for c in COUNTINGS for n in LENGTHS for t in TRIALS
        )
        if cell[which] == value
    ]
    return sum(kept for kept, _ in found), sum(n for _, n in found)


def differs(one: tuple[int, int], other: tuple[int, int]) -> bool | None:
    """Is the first share larger by an effect that matters? None if networks are too few to say."""
    if not (one[1] and other[1]):
        return None
    if shares_power(one[1], other[1]) < ENOUGH:
        return None
    return one[0] / one[1] - other[0] / other[1] >= EFFECT


def shares_power(n_first: int, n_second: int) -> float:
    """Probability that a difference that matters would be seen at a level of 5 %.

    In the normal approximation, where two shares are hardest to tell apart: around a half.
    """
    error = math.sqrt(MIDDLE * (1.0 - MIDDLE) * (1.0 / n_first + 1.0 / n_second))
    return NormalDist().cdf(EFFECT / error - LEVEL)


def most(kept: int, n: int, n_seeds: int) -> bool | None:
    """Do more than half of the networks keep it? None where fewer than half of them learnt."""
    return None if 2 * n < n_seeds else 2 * kept > n


def judge(results: Results) -> Judgement:
    """Do networks trained as published differ, and does the leak make the difference?"""
    n_seeds = results.config["n_seeds"]
    ours, theirs = (
        most(*keeping(results, cell_name(*cell), "both"), n_seeds) for cell in (CORDSNET, CORNET_RT)
    )
    status = "not decided"
    if ours is not None and theirs is not None:
        status = {
            (True, False): "reproduced",
            (True, True): "partly",
            (False, False): "not reproduced",
            (False, True): "not reproduced",
        }[ours, theirs]
    fine, coarse = (shares(results, 0, alpha, "both") for alpha in (0.2, 1.0))
    leak = differs(fine, coarse)
    fair = {True: "reproduced", False: "not reproduced", None: "not decided"}[leak]
    reason = (
        f"fewer than half of the networks of a cell learnt, or {fine[1]} and {coarse[1]} networks "
        f"are too few to see a difference of {EFFECT:.0%} with a probability of {ENOUGH:.0%}"
        if "not decided" in (status, fair)
        else ""
    )
    effects = {
        "leak (dt/τ 0.2 over 1)": (0, 0.2, 1.0),
        "counting in a window over the last step": (1, "window", "last"),
        "counting at every step over the last step": (1, "every", "last"),
        "a long trial over a short one": (2, "long", "short"),
        "blank and penalty over the image alone": (3, "whole", "bare"),
    }
    return Judgement(
        status=status,
        fair_status=fair,
        reason=reason,
        measured="networks that keep a held image and see the next one, of those that learnt: "
        f"CordsNet's manner {_of(keeping(results, cell_name(*CORDSNET), 'both'))}, CORnet-RT's "
        f"{_of(keeping(results, cell_name(*CORNET_RT), 'both'))}. By ingredient: "
        + "; ".join(
            f"{name} {_of(shares(results, which, one, 'both'))} to "
            f"{_of(shares(results, which, other, 'both'))}"
            for name, (which, one, other) in effects.items()
        )
        + f". The leak makes {_difference(fine, coarse)}",
        spread="image held five times as long, alone: "
        + "; ".join(
            f"{name} {_of(shares(results, which, one, 'held_5'))} to "
            f"{_of(shares(results, which, other, 'held_5'))}"
            for name, (which, one, other) in effects.items()
        ),
        seeds=n_seeds,
        caveats=(
            f"Two areas, digits of {results.config['image_size']} pixels, "
            f"{results.config['n_steps']} training steps from random weights: the networks of the "
            "paper are larger and were trained in stages.",
            "One network, CordsNet, in all cells: that of CORnet-RT has normalisation besides.",
            "Only how long answers last is asked: no CNN, no return of the activity to baseline, "
            "and no step before the trained one.",
            "A share over all cells counts cells in which nearly every network, or none, keeps its "
            "answers; there the leak has no room.",
            f"A network counts if it has learnt ({LEARNT:.0%} right in time); it keeps an answer "
            f"if {KEPT:.0%} of that accuracy are left.",
        ),
        would_change="Deeper networks or harder images, in which the leak may count for more",
    )


def _difference(one: tuple[int, int], other: tuple[int, int]) -> str:
    """Difference of two shares with its interval, in the normal approximation."""
    if not (one[1] and other[1]):
        return "no difference that could be told: no network learnt"
    first, second = one[0] / one[1], other[0] / other[1]
    error = math.sqrt(first * (1 - first) / one[1] + second * (1 - second) / other[1])
    low, high = (100 * (first - second + sign * LEVEL * error) for sign in (-1, 1))
    return f"{100 * (first - second):.0f} points (95 % from {low:.0f} to {high:.0f})"


def _of(counted: tuple[int, int]) -> str:
    return f"{counted[0]} of {counted[1]}"


RULES = {
    "C7": Rule(
        judge=judge,
        tolerance=f"{KEPT:.0%} of the accuracy in time; shares that differ by {EFFECT:.0%}",
        rule="a network keeps its answers if the accuracy with the image held five times as long, "
        "and that on a second image, are within the tolerance. As published: reproduced if most "
        "networks trained in CordsNet's manner do and most in CORnet-RT's do not; partly if most "
        "of both do. Under a fair control, every manner of training crossed with every step: "
        "reproduced if the share is larger by the tolerance with dt/τ = 0.2 than with 1; not "
        "decided where such a difference would be seen with less than 80%",
    ),
}
