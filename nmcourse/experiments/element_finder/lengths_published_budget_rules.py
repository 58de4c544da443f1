"""Rules of N15, R4 and R11 at the budget of the paper, written before the run."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

import scipy.stats

from nmcourse.evidence import (
    ENOUGH,
    Judgement,
    Results,
    Rule,
    as_one,
    combined,
    every,
    expected,
    fisher_power,
    format_number,
    rank_sum_power,
    summarise,
)
from nmcourse.experiments.element_finder.networks import LENGTH, RELEASED
from nmcourse.experiments.element_finder.published_budget_rules import MATTERS, below, solving
from nmcourse.experiments.element_finder.rules import CLOSED, HALF_CLOSED
from nmcourse.experiments.timing.published_budget_rules import lower

LENGTHS, LONGEST, SHORT = (10, 15, 20, LENGTH, 30), 30, 15
CONSTANT = {"constant": RELEASED.name, "lstm_constant": "lstm"}  # lists of 25, key -> network
LEVEL, MOST = 0.05, 0.9


def after(results: Results, name: str, steps: int) -> list[float]:
    """Error of each network after so many steps: the mean loss of the batches before."""
    curve = results.value(f"{name}.curve")
    place = max(k for k, step in enumerate(curve["steps"]) if step <= max(steps, curve["steps"][0]))
    n = results.config["n_seeds"]
    return [math.inf if row[place] is None else row[place] for row in curve["mean"][:n]]


def path_of_length(length: int) -> str:
    """Key of the results on lists of a length, at a constant rate."""
    return "constant" if length == LENGTH else f"length_{length}"


def at_fixed_budget(results: Results, length: int) -> list[float]:
    """Errors on lists of a length after the published number of steps."""
    return after(results, path_of_length(length), results.config["n_steps"])


def grows(results: Results) -> bool | None:
    """Whether the error grows with the length; None where the seeds could not have told."""
    found = [at_fixed_budget(results, length) for length in LENGTHS]
    lengths = [length for length, errors in zip(LENGTHS, found, strict=True) for _ in errors]
    pooled = [error for errors in found for error in errors]
    if scipy.stats.kendalltau(lengths, pooled, alternative="greater").pvalue < LEVEL:
        return True
    if scipy.stats.kendalltau(lengths, pooled, alternative="less").pvalue < LEVEL:
        return False
    twice = [MATTERS * error for error in found[0]]
    return False if rank_sum_power(found[0], twice) >= ENOUGH else None


def _by_length(results: Results) -> str:
    return ", ".join(
        f"{length}: {format_number(statistics.median(at_fixed_budget(results, length)))} "
        f"({solving(at_fixed_budget(results, length), 'fifth')} solve it)"
        for length in LENGTHS
    )


def judge_n15(results: Results) -> Judgement:
    """Does the error at a fixed budget grow with the length?"""
    status = as_one(grows(results))
    return Judgement(
        status=status,
        reason="the seeds vary too much to tell an error twice as large"
        if status == "not decided"
        else "",
        measured=f"median error after {results.config['n_steps']:,} steps at lengths "
        f"{_by_length(results)}",
        spread="on the test set at the end: "
        + "; ".join(
            f"length {length} {summarise(_errors(results, path_of_length(length)))}"
            for length in LENGTHS
        ),
        seeds=results.config["n_seeds"],
        would_change="Another size of network: the authors expect larger ones to do better",
        caveats=(
            f"The released recurrence at a constant rate of {results.config['rate']:g}, one size "
            "of network. Chance is the same for all lengths.",
        ),
    )


def judge_r11(results: Results) -> Judgement:
    """How much of the error that length adds does a longer training take away?"""
    steps, times = results.config["n_steps"], results.config["times"]
    short, fixed = (at_fixed_budget(results, length) for length in (SHORT, LONGEST))
    longer = after(results, path_of_length(LONGEST), times * steps)
    medians = [statistics.median(errors) for errors in (short, fixed, longer)]
    gap = medians[1] - medians[0]
    share = (medians[1] - medians[2]) / gap if gap > 0 else 0.0
    status, why = "not reproduced", ""
    if lower(short, fixed) != 1:
        status, why = "not decided", "the seeds show no error that length adds"
    elif lower(longer, fixed) == 1:
        status = "reproduced" if share >= CLOSED else "partly" if share >= HALF_CLOSED else status
    elif rank_sum_power(short, fixed) < ENOUGH:
        status, why = "not decided", "the seeds would miss a gap that is closed"
    return Judgement(
        status=status,
        reason=why,
        measured=f"lists of {LONGEST}: median error {format_number(medians[1])} after {steps:,} "
        f"steps, {format_number(medians[2])} after {times * steps:,}; lists of {SHORT}: "
        f"{format_number(medians[0])}. Made up: {share:.0%}",
        spread=f"networks that solve lists of {LONGEST} at a fifth of chance: "
        f"{solving(fixed, 'fifth')} after {steps:,} steps, {solving(longer, 'fifth')} after "
        f"{times * steps:,}, of {len(fixed)}",
        seeds=results.config["n_seeds"],
        would_change=f"Still longer training: {CLOSED:.0%} counts as reproduced",
        caveats=("The same networks, read twice in one training at a constant rate.",),
    )


def more_solve(ours: Sequence[float], base: Sequence[float]) -> bool | None:
    """Whether more networks solve the task than with a constant rate; None if it could not show."""
    n, k, before = len(base), solving(ours, "fifth"), solving(base, "fifth")
    table = [[k, len(ours) - k], [before, n - before]]
    if k > before and scipy.stats.fisher_exact(table).pvalue < LEVEL:
        return True
    if before / n < MOST and fisher_power(len(ours), n, MOST, before / n) >= ENOUGH:
        return False
    return None


def r4_holds(results: Results) -> dict[str, bool | None]:
    """The two statements of R4."""
    calmer, more = [], []
    for key, name in CONSTANT.items():
        n = results.config["n_seeds"]
        base = results.value(f"{key}.curve.spikes")[:n]
        for variant in (f"{name}_schedule", f"{name}_scaled"):
            sign = lower(results.value(f"{variant}.curve.spikes")[:n], base)
            calmer.append({1: True, -1: False, 0: None}[sign])
            more.append(more_solve(results.value(f"{variant}.error"), _errors(results, key)))
    some = True if True in more else None if None in more else False
    return {"the curves are calmer": every(calmer), "more networks converge": some}


def _errors(results: Results, name: str) -> list[float]:
    found = results.value(f"{name}.error")[: results.config["n_seeds"]]
    return [math.inf if error is None else error for error in found]


def judge_r4(results: Results) -> Judgement:
    """Do a schedule and normalised inputs calm the curves, and do more networks converge?"""
    holds = r4_holds(results)
    found = combined(list(holds.values()))
    words = {True: "yes", False: "no", None: "open"}
    names = [
        (variant, f"{label}{text}")
        for key, name in CONSTANT.items()
        for label in ["LSTM" if name == "lstm" else "NM-RNN"]
        for variant, text in (
            (key, ", constant rate"),
            (f"{name}_schedule", ", schedule"),
            (f"{name}_scaled", ", schedule and normalised inputs"),
        )
    ]
    return Judgement(
        status="not decided" if found == "not decided" else "measured",
        reason="the seeds leave open whether "
        + " and whether ".join(text for text, true in holds.items() if true is None)
        if found == "not decided"
        else "",
        measured=f"{expected(found)}. "
        + "; ".join(f"{text}: {words[true]}" for text, true in holds.items())
        + ". Networks that solve the task, and largest over median batch loss at the end: "
        + "; ".join(
            f"{label} {solving(_errors(results, name), 'fifth')}, "
            f"{format_number(results.summary(f'{name}.curve.spikes').median)}"
            for name, label in names
        ),
        spread="; ".join(f"{label} {summarise(_errors(results, name))}" for name, label in names),
        seeds=results.config["n_seeds"],
        would_change="More seeds, where a statement is open",
        caveats=(
            f"Lists of {LENGTH}. Constant rate: Adam at {results.config['rate']:g} without "
            f"clipping, as published. Schedule: one cycle with a peak of "
            f"{results.config['peak_rate']:g}, gradient norm clipped at 1.",
            "The last fifth of the training counts for the batch losses.",
        ),
    )


RULES = {
    "N15": Rule(
        judge=judge_n15,
        tolerance=f"p < {LEVEL:g} in a one-sided test of Kendall's rank correlation",
        rule="reproduced if the error after the published 20,000 steps is correlated in rank with "
        f"the length over all networks on lists of {', '.join(map(str, LENGTHS))}; else not "
        f"reproduced. Not decided if it is not, where an error {MATTERS:g} times larger would be "
        f"missed in more than {1 - ENOUGH:.0%} of the experiments",
    ),
    "R4": Rule(
        judge=judge_r4,
        tolerance=f"a network converges below {below('fifth'):.3g}, a fifth of chance; rank-sum "
        f"and Fisher's tests with p < {LEVEL:g}",
        rule="two statements: for NM-RNN and LSTM, with the schedule and with both, the largest "
        "late batch loss over their median is lower; in at least one of the four comparisons more "
        "networks converge. The sentence holds if both do, in part if one does. A comparison in "
        f"which as many converge is open if {MOST:.0%} would have been missed in more than "
        f"{1 - ENOUGH:.0%} of the experiments",
    ),
    "R11": Rule(
        judge=judge_r11,
        tolerance=f"reproduced from {CLOSED:.0%} of the difference, partly from {HALF_CLOSED:.0%}",
        rule=f"share of the difference of the medians on lists of {LONGEST} and of {SHORT} after "
        "20,000 steps that 20,000 more take away on the longer lists; not reproduced if they do "
        "not lower the error (one-sided rank-sum test, p < 0.05). Not decided if length adds no "
        "error by that test, or where a closed gap would be missed in more than "
        f"{1 - ENOUGH:.0%} of the experiments",
    ),
}
