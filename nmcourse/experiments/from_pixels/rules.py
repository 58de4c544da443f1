"""C13: what the results of ``from_pixels`` say. Written before they were measured."""

from __future__ import annotations

import math

from nmcourse.evidence import (
    Judgement,
    Results,
    Rule,
    combined,
    most,
)

TASKS = ("numerosity", "morphs", "spot", "dots")
SOLVED = {"numerosity": 0.8, "morphs": 0.8, "spot": 0.8, "dots": 0.8}  # share of trials right
NEEDED = 0.8  # of the networks of a kind
STRICTER = 0.85  # share of trials right, for a caveat alone
FROZEN = ("digits", "random")
TRAINED_DELAYS = 3  # of those that are asked; the others are longer than any in training
OURS, WITHOUT = "cordsnet", "none"
OTHERS = ("discrete", "digits", "random", "none")


def solves(results: Results, task: str, kind: str) -> bool | None:
    """Do most networks of a kind solve a task? None where these networks cannot tell."""
    return most([score >= SOLVED[task] for score in results.value(f"{task}.{kind}.score")])


def needs_an_eye(results: Results, task: str) -> bool | None:
    """Do networks with the CordsNet solve a task that those without an eye do not?"""
    ours, without = (solves(results, task, kind) for kind in (OURS, WITHOUT))
    if ours is None or (ours and without is None):
        return None
    return ours and not without


def judge(results: Results) -> Judgement:
    """Are the four tasks solved, and does it take the CordsNet?"""
    status = combined([solves(results, task, OURS) for task in TASKS])
    fair = combined([needs_an_eye(results, task) for task in TASKS])
    undecided = "not decided" in (status, fair)
    n = results.config["n_seeds"]
    return Judgement(
        status=status,
        fair_status=fair,
        reason="in at least one task so many networks solve it that it is open whether most do"
        if undecided
        else "",
        measured="networks that solve a task: "
        + "; ".join(
            f"{task} "
            + ", ".join(f"{kind} {_n_solved(results, task, kind)}" for kind in (OURS, *OTHERS))
            for task in TASKS
        )
        + f", of {n} each",
        spread="share of trials right: "
        + "; ".join(
            f"{task} CordsNet {results.summary(f'{task}.{OURS}.score')}, no eye "
            f"{results.summary(f'{task}.{WITHOUT}.score')}"
            for task in TASKS
        ),
        seeds=n,
        would_change="Films of real objects: there an eye that knows objects may be needed",
        caveats=(
            f"Pictures of {results.config['size']} pixels, drawn by us: what the pictures of the "
            "paper looked like is not published.",
            "Two areas and 64 units; the paper has eight areas and does not say how many units.",
            f"{results.config['n_steps']} training steps; a network of another kind may need more. "
            f"The best learning rate was the largest one tried for {_at_edge(results)} of "
            f"{len(TASKS) * (1 + len(OTHERS))} kinds and tasks.",
            "A trial of the memory task is right only if fixation is held at every step before "
            f"go; {_wrong_in_all(results)} networks with frozen eyes score 0 although their median "
            f"error is below {_worst_error(results):.0f} degrees at trained delays, so they must "
            "fail that.",
            "None of the five kinds is a CNN without recurrence, which the authors had in mind: "
            "the discrete eye keeps its recurrent convolutions.",
            "It is not published whether the front end of the paper was trained on the tasks or on "
            "images; with an eye trained on images and frozen (kind digits) "
            + "/".join(str(_n_solved(results, task, "digits")) for task in TASKS)
            + f" of {n} networks solve {', '.join(TASKS)}.",
            f"The bar of {SOLVED['numerosity']:.0%} decides the fair verdict; at {STRICTER:.0%} "
            "networks without an eye solve "
            + " and ".join(
                f"{task} in {_n_above(results, task, WITHOUT, STRICTER)} of {n}"
                for task in ("numerosity", "dots")
            )
            + ".",
            "The fair control tests a need that the authors do not claim.",
            "For numbers the grid helps: its fields are the cells in which dots are drawn, one at "
            "most in each.",
        ),
    )


def _n_solved(results: Results, task: str, kind: str) -> int:
    return _n_above(results, task, kind, SOLVED[task])


def _n_above(results: Results, task: str, kind: str, bar: float) -> int:
    """Networks of a kind that are right in at least this share of trials."""
    return sum(score >= bar for score in results.value(f"{task}.{kind}.score"))


def _wrong_in_all(results: Results) -> int:
    """Networks with frozen eyes that are right in no trial of the memory task."""
    return sum(score == 0 for kind in FROZEN for score in results.value(f"spot.{kind}.score"))


def _at_edge(results: Results) -> int:
    """Kinds and tasks whose best learning rate was the largest that was tried."""
    largest = max(results.config["rates"])
    return sum(
        results.value(f"{task}.{kind}.learning_rate") == largest
        for task in TASKS
        for kind in (OURS, *OTHERS)
    )


def _worst_error(results: Results) -> float:
    """Upper bound in whole degrees of the error of any network at a trained delay."""
    rows = (row for kind in (OURS, *OTHERS) for row in results.value(f"spot.{kind}.error_by_delay"))
    return math.ceil(max(max(row[:TRAINED_DELAYS]) for row in rows))


RULES = {
    "C13": Rule(
        judge=judge,
        tolerance=f"{NEEDED:.0%} of the networks",
        rule="a network solves a task if it answers at least 80% of new trials rightly (chance: "
        "20% for the number, 50% for a choice, 10% for the angle). As published: reproduced if at "
        "least 80% of the networks with a CordsNet solve each of the four tasks, partly if so in "
        "some. Fair control: the same for tasks that networks of as many parameters without an "
        "eye do not solve. A statement stays open where nine networks in ten would bring so few "
        "in more than 20% of the experiments",
    )
}
