"""R2, R3 and R10: gains of another shape, fewer terms, sparse terms. What does the timing need?

The NM-RNN of the timing comparison (100 units, rank 3, five modulator units) and its relatives,
each with one thing changed, learn Measure-Wait-Go with one budget, shorter than in
``timing_comparison``. The peak learning rate of each is chosen on seeds that are not used again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from nmcourse.evidence import (
    ENOUGH,
    Experiment,
    Judgement,
    Results,
    Rule,
    combined,
    expected,
    format_number,
    pairs_power,
)
from nmcourse.experiments.contenders import Contender, by_name, compare, ship_all
from nmcourse.experiments.paper_scale import at_paper_scale
from nmcourse.experiments.timing.before_training import before_training
from nmcourse.experiments.timing.networks import (
    TEST_INTERVALS,
    WEIGHT_DECAY,
    errors_and_intervals,
    n_measuring,
)
from nmcourse.experiments.training_runs import is_lower
from nmcourse.tasks import MEASURES_BELOW, TEST_TIME, MeasureWaitGo
from nmcourse.training import for_tier

COMMAND = "python -m nmcourse.claims run R2 --course-budget"
MAJORITY = 0.8  # of the seeds
AS_WELL = 2.0  # seeds of one network differ by more than this
SETTINGS: dict[str, dict[str, Any]] = {
    "cpu": {
        "n_steps": 2000,
        "n_seeds": 5,
        "rates": [1e-2, 3e-2],
        "tuning_steps": 300,
        "tuning_seeds": [1000, 1001],
    },
    "smoke": {
        "n_steps": 5,
        "n_seeds": 2,
        "rates": [1e-2],
        "tuning_steps": 5,
        "tuning_seeds": [1000],
    },
}
SETTINGS["gpu"] = at_paper_scale("variants", SETTINGS["cpu"])


PAPER = "paper"
_PUBLISHED = {"rank": 3, "n_modulator_units": 5, "gain_shape": "sigmoid", "sparse": False}


def _variant(name: str, label: str, **changed: Any) -> Contender:
    """The NM-RNN of the paper with one thing changed."""
    return Contender(name, "measure_wait_go_nm_rnn", label, _PUBLISHED | changed, "mwg_variant")


VARIANTS = by_name(
    (
        _variant(PAPER, "rank 3, 5 modulator units, sigmoid"),
        _variant("sparse", "3 sparse terms", sparse=True),
        _variant("tanh", "tanh", gain_shape="tanh"),
        _variant("softplus", "softplus", gain_shape="softplus"),
        _variant("rank_1", "rank 1", rank=1),
        _variant("rank_2", "rank 2", rank=2),
        _variant("rank_5", "rank 5", rank=5),
        _variant("modulator_2", "2 modulator units", n_modulator_units=2),
        _variant("modulator_10", "10 modulator units", n_modulator_units=10),
    )
)
#: The other pairs of both sizes: with SIZES they fill the map of rank and modulator. Nothing is
#: judged by them and their weights are not kept.
PAIRS = by_name(
    _variant(
        f"rank_{rank}_modulator_{units}",
        f"rank {rank}, {units} modulator units",
        rank=rank,
        n_modulator_units=units,
    )
    for rank in (1, 2, 5)
    for units in (2, 10)
)
SHAPES = ("tanh", "softplus")
SIZES = ("rank_1", "rank_2", PAPER, "rank_5", "modulator_2", "modulator_10")
SMALLER = ("rank_1", "rank_2", "modulator_2")
UNLIKE = (
    "Gain functions that start with another gain start with another recurrence: a difference "
    "between them may come from the start and not from the shape."
)


def run(tier: str, run_dir: Path) -> dict[str, Any]:
    """Tune and train every variant; resumes where it was killed."""
    settings = for_tier(tier, SETTINGS)
    metrics = compare(
        [*VARIANTS.values(), *PAIRS.values()],
        MeasureWaitGo(),
        measure,
        settings=settings,
        run_dir=run_dir,
        weight_decay=WEIGHT_DECAY,
    )
    if tier != "smoke":
        medians = {"trained_mse_median": "trained"}
        ship_all(VARIANTS.values(), run_dir, metrics, command=COMMAND, medians=medians)
    return {"config": settings | {"weight_decay": WEIGHT_DECAY}, "metrics": metrics}


@torch.no_grad()
def measure(models: Sequence[nn.Module]) -> dict[str, Any]:
    """Errors, produced intervals, and the lowest and highest gain of each network."""
    trials = MeasureWaitGo(TEST_INTERVALS, measure_times=[TEST_TIME]).enumerate()
    gains = [model(trials.inputs).gains for model in models]
    return errors_and_intervals(models) | {
        "lowest_gain": [gain.min().item() for gain in gains],
        "highest_gain": [gain.max().item() for gain in gains],
    }


def does_as_well(results: Results, name: str) -> bool:
    """Did most networks learn to measure, with a median error near that of the paper's network?"""
    errors = {n: results.summary(f"{n}.trained") for n in (name, PAPER)}
    return _learned(results, name) and errors[name].median <= AS_WELL * errors[PAPER].median


def _learned(results: Results, name: str) -> bool:
    return n_measuring(results, name) >= MAJORITY * len(results.value(f"{name}.trained"))


def _lower(results: Results, name: str) -> bool | None:
    """Whether a shape of the gain has the lower error; None if the seeds could not show it."""
    if is_lower(results, f"{name}.trained", f"{PAPER}.trained", share=MAJORITY):
        return True
    return False if _power(results, name) >= ENOUGH else None


def _power(results: Results, name: str) -> float:
    """Probability that the rule of R2 would find an error that is ``AS_WELL`` times smaller."""
    paper, shape = (
        [math.log(error) if error else None for error in results.value(f"{n}.trained")]
        for n in (PAPER, name)
    )
    return pairs_power(paper, shape, effect=math.log(AS_WELL), needed=MAJORITY)


def _unlearned(results: Results) -> str:
    """Why nothing can be compared with the paper's network; empty if it learned."""
    if _learned(results, PAPER):
        return ""
    n = len(results.value(f"{PAPER}.trained"))
    return (
        f"the network that all are compared with ({VARIANTS[PAPER].label}) learned to measure in "
        f"{n_measuring(results, PAPER)} of {n} seeds only, in {results.config['n_steps']:,} steps"
    )


def _would_change(results: Results) -> str:
    return (
        f"The published 70,000 steps in place of {results.config['n_steps']:,}, so that at least "
        f"{MAJORITY:.0%} of the networks of the paper's size learn to measure: their median error "
        f"is {format_number(results.summary(f'{PAPER}.trained').median)} now, and "
        f"{format_number(MEASURES_BELOW)} counts as learned"
    )


def judge_r2(results: Results) -> Judgement:
    """Do signed or unbounded gains reach a lower error?"""
    learned = _learned(results, PAPER)
    lower = {name: _lower(results, name) if learned else None for name in SHAPES}
    status = combined(list(lower.values()))
    power = "; ".join(
        f"{VARIANTS[name].kwargs['gain_shape']} {_power(results, name):.0%}"
        for name, found in lower.items()
        if found is None
    )
    shapes = (PAPER, *SHAPES)
    gain_shape = {n: VARIANTS[n].kwargs["gain_shape"] for n in shapes}
    ranges = "; ".join(
        f"{gain_shape[n]} {format_number(results.summary(f'{n}.lowest_gain').minimum)} to "
        f"{format_number(results.summary(f'{n}.highest_gain').maximum)}"
        for n in shapes
    )
    return Judgement(
        status=status,
        reason=(
            (f"{_unlearned(results)}; " if not learned else "")
            + f"power of the rule at an error {AS_WELL:g} times smaller: {power}"
            if status == "not decided"
            else ""
        ),
        would_change=_would_change(results),
        measured=_errors(results, shapes, gain_shape),
        spread=_spread(results, shapes),
        seeds=results.config["n_seeds"],
        caveats=(
            f"Gains that the trained networks use, over all seeds: {ranges}.",
            "A negative gain turns an exciting loop into an inhibiting one; nothing in the task "
            "says whether neurons could do that.",
            before_training([VARIANTS[n] for n in shapes], results.config["n_seeds"]),
            UNLIKE,
            *_caveats(results),
        ),
    )


def judge_r3(results: Results) -> Judgement:
    """Does a smaller rank or a smaller modulator do as well?"""
    as_well = [name for name in SMALLER if does_as_well(results, name)]
    learned = [name for name in SMALLER if _learned(results, name)]
    status = "reproduced" if as_well else "partly" if learned else "not reproduced"
    status = status if _learned(results, PAPER) else "not decided"
    ranks = {VARIANTS[name].kwargs["rank"]: name for name in SIZES[:4]}
    sufficient = [rank for rank in sorted(ranks) if _learned(results, ranks[rank])]
    return Judgement(
        status=status,
        reason=_unlearned(results),
        would_change=_would_change(results),
        measured=(
            f"smallest rank with which most networks learn to measure: "
            f"{sufficient[0] if sufficient else 'none of ' + ', '.join(map(str, sorted(ranks)))}. "
            f"Does as well as rank 3 with 5 modulator units: "
            f"{', '.join(VARIANTS[n].label for n in as_well) or 'none of the smaller ones'}. "
            + _errors(results, SIZES, {n: VARIANTS[n].label for n in SIZES})
        ),
        spread=_spread(results, SIZES),
        seeds=results.config["n_seeds"],
        caveats=(
            "Only one size is changed at a time, around rank 3 and 5 modulator units, with 100 "
            "units throughout.",
            before_training([VARIANTS[n] for n in SIZES], results.config["n_seeds"]),
            *_caveats(results),
        ),
    )


def judge_r10(results: Results) -> Judgement:
    """Do gains on sparse terms do as well as gains on rank-one terms?"""
    found = "not reproduced"
    if not _learned(results, PAPER):
        found = "not decided"
    elif does_as_well(results, "sparse"):
        found = "reproduced"
    elif _learned(results, "sparse"):
        found = "partly"
    names = (PAPER, "sparse")
    return Judgement(
        status="not decided" if found == "not decided" else "measured",
        reason=_unlearned(results),
        would_change=_would_change(results),
        measured=f"{expected(found)}. "
        + _errors(results, names, {PAPER: "3 rank-one terms", "sparse": "3 sparse terms"}),
        spread=_spread(results, names),
        seeds=results.config["n_seeds"],
        caveats=(
            f"Both have {results.value('sparse.n_parameters'):,} parameters: in each sparse term "
            "every unit listens to two others, drawn at random.",
            "A sparse network needs K N sums a step where a low-rank one needs K: equal "
            "parameters are not equal time.",
            before_training([VARIANTS[n] for n in names], results.config["n_seeds"]),
            *_caveats(results),
        ),
    )


def _errors(results: Results, names: Sequence[str], labels: dict[str, str]) -> str:
    return "median error on trained / untrained intervals, networks that learned: " + "; ".join(
        f"{labels[n]} {format_number(results.summary(f'{n}.trained').median)} / "
        f"{format_number(results.summary(f'{n}.extrapolated').median)}, "
        f"{n_measuring(results, n)} of {len(results.value(f'{n}.trained'))}"
        for n in names
    )


def _spread(results: Results, names: Sequence[str]) -> str:
    return "trained: " + "; ".join(
        f"{VARIANTS[n].label} {results.summary(f'{n}.trained')}" for n in names
    )


def _caveats(results: Results) -> tuple[str, ...]:
    return (
        f"{results.config['n_steps']:,} one-cycle steps; a longer training may change the order. "
        f"The peak learning rate was chosen from "
        f"{', '.join(format_number(rate) for rate in results.config['rates'])}.",
    )


_LEARNED = (
    f"A network has learned to measure if its error on trained intervals is below "
    f"{format_number(MEASURES_BELOW)}, near half that of the best single ramp"
)
_WELL = f"{MAJORITY:.0%} of the seeds learn; median error at most {AS_WELL:g} times the paper's"

EXPERIMENTS = (
    Experiment(
        name="variants",
        run=run,
        ships=tuple(network.weights for network in VARIANTS.values()),
        rules={
            "R2": Rule(
                judge=judge_r2,
                tolerance=f"lower median, and lower in {MAJORITY:.0%} of the seeds",
                rule="by the error on trained intervals, seed by seed against the sigmoid: "
                "reproduced if both tanh and softplus are lower, partly if one is, else not "
                "reproduced. Not decided if the network with the sigmoid has not learned to "
                f"measure in {MAJORITY:.0%} of the seeds; and one that is not lower stays open if "
                f"the rule would miss an error {AS_WELL:g} times smaller in more than "
                f"{1 - ENOUGH:.0%} of the experiments",
            ),
            "R3": Rule(
                judge=judge_r3,
                tolerance=_WELL,
                rule=f"{_LEARNED}. Reproduced if rank 1, rank 2 or a modulator of 2 units does as "
                "well; partly if one of them learns but with a larger error; else not "
                "reproduced. Not decided if the paper's size has not learned",
            ),
            "R10": Rule(
                judge=judge_r10,
                tolerance=_WELL,
                rule=f"{_LEARNED}. The sentence holds if the sparse network does as well; in part "
                "if it learns but with a larger error; else it does not. Not decided if the "
                "network with rank-one terms has not learned",
            ),
        },
    ),
)
